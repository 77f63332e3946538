package stream

import (
	"encoding/xml"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

var sizes = []struct{ name, frame string }{{"rich", rich}, {"plain", plain}, {"gone", gone}}

// endless repeats a run of stanzas after the header.
func endless(frame string, n int) io.Reader {
	run := []byte(strings.Repeat(frame, max(1, 32<<10/len(frame))))
	return &repeated{head: opening, unit: run, n: n*len(frame)/len(run) + 1}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFramer cuts only.
func BenchmarkFramer(b *testing.B) {
	for _, c := range sizes {
		b.Run(c.name, func(b *testing.B) {
			f := NewFramer(endless(c.frame, b.N), Limits{})
			if _, err := f.Header(); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Next(); err != nil {
					f = NewFramer(endless(c.frame, 1<<20), Limits{})
				}
			}
		})
	}
}

// BenchmarkScan reads one frame.
func BenchmarkScan(b *testing.B) {
	for _, c := range sizes {
		b.Run(c.name, func(b *testing.B) {
			var s Stanza
			frame := []byte(c.frame)
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Scan(frame, &s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodingXMLToken is the measure of the two above.
func BenchmarkEncodingXMLToken(b *testing.B) {
	for _, c := range sizes {
		b.Run(c.name, func(b *testing.B) {
			d := xml.NewDecoder(endless(c.frame, 1<<30))
			b.SetBytes(int64(len(c.frame)))
			b.ReportAllocs()
			for b.Loop() {
				tokens(b, d)
			}
		})
	}
}

// tokens reads up to the end of a presence.
func tokens(b *testing.B, d *xml.Decoder) {
	for {
		t, err := d.Token()
		if err != nil {
			b.Fatal(err)
		}
		if e, ok := t.(xml.EndElement); ok && e.Name.Local == "presence" {
			return
		}
	}
}

// BenchmarkParseRatio reports CPU of frame and scan over that of encoding/xml
// Token on the same bytes, interleaved in one run.
func BenchmarkParseRatio(b *testing.B) {
	for _, c := range sizes {
		b.Run(c.name, func(b *testing.B) {
			f := NewFramer(endless(c.frame, 1<<30), Limits{})
			d := xml.NewDecoder(endless(c.frame, 1<<30))
			var s Stanza
			var ours, theirs time.Duration
			for b.Loop() {
				at := cpu()
				for range 1000 {
					frame, err := f.Next()
					if err == nil {
						err = Scan(frame, &s)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				mid := cpu()
				for range 1000 {
					tokens(b, d)
				}
				ours, theirs = ours+mid-at, theirs+cpu()-mid
			}
			b.ReportMetric(float64(ours)/float64(theirs), "cpu/xml-cpu")
			b.ReportMetric(float64(ours)/float64(b.N)/1000, "ns/stanza")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkWriter saturates a TCP connection over loopback.
func BenchmarkWriter(b *testing.B) {
	stanza, rest := []byte(plain), []byte(plain[strings.Index(plain, "><show"):])
	for _, c := range []struct {
		name string
		send func(w *Writer) error
	}{
		{"stanza", func(w *Writer) error { return w.WriteStanza(stanza) }},
		{"batch20", func(w *Writer) error {
			var full error
			err := w.Batch(func(b *Buffer) {
				for range 20 {
					if err := b.Addressed("presence", "alice@example.localhost", "bob@presence.example.localhost", nil, rest); err != nil {
						full = err
					}
				}
			})
			if err == nil {
				err = full
			}
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) { saturate(b, c.send) })
	}
}

func saturate(b *testing.B, send func(w *Writer) error) {
	w := NewWriter(loopback(b), WriterOptions{})
	defer w.Close()
	b.ReportAllocs()
	begun := cpu()
	for b.Loop() {
		for {
			err := send(w)
			if err == nil {
				break
			}
			if err != ErrQueueFull {
				b.Fatal(err)
			}
			if err := w.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := w.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	s := w.Stats()
	b.ReportMetric(float64(s.Stanzas)/float64(s.Writes), "stanzas/write")
	b.ReportMetric(float64(cpu()-begun)/float64(s.Stanzas), "cpu-ns/stanza")
}

// loopback returns one end of a TCP connection whose other end reads all.
func loopback(b *testing.B) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 256<<10)
		for err == nil {
			_, err = conn.Read(buf)
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = conn.Close()
		_ = l.Close()
		<-done
	})
	return conn
}
