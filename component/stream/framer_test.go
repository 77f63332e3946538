package stream

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// drain reads frames to the first error that is not a skip. A skipped element
// appears as its reason, length and head.
func drain(f *Framer) (frames []string, err error) {
	for {
		frame, err := f.Next()
		var skipped *SkippedError
		switch {
		case errors.As(err, &skipped):
			frames = append(frames, fmt.Sprintf("skipped %s %d %s", skipped.Reason, skipped.Bytes, skipped.Head))
		case err != nil:
			return frames, err
		default:
			frames = append(frames, string(frame))
		}
	}
}

// chopped returns its bytes in pieces of the given lengths, over and over.
type chopped struct {
	data  []byte
	sizes []byte
	i     int
}

func (c *chopped) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := len(c.data)
	if len(c.sizes) > 0 {
		n = 1 + int(c.sizes[c.i%len(c.sizes)])
		c.i++
	}
	n = copy(p, c.data[:min(n, len(c.data))])
	c.data = c.data[n:]
	return n, nil
}

func TestFramer_Frames(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string
		err  error
	}{
		"stanzas and keepalives": {" \n" + gone + " " + rich + "\n" + plain + "</stream:stream>", []string{gone, rich, plain}, io.EOF},
		"eof at boundary":        {gone + " ", []string{gone}, io.EOF},
		"eof within":             {gone + "<iq>", []string{gone}, io.ErrUnexpectedEOF},
		"eof after open":         {gone + "<", []string{gone}, io.ErrUnexpectedEOF},
		"nothing after the end":  {"</stream:stream >" + gone, nil, io.EOF},
		"gt in quotes":           {`<a b='>' c=">'>"/><b/>`, []string{`<a b='>' c=">'>"/>`, `<b/>`}, io.EOF},
		"slash in quotes":        {`<a b='/'></a><b/>`, []string{`<a b='/'></a>`, `<b/>`}, io.EOF},
		"comment":                {`<a><!-- </a> -- > ' --></a><!-- <b> --><c/>`, []string{`<a><!-- </a> -- > ' --></a>`, `<c/>`}, io.EOF},
		"short comment":          {`<a><!--->--></a><b/>`, []string{`<a><!--->--></a>`, `<b/>`}, io.EOF},
		"cdata":                  {`<a><![CDATA[</a>]]]></a>` + `<b/>`, []string{`<a><![CDATA[</a>]]]></a>`, `<b/>`}, io.EOF},
		"pi":                     {`<a><?x </a> ? > ??></a><?y <b> ?><c/>`, []string{`<a><?x </a> ? > ??></a>`, `<c/>`}, io.EOF},
		"directive":              {`<a><!DOCTYPE x [<!ENTITY y '>'>]></a><b/>`, []string{`<a><!DOCTYPE x [<!ENTITY y '>'>]></a>`, `<b/>`}, io.EOF},
		"text at top level":      {`junk &nope; <a/>more`, []string{`<a/>`}, io.EOF},
		"names are for Scan":     {`<a></b><c/>`, []string{`<a></b>`, `<c/>`}, io.EOF},
		"bad bytes":              {"<a>\xff\x00</a><c/>", []string{"<a>\xff\x00</a>", `<c/>`}, io.EOF},
		"stray end tag":          {`<a/></b><c/>`, []string{`<a/>`}, ErrBroken},
		"lt in tag":              {`<a/><b <c/>`, []string{`<a/>`}, ErrBroken},
		"too large":              {`<iq id='1'>` + strings.Repeat("x", 1000) + `</iq><b/>`, []string{`skipped size 1016 <iq id='1'/>`, `<b/>`}, io.EOF},
		"large empty tag":        {`<iq id='` + strings.Repeat("x", 1000) + `'/><b/>`, []string{`skipped size 1011 `, `<b/>`}, io.EOF},
		"too deep":               {`<iq><b><c><d><e/></d></c></b></iq><b><b><b/></b></b>`, []string{`skipped depth 34 <iq/>`, `<b><b><b/></b></b>`}, io.EOF},
		"deep empty":             {`<a><b><c><d/></c></b></a><b/>`, []string{`skipped depth 25 <a/>`, `<b/>`}, io.EOF},
		"first limit counts":     {`<a>` + strings.Repeat("x", 600) + `<b><c><d/></c></b></a><b/>`, []string{`skipped size 625 <a/>`, `<b/>`}, io.EOF},
	} {
		limits := Limits{MaxBytes: 500, MaxDepth: 3}
		for _, sizes := range [][]byte{nil, {0}, {1, 6, 0, 99}} {
			f := NewFramer(&chopped{data: []byte(opening + c.body), sizes: sizes}, limits)
			frames, err := drain(f)
			if got, want := fmt.Sprintf("%q", frames), fmt.Sprintf("%q", c.want); got != want || !errors.Is(err, c.err) {
				t.Errorf("%s, cut %v:\ngot  %s, %v\nwant %s, %v", name, sizes, got, err, want, c.err)
			}
			if _, again := f.Next(); again != err {
				t.Errorf("%s: then %v, want %v again", name, again, err)
			}
		}
	}
}

