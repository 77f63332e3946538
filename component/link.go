package component

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"presenced/component/privilege"
	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// confirmMargin is taken off the instant of an answered ping: who stamps an
// emission may be held up that long before handing it over.
const confirmMargin = time.Second

// link is one connection from its answered handshake to its end.
type link struct {
	c       *Component
	conn    net.Conn
	framer  *stream.Framer
	w       *stream.Writer
	tracker *tracker
	rosters *rosterQueue
	cards   chan presence.JID // users whose vCards are to be read; full: dropped
	lists   *listQueue
	wake    chan struct{} // of the steward; one pending wake-up is enough
	gone    chan struct{} // closed when serve returns

	// life grows with each presence, which a server may have many of to say
	// before an answer, and with each look of the steward at which the server
	// has taken some of what waits: a slow server is not a stalled one. Bytes
	// that merely fit into the kernel's buffer do not count.
	life atomic.Uint64

	mu        sync.Mutex // guards all below, and in hosts what says so
	hosts     []*hostLink
	cause     error // why the link was given up, the first reason
	confirmed time.Time
	nextPing  time.Time
	pinging   bool
}

// hostLink is what was found of one host since the attach.
type hostLink struct {
	servedHost
	devices atomic.Uint64 // stanzas of its users' devices

	// guarded by link.mu
	advert      privilege.Advert
	answered    time.Time // when the first ping was answered or given up
	silent      bool      // it was given up
	fresh       bool      // a ping sent no earlier than the advert was answered
	asking      bool      // such a ping is on its way
	has         listAccess
	discovered  bool // has is known, or was waited for long enough
	discovering bool
	announced   bool
	ready       engine.Host
	synced      bool
	settle      settling
}

func (c *Component) newLink(conn net.Conn, framer *stream.Framer) *link {
	l := &link{
		c: c, conn: conn, framer: framer,
		tracker: newTracker(), wake: make(chan struct{}, 1), gone: make(chan struct{}),
		cards:    make(chan presence.JID, maxCards),
		nextPing: time.Now().Add(c.timing.pingEvery),
	}
	for _, h := range c.hosts {
		l.hosts = append(l.hosts, &hostLink{servedHost: h})
	}
	l.rosters, l.lists = newRosterQueue(l), newListQueue(l)
	l.w = stream.NewWriter(conn, stream.WriterOptions{BeforeFlush: l.beforeFlush})
	return l
}

// beforeFlush runs on the writer's goroutine before each write.
func (l *link) beforeFlush() error {
	if ask := l.c.o.BeforeFlush; ask != nil {
		if err := ask(); err != nil {
			return fmt.Errorf("%w: %w", errLease, err)
		}
	}
	l.c.out.Drain()
	return nil
}

// serve runs the link until it ends and returns why.
func (l *link) serve(ctx context.Context) error {
	c := l.c
	unwatch := context.AfterFunc(ctx, func() { l.fail(errStopped) })
	defer unwatch()
	c.out.Attach(l.w)
	c.activities.attached()
	c.setPhase(PhaseAttached, nil)
	c.metrics.connects.Inc()
	c.link.Store(l) // before the engine, which may ask for something at once
	c.door.Attached(time.Now())

	work, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { l.steward(work) })
	running.Go(func() { l.rosters.run(work) })
	for range cardReaders {
		running.Go(func() { l.readCards(work) })
	}
	running.Go(func() { l.lists.run(work) })
	err := l.read()

	c.link.Store(nil)
	stop()
	running.Wait()
	c.out.Detach()
	c.activities.detached()
	writeErr := l.w.Err()
	_ = l.w.Close()
	c.metrics.add(l.w.Stats())
	c.door.Detached(l.lastConfirmed())
	close(l.gone)
	return l.why(err, writeErr)
}

// why picks the telling one of the errors that a link's end brings about.
func (l *link) why(read, write error) error {
	l.mu.Lock()
	cause := l.cause
	l.mu.Unlock()
	switch {
	case cause != nil:
		return cause
	case write != nil && !errors.Is(write, stream.ErrClosed) && errors.Is(read, net.ErrClosed):
		return write
	}
	return read
}

// read routes stanzas until the stream ends.
func (l *link) read() error {
	r := newRouter(l)
	for {
		frame, err := l.framer.Next()
		if err == nil {
			err = r.route(frame)
		} else if skipped, ok := errors.AsType[*stream.SkippedError](err); ok {
			r.skipped(skipped)
			err = nil
		}
		if err != nil {
			return err
		}
	}
}

// fail gives the link up for a reason of ours.
func (l *link) fail(reason error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause = reason
	}
	l.mu.Unlock()
	_ = l.conn.Close() // the reader reports
}

// close ends our side of the stream, waits for the server to end its side, and
// then drops the connection. Closing at once would reset it where unread
// stanzas wait, and the server might lose our last ones.
func (l *link) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.c.timing.farewell)
	defer cancel()
	if l.w.Seal([]byte(stream.Footer)) == nil && l.w.Flush(ctx) == nil {
		if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite() // without it the footer alone must do
		}
		select {
		case <-l.gone:
		case <-ctx.Done():
		}
	}
	l.fail(errStopped)
}

// send appends one stanza; what cannot be sent is counted, for the link is
// over or its peer far behind.
func (l *link) send(render func(dst []byte) []byte) {
	if err := l.w.Append(render); errors.Is(err, stream.ErrQueueFull) {
		l.c.metrics.dropped["queue-full"].Inc()
	}
}

func (l *link) lastConfirmed() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.confirmed
}

// awake makes the steward look at what has changed.
func (l *link) awake() {
	select {
	case l.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// ping asks a host for a sign of life (XEP-0199). done runs on the reader or
// the steward and must not block.
func (l *link) ping(h *hostLink, done func(answer)) {
	sent := time.Now()
	certain := l.c.out.Stats().Pairs == 0 // else what is held may be older
	t := l.c.timing
	id := l.tracker.add(request{
		from: presence.JID{Addr: h.addr}, deadline: sent.Add(t.answer), last: sent.Add(t.patience), received: l.life.Load(),
		done: func(a answer) {
			if a.replied() && certain {
				l.confirm(sent.Add(-confirmMargin))
			}
			done(a)
		},
	})
	l.send(func(dst []byte) []byte { return appendPing(dst, id, l.c.o.Domain, h.name) })
}

func (l *link) confirm(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.After(l.confirmed) {
		l.confirmed = at
	}
}

// granted returns the grant of a host where it lets us do something, else nil.
func (l *link) granted(domain string, may func(h *hostLink) bool) *privilege.Grant {
	i, ok := l.c.byDomain[domain]
	if !ok {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.hosts[i]; may(h) {
		return h.advert.Grant
	}
	return nil
}
