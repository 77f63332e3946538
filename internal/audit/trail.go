package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// Bounds of what waits to be written, in entries. Questions leave a quarter to
// changes: nobody's asking may push a change out.
const (
	maxWaiting = 16384
	maxAsked   = maxWaiting / 4 * 3
)

// ErrClosed is returned by readings after Close.
var ErrClosed = errors.New("the audit trail is closed; the daemon is stopping")

// Options are what a Trail needs.
type Options struct {
	Dir        string // of the files; made when there is something to write
	Retention  time.Duration
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// Exempt reports whether what others than the operator ask about a user, and she
	// changes, is not written; nil: of everybody it is.
	// It is called by the trail's own goroutine.
	Exempt func(presence.Addr) bool
}

// Trail is the audit trail. Its methods are safe for many goroutines.
type Trail struct {
	o         Options
	retention atomic.Int64 // in nanoseconds
	metrics   *metrics

	queue   chan *item    // in order; waiting bounds it
	waiting atomic.Int64  // entries in queue
	told    atomic.Bool   // something: it is in a file, or on its way there
	lost    atomic.Int64  // entries the trail does not tell of yet
	erasing chan struct{} // capacity 1: a token means that erasures are due
	closing chan struct{}
	close   sync.Once
	done    chan struct{} // closed when the writer has ended
	writer  sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	problem  error      // why entries cannot be written; nil: they can
	erasures []string   // keys of addresses to be taken out
}

// item is what waits for the writer: questions for presence, a deed, or a turn of
// somebody who waits until everything before is in the file.
type item struct {
	at     time.Time
	who    engine.Principal
	looked []look
	deed   engine.Deed
	turn   chan<- error // nil: looked or deed; has room for the answer
}

type look struct {
	user  presence.Addr
	level presence.ContainerID
}

// entries is how many lines an item may come to.
func (it *item) entries() int64 {
	return int64(max(len(it.looked), 1+len(it.deed.Rules)/maxRules))
}

// Open returns a trail that writes what it is told. Nothing it meets on the disk
// keeps it from opening; see Healthy.
func Open(o Options) *Trail { return begin(o, openFile) }

// begin opens a trail whose files are opened by open.
func begin(o Options, open opener) *Trail {
	t := &Trail{
		o: o, queue: make(chan *item, maxWaiting), erasing: make(chan struct{}, 1),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	t.retention.Store(int64(o.Retention))
	t.metrics = newMetrics(o.Registerer)
	t.resume()
	t.writer.Go(newWriter(t, open).run)
	return t
}

// Close writes what waits and ends the trail. It is idempotent and bounded by ctx.
func (t *Trail) Close(ctx context.Context) error {
	t.close.Do(func() { close(t.closing) })
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// SetRetention puts another retention in force.
func (t *Trail) SetRetention(d time.Duration) { t.retention.Store(int64(d)) }

// Healthy returns nil while entries are being written, else why not and what to do.
func (t *Trail) Healthy() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.problem
}

// Looked is told that presence was asked for. It keeps whom, and by which level
// each was answered.
func (t *Trail) Looked(who engine.Principal, users []presence.Addr, views []presence.View) {
	users = users[:min(len(users), len(views))]
	it := &item{at: time.Now(), who: who, looked: make([]look, 0, len(users))}
	for i, u := range users {
		it.looked = append(it.looked, look{u, views[i].Container})
	}
	if len(it.looked) > 0 {
		t.put(it, maxAsked)
	}
}

// Noted is told anything else.
func (t *Trail) Noted(d engine.Deed) {
	limit := int64(maxAsked)
	if d.Change {
		limit = maxWaiting
	}
	t.put(&item{at: time.Now(), deed: d}, limit)
}

func (t *Trail) put(it *item, limit int64) {
	n := it.entries()
	t.told.Store(true)
	if t.waiting.Add(n) > limit {
		t.waiting.Add(-n)
		t.lose(n)
		return
	}
	select {
	case t.queue <- it:
	default: // turns took the room
		t.waiting.Add(-n)
		t.lose(n)
	}
}

func (t *Trail) lose(n int64) {
	t.lost.Add(n)
	t.metrics.lost.Add(float64(n))
}

// turn waits until everything told before is in the file.
func (t *Trail) turn(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case t.queue <- &item{turn: answer}:
	case <-t.done:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-t.done:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ail notes how writing goes, and logs a change of it.
func (t *Trail) ail(err error) {
	t.mu.Lock()
	before := t.problem
	t.problem = err
	t.mu.Unlock()
	switch {
	case err != nil && before == nil:
		t.o.Log.Error("the audit trail cannot be written; entries are lost until it can", "error", err)
	case err == nil && before != nil:
		t.o.Log.Info("the audit trail is written again")
	}
}

// metrics are the trail's; no label ever holds an address.
type metrics struct{ entries, lost prometheus.Counter }

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	return &metrics{
		entries: counter("presenced_audit_entries_total", "Entries written to the audit trail."),
		lost:    counter("presenced_audit_entries_lost_total", "Entries the audit trail could not take or write."),
	}
}