func TestFramer_Header(t *testing.T) {
	for _, open := range []string{opening, "\xEF\xBB\xBF \n" + opening, "<?xml version='1.0'?><!-- x -->\n" + opening[21:]} {
		f := NewFramer(iotest.OneByteReader(strings.NewReader(open+gone)), Limits{})
		h, err := f.Header()
		want := Header{ID: "s&1", From: "presence.example.localhost", Version: "1.0", Lang: "en"}
		if err != nil || h != want {
			t.Fatalf("%q: got %+v, %v, want %+v", open, h, err, want)
		}
		if frame, err := f.Next(); err != nil || string(frame) != gone {
			t.Errorf("next: %q, %v", frame, err)
		}
	}
}

func TestFramer_HeaderRefused(t *testing.T) {
	for _, open := range []string{
		"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400 <html>", "<html>", "<presence/>", "</stream:stream>", "<a <b>",
		strings.Replace(opening, "component:accept", "client", 1),
		strings.Replace(opening, "etherx", "example", 1),
		strings.ReplaceAll(opening, "stream:stream", "s:stream"),
		"<?xml version='1.0'?><stream:stream>",
		opening[:len(opening)-1] + "/>",
		strings.Replace(opening, "en'", strings.Repeat("x", 9000)+"'", 1),
		"<!DOCTYPE x>" + opening, "junk" + opening,
		strings.Replace(opening, "s&amp;1", "&nope;", 1),
	} {
		for _, sizes := range [][]byte{nil, {0}} {
			f := NewFramer(&chopped{data: []byte(open), sizes: sizes}, Limits{})
			if h, err := f.Header(); !errors.Is(err, ErrHeader) {
				t.Errorf("%.60q: got %+v, %v", open, h, err)
			}
			if _, err := f.Next(); !errors.Is(err, ErrHeader) {
				t.Errorf("%.60q: Next: %v", open, err)
			}
		}
	}
	f := NewFramer(strings.NewReader("<?xml version='1.0'?><stream:str"), Limits{})
	if _, err := f.Header(); err != io.ErrUnexpectedEOF {
		t.Errorf("cut header: got %v", err)
	}
}

// repeated yields head, then n times unit, then tail.
type repeated struct {
	unit []byte
	off  int
	n    int
	head string
	tail string
}

func (r *repeated) Read(p []byte) (int, error) {
	switch {
	case r.head != "":
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	case r.n > 0:
		n := 0
		for r.n > 0 && n < len(p) {
			c := copy(p[n:], r.unit[r.off:])
			n, r.off = n+c, r.off+c
			if r.off == len(r.unit) {
				r.off, r.n = 0, r.n-1
			}
		}
		return n, nil
	case r.tail != "":
		n := copy(p, r.tail)
		r.tail = r.tail[n:]
		return n, nil
	}
	return 0, io.EOF
}

