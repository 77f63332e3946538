package stream

import (
	"strings"
	"unicode/utf8"
)

// escapes says of each byte of ASCII what it becomes.
type escapes struct {
	plain [256]bool   // bytes that are copied as they are
	as    [128]string // what the others of ASCII become
}

// Carriage return is written as a reference everywhere, because a reader would turn
// it into a newline. In attributes it may also turn newline and tab into blanks.
var (
	textEscapes = escaping("\n\t", nil)
	attrEscapes = escaping("", map[byte]string{'\n': "&#10;", '\t': "&#9;"})
)

// escaping returns the escapes of everything XML needs, and of more; controls but
// the allowed ones cannot be written.
func escaping(allowed string, more map[byte]string) *escapes {
	e := &escapes{as: [128]string{
		'&': "&amp;", '<': "&lt;", '>': "&gt;", '\'': "&apos;", '"': "&quot;", '\r': "&#13;",
	}}
	for c, esc := range more {
		e.as[c] = esc
	}
	for c := range e.as {
		b := byte(c)
		if b < 0x20 && e.as[b] == "" && strings.IndexByte(allowed, b) < 0 {
			e.as[b] = replacement
		}
		e.plain[b] = e.as[b] == ""
	}
	return e
}

// AppendText appends s as XML character data and returns the longer slice.
// All of & < > ' " are escaped, hence "]]>" too. Each byte that is not UTF-8
// and each character that XML 1.0 forbids becomes U+FFFD; everything else is
// read back as it was. It allocates only to grow dst.
func AppendText[S ~string | ~[]byte](dst []byte, s S) []byte {
	return appendEscaped(dst, s, textEscapes)
}

// AppendAttr appends s as the inside of an attribute value, for either kind of
// quote. It differs from AppendText in writing newline and tab as references.
func AppendAttr[S ~string | ~[]byte](dst []byte, s S) []byte {
	return appendEscaped(dst, s, attrEscapes)
}

// AppendIQ appends the start tag of an IQ.
func AppendIQ(dst []byte, typ, id, from, to string) []byte {
	dst = append(dst, "<iq type='"...)
	dst = append(dst, typ...)
	dst = append(dst, "' id='"...)
	dst = AppendAttr(dst, id)
	dst = append(dst, "' from='"...)
	dst = AppendAttr(dst, from)
	dst = append(dst, "' to='"...)
	dst = AppendAttr(dst, to)
	return append(dst, "'>"...)
}

// replacement stands for what cannot be written.
const replacement = "\uFFFD"

func appendEscaped[S ~string | ~[]byte](dst []byte, s S, escapes *escapes) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if escapes.plain[c] { // nearly everything, twice per presence sent
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[done:i]...)
			dst = append(dst, escapes.as[c]...)
			i++
			done = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && n == 1 || !xmlChar(r) {
			dst = append(dst, s[done:i]...)
			dst = append(dst, replacement...)
			done = i + n
		}
		i += n
	}
	return append(dst, s[done:]...)
}
