package component

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"presenced/component/stream"
)

// errHandshake is wrapped by what goes wrong between the header and the
// handshake's answer.
var errHandshake = errors.New("component: handshake")

// errLease is wrapped by what BeforeFlush refuses.
var errLease = errors.New("component: not allowed to send")

// guard is the conn as the framer sees it: until the handshake is answered no
// read may last beyond the handshake's limit. Only the reader uses it.
type guard struct {
	net.Conn
	until time.Time // zero: no limit any more
}

// SetReadDeadline sets the earlier of t and the limit.
func (g *guard) SetReadDeadline(t time.Time) error {
	if !g.until.IsZero() && (t.IsZero() || t.After(g.until)) {
		t = g.until
	}
	return g.Conn.SetReadDeadline(t)
}

// dial connects to the server within the handshake's time limit.
func (c *Component) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timing.handshake)
	defer cancel()
	if c.o.Dial != nil {
		return c.o.Dial(ctx)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", c.o.Address)
}

// sendBuffer bounds what a slow server has not read yet but the kernel has
// taken: what waits above it is still replaced by the latest.
const sendBuffer = 256 << 10

// open attaches: it dials, exchanges headers and handshakes, and pipelines a
// ping to each served host. The link is not served yet; on error nothing is
// left behind.
func (c *Component) open(ctx context.Context) (*link, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("component: connect: %w", err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer)
	}
	unwatch := context.AfterFunc(ctx, func() { _ = conn.Close() })
	l, err := c.greet(conn)
	unwatch()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		if l != nil {
			_ = l.w.Close()
		}
		_ = conn.Close()
		return nil, err
	}
	return l, nil
}

// greet speaks XEP-0114 §3 up to the answered handshake. On error the link is
// returned as far as it came.
func (c *Component) greet(conn net.Conn) (*link, error) {
	limit := time.Now().Add(c.timing.handshake)
	g := &guard{Conn: conn, until: limit}
	if err := conn.SetWriteDeadline(limit); err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	if err := g.SetReadDeadline(limit); err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	if _, err := conn.Write(stream.AppendHeader(nil, c.o.Domain)); err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	framer := stream.NewFramer(g, stream.Limits{MaxBytes: c.o.MaxStanza, Idle: 3 * c.timing.pingEvery})
	header, err := framer.Header()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	l := c.newLink(conn, framer)
	_ = l.w.Append(func(dst []byte) []byte { return stream.AppendHandshake(dst, header.ID, c.o.Secret()) })
	l.pingHosts() // a failed write shows in the reader, which may know more
	if err := c.accepted(framer); err != nil {
		return l, err
	}
	g.until = time.Time{}
	return l, nil
}

// accepted reads up to the handshake's answer.
func (c *Component) accepted(framer *stream.Framer) error {
	frame, err := framer.Next()
	if err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	var s stream.Stanza
	if err := stream.Scan(frame, &s); err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	switch {
	case s.Name.Is(stream.NSAccept, "handshake"):
		return nil
	case s.Name.Is(stream.NSStreams, "error"):
		return c.refusal(parseStreamError(frame))
	}
	return fmt.Errorf("%w: unexpected <%s>; is this the component port?", errHandshake, s.Name.Local)
}

// refusal tells a wrong secret or domain from other stream errors.
func (c *Component) refusal(e *StreamError) error {
	if e.Condition == "not-authorized" || e.Condition == "host-unknown" {
		return &RefusedError{Domain: c.o.Domain, Condition: e.Condition, Text: e.Text}
	}
	return e
}
