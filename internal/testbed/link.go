package testbed

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Link is one attached component as seen by the ComponentServer. Its methods
// are safe for concurrent use.
type Link struct {
	srv   *ComponentServer
	conn  net.Conn
	in    io.Reader
	out   chan parcel // 1024 wait, then Send blocks
	log   stanzaLog
	since time.Time

	presences, messages, iqs, bytes atomic.Int64

	mu      sync.Mutex // guards the rest
	stalled bool
	gate    chan struct{} // closed at the end of the stall
	parked  chan struct{} // closed when the reader has come to rest
	seconds []int64       // stanzas by second since the attach
}

// parcel is something to be sent no earlier than due.
type parcel struct {
	raw  []byte
	due  time.Time
	last bool // half-close after it
}

func newLink(s *ComponentServer, conn net.Conn, in io.Reader) *Link {
	l := &Link{srv: s, conn: conn, in: in, out: make(chan parcel, 1024), since: time.Now()}
	l.log.init()
	return l
}

// readChunk is how much is read at once, in bytes.
const readChunk = 64 << 10

// read owns the receiving side.
func (l *Link) read() {
	f := &framer{
		want: func(kind byte) bool { return kind == 'i' || !l.srv.opts.CountOnly },
		emit: l.take,
	}
	buf := make([]byte, readChunk)
	for !f.ended {
		n, err := l.in.Read(buf)
		l.bytes.Add(int64(n))
		if n > 0 && l.srv.opts.OnBytes != nil {
			l.srv.opts.OnBytes(buf[:n])
		}
		f.feed(buf[:n])
		if err != nil && !l.waitGate(err) {
			l.log.end(fmt.Errorf("testbed: component left: %w", err))
			return
		}
	}
	l.log.end(errStreamEnd)
	_ = l.conn.Close()
}

// waitGate waits out a stall; false when err was no stall's deadline.
func (l *Link) waitGate(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	l.mu.Lock()
	gate, parked := l.gate, l.parked
	l.parked = nil
	l.mu.Unlock()
	if parked != nil {
		close(parked)
	}
	<-gate
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled { // again, meanwhile; the next read comes back here
		return true
	}
	return l.conn.SetReadDeadline(time.Time{}) == nil
}

// take counts a stanza; raw is nil where only the count is wanted.
func (l *Link) take(kind byte, raw []byte) {
	switch kind {
	case 'p':
		l.presences.Add(1)
	case 'm':
		l.messages.Add(1)
	case 'i':
		l.iqs.Add(1)
	}
	l.tally()
	if raw == nil {
		return
	}
	root, err := parseStanza(raw)
	if err != nil {
		_ = l.StreamError("not-well-formed") // what every server does
		return
	}
	s := l.log.add(readStanza(root, nsComponent, string(raw)), !l.srv.opts.CountOnly)
	l.srv.react(l, s)
}

func (l *Link) tally() {
	sec := int(time.Since(l.since) / time.Second)
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.seconds) <= sec {
		l.seconds = append(l.seconds, 0)
	}
	l.seconds[sec]++
}

// parseStanza reads one element in the context of a component stream.
func parseStanza(raw []byte) (Element, error) {
	head := "<stream:stream xmlns='" + nsComponent + "' xmlns:stream='" + nsStream + "'>"
	dec := xml.NewDecoder(io.MultiReader(bytes.NewReader([]byte(head)), bytes.NewReader(raw)))
	if _, err := dec.Token(); err != nil {
		return Element{}, err
	}
	var e element
	err := dec.Decode(&e)
	return e.export(), err
}

// write owns the sending side and its delays.
func (l *Link) write() {
	for {
		select {
		case p := <-l.out:
			if !l.deliver(p) {
				return
			}
		case <-l.log.ended:
			return
		}
	}
}

func (l *Link) deliver(p parcel) bool {
	if wait := time.Until(p.due); wait > 0 {
		select {
		case <-time.After(wait):
		case <-l.log.ended:
			return false
		}
	}
	size := l.srv.opts.ChunkSize
	if size <= 0 {
		size = max(1, len(p.raw))
	}
	for rest := p.raw; len(rest) > 0; {
		n := min(size, len(rest))
		if _, err := l.conn.Write(rest[:n]); err != nil {
			_ = l.conn.Close() // the reader reports the end
			return false
		}
		rest = rest[n:]
	}
	if tcp, ok := l.conn.(*net.TCPConn); ok && p.last {
		_ = tcp.CloseWrite()
		l.srv.release(l) // the domain is free for the next connection
	}
	return true
}

// Send writes raw XML to the component, in order. It blocks while the
// component does not read and 1024 pieces wait.
func (l *Link) Send(raw string) error { return l.post(parcel{raw: []byte(raw)}) }

