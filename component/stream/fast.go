package stream

import (
	"bytes"
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

// span is a piece of the frame. Offsets instead of slices spare the
// garbage collector's write barriers.
type span struct{ from, to int }

// openElement is an element whose end tag has not come.
type openElement struct {
	name  span
	uri   span // the default namespace inside it, headerSpace if undeclared
	space namespace
}

// headerSpace stands for NSAccept, which the stream header declares.
var headerSpace = span{-1, -1}

// attr is one attribute of the start tag being read.
type attr struct {
	name, value span
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
	lt     int     // the first "<" after the present tag's
	amp    int     // the first "&" at or after what has been read
	text   *[]byte // where the text of the present element goes, or nil
	inside int     // offset after the root's start tag
}

var (
	uriAccept = []byte(NSAccept)
	cdataEnd  = []byte("]]>")
)

// find returns the place of the first c in b from offset i on, or len(b).
func find(b []byte, i int, c byte) int {
	if n := bytes.IndexByte(b[i:], c); n >= 0 {
		return i + n
	}
	return len(b)
}

// escaped reports whether the piece that was read just now holds references,
// and whether all of them are such as decoded takes.
func (f *fast) escaped(p span) (escaped, ok bool) {
	if f.amp >= p.to {
		return false, true
	}
	if !f.valid(f.at(p)) {
		return true, false
	}
	f.amp = find(f.b, p.to, '&')
	return true, true
}

// at returns a piece of the frame.
func (f *fast) at(p span) []byte { return f.b[p.from:p.to:p.to] }

// nameOf returns the name of an element.
func (f *fast) nameOf(el *openElement) Name {
	n := Name{Space: uriAccept, Local: f.at(el.name)}
	if el.uri != headerSpace {
		n.Space = f.at(el.uri)
	}
	return n
}

func scanFast(frame []byte, s *Stanza) bool {
	// "]]>" is an error in text and none in attributes, and rare in both.
	if len(frame) == 0 || frame[0] != '<' || !plainBytes(frame) || bytes.Contains(frame, cdataEnd) {
		return false
	}
	f := fast{b: frame, s: s, amp: find(frame, 0, '&')}
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
	for len(b) > 0 {
		if len(b) >= 16 && unusual(b)|unusual(b[8:]) == 0 {
			b = b[16:]
			continue
		}
		n := plainRun(b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// unusual returns 0 if the first eight bytes of b are all from 0x20 to 0x7F.
// A byte is below 0x20 where the subtraction borrows into its top bit; the
// borrow can raise false alarms in the bytes above, which cost a second look.
func unusual(b []byte) uint64 {
	w := binary.LittleEndian.Uint64(b)
	return (w | (w - 0x2020202020202020)) & 0x8080808080808080
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

// name reads a plain name without prefix; an empty one means there is none.
func (f *fast) name() span {
	p := span{f.i, f.i}
	if !nameStarts[f.peek(0)] {
		return p
	}
	p.to++
	for p.to < len(f.b) && nameBytes[f.b[p.to]] {
		p.to++
	}
	f.i = p.to
	return p
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
	f.lt = find(f.b, f.i, '<')
	name := f.name()
	// A child of an element whose text is wanted, and encoding/xml's special
	// case of an element called xmlns, are left to the slow path.
	if name.from == name.to || f.text != nil || f.depth == maxFastDepth || string(f.at(name)) == "xmlns" {
		return false
	}
	el := &f.s.stack[f.depth]
	el.name = name
	if f.depth == 0 {
		el.uri, el.space = headerSpace, acceptSpace
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
	f.enter(el)
	f.depth++
	if empty {
		f.leave(f.i)
	}
	return true
}

// attribute reads one attribute and notes it.
func (f *fast) attribute(el *openElement) bool {
	name := f.name()
	if f.peek(0) == ':' && string(f.at(name)) == "xml" {
		f.i++
		if local := f.name(); string(f.at(local)) != "lang" {
			return false
		}
		name.to = f.i
	}
	quote := f.peek(1)
	if f.peek(0) != '=' || quote != '\'' && quote != '"' || f.attrs == maxFastAttrs {
		return false
	}
	text := f.at(name)
	for i := range f.s.attrs[:f.attrs] {
		if string(f.at(f.s.attrs[i].name)) == string(text) {
			return false
		}
	}
	f.i += 2
	a := &f.s.attrs[f.attrs]
	f.attrs++
	a.name = name
	if !f.value(quote, a) {
		return false
	}
	if string(text) == "xmlns" {
		if a.escaped {
			return false
		}
		el.uri, el.space = a.value, namespaceOf(f.at(a.value))
	}
	return true
}

// value reads an attribute value and its closing quote into a.
func (f *fast) value(quote byte, a *attr) bool {
	a.value = span{f.i, find(f.b, f.i, quote)}
	if a.value.to >= f.lt {
		return false
	}
	f.i = a.value.to + 1
	var ok bool
	a.escaped, ok = f.escaped(a.value)
	return ok
}

// enter takes what counts from the start tag of el.
func (f *fast) enter(el *openElement) {
	s := f.s
	if el.space == ownSpace {
		s.Own = true
	}
	switch f.depth {
	case 0:
		f.inside = f.i
		s.Name = f.nameOf(el)
		s.Kind = kindOf(el.space, s.Name.Local)
		for i := range f.attrs {
			a := &s.attrs[i]
			if field := s.rootField(f.at(a.name)); field != nil {
				*field = f.decoded(a)
			} else if string(f.at(a.name)) == "xml:lang" {
				s.Lang = f.decoded(a)
			}
		}
	case 1:
		s.Children++
		if s.Children == 1 {
			s.Child = f.nameOf(el)
		}
		if s.Kind == KindPresence {
			f.presenceChild(el)
		}
	}
}

// presenceChild takes what counts from a child of a presence.
func (f *fast) presenceChild(el *openElement) {
	s := f.s
	if el.space == s.stack[0].space {
		if field := s.textField(f.at(el.name)); field != nil && *field == nil {
			f.text = field
			*field = f.b[f.i:f.i:f.i]
		}
		return
	}
	if !s.wants(el.space, f.at(el.name)) {
		return
	}
	for i := range f.attrs {
		if field := s.childField(el.space, f.at(s.attrs[i].name)); field != nil {
			*field = f.decoded(&s.attrs[i])
		}
	}
}

// endTag reads an end tag, "<" included, and leaves the element.
func (f *fast) endTag() bool {
	at := f.i
	f.i += 2
	name := f.at(f.s.stack[f.depth-1].name)
	end := f.i + len(name)
	if end >= len(f.b) || string(f.b[f.i:end]) != string(name) || f.b[end] != '>' {
		return false
	}
	f.i = end + 1
	f.lt = find(f.b, f.i, '<')
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
	p := span{f.i, f.lt}
	if f.lt == len(f.b) {
		return false
	}
	f.i = f.lt
	escaped, ok := f.escaped(p)
	if ok && f.text != nil {
		*f.text = f.decoded(&attr{value: p, escaped: escaped})
	}
	return ok
}
