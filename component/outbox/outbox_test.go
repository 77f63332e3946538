package outbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/component/stream"
	"presenced/internal/engine"
)

// peer is the far end of a stream.Writer whose reading the test controls.
type peer struct {
	w    *stream.Writer
	conn net.Conn
	out  *Outbox
}

// newPeer attaches out to a writer over a pipe, so that nothing leaves before
// the test reads.
func newPeer(t *testing.T, out *Outbox, maxQueue int) *peer {
	t.Helper()
	near, far := net.Pipe()
	w := stream.NewWriter(near, stream.WriterOptions{MaxBatch: 512, MaxQueue: maxQueue,
		BeforeFlush: func() error { out.Drain(); return nil }})
	t.Cleanup(func() { _ = w.Close() })
	out.Attach(w)
	return &peer{w: w, conn: far, out: out}
}

// all reads until everything has left and returns the stanzas.
func (p *peer) all(t *testing.T) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	flushed := make(chan error, 1)
	go func() {
		err := p.out.Wait(ctx)
		flushed <- errors.Join(err, p.w.Flush(ctx))
		_ = p.w.Close()
	}()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := p.conn.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	stanzas := strings.SplitAfter(b.String(), "/>")
	return stanzas[:len(stanzas)-1]
}

// stuff fills the writer beyond the outbox's soft limit.
func (p *peer) stuff(t *testing.T) {
	t.Helper()
	for p.w.Pending() < 2000 {
		if err := p.w.WriteStanza([]byte("<stuff x='" + strings.Repeat("x", 200) + "'/>")); err != nil {
			t.Fatal(err)
		}
	}
}

func withoutStuff(stanzas []string) []string {
	return slices.DeleteFunc(stanzas, func(s string) bool { return strings.HasPrefix(s, "<stuff") })
}

func body(i int) []byte { return fmt.Appendf(nil, " n='%d'/>", i) }

func want(to, from, rest string) string {
	return "<presence to='" + to + "' from='" + from + "'" + rest
}

func TestPresent_DirectWhileTheServerKeepsUp(t *testing.T) {
	out := New(Options{})
	p := newPeer(t, out, 0)
	out.Present(body(1), []engine.Target{{To: "w1@a", From: "m@p"}, {To: "w2@a", From: "m'x@p"}})
	out.Subscribed(engine.Target{To: "w1@a", From: "m@p"})
	if s := out.Stats(); s.Held != 0 || s.Entries != 0 {
		t.Errorf("held although the writer is free: %+v", s)
	}
	got := p.all(t)
	exp := []string{want("w1@a", "m@p", " n='1'/>"), want("w2@a", "m&apos;x@p", " n='1'/>"), want("w1@a", "m@p", " type='subscribed'/>")}
	if !slices.Equal(got, exp) {
		t.Errorf("got %q, want %q", got, exp)
	}
}

func TestPresent_LatestWinsInOrderOfArrival(t *testing.T) {
	out := New(Options{SoftLimit: 1000})
	p := newPeer(t, out, 0)
	p.stuff(t)
	a, b := engine.Target{To: "a@x", From: "m@p"}, engine.Target{To: "b@x", From: "m@p"}
	shared := body(0)
	for i := range 50 {
		copy(shared, body(i%10))
		out.Present(shared, []engine.Target{a, b})
	}
	shared[4] = 'X' // the caller's bytes are its own again
	if s := out.Stats(); s.Entries != 2 || s.Pairs != 2 || s.Superseded != 98 {
		t.Errorf("stats %+v, want 2 entries, 2 pairs, 98 superseded", s)
	}
	got := withoutStuff(p.all(t))
	exp := []string{want("a@x", "m@p", " n='9'/>"), want("b@x", "m@p", " n='9'/>")}
	if !slices.Equal(got, exp) {
		t.Errorf("got %q, want %q", got, exp)
	}
}

