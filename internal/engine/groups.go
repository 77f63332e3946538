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
	container presence.ContainerID
	lang      string
	remote    bool // watchers on servers that are not ours (S10)
}

// pair is what one watcher was last sent.
type pair struct {
	addr   presence.Addr
	sent   uint64 // digest of the last rendering; 0: unknown, must be sent
	sentAt int64  // unix nanoseconds of that sending
	muted  bool   // it bounced: silent until the next probe or subscribe (S14)
	fresh  bool   // has just come into the group: sent without pacing
}

// group is one projection and its watchers. targets and pairs are parallel.
type group struct {
	key     groupKey
	targets []Target
	pairs   []pair
	digest  uint64    // of what the group was last sent
	tat     time.Time // pacing: when the burst would be used up (GCRA)
	due     time.Time // a change is held back until then; zero: none
	idleAt  time.Time // the last idle-only change sent
	pending bool      // some pair's sent may differ from digest
}

// allow takes one token of the projection's pace, or says when there is one.
func (g *group) allow(now time.Time) (time.Time, bool) {
	if earliestSend := g.tat.Add(-(paceBurst - 1) * paceInterval); now.Before(earliestSend) {
		return earliestSend, false
	}
	if g.tat.Before(now) {
		g.tat = now
	}
	g.tat = g.tat.Add(paceInterval)
	return time.Time{}, true
}

// cause tells why a user is evaluated.
type cause uint8

const (
	causeEvent cause = iota // somebody did something
	causeTimer              // an instant has come
	causeDue                // a held-back projection may go
)

// emit projects the user's state for every group and sends the differences. It
// is the only place where presence leaves for subscribed watchers.
func (u *user) emit(now time.Time, why cause, idleOnly bool) {
	u.inform(now, why, idleOnly)
	if !u.maySend() {
		return
	}
	for i := range u.groups {
		u.emitGroup(&u.groups[i], now, why, idleOnly)
	}
}

func (u *user) emitGroup(g *group, now time.Time, why cause, idleOnly bool) {
	if len(g.pairs) == 0 {
		return
	}
	body, digest := u.render(g.key)
	if g.digest == 0 {
		g.digest = digest // nothing was sent yet: the beginning is no change
	}
	if digest == g.digest {
		g.due = time.Time{} // it changed back while it was held
		if g.pending {
			u.send(g, body, digest, now, false)
			g.pending = false
		}
		return
	}
	if at, held := g.hold(u.sh, now, why, idleOnly); held {
		g.due = at
		u.sh.e.metrics.held.Inc()
		if g.pending {
			u.send(g, body, digest, now, true)
		}
		return
	}
	g.due = time.Time{}
	g.digest = digest
	u.send(g, body, digest, now, false)
	g.pending = false
}

// hold decides whether a change of the projection must wait (S10). An idle-only
// change that a timer caused is spread; everything obeys the pace. It looks at
// this projection only: a change this container cannot see costs it nothing (I1).
func (g *group) hold(s *shard, now time.Time, why cause, idleOnly bool) (time.Time, bool) {
	waiting := !g.due.IsZero()
	if waiting && now.Before(g.due) && (idleOnly || why == causeDue) {
		return g.due, true
	}
	if why == causeTimer && idleOnly && !waiting {
		at := now.Add(s.jitter(idleSpread))
		if g.key.remote {
			if gap := g.idleAt.Add(remoteIdleGap); at.Before(gap) {
				at = gap
			}
			g.idleAt = at
		}
		return at, true
	}
	at, ok := g.allow(now)
	return at, !ok
}

// send hands the rendering to the pairs that have not been sent it; with
// freshOnly only to those that have just come into the group.
func (u *user) send(g *group, body []byte, digest uint64, now time.Time, freshOnly bool) {
	to := u.sh.targets[:0]
	stamp := now.UnixNano()
	for i := range g.pairs {
		p := &g.pairs[i]
		if freshOnly && !p.fresh {
			continue
		}
		p.fresh = false
		if p.muted || p.sent == digest {
			continue
		}
		p.sent, p.sentAt = digest, stamp
		to = append(to, g.targets[i])
	}
	u.sh.targets = to
	if len(to) == 0 {
		return
	}
	u.sh.e.opt.Sender.Present(body, to)
	u.sh.e.metrics.sent.Add(float64(len(to)))
}

// render projects for a group into the owner's scratch and returns the bytes,
// valid until the next rendering, and their digest.
func (u *user) render(k groupKey) ([]byte, uint64) {
	s := u.sh
	u.project(k.container, &s.view)
	s.body = s.e.opt.Sender.Render(s.body[:0], &s.view, k.lang)
	return s.body, xxhash.Sum64(s.body)
}

// nextDue returns when the next held-back projection may go.
func (u *user) nextDue() time.Time {
	at := u.followDue()
	for i := range u.groups {
		at = earliest(at, u.groups[i].due)
	}
	return at
}