// TestFramer_MemoryIsBounded feeds what took gigabytes elsewhere.
func TestFramer_MemoryIsBounded(t *testing.T) {
	kib := bytes.Repeat([]byte("x"), 1024)
	for name, r := range map[string]*repeated{
		"256 MiB status":    {head: opening + "<presence id='1'><status>", unit: kib, n: 256 << 10, tail: "</status></presence>" + gone},
		"256 MiB attribute": {head: opening + "<presence id='", unit: kib, n: 256 << 10, tail: "'/>" + gone},
		"256 MiB comment":   {head: opening + "<!--", unit: kib, n: 256 << 10, tail: "-->" + gone},
		"256 MiB silence":   {head: opening, unit: bytes.Repeat([]byte(" "), 1024), n: 256 << 10, tail: gone},
		"1 M deep":          {head: opening + "<presence>", unit: []byte("<a>"), n: 1 << 20, tail: strings.Repeat("</a>", 1<<20) + "</presence>" + gone},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f := NewFramer(r, Limits{})
		frames, err := drain(f)
		runtime.ReadMemStats(&after)
		if err != io.EOF || len(frames) == 0 || frames[len(frames)-1] != gone {
			t.Errorf("%s: got %d frames, %v", name, len(frames), err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
			t.Errorf("%s: allocated %d bytes", name, grown)
		}
		if len(f.buf) > DefaultMaxBytes+2*minRead {
			t.Errorf("%s: buffer of %d bytes", name, len(f.buf))
		}
	}
}

func TestFramer_EndlessEndTag(t *testing.T) {
	f := NewFramer(&repeated{head: opening + "</", unit: []byte("x"), n: 1 << 20}, Limits{})
	if _, err := drain(f); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v", err)
	}
}

func TestFramer_LargestElementPasses(t *testing.T) {
	frame := "<a>" + strings.Repeat("x", DefaultMaxBytes-7) + "</a>"
	f := NewFramer(&chopped{data: []byte(opening + frame + frame[:3] + "x" + frame[3:]), sizes: []byte{255}}, Limits{})
	frames, err := drain(f)
	if err != io.EOF || len(frames) != 2 || frames[0] != frame || !strings.HasPrefix(frames[1], "skipped size 262145 <a/>") {
		t.Errorf("got %d frames, %v", len(frames), err)
	}
}

func TestFramer_SkippedHeadAnswersTheIQ(t *testing.T) {
	body := "<iq type='get' id='&lt;7' from='a@b/c'><x>" + strings.Repeat("y", 600) + "</x></iq>"
	_, err := NewFramer(strings.NewReader(opening+body), Limits{MaxBytes: 500}).Next()
	var skipped *SkippedError
	if !errors.As(err, &skipped) {
		t.Fatal(err)
	}
	s := scanned(t, string(skipped.Head))
	if s.Kind != KindIQ || string(s.ID) != "<7" || string(s.From) != "a@b/c" || string(s.Type) != "get" {
		t.Errorf("got %s", s.show())
	}
}

func TestFramer_ElementMustEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		var peer sync.WaitGroup
		defer peer.Wait()
		defer client.Close()
		peer.Go(func() {
			_, _ = io.WriteString(server, opening)
			time.Sleep(time.Hour) // silence between elements is allowed
			_, _ = io.WriteString(server, gone+"<iq>")
			time.Sleep(20 * time.Second)
			_, _ = io.WriteString(server, "</iq><iq>")
			for range 100 { // one byte a second keeps nothing alive
				time.Sleep(time.Second)
				if _, err := io.WriteString(server, "x"); err != nil {
					return
				}
			}
		})
		f := NewFramer(client, Limits{})
		for _, want := range []string{gone, "<iq></iq>"} {
			if frame, err := f.Next(); err != nil || string(frame) != want {
				t.Fatalf("got %q, %v, want %q", frame, err, want)
			}
		}
		begun := time.Now()
		_, err := f.Next()
		if !errors.Is(err, ErrSlow) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begun); took != DefaultMaxTime {
			t.Errorf("gave up after %v, want %v", took, DefaultMaxTime)
		}
	})
}

