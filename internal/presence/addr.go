package presence

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPart is the longest local part, domain or resource in bytes (RFC 7622 §3).
const maxPart = 1023

// ErrAddress is wrapped by every error about an address that cannot be used.
var ErrAddress = errors.New("not a JID")

// Addr identifies one account for comparison (SEMANTICS S2.7): NFKC and case
// folding of the local part as nodeprep has them (RFC 6122), unescaped, and the
// IDNA form of the domain. Two
// spellings of one account give equal values, so an Addr is a map key. The zero
// value is no address. What is sent to somebody uses the spelling the server
// gave, kept beside the Addr; String is for accounts nobody has spelled.
type Addr struct{ key string }

// JID is one address as it was received: the comparison key, the bare spelling
// and the resource, which is compared byte for byte.
type JID struct {
	Addr     Addr
	Bare     string // as sent, without the resource
	Resource string // empty for a bare JID
}

// ParseAddr returns the comparison key of a bare or full JID; a resource is
// dropped. The error wraps ErrAddress.
func ParseAddr(s string) (Addr, error) {
	j, err := ParseJID(s)
	return j.Addr, err
}

// MustAddr is ParseAddr for constants and tests; it panics on a bad address.
func MustAddr(s string) Addr {
	a, err := ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

// ParseJID splits and normalises s. It is lenient as S2.7 asks: what a server
// let through is accepted as sent. Only empty, over-long or unsplittable addresses
// and invalid UTF-8 are refused, and what is one account to one server and another
// to the next, for it might be taken for somebody else. The error wraps ErrAddress.
func ParseJID(s string) (JID, error) {
	bare, resource, hasResource := strings.Cut(s, "/")
	local, domain := "", bare
	if before, after, found := strings.Cut(bare, "@"); found {
		local, domain = before, after
		if local == "" {
			return JID{}, fmt.Errorf("%w: %q has nothing before the @", ErrAddress, s)
		}
	}
	switch {
	case domain == "" || domain == ".":
		return JID{}, fmt.Errorf("%w: %q has no domain", ErrAddress, s)
	case strings.IndexByte(domain, '@') >= 0:
		return JID{}, fmt.Errorf("%w: %q has more than one @; write an @ inside a name as \\40", ErrAddress, s)
	case hasResource && resource == "":
		return JID{}, fmt.Errorf("%w: %q ends in an empty resource", ErrAddress, s)
	case len(local) > maxPart || len(domain) > maxPart || len(resource) > maxPart:
		return JID{}, fmt.Errorf("%w: a part is longer than %d bytes", ErrAddress, maxPart)
	case !utf8.ValidString(s):
		return JID{}, fmt.Errorf("%w: not valid UTF-8", ErrAddress)
	}
	if plain(local) && plainDomain(domain) {
		return JID{Addr: Addr{bare}, Bare: bare, Resource: resource}, nil
	}
	a, err := fold(local, domain)
	if err != nil {
		return JID{}, err
	}
	return JID{Addr: a, Bare: bare, Resource: resource}, nil
}

// plain reports whether a local part is its own comparison key.
func plain(local string) bool {
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c >= utf8.RuneSelf || c == '\\' || ('A' <= c && c <= 'Z') {
			return false
		}
	}
	return true
}

// plainDomain reports whether a domain is its own IDNA form beyond doubt.
func plainDomain(domain string) bool {
	for i := 0; i < len(domain); i++ {
		c := domain[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' && i+1 < len(domain)) {
			return false
		}
		// Punycode may decode to something that folds further.
		if c == '-' && strings.HasPrefix(domain[i:], "--") {
			return false
		}
	}
	return true
}

// fold makes the comparison key.
func fold(local, domain string) (Addr, error) {
	d, ok := foldDomain(domain)
	if !ok {
		return Addr{}, fmt.Errorf("%w: servers do not agree on which domain %q is; write its xn-- form", ErrAddress, domain)
	}
	if local == "" {
		return Addr{d}, nil
	}
	l, ok := foldLocal(local)
	if !ok || strings.ContainsAny(l, "@/") {
		return Addr{}, fmt.Errorf("%w: servers do not agree on whose account %q is; write it in plain letters", ErrAddress, local)
	}
	key := Unescape(l)
	if !strings.Contains(l, `\5c`) || Escape(key) == escapeBare(l) {
		return Addr{key + "@" + d}, nil
	}
	return Addr{}, fmt.Errorf("%w: in %q a backslash is escaped that need not be; write \\5c only before what would read as an escape", ErrAddress, local)
}

// IsZero reports whether a is no address.
func (a Addr) IsZero() bool { return a.key == "" }

// Local returns the unescaped, folded local part; empty for a domain.
func (a Addr) Local() string {
	if at := strings.LastIndexByte(a.key, '@'); at >= 0 {
		return a.key[:at]
	}
	return ""
}

// Domain returns the IDNA form of the domain.
func (a Addr) Domain() string { return a.key[strings.LastIndexByte(a.key, '@')+1:] }

// Key returns the comparison key, for storage and hashing. It is not a JID:
// send String or the received spelling instead.
func (a Addr) Key() string { return a.key }

// String returns a JID that parses to a: the local part escaped (XEP-0106).
func (a Addr) String() string {
	at := strings.LastIndexByte(a.key, '@')
	if at < 0 {
		return a.key
	}
	return Escape(a.key[:at]) + a.key[at:]
}

// Compare orders addresses by key: negative, zero or positive.
func (a Addr) Compare(b Addr) int { return strings.Compare(a.key, b.key) }

// Full returns the address as it was sent, with its resource.
func (j JID) Full() string {
	if j.Resource == "" {
		return j.Bare
	}
	return j.Bare + "/" + j.Resource
}

// AddrFromKey turns what Key returned back into an Addr.
func AddrFromKey(key string) (Addr, error) {
	if key == "" || !utf8.ValidString(key) {
		return Addr{}, fmt.Errorf("%w: %q is no stored key", ErrAddress, key)
	}
	return Addr{key}, nil
}
