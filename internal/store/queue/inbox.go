package queue

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"presenced/internal/engine"
)

// writeOverhead is charged per write and per document besides their bytes, so
// that a flood of tiny writes is bounded by what it really takes.
const writeOverhead = 64

// presizeMost bounds the room that is made for presence before it comes.
const presizeMost = 16 << 10

// Sentinels of what an inbox does not take.
var (
	// ErrFull: as much as the limits allow waits already.
	ErrFull = errors.New("too many changes are waiting to be stored; try again, and look whether the store is slow")

	// ErrClosed is told by an inbox that takes nothing any more.
	ErrClosed = errors.New("the store is closed")
)

// Limits bound what waits in an Inbox.
type Limits struct {
	Writes        int           // not yet answered
	Bytes         int           // of those writes
	WriteBytes    int           // of one write
	Presence      int           // users with presence not yet written
	PresenceBytes int           // of that presence
	PresenceEvery time.Duration // presence waits at most this long for company
}

// Queued is a write, or a barrier: a place in the queue with nothing to write.
type Queued struct {
	engine.Write
	Size    int // in bytes, as the limits count
	Done    func(error)
	barrier bool
}

// Barrier reports whether there is nothing to write.
func (q *Queued) Barrier() bool { return q.barrier }

// Inbox is what callers handed over and the writer has not taken yet. It is safe
// for many goroutines. See New.
type Inbox struct {
	wake   chan struct{} // one token: there may be something to take
	limits Limits

	mu            sync.Mutex // guards everything below
	writes        []Queued
	held, bytes   int // writes not yet answered: queued, being written or with a callback pending
	presence      map[string][]byte
	presenceBytes int
	presenceSince time.Time // when the oldest of presence came
	closed        bool
}

// Job is what the writer takes at once and commits together.
type Job struct {
	Writes   []Queued
	Presence map[string][]byte
	Last     bool // the store is closing
}

// New returns an empty inbox.
func New(limits Limits) *Inbox {
	return &Inbox{wake: make(chan struct{}, 1), limits: limits, presence: make(map[string][]byte)}
}

// Wake gives one token when there may be something to take.
func (in *Inbox) Wake() <-chan struct{} { return in.wake }

func (in *Inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default: // the token is there already
	}
}

// Add queues a copy of w or says why not: the error wraps ErrFull or ErrClosed
// where the write itself is sound. An erasure also forgets the presence handed
// over before it, which would otherwise be written after it.
func (in *Inbox) Add(w engine.Write, done func(error)) error {
	q := Queued{Write: cloneWrite(w), Size: writeSize(w), Done: done}
	if q.Size > in.limits.WriteBytes {
		return fmt.Errorf("%d bytes of settings are more than the %d one user may have; remove some", q.Size, in.limits.WriteBytes)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return ErrClosed
	case in.held >= in.limits.Writes || in.bytes+q.Size > in.limits.Bytes:
		return ErrFull
	}
	in.held++
	in.bytes += q.Size
	in.writes = append(in.writes, q)
	if q.Erase {
		in.forgetPresence(q.User)
	}
	in.signal()
	return nil
}

// AddBarrier queues a callback behind all writes; barriers do not count, each
// has a waiting caller. It returns false on a closed store.
func (in *Inbox) AddBarrier(done func(error)) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.writes = append(in.writes, Queued{Done: done, barrier: true})
	in.signal()
	return true
}

// AddPresence keeps a copy of the latest presence of a user; over the limits it is
// lost. A closed inbox takes none.
func (in *Inbox) AddPresence(user string, data []byte) {
	data = bytes.Clone(data)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.putPresence(user, data)
	if len(in.presence) > 0 {
		in.signal()
	}
}

// putPresence wants mu held. Over the bound the new one is lost, and the older
// one of the same user with it: none is nearer to the truth than an outdated one.
func (in *Inbox) putPresence(user string, data []byte) {
	in.forgetPresence(user)
	size := PresenceSize(user, data)
	if len(in.presence) >= in.limits.Presence || in.presenceBytes+size > in.limits.PresenceBytes {
		return
	}
	if len(in.presence) == 0 {
		in.presenceSince = time.Now()
	}
	in.presence[user] = data
	in.presenceBytes += size
}

func (in *Inbox) forgetPresence(user string) {
	if old, ok := in.presence[user]; ok {
		in.presenceBytes -= PresenceSize(user, old)
		delete(in.presence, user)
	}
}

// Take returns what is to be stored now, or how long until there may be
// something (0: nothing is foreseen). While the store is not healthy, presence
// stays behind, so that it cannot make settings fail.
func (in *Inbox) Take(now time.Time, healthy bool) (j Job, wait time.Duration, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	due := in.presenceSince.Add(in.limits.PresenceEvery)
	presenceDue := len(in.presence) > 0 && healthy && !now.Before(due)
	if !in.closed && len(in.writes) == 0 && !presenceDue {
		if len(in.presence) > 0 && healthy {
			return Job{}, due.Sub(now), false
		}
		return Job{}, 0, false
	}
	withPresence := healthy || in.closed
	for _, q := range in.writes {
		withPresence = withPresence || q.barrier
	}
	j = Job{Writes: in.writes, Last: in.closed}
	in.writes = nil
	if withPresence {
		j.Presence = in.presence
		in.presence = make(map[string][]byte, min(len(j.Presence), presizeMost)) // as many may come again
		in.presenceBytes = 0
	}
	return j, 0, true
}

// GiveBack returns presence that could not be written, unless something newer
// came, an erasure of the user among it.
func (in *Inbox) GiveBack(presence map[string][]byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	erased := make(map[string]bool)
	for _, q := range in.writes {
		if q.Erase {
			erased[q.User] = true
		}
	}
	for user, data := range presence {
		if _, newer := in.presence[user]; !newer && !erased[user] {
			in.putPresence(user, data)
		}
	}
}

// Answered returns the place of a write to the queue.
func (in *Inbox) Answered(q Queued) {
	if q.barrier {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held--
	in.bytes -= q.Size
}

// Close ends what comes in; what is there can still be taken.
func (in *Inbox) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.signal()
}

func cloneWrite(w engine.Write) engine.Write {
	w.Docs = maps.Clone(w.Docs)
	for name, doc := range w.Docs {
		w.Docs[name] = bytes.Clone(doc)
	}
	return w
}

func writeSize(w engine.Write) int {
	n := len(w.User) + writeOverhead
	for name, doc := range w.Docs {
		n += len(w.User) + len(name) + len(doc) + writeOverhead
	}
	return n
}

// PresenceSize is what the limits count for one user's presence, in bytes.
func PresenceSize(user string, data []byte) int { return len(user) + len(data) + writeOverhead }
