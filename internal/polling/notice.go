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
		f.soon(e, afresh, time.Now())
	}
	return true
}

// soon has an entry read in a while, if it is not read before that anyway. What is on
// its way counts: of a calendar that changes all the time nothing else would come.
func (f *feed) soon(e *entry, afresh bool, now time.Time) {
	if e.asked {
		e.soon, e.fresh = true, e.fresh || afresh
		return
	}
	if afresh {
		e.state, e.reach = nil, 0
	}
	if e.fails > 0 {
		return // it is tried again at its own distance
	}
	if at := now.Add(gather); e.due > at.UnixNano() {
		f.push(e, at)
	}
}

// noticed does what notices asked for while the entry was asked about.
func (f *feed) noticed(e *entry, now time.Time) {
	if !e.soon || e.gone {
		return
	}
	afresh := e.fresh
	e.soon, e.fresh = false, false
	f.soon(e, afresh, now)
}
