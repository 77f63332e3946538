package stream

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// Errors of the slow path beyond those of encoding/xml.
var (
	errDirective = errors.New("directive inside the stream")
	errRepeated  = errors.New("repeated attribute")
	errNotOne    = errors.New("not exactly one element")
)

// prelude puts a frame back into its stream, so that prefixes and the default
// namespace declared by the stream header hold.
const prelude = "<stream:stream xmlns='" + NSAccept + "' xmlns:stream='" + NSStreams + "'>"

// decoderAt returns a strict decoder positioned before the frame.
func decoderAt(frame []byte) (*xml.Decoder, error) {
	d := xml.NewDecoder(io.MultiReader(bytes.NewReader([]byte(prelude)), bytes.NewReader(frame)))
	_, err := d.Token()
	return d, err
}

// NewDecoder returns a strict encoding/xml decoder over one frame with NSAccept
// as its default namespace, for handlers that read tokens up to io.EOF. The
// prefix of a stream error is not resolved; Decode and Scan do that. Nesting is
// bounded by the Framer that made the frame.
func NewDecoder(frame []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(frame))
	d.DefaultSpace = NSAccept
	return d
}

// Decode unmarshals one frame by the rules of encoding/xml, strictly, with the
// namespaces that the stream header declares. The recursion is bounded by
// Limits.MaxDepth of the Framer that made the frame. An error concerns that
// frame alone.
func Decode(frame []byte, into any) error {
	d, err := decoderAt(frame)
	if err == nil {
		err = d.Decode(into)
	}
	if err != nil {
		return fmt.Errorf("stream: decode stanza: %w", err)
	}
	return nil
}

// slow is the walk through encoding/xml.
type slow struct {
	d     *xml.Decoder
	s     *Stanza
	frame []byte
	depth int
	root  namespace
	text  *[]byte // where the direct text of a child of a presence goes
	start int     // offset after the root's start tag
}

// scanSlow is the judge: what it accepts is accepted, and what it reads is
// what Scan reports.
func scanSlow(frame []byte, s *Stanza) error {
	d, err := decoderAt(frame)
	if err != nil {
		return err
	}
	w := slow{d: d, s: s, frame: frame}
	for first := true; first || w.depth > 0; first = false {
		at := w.offset()
		t, err := d.Token()
		if err != nil {
			return err
		}
		if err := w.token(t, at); err != nil {
			return err
		}
	}
	if w.offset() != len(frame) {
		return errNotOne
	}
	return nil
}

// offset is the place of the decoder in the frame.
func (w *slow) offset() int { return int(w.d.InputOffset()) - len(prelude) }

// token takes one token that began at offset at.
func (w *slow) token(t xml.Token, at int) error {
	switch t := t.(type) {
	case xml.StartElement:
		return w.startElement(t)
	case xml.EndElement:
		if w.depth == 0 {
			return errNotOne
		}
		w.endElement(at)
	case xml.CharData:
		if w.depth == 0 {
			return errNotOne
		}
		if w.depth == 2 && w.text != nil {
			*w.text = append(*w.text, t...)
		}
	case xml.Directive:
		return errDirective
	default: // comments and processing instructions mean nothing
		if w.depth == 0 {
			return errNotOne
		}
	}
	return nil
}

func (w *slow) startElement(t xml.StartElement) error {
	if err := w.attributes(t.Attr); err != nil {
		return err
	}
	s, space := w.s, namespaceOf(t.Name.Space)
	if space == ownSpace {
		s.Own = true
	}
	switch w.depth {
	case 0:
		w.start, w.root = w.offset(), space
		s.Name = nameOf(t.Name)
		s.Kind = kindOf(space, t.Name.Local)
		w.rootAttributes(t.Attr)
	case 1:
		s.Children++
		if s.Children == 1 {
			s.Child = nameOf(t.Name)
		}
		if s.Kind == KindPresence {
			w.presenceChild(t, space)
		}
	}
	w.depth++
	return nil
}

// attributes refuses repeated attributes, which encoding/xml lets pass, and
// looks for those in our own namespace.
func (w *slow) attributes(attrs []xml.Attr) error {
	seen := make(map[xml.Name]bool, len(attrs))
	for _, a := range attrs {
		if seen[a.Name] {
			return errRepeated
		}
		seen[a.Name] = true
		if a.Name.Space == NSOwn {
			w.s.Own = true
		}
	}
	return nil
}

func (w *slow) rootAttributes(attrs []xml.Attr) {
	for _, a := range attrs {
		if a.Name == (xml.Name{Space: nsXML, Local: "lang"}) {
			w.s.Lang = []byte(a.Value)
		}
		if field := w.s.rootField([]byte(a.Name.Local)); field != nil && a.Name.Space == "" {
			*field = []byte(a.Value)
		}
	}
}

func (w *slow) presenceChild(t xml.StartElement, space namespace) {
	s := w.s
	if space == w.root {
		if field := s.textField([]byte(t.Name.Local)); field != nil && *field == nil {
			w.text = field
			*field = []byte{}
		}
		return
	}
	if !s.wants(space, []byte(t.Name.Local)) {
		return
	}
	for _, a := range t.Attr {
		if field := s.childField(space, []byte(a.Name.Local)); field != nil && a.Name.Space == "" {
			*field = []byte(a.Value)
		}
	}
}

// endElement leaves an element whose end tag began at offset at.
func (w *slow) endElement(at int) {
	w.depth--
	switch w.depth {
	case 0:
		w.s.inner = w.frame[w.start:at:at]
	case 1:
		w.text = nil
	}
}

func nameOf(n xml.Name) Name {
	return Name{Space: []byte(n.Space), Local: []byte(n.Local)}
}
