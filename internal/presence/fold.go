package presence

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// foldLocal returns the form under which servers compare a local part, its escapes
// left as they are: nodeprep's (RFC 6122 appendix A), which is also a form that
// PRECIS servers know (RFC 7622). Its bidirectional and prohibited characters are
// not judged: who uses nodeprep lets none through.
//
// false means that servers do not agree on which account is meant, and one of two
// might be taken for the other. That are
//
//   - characters younger than nodeprep that fold or join: "🄰lice" is alice to us and
//     an account of its own to a server with nodeprep;
//   - sequences that fold to different accounts before and after normalisation.
func foldLocal(s string) (string, bool) {
	if ascii(s) {
		return strings.ToLower(s), true
	}
	f := folder{cases.Fold()}
	s = strings.Map(unseen, s)
	for _, r := range s {
		if f.young(r) {
			return "", false
		}
	}
	once := f.prepare(s)
	if once == "" || len(once) > maxPart {
		return "", false
	}
	return once, f.prepare(norm.NFKC.String(s)) == once && f.prepare(once) == once
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unseen leaves out what nodeprep and nameprep map to nothing (RFC 3454 table B.1).
func unseen(r rune) rune {
	switch {
	case r == 0x00AD, r == 0x034F, r == 0x1806, r >= 0x180B && r <= 0x180D, r >= 0x200B && r <= 0x200D,
		r == 0x2060, r >= 0xFE00 && r <= 0xFE0F, r == 0xFEFF:
		return -1
	}
	return r
}

// folder holds the case folding of today's Unicode, full and without a language.
type folder struct{ caser cases.Caser }

// young reports whether a character is not in Unicode 3.2 and yet the same as
// another, or joined with the one before it, in today's.
func (f folder) young(r rune) bool {
	if r < utf8.RuneSelf || unicode.Is(changed32, r) {
		return false
	}
	var buf [utf8.UTFMax]byte
	b := utf8.AppendRune(buf[:0], r)
	if !norm.NFKC.IsNormal(b) || !norm.NFKC.Properties(b).BoundaryBefore() {
		return true
	}
	other := unicode.SimpleFold(r)
	return other != r && (unicode.Is(loners32, other) || f.caser.String(string(r)) != string(r))
}

// prepare does what nodeprep does after its deletions: table B.2, then NFKC.
func (f folder) prepare(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case 'A' <= r && r <= 'Z':
			b.WriteRune(r + 'a' - 'A')
		case unicode.Is(changed32, r) && !unicode.Is(loners32, r):
			b.WriteString(f.fold(r))
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFKC.String(b.String())
}

// fold is table B.2: case folding, once more where NFKC brings another capital to
// light.
func (f folder) fold(r rune) string {
	once := f.caser.String(string(r))
	wide := norm.NFKC.String(once)
	if again := norm.NFKC.String(f.caser.String(wide)); again != wide {
		return again
	}
	return once
}

// Profiles that map before they encode, as browsers do: case, width and the
// ideographic full stops all meet in one form. Those of IDNA 2003, which XMPP servers
// with nameprep use, and of IDNA 2008 differ in four characters.
var (
	idnaProfile = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))
	idna2003    = idna.New(idna.MapForLookup(), idna.Transitional(true), idna.StrictDomainName(false))
)

// foldDomain returns the IDNA form of a domain, or the folded text of what has none.
// false as for foldLocal; a domain with ß, ς or a joiner is two domains, and only its
// xn-- form says which.
func foldDomain(s string) (string, bool) {
	if !ascii(s) {
		if strings.ContainsAny(s, "\u200c\u200d") {
			return "", false
		}
		f := folder{cases.Fold()}
		for _, r := range s {
			if f.young(r) {
				return "", false
			}
		}
		old, oldErr := idna2003.ToASCII(s)
		now, err := idnaProfile.ToASCII(s)
		if oldErr == nil && err == nil && old != now {
			return "", false
		}
		s = strings.Map(unseen, s)
	}
	d, err := idnaProfile.ToASCII(s)
	if err != nil || d == "" {
		var ok bool
		if d, ok = foldLocal(s); !ok {
			return "", false
		}
	}
	d = strings.TrimSuffix(d, ".")
	return d, d != "" && !strings.HasSuffix(d, ".") && !strings.ContainsAny(d, "@/")
}
