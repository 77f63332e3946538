package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"presenced/internal/presence"
)

// Scope is one thing a token may be used for.
type Scope string

// The scopes there are.
const (
	Read   Scope = "read"   // presence, streams
	Claims Scope = "claims" // app claims of the principal (S5.2)
)

// Bounds of what a token may be. A token for ever is never taken back.
const (
	MinLife    = time.Minute
	MaxLife    = 3660 * 24 * time.Hour
	maxOrigins = 32
	maxOrigin  = 255
)

// ErrInvalid is wrapped by the errors about a Request that cannot be met.
var ErrInvalid = errors.New("cannot make this token")

// Token is one bearer token without its secret.
type Token struct {
	ID      string    `json:"id"`
	As      string    `json:"as"` // the principal's bare JID as spelled
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Origins []string  `json:"origins"` // of web pages; none: not from a page
}

// Allows reports whether the token has the scope.
func (t *Token) Allows(s Scope) bool { return slices.Contains(t.Scopes, s) }

// From reports whether a page of the origin, in the form a browser sends, may
// use the token.
func (t *Token) From(origin string) bool { return slices.Contains(t.Origins, origin) }

// Request is what somebody wants a token to be.
type Request struct {
	As      string        `json:"as"`
	Scopes  []Scope       `json:"scopes"`
	Life    time.Duration `json:"life_ns"` // MinLife..MaxLife
	Origins []string      `json:"origins"`
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// check turns a request into a token without an id.
func (r Request) check(domain presence.Addr, now time.Time) (Token, presence.Addr, error) {
	j, err := presence.ParseJID(r.As)
	switch {
	case err != nil:
		return Token{}, j.Addr, invalid("as: %v; write the JID it stands for, such as bot@example.org", err)
	case j.Addr.Domain() == domain.Domain():
		return Token{}, j.Addr, invalid("as: %s is an address of the component, which never watches anybody; name a user or a bot", j.Bare)
	case r.Life < MinLife || r.Life > MaxLife:
		return Token{}, j.Addr, invalid("expires: a token lives from a minute to ten years; 90d is usual")
	case len(r.Origins) > maxOrigins:
		return Token{}, j.Addr, invalid("origins: more than %d; make another token", maxOrigins)
	}
	t := Token{As: j.Bare, Created: now.UTC().Truncate(time.Second), Expires: now.UTC().Add(r.Life).Truncate(time.Second), Origins: []string{}}
	for _, s := range r.Scopes {
		if s != Read && s != Claims {
			return t, j.Addr, invalid("scope: %q is not known; there are read and claims", s)
		}
		if !slices.Contains(t.Scopes, s) {
			t.Scopes = append(t.Scopes, s)
		}
	}
	if len(t.Scopes) == 0 {
		return t, j.Addr, invalid("scope: name at least one of read and claims")
	}
	for _, s := range r.Origins {
		o, err := origin(s)
		if err != nil {
			return t, j.Addr, err
		}
		if !slices.Contains(t.Origins, o) {
			t.Origins = append(t.Origins, o)
		}
	}
	return t, j.Addr, nil
}

// origin brings a web origin into the form browsers send (RFC 6454 §6.2).
func origin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxOrigin || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" ||
		u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", invalid("origin: %q; write it like https://intranet.example.org, without a path", s)
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host, nil
}

// The text of a token: a prefix that scanners for leaked secrets can know, its
// id, and 256 random bits.
const (
	prefix    = "presenced_"
	idLen     = 16
	secretLen = 43
)

type digest [sha256.Size]byte

// mint makes an id and a secret, and returns the text of the token.
func mint() (id, text string, d digest) {
	var raw [idLen/2 + 32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	id = hex.EncodeToString(raw[:idLen/2])
	secret := base64.RawURLEncoding.EncodeToString(raw[idLen/2:])
	return id, prefix + id + "_" + secret, sha256.Sum256([]byte(secret))
}

// split cuts the text of a token; ok is false for what cannot be one.
func split(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) != idLen+1+secretLen || rest[idLen] != '_' {
		return "", "", false
	}
	return rest[:idLen], rest[idLen+1:], true
}

func (d *digest) is(secret string) bool {
	got := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(d[:], got[:]) == 1
}