func TestHold_OrderWithinAPair(t *testing.T) {
	pair, device := engine.Target{To: "a@x", From: "m@p"}, engine.Target{To: "a@x/1", From: "m@p"}
	tests := []struct {
		name string
		do   func(o *Outbox)
		want []string
	}{
		{"subscribed before presence", func(o *Outbox) {
			o.Subscribed(pair)
			o.Present(body(1), []engine.Target{pair})
			o.Present(body(2), []engine.Target{pair})
		}, []string{"a@x subscribed", "a@x 2"}},
		{"unavailable before unsubscribed, then again", func(o *Outbox) {
			o.Present(body(1), []engine.Target{pair})
			o.Unsubscribed(pair)
			o.Subscribed(pair)
			o.Present(body(2), []engine.Target{pair})
		}, []string{"a@x unsubscribed", "a@x subscribed", "a@x 2"}},
		{"a device answered alone keeps behind the earlier broadcast", func(o *Outbox) {
			o.Present(body(1), []engine.Target{pair})
			o.Present(body(2), []engine.Target{device})
		}, []string{"a@x 1", "a@x/1 2"}},
		{"a broadcast supersedes the answer", func(o *Outbox) {
			o.Present(body(1), []engine.Target{device})
			o.Present(body(2), []engine.Target{pair})
		}, []string{"a@x 2"}},
		{"said twice", func(o *Outbox) {
			o.Subscribed(pair)
			o.Subscribed(pair)
		}, []string{"a@x subscribed"}},
		{"too many devices become one broadcast", func(o *Outbox) {
			o.Subscribed(pair)
			for i := range 40 {
				o.Present(body(i), []engine.Target{{To: fmt.Sprintf("a@x/%d", i), From: "m@p"}})
			}
			o.Present(body(99), []engine.Target{pair})
		}, []string{"a@x subscribed", "a@x 99"}},
		{"subscriptions without end are bounded", func(o *Outbox) {
			for range 100 {
				o.Subscribed(pair)
				o.Unsubscribed(pair)
			}
			o.Present(body(1), []engine.Target{pair})
			for range 100 {
				o.Subscribed(pair)
				o.Unsubscribed(pair)
			}
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := New(Options{SoftLimit: 1000})
			p := newPeer(t, out, 0)
			p.stuff(t)
			tt.do(out)
			if s := out.Stats(); s.Entries > maxOps {
				t.Errorf("%d stanzas held for one pair", s.Entries)
			}
			var got []string
			for _, s := range withoutStuff(p.all(t)) {
				to := strings.Split(s, "'")[1]
				got = append(got, to+" "+strings.Split(s, "'")[5])
			}
			if tt.want == nil {
				if last := got[len(got)-1]; last != "a@x unsubscribed" {
					t.Errorf("ends in %q: %q", last, got)
				}
				return
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPresent_FullWriterHoldsTheRest(t *testing.T) {
	out := New(Options{SoftLimit: 1 << 20})
	p := newPeer(t, out, 4000)
	var to []engine.Target
	for i := range 200 {
		to = append(to, engine.Target{To: fmt.Sprintf("w%03d@x", i), From: "m@p"})
	}
	out.Present(body(7), to)
	if s := out.Stats(); s.Entries == 0 || s.Entries == 200 {
		t.Fatalf("held %d of 200", s.Entries)
	}
	got := p.all(t)
	if len(got) != 200 {
		t.Fatalf("%d of 200 arrived", len(got))
	}
	for i, s := range got {
		if s != want(to[i].To, "m@p", " n='7'/>") {
			t.Fatalf("stanza %d is %q", i, s)
		}
	}
}

func TestOverflow_IsToldOnce(t *testing.T) {
	told := 0
	out := New(Options{SoftLimit: 1000, MaxPairs: 3, Overflow: func() { told++ }})
	p := newPeer(t, out, 0)
	p.stuff(t)
	for i := range 10 {
		out.Present(body(i), []engine.Target{{To: fmt.Sprintf("w%d@x", i), From: "m@p"}})
	}
	if s := out.Stats(); told != 1 || s.Pairs != 3 || s.Refused != 7 {
		t.Errorf("told %d times, %+v; want once, 3 pairs, 7 refused", told, s)
	}
}

func TestDetach_DropsAndEndsWait(t *testing.T) {
	out := New(Options{SoftLimit: 1000})
	p := newPeer(t, out, 0)
	p.stuff(t)
	pair := []engine.Target{{To: "a@x", From: "m@p"}}
	out.Present(body(1), pair)
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	go func() { done <- out.Wait(ctx) }()
	out.Detach()
	if err := <-done; err != nil {
		t.Errorf("wait: %v", err)
	}
	out.Present(body(2), pair)
	if s := out.Stats(); s.Entries != 0 || s.Pairs != 0 {
		t.Errorf("held without a link: %+v", s)
	}
}

func TestPresent_DirectDoesNotAllocate(t *testing.T) {
	out := New(Options{})
	out.Attach(sink{})
	to := []engine.Target{{To: "a@x", From: "m@p"}}
	b := body(1)
	if n := testing.AllocsPerRun(100, func() { out.Present(b, to) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// sink takes nothing and says so.
type sink struct{}

func (sink) Batch(func(*stream.Buffer)) error { return stream.ErrClosed }
func (sink) Pending() int                     { return 0 }

// TestResource: presence comes from the address with the resource, at once and after
// waiting; a subscription stanza comes from the bare address (RFC 6121 §3.1.5).
func TestResource(t *testing.T) {
	for name, before := range map[string]int{"at once": 0, "held": 100} {
		t.Run(name, func(t *testing.T) {
			out := New(Options{Resource: "a'b", SoftLimit: 1000})
			p := newPeer(t, out, 1<<20)
			for i := range before {
				out.Subscribed(engine.Target{To: fmt.Sprintf("w%d@x", i), From: "f@c"})
			}
			gone := []byte(" type='unavailable'/>")
			out.Subscribed(engine.Target{To: "w@x", From: "m@c"})
			out.Present(gone, []engine.Target{{To: "w@x", From: "m@c"}, {To: "v@x", From: "m@c"}})
			out.Present(gone, []engine.Target{{To: "u@x", From: "n@c"}, {To: "z@x", From: "n@c"}})
			if held := out.Stats().Held > 0; held != (before > 0) {
				t.Errorf("held: %t", held)
			}
			want := []string{
				"<presence to='u@x' from='n@c/a&apos;b' type='unavailable'/>",
				"<presence to='v@x' from='m@c/a&apos;b' type='unavailable'/>",
				"<presence to='w@x' from='m@c' type='subscribed'/>",
				"<presence to='w@x' from='m@c/a&apos;b' type='unavailable'/>",
				"<presence to='z@x' from='n@c/a&apos;b' type='unavailable'/>",
			}
			got := p.all(t)
			got = got[min(before, len(got)):]
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
