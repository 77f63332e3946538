package testbed

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// xmlReader cuts a stream into elements and keeps the bytes of each.
type xmlReader struct {
	src *recorder
	dec *xml.Decoder
}

// recorder hands single bytes to the decoder, which therefore never reads
// ahead: after a stream restart a new decoder goes on at the right byte.
type recorder struct {
	in  *bufio.Reader
	buf []byte // bytes read since the last cut
}

func (r *recorder) ReadByte() (byte, error) {
	b, err := r.in.ReadByte()
	if err == nil {
		r.buf = append(r.buf, b)
	}
	return b, err
}

// Read exists because xml.NewDecoder wants an io.Reader; it uses ReadByte.
func (r *recorder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

func newXMLReader(r io.Reader) *xmlReader {
	x := &xmlReader{src: &recorder{in: bufio.NewReaderSize(r, 16<<10)}}
	x.restart()
	return x
}

// restart expects a new stream header at the present byte.
func (x *xmlReader) restart() {
	x.src.buf = x.src.buf[:0]
	x.dec = xml.NewDecoder(x.src)
}

// header reads up to and including the opening stream tag.
func (x *xmlReader) header() (xml.StartElement, error) {
	for {
		t, err := x.dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := t.(xml.StartElement); ok {
			if start.Name != (xml.Name{Space: nsStream, Local: "stream"}) {
				return start, fmt.Errorf("testbed: %s instead of a stream header", start.Name.Local)
			}
			return start, nil
		}
	}
}

// errStreamEnd is what next returns for the closing stream tag.
var errStreamEnd = errors.New("testbed: stream closed by the peer")

// next reads one whole first-level element and its bytes.
func (x *xmlReader) next() (Element, string, error) {
	for {
		x.src.buf = x.src.buf[:0]
		t, err := x.dec.Token()
		if err != nil {
			return Element{}, "", err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return Element{}, "", errStreamEnd
		case xml.StartElement:
			var e element
			if err := x.dec.DecodeElement(&e, &t); err != nil {
				return Element{}, "", err
			}
			return e.export(), string(x.src.buf), nil
		}
	}
}
