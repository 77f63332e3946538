package stream

import "unicode/utf8"

// valid reports whether every reference in raw is one the fast path decodes.
func (f *fast) valid(raw []byte) bool {
	for i := find(raw, 0, '&'); i < len(raw); i = find(raw, i, '&') {
		_, n := reference(raw[i:])
		if n == 0 {
			return false
		}
		i += n
	}
	return true
}

// decoded returns the text of a value that escaped has accepted: itself, or a
// decoded copy in the stanza's scratch memory.
func (f *fast) decoded(a *attr) []byte {
	raw, s := f.at(a.value), f.s
	if !a.escaped {
		return raw
	}
	start := len(s.scratch)
	for len(raw) > 0 {
		i := find(raw, 0, '&')
		s.scratch = append(s.scratch, raw[:i]...)
		if raw = raw[i:]; len(raw) > 0 {
			r, n := reference(raw)
			s.scratch = utf8.AppendRune(s.scratch, r)
			raw = raw[n:]
		}
	}
	return s.scratch[start:len(s.scratch):len(s.scratch)]
}

// maxReference is the longest reference of the fast path, "&#x10FFFF;".
const maxReference = 10

// reference decodes the reference that b begins with and returns its length,
// or 0 if it is none of the five names and no number of an XML character.
func reference(b []byte) (rune, int) {
	end := 1
	for ; end < len(b) && end < maxReference && b[end] != ';'; end++ {
	}
	if end >= len(b) || b[end] != ';' {
		return 0, 0
	}
	switch name := b[1:end]; string(name) {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "apos":
		return '\'', end + 1
	case "quot":
		return '"', end + 1
	}
	r := number(b[1:end])
	if !xmlChar(r) {
		return 0, 0
	}
	return r, end + 1
}

// number reads "#" and digits, or "#x" and hexadecimal digits; 0 is none.
func number(b []byte) rune {
	if len(b) < 2 || b[0] != '#' {
		return 0
	}
	base, digits := rune(10), b[1:]
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	var r rune
	for _, c := range digits {
		d := rune(16)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case 'a' <= c && c <= 'f':
			d = rune(c-'a') + 10
		case 'A' <= c && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d >= base || r > utf8.MaxRune {
			return 0
		}
		r = r*base + d
	}
	return r
}

// xmlChar reports whether r is a character of XML 1.0 §2.2.
func xmlChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF ||
		r >= 0xE000 && r <= 0xFFFD ||
		r >= 0x10000 && r <= utf8.MaxRune
}
