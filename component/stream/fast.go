package stream

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	// maxFastDepth is the deepest nesting of the fast path. A forwarded and
	// delegated stanza with a data form has 9.
	maxFastDepth = 24
	// maxFastAttrs is the largest number of attributes of one element of the
	// fast path; more are legal, rare, and make comparing them costly.
	maxFastAttrs = 12
)

// openElement is an element whose end tag has not come.
type openElement struct {
	name  []byte
	uri   []byte // the default namespace inside it
	space namespace
}

// attr is one attribute of the start tag being read.
type attr struct {
	name, value []byte
	escaped     bool // value holds references
}

// fast walks a frame that holds plain markup only. Every method returns false
// when it meets anything else; the slow path then judges, so that no rule of
// XML stands here twice.
type fast struct {
	b      []byte
	i      int
	s      *Stanza
	depth  int     // open elements
	attrs  int     // attributes of the present start tag
	text   *[]byte // where the text of the present element goes, or nil
	inside int     // offset after the root's start tag
}

var (
	uriAccept = []byte(NSAccept)
	attrXMLNS = []byte("xmlns")
)

func scanFast(frame []byte, s *Stanza) bool {
	if !plainBytes(frame) || len(frame) == 0 || frame[0] != '<' {
		return false
	}
	f := fast{b: frame, s: s}
	if !f.startTag() {
		return false
	}
	for f.depth > 0 {
		if !f.chars() {
			return false
		}
		if f.peek(1) == '/' {
			if !f.endTag() {
				return false
			}
		} else if !f.startTag() {
			return false
		}
	}
	return f.i == len(frame)
}

