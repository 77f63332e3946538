package boltstore

import (
	"bytes"
	"errors"
	"maps"
	"sync"
	"time"

	"presenced/internal/engine"
)

// writeOverhead is charged per write and per document besides their bytes, so
// that a flood of tiny writes is bounded by what it really takes.
const writeOverhead = 64

var errFull = errors.New("too many changes are waiting for the disk; try again, and look whether the disk is slow")

// queued is a write, or a barrier: a place in the queue with nothing to write.
type queued struct {
	engine.Write
	size    int
	done    func(error)
	barrier bool
}

// inbox is what callers handed over and the writer has not taken yet.
type inbox struct {
	wake chan struct{} // one token: there may be something to take

	mu            sync.Mutex // guards everything below
	writes        []queued
	held, bytes   int // writes not yet answered: queued, being written or with a callback pending
	presence      map[string][]byte
	presenceBytes int
	presenceSince time.Time // when the oldest of presence came
	closed        bool
}

// job is what the writer takes at once and commits together.
type job struct {
	writes   []queued
	presence map[string][]byte
	last     bool // the store is closing
}

func (in *inbox) init() {
	in.wake = make(chan struct{}, 1)
	in.presence = make(map[string][]byte)
}

func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default: // the token is there already
	}
}

// add queues q or says why not. An erasure also forgets the presence handed over
// before it, which the commit would otherwise write after it.
func (in *inbox) add(q queued, t tuning) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return ErrClosed
	case in.held >= t.queueCount || in.bytes+q.size > t.queueBytes:
		return errFull
	}
	in.held++
	in.bytes += q.size
	in.writes = append(in.writes, q)
	if q.Erase {
		in.forgetPresence(q.User)
	}
	in.signal()
	return nil
}

// addBarrier queues a callback behind all writes; barriers do not count, each
// has a waiting caller. It returns false on a closed store.
func (in *inbox) addBarrier(done func(error)) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.writes = append(in.writes, queued{done: done, barrier: true})
	in.signal()
	return true
}

func (in *inbox) addPresence(user string, data []byte, t tuning) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.putPresence(user, data, t)
	if len(in.presence) > 0 {
		in.signal()
	}
}

// putPresence wants mu held. Over the bound the new one is lost, and the older
// one of the same user with it: none is nearer to the truth than an outdated one.
func (in *inbox) putPresence(user string, data []byte, t tuning) {
	in.forgetPresence(user)
	size := presenceSize(user, data)
	if len(in.presence) >= t.presenceCount || in.presenceBytes+size > t.presenceBytes {
		return
	}
	if len(in.presence) == 0 {
		in.presenceSince = time.Now()
	}
	in.presence[user] = data
	in.presenceBytes += size
}

func (in *inbox) forgetPresence(user string) {
	if old, ok := in.presence[user]; ok {
		in.presenceBytes -= presenceSize(user, old)
		delete(in.presence, user)
	}
}

// take returns what is to be committed now, or how long until there may be
// something (0: nothing is foreseen). While the disk refuses, presence stays
// behind, so that it cannot make a settings commit fail.
func (in *inbox) take(now time.Time, healthy bool, t tuning) (j job, wait time.Duration, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	due := in.presenceSince.Add(t.presenceEvery)
	presenceDue := len(in.presence) > 0 && healthy && !now.Before(due)
	if !in.closed && len(in.writes) == 0 && !presenceDue {
		if len(in.presence) > 0 && healthy {
			return job{}, due.Sub(now), false
		}
		return job{}, 0, false
	}
	withPresence := healthy || in.closed
	for _, q := range in.writes {
		withPresence = withPresence || q.barrier
	}
	j = job{writes: in.writes, last: in.closed}
	in.writes = nil
	if withPresence {
		j.presence = in.presence
		in.presence = make(map[string][]byte)
		in.presenceBytes = 0
	}
	return j, 0, true
}

// giveBack returns presence that could not be written, unless something newer
// came, an erasure of the user among it.
func (in *inbox) giveBack(presence map[string][]byte, t tuning) {
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
			in.putPresence(user, data, t)
		}
	}
}

// answered returns the place of a write to the queue.
func (in *inbox) answered(q queued) {
	if q.barrier {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held--
	in.bytes -= q.size
}

func (in *inbox) close() {
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

func presenceSize(user string, data []byte) int { return len(user) + len(data) + writeOverhead }
