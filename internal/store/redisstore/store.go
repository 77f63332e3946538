package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
)

var _ engine.Store = (*Store)(nil)

// errNotAttached is told to whoever saves before Attach.
var errNotAttached = errors.New("the store is not attached yet")

// Store is the engine.Store in Redis. See New and Attach.
type Store struct {
	opt    Options
	log    *slog.Logger
	tune   tuning
	schema schema
	client redis.UniversalClient
	keys   *layout

	in      *queue.Inbox
	answers queue.Answers
	health  health
	metrics *metrics

	begun    atomic.Bool       // the writer was started
	epoch    atomic.Int64      // grows whenever something is written again
	foreign  [tags]atomic.Bool // a reader met a key there that is not ours
	checks   chan chan error   // asks the writer whether Redis holds everything
	stopping chan struct{}     // closed by the first Close
	stopOnce sync.Once
	stopped  chan struct{} // closed when all is answered and the lease is given back
	lost     chan struct{} // closed when another process took over
	lostOnce sync.Once

	sourceMu sync.Mutex // guards source
	source   Source

	// The fields below belong to Attach and then to the writer goroutine.
	marker   marker
	marked   bool // the marker tells what is true
	markAt   time.Time
	renewAt  time.Time
	leasedAt time.Time // when the lease was taken or renewed
	fences   [tags]fence
	damaged  [tags]bool    // Redis does not hold what it was told; see mend
	unsure   [tags]bool    // a batch was refused that may still be on its way; see seal
	flushed  bool          // it lost even meta
	waited   bool          // somebody else owned the store since this one was made
	regain   bool          // a new token is being taken, and may be known to Redis only
	heldFor  time.Duration // how long somebody's lease still held when it was met last
	safety   safety
}

// Source yields everything the running daemon knows of every user, as the store
// was told to keep it. It is asked when Redis lost something.
type Source func(ctx context.Context, each func(engine.Saved) error) error

// New returns a store that has not spoken to Redis yet. go-redis' own log, which is
// the process's and speaks of every attempt to connect, is turned off: what matters
// comes back as errors.
func New(o Options) (*Store, error) { return newStore(o, defaults, current) }

var quiet sync.Once

func newStore(o Options, t tuning, sch schema) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("redis store: %w", err)
	}
	quiet.Do(func() { redis.SetLogger(&logging.VoidLogger{}) })
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		opt: o, log: o.Log, tune: t, schema: sch, client: o.Server.client(t), keys: newLayout(o.Prefix), in: queue.New(t.queue),
		checks: make(chan chan error), stopping: make(chan struct{}), stopped: make(chan struct{}), lost: make(chan struct{}),
	}
	s.safety.copy = o.Copy
	s.metrics = newMetrics(o.Registerer)
	s.health.failed(errNotAttached)
	s.health.pause = t.lease - t.lease/5 // two seconds less: clocks, and what is on its way
	return s, nil
}

// SetSource names who knows what Redis may have lost.
func (s *Store) SetSource(source Source) {
	s.sourceMu.Lock()
	defer s.sourceMu.Unlock()
	s.source = source
}

// Lost is closed when another process has taken the store over. Nothing can be
// stored any more, and whoever shows presence from this process's memory must stop.
func (s *Store) Lost() <-chan struct{} { return s.lost }

// MayShow returns nil while this process may show presence. After another one took
// over it may not; nor after it was paused so long that one may have, until it has
// looked. A Redis that cannot be reached is no reason: nobody else can take over
// then either.
func (s *Store) MayShow() error {
	select {
	case <-s.lost:
		return errTaken
	default:
	}
	if s.begun.Load() && !s.health.awake(time.Now()) {
		return errPaused
	}
	return nil
}

// errPaused is told between a pause and the first look at the lease after it.
var errPaused = errors.New("this process was paused for longer than its lease")

// Save queues w (engine.Store). It keeps no reference to w.Docs. While Redis
// cannot store it is refused at once; a write over 16 MiB always.
func (s *Store) Save(w engine.Write, done func(error)) {
	err := s.health.get(time.Now(), s.tune.answer)
	if err == nil && w.User == "" {
		err = errors.New("a user without a name; give one")
	}
	if err == nil {
		err = s.in.Add(w, done)
	}
	if err != nil {
		s.answers.Add(queue.Answer{Done: done, Err: refused(err)})
	}
}

// SavePresence remembers data for user (engine.Store). It keeps no reference to
// data.
func (s *Store) SavePresence(user string, data []byte) {
	if user != "" {
		s.in.AddPresence(user, data)
	}
}

// Flush waits until all that was handed over before is stored or refused and the
// callbacks have returned (engine.Store). The error is that of ctx only.
func (s *Store) Flush(ctx context.Context) error {
	passed := make(chan struct{})
	if !s.begun.Load() {
		return nil
	}
	if !s.in.AddBarrier(func(error) { close(passed) }) {
		passed = s.stopped
	}
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("redis store: flush: %w; look whether %s answers", context.Cause(ctx), s.opt.Server.name())
	}
}

// Healthy returns nil while changes are being stored, else why not and what to
// do (engine.Store).
func (s *Store) Healthy() error {
	if err := s.health.get(time.Now(), s.tune.answer); err != nil {
		return fmt.Errorf("redis store: %w", err)
	}
	return nil
}

// Close stores what was handed over before, gives the lease back and closes the
// connections (engine.Store). When ctx ends first, what is still queued is refused
// as soon as Redis is given up. Closing again waits for the same end.
func (s *Store) Close(ctx context.Context) error {
	s.in.Close()
	s.stopOnce.Do(func() { close(s.stopping) })
	if !s.begun.Load() {
		_ = s.client.Close() // nothing is under way
		return nil
	}
	select {
	case <-s.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("redis store: close: %w; look whether %s answers", context.Cause(ctx), s.opt.Server.name())
	}
}
