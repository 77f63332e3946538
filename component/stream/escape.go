package stream

import "unicode/utf8"

// What the escaped bytes become. Carriage return is written as a reference
// everywhere, because a reader would turn it into a newline.
var textEscapes = [256]string{
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '\'': "&apos;", '"': "&quot;", '\r': "&#13;",
}

// In attributes a reader may also turn newline and tab into blanks.
var attrEscapes = [256]string{
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '\'': "&apos;", '"': "&quot;", '\r': "&#13;",
	'\n': "&#10;", '\t': "&#9;",
}

// AppendText appends s as XML character data and returns the longer slice.
// All of & < > ' " are escaped, hence "]]>" too. Each byte that is not UTF-8
// and each character that XML 1.0 forbids becomes U+FFFD; everything else is
// read back as it was. It allocates only to grow dst.
func AppendText[S ~string | ~[]byte](dst []byte, s S) []byte {
	return appendEscaped(dst, s, &textEscapes)
}

// AppendAttr appends s as the inside of an attribute value, for either kind of
// quote. It differs from AppendText in writing newline and tab as references.
func AppendAttr[S ~string | ~[]byte](dst []byte, s S) []byte {
	return appendEscaped(dst, s, &attrEscapes)
}

// replacement stands for what cannot be written.
const replacement = "\uFFFD"

func appendEscaped[S ~string | ~[]byte](dst []byte, s S, escapes *[256]string) []byte {
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			esc := escapes[c]
			if c < 0x20 && esc == "" && c != '\n' && c != '\t' {
				esc = replacement
			}
			if esc != "" {
				dst = append(dst, s[done:i]...)
				dst = append(dst, esc...)
				done = i + 1
			}
			i++
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