func TestFramer_SilentHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		defer server.Close()
		if _, err := NewFramer(client, Limits{MaxTime: 5 * time.Second}).Header(); !errors.Is(err, ErrSlow) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFramer_IdleDeadlineIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		var peer sync.WaitGroup
		defer peer.Wait()
		defer client.Close()
		peer.Go(func() {
			_, _ = io.WriteString(server, opening)
			time.Sleep(50 * time.Second)
			_, _ = io.WriteString(server, " ") // starts the minute anew
			time.Sleep(70 * time.Second)
			_, _ = io.WriteString(server, gone)
		})
		f := NewFramer(client, Limits{Idle: time.Minute})
		begun := time.Now()
		if _, err := f.Next(); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, ErrSlow) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(begun); took != 110*time.Second {
			t.Errorf("idle after %v, want 110s", took)
		}
		if frame, err := f.Next(); err != nil || string(frame) != gone {
			t.Errorf("then got %q, %v", frame, err)
		}
	})
}

func TestFramer_ReaderWithoutBytes(t *testing.T) {
	f := NewFramer(iotest.ErrReader(nil), Limits{})
	if _, err := f.Next(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

// splitByXML splits a stream by encoding/xml. ok is false if the stream holds
// a directive, which the Framer follows only roughly.
func splitByXML(stream []byte) (frames []string, err error, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(stream))
	depth, start := 0, int64(0)
	for {
		at := d.InputOffset()
		t, err := d.Token()
		if err != nil {
			return frames, err, true
		}
		switch t.(type) {
		case xml.Directive:
			return nil, nil, false
		case xml.StartElement:
			if depth == 1 {
				start = at
			}
			depth++
		case xml.EndElement:
			depth--
			switch depth {
			case 0:
				return frames, io.EOF, true
			case 1:
				frames = append(frames, string(stream[start:d.InputOffset()]))
			}
		}
	}
}

// verdict is what an error means to the caller. Which of two faults of one
// piece of damage is met first may depend on where the stream was cut.
func verdict(err error) error {
	for _, kind := range []error{ErrHeader, ErrBroken, ErrSlow, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return err
}

// FuzzFramer holds the Framer, however the stream is cut, to itself unchopped
// and to encoding/xml as far as that gets.
func FuzzFramer(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s+seeds[(i+7)%len(seeds)]+"</stream:stream>"), []byte{0, byte(i), 3})
	}
	f.Add([]byte(`<a><!-- </a> --></a><b><![CDATA[</b>]]></b><?c <c> ?><d e='>'/>`), []byte{0})
	f.Fuzz(func(t *testing.T, body, sizes []byte) {
		stream := append([]byte(opening), body...)
		want, wantErr, ok := splitByXML(stream)
		got, gotErr := drain(NewFramer(&chopped{data: stream, sizes: sizes}, Limits{}))
		if ok {
			compareFrames(t, body, got, gotErr, want, wantErr)
		}
		small := Limits{MaxBytes: 40, MaxDepth: 3}
		whole, wholeErr := drain(NewFramer(&chopped{data: stream}, small))
		cut, cutErr := drain(NewFramer(&chopped{data: stream, sizes: sizes}, small))
		if fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", cut) || verdict(wholeErr) != verdict(cutErr) {
			t.Fatalf("%q cut %v:\nwhole %q, %v\ncut   %q, %v", body, sizes, whole, wholeErr, cut, cutErr)
		}
	})
}

func compareFrames(t *testing.T, body []byte, got []string, gotErr error, want []string, wantErr error) {
	t.Helper()
	if len(got) < len(want) {
		t.Fatalf("%q: got %q, %v, want %q, %v", body, got, gotErr, want, wantErr)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%q: frame %d: got %q, want %q", body, i, got[i], want[i])
		}
	}
	// A clean end must be one for both; after an error of encoding/xml the
	// Framer may go on, for it leaves the inside of elements to Scan.
	if wantErr == io.EOF && (len(got) != len(want) || gotErr != io.EOF) {
		t.Fatalf("%q: got %q, %v, want %q and a clean end", body, got, gotErr, want)
	}
}
