package component

import (
	"context"
	"time"

	"presenced/component/privilege"
	"presenced/internal/engine"
)

// settling is the wait for what a host still has to say (Sender.Settle).
type settling struct {
	wanted   bool
	asked    bool
	answered time.Time
	devices  uint64    // count at the last look
	changed  time.Time // when the count last grew
}

// step is what the steward has to do next for a host.
type step uint8

const (
	stepNone     step = iota
	stepAsk           // ping, to know that what followed the advert has arrived
	stepDiscover      // ask which lists the host has
	stepAnnounce      // HostReady
	stepSettle        // ping, to know that answers to probes are coming
	stepSynced        // HostSynced
)

// steward does everything about a link that happens by time: it expires
// requests, keeps the link under watch and leads the hosts to HostSynced.
// Only it calls HostReady and HostSynced, so the engine sees them in order.
func (l *link) steward(ctx context.Context) {
	ticker := time.NewTicker(l.c.timing.tick)
	defer ticker.Stop()
	var taken uint64 // bytes the server had taken at the last look
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-l.wake:
		}
		now := time.Now()
		if sent := l.w.Stats().Bytes; sent != taken && l.w.Pending() > 0 {
			taken = sent
			l.life.Add(1)
		}
		l.tracker.expire(now, l.life.Load(), l.c.timing.answer)
		l.keepalive(now)
		l.rosters.pump()
		l.lists.pump()
		for _, h := range l.hosts {
			for l.advance(h, now) {
			}
		}
	}
}

// advance does one step for a host and reports whether there may be another.
func (l *link) advance(h *hostLink, now time.Time) bool {
	l.mu.Lock()
	what := h.next(now, &l.c.timing)
	ready := h.ready
	l.mu.Unlock()
	switch what {
	case stepAsk:
		l.ping(h, func(a answer) { l.asked(h, a.lost()) })
	case stepDiscover:
		l.discover(h)
	case stepAnnounce:
		l.c.door.HostReady(ready)
	case stepSettle:
		l.ping(h, func(answer) { l.settleAnswered(h) })
	case stepSynced:
		l.c.door.HostSynced(h.name)
	}
	return what != stepNone
}

// next decides what is to be done and notes it as done.
func (h *hostLink) next(now time.Time, t *timing) step {
	if h.answered.IsZero() {
		return stepNone
	}
	if g := h.advert.Grant; g != nil && !h.fresh && !h.silent {
		if h.asking {
			return stepNone
		}
		h.asking = true
		return stepAsk
	}
	if !h.discovered && !h.silent {
		if h.discovering {
			return stepNone
		}
		h.discovering = true
		return stepDiscover
	}
	want, ok := h.mode(now, t)
	h.readable(&want)
	if ok && (!h.announced || want != h.ready) {
		h.announced, h.ready, h.synced = true, want, false
		return stepAnnounce
	}
	if !h.announced || !h.settle.wanted {
		return stepNone
	}
	return h.nextSettle(now, t)
}

// nextSettle leads a host that was announced to HostSynced.
func (h *hostLink) nextSettle(now time.Time, t *timing) step {
	s := &h.settle
	if n := h.devices.Load(); n != s.devices {
		s.devices, s.changed = n, now
	}
	switch {
	case h.ready.Complete:
	case !s.asked:
		s.asked = true
		return stepSettle
	case s.answered.IsZero():
		return stepNone
	case now.Sub(s.answered) < t.grace && (now.Sub(s.answered) < t.quiet || now.Sub(s.changed) < t.quiet):
		return stepNone
	}
	h.settle, h.synced = settling{}, true
	return stepSynced
}

