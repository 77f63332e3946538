package config

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// hidden stands wherever a secret would be written.
const hidden = "***"

// Secret is a text that prints as *** with every fmt verb, in JSON, TOML and
// slog. Only Reveal gives it away. The zero value is "not set" and prints as
// nothing.
//
// The text sits behind a pointer because fmt does not call methods on
// unexported fields: a Secret deep inside another package's struct prints an
// address at worst.
type Secret struct {
	text *string
}

// NewSecret wraps text; an empty text is the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether no secret is set.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal reports whether both hold the same text.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns *** or, where nothing is set, the empty text.
func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return hidden
}

// Format writes String whatever the verb, so that %#v, %x and %q hide too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns String for JSON and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns String for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// SecretURL is a URL that may hold a password, a token or a private path.
// It prints its scheme and host, and *** for the rest that could be secret.
type SecretURL struct {
	secret Secret
}

// NewSecretURL wraps a URL or file path; an empty text is the zero SecretURL.
func NewSecretURL(text string) SecretURL { return SecretURL{secret: NewSecret(text)} }

// Reveal returns the URL as it was written.
func (u SecretURL) Reveal() string { return u.secret.Reveal() }

// IsZero reports whether no URL is set.
func (u SecretURL) IsZero() bool { return u.secret.IsZero() }

// Equal reports whether both hold the same URL.
func (u SecretURL) Equal(other SecretURL) bool { return u.secret.Equal(other.secret) }

// String returns the URL without user information, query and fragment, and,
// for http and https, without the path: private calendar addresses carry their
// key there. What cannot be read as a URL prints as ***.
//
// It cuts the text itself: url.Parse refuses the host lists of Redis Sentinel.
func (u SecretURL) String() string {
	text := u.Reveal()
	if text == "" || strings.HasPrefix(text, "/") {
		return text
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return hidden
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, tail := rest[:end], rest[end:]
	if strings.Contains(tail, "@") { // a password with an unescaped / or #
		return scheme + "://" + hidden
	}
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = hidden + host[at:]
	}
	web := scheme == "http" || scheme == "https"
	switch cut := strings.IndexAny(tail, "?#"); {
	case web && len(tail) > 1:
		tail = tail[:1] + hidden
	case cut >= 0:
		tail = tail[:cut+1] + hidden
	}
	return scheme + "://" + host + tail
}

// Format writes String whatever the verb.
func (u SecretURL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText returns String for JSON and TOML.
func (u SecretURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// LogValue returns String for slog.
func (u SecretURL) LogValue() slog.Value { return slog.StringValue(u.String()) }
