package stream

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
)

// ErrHeader says that the peer did not open a component stream; it is wrapped
// with what was seen and a hint.
var ErrHeader = errors.New("stream: not a component stream")

// Header is the opening of the peer's stream (XEP-0114 §3), decoded.
type Header struct {
	// ID is the stream id that the handshake digest covers. Prosody leaves it
	// empty when it is about to refuse the host.
	ID string
	// From is the domain the server answers as.
	From string
	// To is empty with both servers.
	To string
	// Version is "1.0" from Prosody and empty from ejabberd.
	Version string
	// Lang is the value of xml:lang.
	Lang string
}

// Header reads the peer's stream header. It must come before the first Next
// and takes nothing from the reader's bytes that Next would miss. The prefix
// must be "stream" (RFC 6120 §4.8.5 permits to insist) and the content
// namespace NSAccept; otherwise the error wraps ErrHeader.
func (f *Framer) Header() (Header, error) {
	if f.fatal != nil {
		return Header{}, f.fatal
	}
	f.inHeader = true
	for {
		ev := f.advance()
		if ev == evMore && f.headerJunk() {
			ev = evBroken
		}
		switch ev {
		case evMore:
			if err := f.fill(); err != nil {
				return Header{}, err
			}
		case evHeader:
			return f.openHeader()
		default:
			f.fatal = fmt.Errorf("%w: the peer does not speak XMPP; is this the component port?", ErrHeader)
			return Header{}, f.fatal
		}
	}
}

// headerJunk reports whether the peer began with something other than
// whitespace and markup, as an HTTP server does. A byte order mark may lead.
func (f *Framer) headerJunk() bool {
	b := bytes.TrimLeft(f.buf[f.start:f.end], " \t\r\n")
	return len(b) > 0 && b[0] != '<' && b[0] != 0xEF
}

func (f *Framer) openHeader() (Header, error) {
	h, err := parseHeader(f.buf[f.start:f.pos])
	if err == nil && f.headerJunk() {
		err = fmt.Errorf("%w: text before the header", ErrHeader)
	}
	if err != nil {
		f.fatal = err
		return Header{}, err
	}
	f.inHeader, f.timed = false, false
	f.name = []byte("stream:stream")
	f.start = f.pos
	return h, nil
}

// parseHeader reads everything up to and including the stream's start tag.
func parseHeader(b []byte) (Header, error) {
	if len(b) > maxHeader || bytes.HasSuffix(b, []byte("/>")) {
		return Header{}, fmt.Errorf("%w: header too long or empty", ErrHeader)
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))))
	for {
		t, err := d.RawToken()
		if err != nil {
			return Header{}, fmt.Errorf("%w: header: %w", ErrHeader, err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			return headerOf(t)
		case xml.Directive:
			return Header{}, fmt.Errorf("%w: document type in the header", ErrHeader)
		}
	}
}

// headerOf reads the attributes of a raw token, whose names carry prefixes.
func headerOf(root xml.StartElement) (Header, error) {
	var h Header
	var content, prefix string
	for _, a := range root.Attr {
		switch a.Name {
		case xml.Name{Local: "id"}:
			h.ID = a.Value
		case xml.Name{Local: "from"}:
			h.From = a.Value
		case xml.Name{Local: "to"}:
			h.To = a.Value
		case xml.Name{Local: "version"}:
			h.Version = a.Value
		case xml.Name{Space: "xml", Local: "lang"}:
			h.Lang = a.Value
		case xml.Name{Local: "xmlns"}:
			content = a.Value
		case xml.Name{Space: "xmlns", Local: "stream"}:
			prefix = a.Value
		}
	}
	switch {
	case root.Name != xml.Name{Space: "stream", Local: "stream"} || prefix != NSStreams:
		return Header{}, fmt.Errorf("%w: root element is not stream:stream; is this the component port?", ErrHeader)
	case content != NSAccept:
		return Header{}, fmt.Errorf("%w: content namespace %q; is this the component port?", ErrHeader, content)
	}
	return h, nil
}
