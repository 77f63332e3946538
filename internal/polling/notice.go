package polling

import (
	"time"

	"presenced/internal/presence"
)

// gather is how long is waited after a notice: one change is told several times.
const gather = 5 * time.Second

// Noticed has a user's calendar at a source of the operator's read soon, since
// somebody says that it has changed, and reports whether proof is what the source
// is told such things with. afresh: what is remembered for the source does not
// count any more.
func (p *Poller) Noticed(source string, user presence.Addr, proof string, afresh bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, who := p.feeds[source], p.people[user]
	if f == nil || f.own() {
		return false
	}
	told, ok := f.source.(interface{ Proves(user, proof string) bool })
	bare := user.Key()
	if who != nil {
		bare = who.bare
	}
	// Proofs are compared for everybody: how long it takes tells nobody who is read.
	if !ok || !told.Proves(bare, proof) || who == nil {
		return false
	}
	for _, e := range who.entries {
		if e.feed != f {
			continue
		}
		if afresh {
			e.state, e.reach = nil, 0
		}
		f.soon(e, time.Now().Add(gather))
	}
	return true
}

// soon has an entry read at an instant, if it is not read before that anyway.
func (f *feed) soon(e *entry, at time.Time) {
	switch {
	case e.asked:
		e.anew = true // the answer on its way may be of before
	case e.due > at.UnixNano():
		f.push(e, at)
	}
}
