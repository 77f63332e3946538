package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"presenced/component/stream"
)

// Presence stanzas as servers send them to a component: with all a modern
// client adds, short, and gone.
const (
	longStanza = `<presence xml:lang='en' from='alice@example.localhost/desktop.7f3a' to='presence.example.localhost' id='p-1042'>` +
		`<show>dnd</show><status>In a meeting &amp; not reading this until three</status><priority>5</priority>` +
		`<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>` +
		`<x xmlns='vcard-temp:x:update'><photo>0123456789abcdef0123456789abcdef01234567</photo></x></presence>`
	shortStanza = `<presence xml:lang='en' from='alice@example.localhost/r1' to='presence.example.localhost'>` +
		`<show>away</show><status>out to lunch</status></presence>`
	goneStanza = `<presence from='alice@example.localhost/desktop.7f3a' type='unavailable' to='presence.example.localhost'/>`

	streamHead = `<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'` +
		` xmlns='jabber:component:accept' id='s1' from='presence.example.localhost'>`
)

// parseTurns is how often the two readers take turns in one run.
const parseTurns = 5

// endless is a stream that repeats its stanzas.
type endless struct {
	head, unit []byte
	at         int
}

func newEndless(stanza string) *endless {
	return &endless{head: []byte(streamHead), unit: bytes.Repeat([]byte(stanza), 64<<10/len(stanza))}
}

// Read gives the head once and then the unit for ever.
func (e *endless) Read(p []byte) (int, error) {
	if len(e.head) > 0 {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	n := copy(p, e.unit[e.at:])
	e.at = (e.at + n) % len(e.unit)
	return n, nil
}

// parse measures row 14: CPU time of framing and scanning over that of
// encoding/xml's Token on the same bytes, in turns on one thread.
func parse(_ context.Context, l *lab) ([]figure, error) {
	g := goal{14, "parse CPU / encoding/xml Token on the same stanzas", "ratio", atMost, 0.25, 0.1}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var ratios []float64
	var beside []map[string]float64
	for range l.size.runs {
		var ours, theirs time.Duration
		also := map[string]float64{}
		for _, c := range []struct{ name, stanza string }{{"long", longStanza}, {"short", shortStanza}, {"gone", goneStanza}} {
			o, t, err := parseTurn(c.stanza, l.size.parsed)
			if err != nil {
				return nil, err
			}
			ours, theirs = ours+o, theirs+t
			also[c.name+" ns/stanza"] = float64(o) / float64(l.size.parsed)
			also[c.name+" ratio"] = float64(o) / float64(t)
		}
		ratios = append(ratios, float64(ours)/float64(theirs))
		beside = append(beside, also)
	}
	return []figure{g.figure(ratios, medians(beside))}, nil
}

// parseTurn lets both read n stanzas in turns.
func parseTurn(stanza string, n int) (ours, theirs time.Duration, err error) {
	f := stream.NewFramer(newEndless(stanza), stream.Limits{})
	d := xml.NewDecoder(newEndless(stanza))
	var s stream.Stanza
	for range parseTurns {
		start, err := threadCPU()
		if err != nil {
			return 0, 0, err
		}
		if err := scanned(f, &s, n/parseTurns); err != nil {
			return 0, 0, err
		}
		between, err := threadCPU()
		if err != nil {
			return 0, 0, err
		}
		if err := tokens(d, n/parseTurns); err != nil {
			return 0, 0, err
		}
		end, err := threadCPU()
		if err != nil {
			return 0, 0, err
		}
		ours, theirs = ours+between-start, theirs+end-between
	}
	return ours, theirs, nil
}

// scanned cuts n stanzas out of the stream and reads them, as the daemon does.
func scanned(f *stream.Framer, s *stream.Stanza, n int) error {
	for range n {
		frame, err := f.Next()
		if err != nil {
			return err
		}
		if err := stream.Scan(frame, s); err != nil {
			return err
		}
		if s.Kind != stream.KindPresence || len(s.From) == 0 {
			return fmt.Errorf("not read as a presence: %s", frame)
		}
	}
	return nil
}

// tokens reads n stanzas with encoding/xml.
func tokens(d *xml.Decoder, n int) error {
	for n > 0 {
		t, err := d.Token()
		if err != nil {
			return err
		}
		if e, ok := t.(xml.EndElement); ok && e.Name.Local == "presence" {
			n--
		}
	}
	return nil
}

// threadCPU is the CPU time of the calling thread, to the nanosecond: what
// getrusage counts comes in ticks that are longer than a short run.
func threadCPU() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("clock of the thread: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

var _ io.Reader = (*endless)(nil)
