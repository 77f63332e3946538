package testbed

import "bytes"

// framer counts the first-level elements in the bytes of a component's stream
// and cuts out the wanted ones. It is fast and trusting: it knows tags and
// quoted attribute values, but neither comments nor CDATA, which XMPP peers
// do not send; what it cuts out is read by encoding/xml afterwards.
type framer struct {
	// want decides by the first byte of an element's name (p, m, i) whether
	// its bytes are kept; emit gets that byte and the kept bytes, nil if not.
	// The slice is valid during the call only.
	want func(kind byte) bool
	emit func(kind byte, raw []byte)

	depth   int
	inTag   bool
	tagLen  int  // bytes after '<', so 1 is the first of the name
	first   byte // of the tag
	last    byte // byte before the present one inside the tag
	quote   byte // open attribute quote, 0 if none
	kind    byte
	keeping bool
	kept    []byte
	ended   bool // the closing stream tag was read
}

// feed takes the next bytes of the stream.
func (f *framer) feed(p []byte) {
	for len(p) > 0 && !f.ended {
		if f.inTag {
			p = f.tag(p)
			continue
		}
		i := bytes.IndexByte(p, '<')
		if i < 0 {
			f.keep(p)
			return
		}
		f.keep(p[:i])
		p = p[i+1:]
		f.inTag, f.tagLen, f.last, f.quote = true, 0, 0, 0
		if f.keeping {
			f.kept = append(f.kept, '<')
		}
	}
}

func (f *framer) keep(p []byte) {
	if f.keeping {
		f.kept = append(f.kept, p...)
	}
}

// tag reads on inside a tag and returns what follows it.
func (f *framer) tag(p []byte) []byte {
	if f.tagLen == 0 {
		f.first = p[0]
		if f.depth == 0 && f.first != '/' {
			f.kind, f.keeping, f.kept = f.first, f.want(f.first), f.kept[:0]
			if f.keeping {
				f.kept = append(f.kept, '<')
			}
		}
	}
	for i, b := range p {
		f.tagLen++
		switch {
		case f.quote != 0:
			if b == f.quote {
				f.quote = 0
			}
		case b == '\'' || b == '"':
			f.quote = b
		case b == '>':
			f.keep(p[:i+1])
			f.endTag()
			return p[i+1:]
		}
		f.last = b
	}
	f.keep(p)
	return nil
}

// endTag is called at the '>' of a tag; last is the byte before it.
func (f *framer) endTag() {
	f.inTag = false
	switch {
	case f.first == '/':
		f.depth--
	case f.last != '/':
		f.depth++
	}
	switch {
	case f.depth < 0:
		f.ended = true
	case f.depth == 0 && f.keeping:
		f.emit(f.kind, f.kept)
		f.keeping = false
	case f.depth == 0:
		f.emit(f.kind, nil)
	}
}
