package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sink is a Conn that records write calls and can be held.
type sink struct {
	hold chan struct{} // if set, each write waits for one value or its closing
	fail error

	mu     sync.Mutex // guards the rest
	writes [][]byte
	closed int
}

func (s *sink) Write(p []byte) (int, error) {
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return 0, s.fail
	}
	s.writes = append(s.writes, bytes.Clone(p))
	return len(p), nil
}

func (s *sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

func (s *sink) SetWriteDeadline(time.Time) error { return nil }

func (s *sink) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(bytes.Join(s.writes, nil))
}

func flush(t *testing.T, w *Writer) {
	t.Helper()
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWriter_LoneStanzaLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		w := NewWriter(s, WriterOptions{})
		defer w.Close()
		if err := w.WriteStanza([]byte("<a/>")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s.all() != "<a/>" || w.Pending() != 0 {
			t.Errorf("written %q, pending %d", s.all(), w.Pending())
		}
	})
}

func TestWriter_BatchesDuringAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{hold: make(chan struct{})}
		w := NewWriter(s, WriterOptions{MaxBatch: 1000})
		defer w.Close()
		stanza := []byte("<a>" + strings.Repeat("x", 93) + "</a>") // 100 bytes
		for i := range 31 {
			if err := w.WriteStanza(stanza); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				synctest.Wait()
			}
		}
		if w.Pending() != 3100 {
			t.Errorf("pending %d", w.Pending())
		}
		close(s.hold)
		flush(t, w)
		var sizes []int
		for _, p := range s.writes {
			sizes = append(sizes, len(p))
		}
		if got, want := fmt.Sprint(sizes), "[100 900 900 900 300]"; got != want {
			t.Errorf("write calls of %s bytes, want %s", got, want)
		}
		if got, want := w.Stats(), (Stats{Stanzas: 31, Bytes: 3100, Writes: 5}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestWriter_KeepsOrderAndWholeStanzas(t *testing.T) {
	s := new(sink)
	w := NewWriter(s, WriterOptions{MaxBatch: 512})
	const producers, each = 8, 500
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				_ = w.Append(func(dst []byte) []byte { return fmt.Appendf(dst, "<%d-%d/>", p, i) })
			}
		})
	}
	wg.Wait()
	flush(t, w)
	_ = w.Close()
	for _, p := range s.writes {
		if p[0] != '<' || p[len(p)-1] != '>' {
			t.Fatalf("a write call cuts a stanza: %q", p)
		}
	}
	next := make([]int, producers)
	for one := range strings.SplitSeq(strings.Trim(s.all(), "<>"), "/><") {
		var p, i int
		if _, err := fmt.Sscanf(one, "%d-%d", &p, &i); err != nil || i != next[p] {
			t.Fatalf("stanza %q, want number %d of its producer (%v)", one, next[p], err)
		}
		next[p]++
	}
	if got := fmt.Sprint(next); got != "[500 500 500 500 500 500 500 500]" {
		t.Errorf("stanzas of each producer: %s", got)
	}
}

