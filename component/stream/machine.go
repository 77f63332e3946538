package stream

import (
	"bytes"
	"fmt"
	"io"
)

// state is the lexical place of the next byte.
type state uint8

const (
	stText      state = iota // outside markup
	stOpen                   // after "<"
	stTag                    // in a start tag, outside quotes
	stQuote                  // in a quoted attribute value
	stEndTag                 // in an end tag
	stBang                   // after "<!", kind not yet known
	stComment                // in <!-- -->
	stCDATA                  // in <![CDATA[ ]]>
	stPI                     // in <? ?>
	stDirective              // in <!X >
)

// event is what advance stopped at.
type event uint8

const (
	evMore    event = iota // the buffer is used up
	evElement              // a top-level element ends at pos
	evHeader               // the stream header ends at pos
	evEnd                  // an end tag at top level ends at pos
	evBroken               // the boundary cannot be found any more
)

// machine is the lexical state that survives between two reads. Each byte is
// looked at once, however the stream is cut into reads.
type machine struct {
	state state
	depth int  // open elements, the stream's own not counted
	prev  byte // last byte seen in a start tag, to tell "/>" from ">"
	quote byte // the quote that ends stQuote
	run   int  // bytes of a delimiter matched so far; in a directive, nested "<"
}

const cdataMark = "[CDATA["

// advance scans until something is complete or the buffer is used up.
func (f *Framer) advance() event {
	for f.pos < f.end {
		switch f.state {
		case stText:
			if !f.text() {
				return evMore
			}
		case stOpen:
			f.open()
		case stTag:
			if ev := f.tag(); ev != evMore {
				return ev
			}
		case stQuote:
			i := bytes.IndexByte(f.buf[f.pos:f.end], f.quote)
			if i < 0 {
				f.pos = f.end
				return evMore
			}
			f.pos += i + 1
			f.prev, f.state = f.quote, stTag
		case stEndTag:
			if ev := f.endTag(); ev != evMore {
				return ev
			}
		default:
			f.misc()
		}
	}
	return evMore
}

// text passes over character data and reports whether a "<" ended it.
func (f *Framer) text() bool {
	i := bytes.IndexByte(f.buf[f.pos:f.end], '<')
	if i < 0 {
		f.pos = f.end
		return false
	}
	f.pos += i
	if f.depth == 0 && !f.inHeader {
		f.start = f.pos
	}
	f.pos++
	f.state = stOpen
	return true
}

// open looks at the byte after "<".
func (f *Framer) open() {
	f.run = 0
	switch f.buf[f.pos] {
	case '/':
		f.state = stEndTag
	case '!':
		f.state = stBang
	case '?':
		f.state = stPI
	default:
		f.state, f.prev = stTag, 0
		return
	}
	f.pos++
}

// tag scans a start tag to its end or to the end of the buffer.
func (f *Framer) tag() event {
	b, prev := f.buf[:f.end], f.prev
	for i := f.pos; i < len(b); i++ {
		c := b[i]
		if tagStop[c] {
			switch c {
			case '>':
				f.pos, f.state = i+1, stText
				return f.tagEnd(prev == '/')
			case '<':
				return evBroken
			}
			n := bytes.IndexByte(b[i+1:], c)
			if n < 0 {
				f.pos, f.state, f.quote = f.end, stQuote, c
				return evMore
			}
			i += n + 1
		}
		prev = c
	}
	f.prev, f.pos = prev, f.end
	return evMore
}

// tagStop marks the bytes that mean something inside a start tag.
var tagStop = [256]bool{'>': true, '<': true, '"': true, '\'': true}

// tagEnd counts the element whose start tag ends at pos.
func (f *Framer) tagEnd(empty bool) event {
	if f.inHeader {
		return evHeader
	}
	f.depth++
	length := f.pos - f.start
	if f.depth == 1 && f.skip == 0 {
		f.headEnd = length
	}
	if f.depth > f.limits.MaxDepth && f.skip == 0 {
		if length > f.limits.MaxBytes {
			f.beginSkip(ReasonSize)
		} else {
			f.beginSkip(ReasonDepth)
		}
	}
	if !empty {
		return evMore
	}
	f.depth--
	if f.depth == 0 {
		return evElement
	}
	return evMore
}

// endTag scans an end tag to its ">".
func (f *Framer) endTag() event {
	i := bytes.IndexByte(f.buf[f.pos:f.end], '>')
	if i < 0 {
		f.pos = f.end
		return evMore
	}
	f.pos += i + 1
	f.state = stText
	if f.depth == 0 {
		return evEnd
	}
	f.depth--
	if f.depth == 0 {
		return evElement
	}
	return evMore
}

// misc takes a piece of a comment, CDATA section, processing instruction or
// directive. Stanzas hold none of them (RFC 6120 §11.1), so it is plain.
func (f *Framer) misc() {
	done := false
	switch f.state {
	case stBang:
		f.bang(f.buf[f.pos])
		return
	case stComment:
		done = f.closing('-', 2)
	case stCDATA:
		done = f.closing(']', 2)
	case stPI:
		done = f.closing('?', 1)
	case stDirective:
		done = f.directive(f.buf[f.pos])
		f.pos++
	}
	if done {
		f.state = stText
	}
}

// closing takes what stands before the next mark, or one byte, and reports
// whether that was a ">" after at least n marks in a row.
func (f *Framer) closing(mark byte, n int) bool {
	if f.run == 0 {
		i := bytes.IndexByte(f.buf[f.pos:f.end], mark)
		if i < 0 {
			f.pos = f.end
			return false
		}
		f.pos += i
	}
	c := f.buf[f.pos]
	f.pos++
	switch {
	case c == mark:
		f.run++
		return false
	case c == '>' && f.run >= n:
		return true
	}
	f.run = 0
	return false
}

// bang tells from the bytes after "<!" what has begun. What is neither a
// comment nor CDATA is taken for a directive and looked at from its start.
func (f *Framer) bang(c byte) {
	switch {
	case f.run < 2 && c == '-':
		f.run++
		f.pos++
		if f.run == 2 {
			f.state, f.run = stComment, 0
		}
		return
	case f.run >= bangCDATA && c == cdataMark[f.run-bangCDATA], f.run == 0 && c == cdataMark[0]:
		f.run = max(f.run, bangCDATA) + 1
		f.pos++
		if f.run-bangCDATA == len(cdataMark) {
			f.state, f.run = stCDATA, 0
		}
		return
	}
	f.state, f.run, f.quote = stDirective, 0, 0
}

// bangCDATA is added to run while cdataMark is being matched.
const bangCDATA = 8

// directive follows quotes and nested angle brackets as encoding/xml does, and
// reports whether c ends the directive.
func (f *Framer) directive(c byte) bool {
	switch {
	case f.quote != 0:
		if c == f.quote {
			f.quote = 0
		}
	case c == '"' || c == '\'':
		f.quote = c
	case c == '<':
		f.run++
	case c == '>' && f.run == 0:
		return true
	case c == '>':
		f.run--
	}
	return false
}

// streamEnd judges the end tag at top level: io.EOF if it is the stream's.
func (f *Framer) streamEnd() error {
	tag := f.buf[f.start+2 : f.pos-1]
	if name := bytes.TrimRight(tag, " \t\r\n"); !bytes.Equal(name, f.name) {
		return fmt.Errorf("%w: end tag without its element at top level", ErrBroken)
	}
	return io.EOF
}
