package boltstore

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
)

var _ engine.Store = (*Store)(nil)

// ErrClosed is wrapped, beside engine.ErrRefused where something was to be
// stored, by what is asked of a closed store.
var ErrClosed = queue.ErrClosed

// Options say where the store is and whom it tells.
type Options struct {
	Dir string       // holds presenced.db; made with mode 0700 when missing
	Log *slog.Logger // nil: nothing is logged
}

// tuning holds the bounds and intervals; tests make them small.
type tuning struct {
	queue      queue.Limits
	probeEvery time.Duration // between attempts while the disk refuses
	lockWait   time.Duration // for another process to let go of the file
	stallAfter time.Duration // a commit running longer makes the store unhealthy
}

// defaults bound the memory of a store whose disk hangs to about 100 MiB. One
// write is the documents of one user, some kilobytes; the lock wait covers a
// predecessor that is just ending.
var defaults = tuning{
	queue: queue.Limits{
		Writes: 8192, Bytes: 64 << 20, WriteBytes: 16 << 20,
		Presence: 1 << 20, PresenceBytes: 32 << 20, PresenceEvery: 200 * time.Millisecond,
	},
	probeEvery: time.Second,
	lockWait:   500 * time.Millisecond,
	stallAfter: 10 * time.Second,
}

// Store is the embedded engine.Store. Its zero value is not usable; see Open.
type Store struct {
	log    *slog.Logger
	dir    string
	id     string
	tune   tuning
	db     *bolt.DB
	file   *os.File                               // the file under db, to let go of it when db is beyond closing
	update func(fn func(tx *bolt.Tx) error) error // db.Update; tests put faults here

	in       *queue.Inbox
	answers  queue.Answers
	health   health
	sequence atomic.Uint64
	aborted  atomic.Bool   // Close ran out of time: refuse what is still queued
	stopped  chan struct{} // closed when the file is released and all is answered
	closeErr error         // of the release; written before stopped is closed

	// The fields below belong to the writer goroutine.
	undo   []image // takes back a failed commit that is visible nevertheless
	broken error   // damage met by the writer; nothing is written any more
}

// Open opens or creates the store in o.Dir and starts its writer. The error
// wraps engine.ErrInUse when another process has it and engine.ErrNewerSchema
// when a newer version wrote it. An older schema is migrated after a copy was
// made as presenced.db.bak-schemaN.
func Open(o Options) (*Store, error) { return open(o, defaults, current) }

func open(o Options, t tuning, sch schema) (*Store, error) {
	return openWith(o, t, sch, func(*Store) {})
}

// openWith calls before ahead of the writer's start.
func openWith(o Options, t tuning, sch schema, before func(*Store)) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{log: o.Log, dir: o.Dir, tune: t, stopped: make(chan struct{})}
	if err := s.openFile(sch); err != nil {
		return nil, fmt.Errorf("embedded store in %s: %w", o.Dir, err)
	}
	s.update = s.db.Update
	s.in = queue.New(t.queue)
	before(s)
	go s.run() // owned by the store; Close waits for stopped
	return s, nil
}

// ID returns the random name the store got when it was created.
func (s *Store) ID() string { return s.id }

// Sequence returns the number of settings commits the store has seen in its
// life; it never goes backwards.
func (s *Store) Sequence() uint64 { return s.sequence.Load() }

// Save queues w (engine.Store). It keeps no reference to w.Docs. Users are not
// empty and hold no NUL; a write over 16 MiB is refused.
func (s *Store) Save(w engine.Write, done func(error)) {
	err := acceptable(w)
	if err == nil {
		err = s.in.Add(w, done)
	}
	if err != nil {
		s.answers.Add(queue.Answer{Done: done, Err: refused(err)})
	}
}

func acceptable(w engine.Write) error {
	if err := checkUser(w.User); err != nil {
		return err
	}
	for name := range w.Docs {
		if len(name) > maxDocName {
			return fmt.Errorf("a document name is longer than %d bytes; shorten it", maxDocName)
		}
	}
	return nil
}

// SavePresence remembers data for user (engine.Store). It keeps no reference to
// data. It is written with the next settings commit, after 200 ms at the latest.
func (s *Store) SavePresence(user string, data []byte) {
	if checkUser(user) != nil {
		return
	}
	s.in.AddPresence(user, data)
}

// Flush waits until all that was handed over before is stored or refused and the
// callbacks have returned (engine.Store). The error is that of ctx only; what
// was refused is told to the callbacks. A closed store has nothing to flush.
func (s *Store) Flush(ctx context.Context) error {
	passed := make(chan struct{})
	if !s.in.AddBarrier(func(error) { close(passed) }) {
		passed = s.stopped
	}
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("embedded store: flush: %w; look whether the disk hangs", context.Cause(ctx))
	}
}

// Healthy returns nil while changes are being stored, else why not and what to
// do (engine.Store).
func (s *Store) Healthy() error { return s.health.get(time.Now(), s.tune.stallAfter) }

// Close stores what was handed over before and releases the file (engine.Store).
// When ctx ends first, what is still queued is refused, the file is released as
// soon as the disk answers, and the error of ctx is returned. Closing again
// waits for the same end.
func (s *Store) Close(ctx context.Context) error {
	s.in.Close()
	select {
	case <-s.stopped:
		return s.closeErr
	case <-ctx.Done():
		s.aborted.Store(true)
		return fmt.Errorf("embedded store: close: %w; look whether the disk hangs", context.Cause(ctx))
	}
}