// SendBytes is Send for prepared batches; p must not change afterwards.
func (l *Link) SendBytes(p []byte) error { return l.post(parcel{raw: p}) }

func (l *Link) post(p parcel) error {
	p.due = time.Now().Add(l.srv.opts.Latency)
	select {
	case l.out <- p:
		return nil
	case <-l.log.ended:
		return l.log.failure()
	}
}

// StreamError sends a stream error with this condition and ends the stream.
func (l *Link) StreamError(condition string) error {
	return l.post(parcel{raw: []byte(streamError(condition, "")), last: true})
}

// CloseStream sends the closing stream tag and a FIN, as a stopping server.
func (l *Link) CloseStream() error {
	return l.post(parcel{raw: []byte("</stream:stream>"), last: true})
}

// FIN ends the sending side of TCP without a word.
func (l *Link) FIN() error { return l.post(parcel{last: true}) }

// Reset ends the connection with a TCP reset.
func (l *Link) Reset() {
	l.ResumeReading()
	reset(l.conn)
}

// StallReading stops reading while the connection lives. What the kernel
// buffers is still taken from the component, as with a frozen server. It
// returns when the reader rests, so it must not be called by a hook.
func (l *Link) StallReading() {
	l.mu.Lock()
	if l.stalled {
		l.mu.Unlock()
		return
	}
	parked := make(chan struct{})
	l.stalled, l.gate, l.parked = true, make(chan struct{}), parked
	_ = l.conn.SetReadDeadline(time.Unix(1, 0))
	l.mu.Unlock()
	select {
	case <-parked:
	case <-l.log.ended:
	}
}

// ResumeReading ends a stall.
func (l *Link) ResumeReading() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled {
		l.stalled = false
		close(l.gate)
	}
}

// Done is closed when the link has ended; Err then tells why.
func (l *Link) Done() <-chan struct{} { return l.log.ended }

// Err is nil while the link lives.
func (l *Link) Err() error { return l.log.failure() }

// Traffic counts what a component has sent since its attach.
type Traffic struct{ Presences, Messages, IQs, Bytes int64 }

// Traffic returns the counts so far.
func (l *Link) Traffic() Traffic {
	return Traffic{l.presences.Load(), l.messages.Load(), l.iqs.Load(), l.bytes.Load()}
}

// PerSecond returns the stanzas received in each second since the attach.
func (l *Link) PerSecond() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int64(nil), l.seconds...)
}

// Log returns everything received so far, unless CountOnly.
func (l *Link) Log() []Stanza { return l.log.since(0) }

// Mark is a position in the log.
func (l *Link) Mark() int { return l.log.mark() }

// Since returns what was received after a mark.
func (l *Link) Since(mark int) []Stanza { return l.log.since(mark) }

// WaitFor is Client.WaitFor on what the component sends.
func (l *Link) WaitFor(ctx context.Context, pred func(Stanza) bool) (Stanza, error) {
	return l.log.wait(ctx, 0, pred)
}

// WaitAfter is Client.WaitAfter on what the component sends.
func (l *Link) WaitAfter(ctx context.Context, mark int, pred func(Stanza) bool) (Stanza, error) {
	return l.log.wait(ctx, mark, pred)
}

var pingIDs atomic.Int64

// Ping asks the component's domain (XEP-0199), from the first host, and
// returns when it has answered, whatever it answered: a barrier behind all
// that was sent before.
func (l *Link) Ping(ctx context.Context) error {
	_, err := l.IQ(ctx, "get", l.srv.opts.Hosts[0], l.srv.opts.Domain, "<ping xmlns='"+nsPing+"'/>")
	if _, refused := errors.AsType[*StanzaError](err); refused {
		return nil
	}
	return err
}

// IQ sends a get or set to the component and returns its reply, matched by id
// and both addresses; an error reply comes with its *StanzaError.
func (l *Link) IQ(ctx context.Context, typ, from, to, payload string) (Stanza, error) {
	id := fmt.Sprintf("link%d", pingIDs.Add(1))
	w := l.log.expect(id, func(s Stanza) bool { return s.From == to && s.To == from })
	defer l.log.forget(id)
	err := l.Send(fmt.Sprintf("<iq type='%s' id='%s' from='%s' to='%s'>%s</iq>", typ, id, Escape(from), Escape(to), payload))
	if err != nil {
		return Stanza{}, err
	}
	select {
	case s := <-w.reply:
		return s, replyError(s)
	case <-l.log.ended:
		return Stanza{}, l.log.failure()
	case <-ctx.Done():
		return Stanza{}, fmt.Errorf("testbed: no reply from the component: %w", context.Cause(ctx))
	}
}