// mode tells what the host lets us do; ok is false while it may still say.
func (h *hostLink) mode(now time.Time, t *timing) (want engine.Host, ok bool) {
	plain := engine.Host{Name: h.name, Consent: true, Reports: true}
	g := h.advert.Grant
	switch {
	case h.silent:
		return plain, true
	case g == nil:
		return plain, now.Sub(h.answered) >= t.grace
	}
	plain.Roster, plain.Sets = g.ReadsList, g.ReadsList && g.SetsList
	switch {
	case !g.Managed():
		return plain, true
	case g.Version >= 2:
		return engine.Host{Name: h.name, Managed: true, Reports: true, Roster: plain.Roster, Sets: plain.Sets, Complete: true}, true
	}
	// Servers of the first version forward presence and do not report dropped
	// sessions.
	return engine.Host{Name: h.name, Managed: true, Roster: plain.Roster, Sets: plain.Sets, Consent: true}, true
}

// pingHosts pipelines the first ping to each host.
func (l *link) pingHosts() {
	for _, h := range l.hosts {
		l.ping(h, func(a answer) { l.firstAnswer(h, a) })
	}
}

// firstAnswer notes that a host answered its first ping, or did not. What the
// server sends at an attach precedes the answer.
func (l *link) firstAnswer(h *hostLink, a answer) {
	silent := !a.replied() || a.nobody()
	if silent {
		l.c.log.Warn("a served host does not answer; treated as one without privileges: does this server have it, and is component.hosts right?", "host", h.name)
	}
	l.mu.Lock()
	h.answered, h.silent, h.fresh = time.Now(), silent, h.advert.Grant != nil
	l.mu.Unlock()
	l.awake()
}

// asked notes the answer to the ping behind an advert that came later.
func (l *link) asked(h *hostLink, err error) {
	l.mu.Lock()
	h.asking = false
	h.fresh = err == nil // else it is asked again
	l.mu.Unlock()
	l.awake()
}

func (l *link) settleAnswered(h *hostLink) {
	l.mu.Lock()
	h.settle.answered = time.Now() // also when it did not answer: waited long enough
	l.mu.Unlock()
	l.awake()
}

// advertised takes an advert of a host.
func (l *link) advertised(h *hostLink, a privilege.Advert) {
	l.mu.Lock()
	if a.Grant != nil {
		h.advert.Grant, h.fresh, h.silent, h.discovered = a.Grant, false, false, false
	}
	if a.Delegated != nil {
		h.advert.Delegated = a.Delegated
	}
	l.mu.Unlock()
	l.awake()
}

// wantSettled is Sender.Settle for this link.
func (l *link) wantSettled(name string) {
	l.mu.Lock()
	for _, h := range l.hosts {
		if h.name == name {
			h.settle, h.synced = settling{wanted: true, devices: h.devices.Load(), changed: time.Now()}, false
		}
	}
	l.mu.Unlock()
	l.awake()
}

// keepalive pings the server in each interval and gives the link up when an
// answer fails to come. A host that did not answer at the attach is not asked
// where another did.
func (l *link) keepalive(now time.Time) {
	l.mu.Lock()
	if l.pinging || now.Before(l.nextPing) {
		l.mu.Unlock()
		return
	}
	l.pinging, l.nextPing = true, now.Add(l.c.timing.pingEvery)
	target := l.hosts[0]
	for _, h := range l.hosts {
		if !h.answered.IsZero() && !h.silent {
			target = h
			break
		}
	}
	l.mu.Unlock()
	l.ping(target, func(a answer) {
		l.mu.Lock()
		l.pinging = false
		l.mu.Unlock()
		if !a.replied() {
			l.fail(errStalled)
		}
	})
}

// readable adds which lists can be read, and whether the host has any that cannot.
func (h *hostLink) readable(want *engine.Host) {
	can, has := h.lists(), h.has
	if h.silent {
		has = listAccess{block: true, privacy: true}
	}
	want.Block, want.Privacy = can.block, can.privacy
	want.Blocks, want.Writes, want.Spares = h.writes(nsBlocking), h.writes(nsPrivacy), has.spares
	want.Publishes = h.publishes()
	want.Hidden = has.block && !can.block || has.privacy && !can.privacy
}