// plainBytes reports whether b is valid UTF-8 of XML characters without
// carriage return, which XML would rewrite.
func plainBytes(b []byte) bool {
	const high, low = 0x8080808080808080, 0x2020202020202020
	for len(b) > 0 {
		if len(b) >= 8 {
			w := binary.LittleEndian.Uint64(b)
			// A byte is below 0x20 where the subtraction borrows into its
			// top bit; a false alarm only costs the careful look below.
			if (w|(w-low))&high == 0 {
				b = b[8:]
				continue
			}
		}
		n := plainRun(b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// plainRun checks the characters in the first eight bytes of b one by one. It
// returns the length looked at, or -1.
func plainRun(b []byte) int {
	i := 0
	for i < 8 && i < len(b) {
		c := b[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\n' && c != '\t' {
				return -1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		i += n
	}
	return i
}

// peek returns the byte n places ahead, or 0.
func (f *fast) peek(n int) byte {
	if f.i+n < len(f.b) {
		return f.b[f.i+n]
	}
	return 0
}

// nameBytes marks what a plain name consists of; nameStarts what it begins with.
var nameBytes, nameStarts = func() (in, first [256]bool) {
	for c := range 128 {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		first[c] = letter
		in[c] = letter || '0' <= c && c <= '9' || c == '-' || c == '.'
	}
	return
}()

// name reads a plain name without prefix; nil means there is none.
func (f *fast) name() []byte {
	if !nameStarts[f.peek(0)] {
		return nil
	}
	i := f.i + 1
	for i < len(f.b) && nameBytes[f.b[i]] {
		i++
	}
	name := f.b[f.i:i:i]
	f.i = i
	return name
}

func (f *fast) spaces() bool {
	i := f.i
	for f.i < len(f.b) && (f.b[f.i] == ' ' || f.b[f.i] == '\n' || f.b[f.i] == '\t') {
		f.i++
	}
	return f.i > i
}

// startTag reads a start tag, "<" included, and enters the element.
func (f *fast) startTag() bool {
	f.i++
	name := f.name()
	// A child of an element whose text is wanted, and encoding/xml's special
	// case of an element called xmlns, are left to the slow path.
	if name == nil || f.text != nil || f.depth == maxFastDepth || string(name) == "xmlns" {
		return false
	}
	el := &f.s.stack[f.depth]
	el.name = name
	if f.depth == 0 {
		el.uri, el.space = uriAccept, acceptSpace
	} else {
		outer := &f.s.stack[f.depth-1]
		el.uri, el.space = outer.uri, outer.space
	}
	f.attrs = 0
	for f.spaces() && nameStarts[f.peek(0)] {
		if !f.attribute(el) {
			return false
		}
	}
	empty := f.peek(0) == '/'
	if empty {
		f.i++
	}
	if f.peek(0) != '>' {
		return false
	}
	f.i++
	if !f.enter(el) {
		return false
	}
	f.depth++
	if empty {
		f.leave(f.i)
	}
	return true
}

// attribute reads one attribute and notes it.
func (f *fast) attribute(el *openElement) bool {
	start := f.i
	name := f.name()
	if f.peek(0) == ':' && string(name) == "xml" {
		f.i++
		if local := f.name(); string(local) != "lang" {
			return false
		}
		name = f.b[start:f.i:f.i]
	}
	quote := f.peek(1)
	if f.peek(0) != '=' || quote != '\'' && quote != '"' || f.attrs == maxFastAttrs {
		return false
	}
	for i := range f.attrs {
		if string(f.s.attrs[i].name) == string(name) {
			return false
		}
	}
	f.i += 2
	value, escaped, ok := f.value(quote)
	if !ok {
		return false
	}
	if string(name) == "xmlns" {
		if escaped {
			return false
		}
		el.uri, el.space = value, namespaceOf(value)
	}
	f.s.attrs[f.attrs] = attr{name: name, value: value, escaped: escaped}
	f.attrs++
	return true
}

// value reads an attribute value and its closing quote.
func (f *fast) value(quote byte) (value []byte, escaped, ok bool) {
	start := f.i
	for i := start; i < len(f.b); i++ {
		switch c := f.b[i]; {
		case !valueStop[c]:
		case c == quote:
			f.i = i + 1
			value = f.b[start:i:i]
			return value, escaped, !escaped || f.valid(value)
		case c == '&':
			escaped = true
		case c == '<':
			return nil, false, false
		}
	}
	return nil, false, false
}

// valueStop marks the bytes that mean something inside an attribute value.
var valueStop = [256]bool{'\'': true, '"': true, '&': true, '<': true}

// enter takes what counts from the start tag of el.
func (f *fast) enter(el *openElement) bool {
	s := f.s
	if el.space == ownSpace {
		s.Own = true
	}
	switch f.depth {
	case 0:
		f.inside = f.i
		s.Name = Name{Space: el.uri, Local: el.name}
		s.Kind = kindOf(el.space, el.name)
		for i := range f.attrs {
			a := &s.attrs[i]
			if field := s.rootField(string(a.name)); field != nil {
				*field = f.decoded(a)
			} else if string(a.name) == "xml:lang" {
				s.Lang = f.decoded(a)
			}
		}
	case 1:
		s.Children++
		if s.Children == 1 {
			s.Child = Name{Space: el.uri, Local: el.name}
		}
		if s.Kind == KindPresence {
			f.presenceChild(el)
		}
	}
	return true
}

// presenceChild takes what counts from a child of a presence.
func (f *fast) presenceChild(el *openElement) {
	s := f.s
	if el.space == s.stack[0].space {
		if field := s.textField(string(el.name)); field != nil && *field == nil {
			f.text = field
			*field = f.b[f.i:f.i:f.i]
		}
		return
	}
	if !s.wants(el.space, string(el.name)) {
		return
	}
	for i := range f.attrs {
		if field := s.childField(el.space, string(s.attrs[i].name)); field != nil {
			*field = f.decoded(&s.attrs[i])
		}
	}
}

// endTag reads an end tag, "<" included, and leaves the element.
func (f *fast) endTag() bool {
	at := f.i
	f.i += 2
	name := f.s.stack[f.depth-1].name
	end := f.i + len(name)
	if end >= len(f.b) || string(f.b[f.i:end]) != string(name) || f.b[end] != '>' {
		return false
	}
	f.i = end + 1
	f.leave(at)
	return true
}

// leave closes the innermost element, whose content ended at offset end.
func (f *fast) leave(end int) {
	f.depth--
	f.text = nil
	if f.depth == 0 {
		f.s.inner = f.b[f.inside:end:end]
	}
}

// chars reads character data up to the next "<".
func (f *fast) chars() bool {
	start, escaped := f.i, false
	for i := start; i < len(f.b); i++ {
		switch c := f.b[i]; {
		case !charsStop[c]:
		case c == '<':
			f.i = i
			raw := f.b[start:i:i]
			if escaped && !f.valid(raw) {
				return false
			}
			if f.text != nil {
				*f.text = f.decoded(&attr{value: raw, escaped: escaped})
			}
			return true
		case c == '&':
			escaped = true
		case i >= start+2 && f.b[i-1] == ']' && f.b[i-2] == ']': // "]]>"
			return false
		}
	}
	return false
}

// charsStop marks the bytes that mean something in character data.
var charsStop = [256]bool{'<': true, '&': true, '>': true}