func TestWriter_BatchAddresses(t *testing.T) {
	s := new(sink)
	w := NewWriter(s, WriterOptions{})
	defer w.Close()
	if err := w.Batch(func(b *Buffer) {
		for _, to := range []string{"a@x", "b@x/o'clock"} {
			if err := b.Addressed("presence", to, "me@c", nil, []byte(" type='unavailable'/>")); err != nil {
				t.Error(err)
			}
		}
		if err := b.Raw([]byte("<r/>")); err != nil {
			t.Error(err)
		}
		if err := b.Append(func(dst []byte) []byte { return append(dst, "<s/>"...) }); err != nil {
			t.Error(err)
		}
		if err := b.Append(func(dst []byte) []byte { return dst }); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	flush(t, w)
	want := `<presence to='a@x' from='me@c' type='unavailable'/>` +
		`<presence to='b@x/o&apos;clock' from='me@c' type='unavailable'/><r/><s/>`
	if s.all() != want || w.Stats().Stanzas != 4 {
		t.Errorf("got  %s\nwant %s\n%+v", s.all(), want, w.Stats())
	}
}

func TestWriter_RenderGoneWrongCostsItsStanza(t *testing.T) {
	s := new(sink)
	w := NewWriter(s, WriterOptions{})
	defer w.Close()
	err := w.Batch(func(b *Buffer) {
		_ = b.Raw([]byte("<a/>"))
		if err := b.Append(func([]byte) []byte { return nil }); err == nil {
			t.Error("shorter slice accepted")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = w.Append(func([]byte) []byte { panic("render") })
	}()
	if err := w.WriteStanza([]byte("<b/>")); err != nil {
		t.Fatal(err)
	}
	flush(t, w)
	if s.all() != "<a/><b/>" {
		t.Errorf("got %q", s.all())
	}
}

func TestWriter_QueueFullNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{hold: make(chan struct{})}
		w := NewWriter(s, WriterOptions{MaxBatch: 100, MaxQueue: 1000})
		defer w.Close()
		taken, stanza := 0, []byte(strings.Repeat("x", 30))
		for w.WriteStanza(stanza) == nil {
			taken++
		}
		if err := w.WriteStanza(stanza); err != ErrQueueFull || taken != 33 || w.Pending() != 990 {
			t.Errorf("%v after %d stanzas, pending %d", err, taken, w.Pending())
		}
		if err := w.WriteStanza(stanza[:10]); err != nil { // what fits is taken
			t.Error(err)
		}
		close(s.hold)
		flush(t, w)
		if err := w.WriteStanza(stanza); err != nil || w.Err() != nil {
			t.Errorf("after the queue has drained: %v, %v", err, w.Err())
		}
		flush(t, w)
		if got := len(s.all()); got != 1030 {
			t.Errorf("%d bytes written, want 1030", got)
		}
	})
}

func TestWriter_RefusingCostsNoMemory(t *testing.T) {
	s := &sink{hold: make(chan struct{})}
	w := NewWriter(s, WriterOptions{MaxBatch: 1000, MaxQueue: 2000})
	defer w.Close()
	defer close(s.hold)
	stanza := make([]byte, 990)
	for w.WriteStanza(stanza) == nil {
	}
	if n := testing.AllocsPerRun(50, func() {
		if err := w.WriteStanza(stanza); err != ErrQueueFull {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per refused stanza", n)
	}
}

func TestWriter_FirstErrorIsTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		sink *sink
		hook func() error
	}{
		"write":  {sink: &sink{fail: os.ErrPermission}},
		"before": {sink: &sink{}, hook: func() error { return os.ErrPermission }},
	} {
		w := NewWriter(c.sink, WriterOptions{BeforeFlush: c.hook})
		_ = w.WriteStanza([]byte("<a/>"))
		if err := w.Flush(t.Context()); !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s: Flush: %v", name, err)
		}
		<-w.Done()
		for _, err := range []error{
			w.Err(), w.WriteStanza(nil), w.Append(nil), w.Flush(t.Context()),
			w.Batch(func(*Buffer) { t.Error("fill called") }),
		} {
			if !errors.Is(err, os.ErrPermission) {
				t.Errorf("%s: then %v", name, err)
			}
		}
		_ = w.Close()
		if !errors.Is(w.Err(), os.ErrPermission) || c.sink.closed != 1 || len(c.sink.writes) != 0 {
			t.Errorf("%s: %v, closed %d times, wrote %q", name, w.Err(), c.sink.closed, c.sink.writes)
		}
	}
}

func TestWriter_StalledPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		w := NewWriter(client, WriterOptions{WriteTimeout: 7 * time.Second})
		begun := time.Now()
		_ = w.WriteStanza([]byte("<a/>"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush: %v", err)
		}
		<-w.Done()
		if !errors.Is(w.Err(), os.ErrDeadlineExceeded) || time.Since(begun) != 7*time.Second {
			t.Errorf("%v after %v", w.Err(), time.Since(begun))
		}
		if _, err := server.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("conn is not closed: %v", err)
		}
		_ = w.Close()
	})
}

func TestWriter_CloseInterruptsAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		w := NewWriter(client, WriterOptions{})
		_ = w.WriteStanza([]byte("<a/>"))
		synctest.Wait()
		_ = w.Close()
		_ = w.Close()
		if err := w.WriteStanza([]byte("<b/>")); err != ErrClosed || w.Err() != ErrClosed {
			t.Errorf("got %v, %v", err, w.Err())
		}
	})
}

func TestWriter_AppendsWithoutAllocating(t *testing.T) {
	s := &discard{}
	w := NewWriter(s, WriterOptions{})
	defer w.Close()
	rest, stanza := []byte("><show>away</show></presence>"), []byte(plain)
	fill := func() {
		_ = w.Batch(func(b *Buffer) {
			for range 1000 {
				_ = b.Addressed("presence", "alice@example.localhost", "bob@presence.example.localhost", nil, rest)
			}
		})
		_ = w.WriteStanza(stanza)
	}
	fill()
	flush(t, w)
	if n := testing.AllocsPerRun(50, fill); n > 2 { // batches in flight may need new memory
		t.Errorf("%v allocations per 1001 stanzas", n)
	}
}

// discard is a Conn that takes everything.
type discard struct{}

func (discard) Write(p []byte) (int, error)      { return len(p), nil }
func (discard) Close() error                     { return nil }
func (discard) SetWriteDeadline(time.Time) error { return nil }

func TestWriter_SealIsTheLastWord(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	w := NewWriter(ours, WriterOptions{})
	defer w.Close()
	read := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(theirs)
		read <- string(b)
	}()
	if err := errors.Join(w.WriteStanza([]byte("<a/>")), w.Seal([]byte(Footer))); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteStanza([]byte("<b/>")); !errors.Is(err, ErrClosed) {
		t.Errorf("after the seal: %v, want ErrClosed", err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if got := <-read; got != "<a/>"+Footer {
		t.Errorf("the peer read %q", got)
	}
}
