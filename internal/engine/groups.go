package engine

import (
	"time"

	"github.com/cespare/xxhash/v2"

	"presenced/internal/presence"
)

// Pacing of S10.
const (
	paceBurst     = 5                // changes of one projection at once
	paceInterval  = 2 * time.Second  // and then one
	idleSpread    = 5 * time.Second  // idle-origin changes come within
	remoteIdleGap = 30 * time.Second // at most one idle-only change to other servers
)

// groupKey names one projection that is rendered once.
type groupKey struct {
	lang      string
	container presence.ContainerID
	remote    bool // watchers on servers that are not ours (S10)
	preferred bool // followers on her priority list (S7)
}

// group is one projection and its watchers.
type group struct {
	key     groupKey
	pairs   []pair
	common  last    // what they were last sent
	odds    *[]odd  // but these, in the order of the rows; nil: none
	digest  uint64  // of what the group was last sent
	tat     instant // pacing: when the burst would be used up (GCRA)
	due     instant // a change is held back until then; 0: none
	idleAt  instant // the last idle-only change sent
	looked  glance  // what was seen at the last look
	pending bool    // some pair may not have been sent digest
}

// allow takes one token of the projection's pace, or says when there is one.
func (g *group) allow(now instant) (instant, bool) {
	if earliestSend := g.tat - instant((paceBurst-1)*paceInterval); g.tat != 0 && now < earliestSend {
		return earliestSend, false
	}
	if g.tat == 0 || g.tat < now {
		g.tat = now
	}
	g.tat += instant(paceInterval)
	return 0, true
}

// cause tells why a user is evaluated.
type cause uint8

const (
	causeEvent cause = iota // somebody did something
	causeTimer              // an instant has come
	causeDue                // a held-back projection may go
)

// emit projects the user's state for every group and sends the differences. It
// is the only place where presence leaves for subscribed watchers. Until all that
// decides is read (maySend) it leaves for those alone who are shown her offline.
func (u *user) emit(now time.Time, why cause) {
	u.inform(now, why)
	all := u.maySend()
	for i := range u.groups {
		if all || u.offlineTo(u.groups[i].key.container, now) {
			u.emitGroup(&u.groups[i], now, why)
		}
	}
	u.publish(now)
}

func (u *user) emitGroup(g *group, now time.Time, why cause) {
	if len(g.pairs) == 0 {
		return
	}
	body, digest := u.render(g.key, now)
	before := g.looked
	g.looked = u.sh.glanceAt(&u.sh.view, u.gist.idle, digest)
	if g.digest == 0 {
		g.digest = digest // nothing was sent yet: the beginning is no change
	}
	if digest == g.digest {
		g.due = 0 // it changed back while it was held
		if g.pending {
			u.send(g, body, digest, now, false)
			g.pending = false
		}
		return
	}
	news := look{same: before.body == digest, idleOnly: g.looked.idleOnly(before, u.gist.idle)}
	if at, held := g.hold(u, u.sh.e.instant(now), why, news); held {
		g.due = at
		u.sh.e.metrics.held.Inc()
		if g.pending {
			u.send(g, body, digest, now, true)
		}
		return
	}
	g.due = 0
	g.digest = digest
	u.send(g, body, digest, now, false)
	g.pending = false
}

// look is what a projection shows now, compared with the look before.
type look struct {
	same     bool // the same: whatever happened, this container cannot see it
	idleOnly bool // but for idleness the same (S10)
}

// hold decides whether a change of the projection must wait (S10). An idle-only
// change that a timer caused is spread; everything obeys the pace. It looks at
// this projection only: a change this container cannot see costs it nothing, and
// brings nothing earlier that waits (I1).
func (g *group) hold(u *user, now instant, why cause, news look) (instant, bool) {
	waiting := g.due != 0
	if waiting && now < g.due && (news.same || news.idleOnly || why == causeDue) {
		return g.due, true
	}
	if why == causeTimer && news.idleOnly && !waiting {
		at := now + u.spread(g.key, now)
		if g.key.remote {
			if g.idleAt != 0 {
				at = max(at, g.idleAt+instant(remoteIdleGap))
			}
			g.idleAt = at
		}
		return at, true
	}
	at, ok := g.allow(now)
	return at, !ok
}

// render projects for a group into the owner's scratch and returns the bytes,
// valid until the next rendering, and their digest.
func (u *user) render(k groupKey, now time.Time) ([]byte, uint64) {
	s := u.sh
	u.project(k.container, now, &s.view)
	s.body = s.e.opt.Sender.Render(s.body[:0], &s.view, k.lang)
	return s.body, xxhash.Sum64(s.body)
}

// nextDue returns when the next held-back projection may go.
func (u *user) nextDue() instant {
	at := u.followDue()
	for i := range u.groups {
		if due := u.groups[i].due; due != 0 && (at == 0 || due < at) {
			at = due
		}
	}
	return at
}
