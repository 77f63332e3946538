package component

import (
	"sync"

	"presenced/internal/presence"
)

// wanted is a user whose something is to be fetched.
type wanted struct {
	user   presence.JID
	online bool // she has a session
}

// fetchQueue asks servers for something about users, some at a time, the rest in
// order. A user waits at most once.
type fetchQueue struct {
	most  int            // on their way at once
	start func(w wanted) // asks; finish follows

	mu      sync.Mutex // guards all below
	waiting []wanted
	known   map[presence.Addr]bool // waiting or on its way
	flying  int
}

// add puts a user at the end of the queue, unless she waits already.
func (q *fetchQueue) add(w wanted) {
	q.mu.Lock()
	if q.known[w.user.Addr] {
		q.mu.Unlock()
		return
	}
	if q.known == nil {
		q.known = map[presence.Addr]bool{}
	}
	q.known[w.user.Addr] = true
	q.waiting = append(q.waiting, w)
	q.mu.Unlock()
	q.pump()
}

// pump asks for more while there is room.
func (q *fetchQueue) pump() {
	for {
		q.mu.Lock()
		if q.flying >= q.most || len(q.waiting) == 0 {
			q.mu.Unlock()
			return
		}
		next := q.waiting[0]
		if q.waiting = q.waiting[1:]; len(q.waiting) == 0 {
			q.waiting = nil // a whole host's worth, after an attach
		}
		q.flying++
		q.mu.Unlock()
		q.start(next)
	}
}

// finish makes room: what was asked about the user is answered. From here on she
// may be asked for again.
func (q *fetchQueue) finish(user presence.Addr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flying--
	delete(q.known, user)
	if len(q.known) == 0 {
		q.known = nil // and its memory goes
	}
}
