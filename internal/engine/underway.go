package engine

import (
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/roster"
)

// underway is what is going on with a user. Mostly nothing is.
type underway struct {
	waiting []waiter                            // who waits until she is loaded
	queue   []func(now time.Time)               // changes that wait for the one being stored
	after   [numQuestions][]func(now time.Time) // who waits for an answer of her server
	leaving []presence.Addr                     // watchers whose unsubscribe is not stored yet
	enrolAt instant                             // when enrolling her unasked is tried again
	// sent is what the store says each watcher was sent last, until she is loaded.
	sent map[presence.Addr]uint64
}

// waiter is somebody who asked before the user was loaded (S8.5).
type waiter struct {
	until instant
	run   func(now time.Time)
}

// begin returns what is going on with the user, to be added to.
func (u *user) begin() *underway {
	if u.going == nil {
		u.going = new(underway)
	}
	return u.going
}

// leave takes a watcher's unsubscribe: what he asks next waits for it.
func (u *user) leave(m Mirror, now time.Time) {
	g := u.begin()
	g.leaving = append(g.leaving, m.Watcher.Addr)
	if !u.do(now, func(now time.Time) { u.step(m, roster.Unsubscribe, now) }) {
		u.left(m)
	}
}

// left ends that, stored or not; other events are none of its business.
func (u *user) left(m Mirror) {
	if m.Kind != MirrorUnsubscribe || u.going == nil {
		return
	}
	if i := slices.Index(u.going.leaving, m.Watcher.Addr); i >= 0 {
		u.going.leaving = slices.Delete(u.going.leaving, i, i+1)
	}
	u.rest()
}

// stays reports whether a watcher is subscribed and has not said that he leaves.
func (u *user) stays(w presence.Addr) bool {
	return u.set.subs.Standing(w) == roster.Accepted && (u.going == nil || !slices.Contains(u.going.leaving, w))
}

// rest lets go of what is over.
func (u *user) rest() {
	g := u.going
	if g == nil || len(g.waiting)+len(g.queue)+len(g.leaving)+len(g.sent) > 0 || g.enrolAt != 0 {
		return
	}
	for _, after := range g.after {
		if len(after) > 0 {
			return
		}
	}
	u.going = nil
}

// asked names what a server is asked about a user.
type asked uint8

const (
	askedRoster asked = iota
	askedLists
	numQuestions
)

// question is how the reading of something that is the server's goes.
type question struct {
	reading bool
	again   bool // asked for once more while a reading was under way
}

// join has after run when the reading is over, well or not.
func (u *user) join(q asked, after func(now time.Time)) {
	switch {
	case after == nil:
	case len(u.begin().after[q]) >= maxQueue:
		u.sh.e.metrics.lost.Inc()
	default:
		u.going.after[q] = append(u.going.after[q], after)
	}
}

// answered lets those go on who waited for an answer, unless it has been asked for
// once more.
func (u *user) answered(q asked, reading bool, now time.Time) {
	if reading || u.going == nil {
		return
	}
	after := u.going.after[q]
	u.going.after[q] = nil
	for _, f := range after {
		f(now)
	}
	u.rest()
}

// unanswered ends a reading whose answer will not come.
func (u *user) unanswered(q asked, now time.Time) {
	if q == askedLists {
		u.lists.question = question{}
	} else {
		u.roster.question = question{}
	}
	u.answered(q, false, now)
}
