package engine

import (
	"time"

	"presenced/internal/presence"
)

// attached begins a new epoch: nothing is sent for a host's users before it is
// synced.
func (s *shard) attached() {
	s.up = true
	s.epoch++
	for _, h := range s.hosts {
		*h = hostState{Host: Host{Name: h.Name}}
	}
}

// detached notes what the watchers may have missed: anything handed over after
// the last answered ping, and everybody who came online meanwhile. The second
// cannot be known, so every watcher who is shown something is brought up to
// date after the next attach; only a plain unavailable that surely arrived is
// not repeated.
func (s *shard) detached(confirmed time.Time, now time.Time) {
	s.up = false
	limit := minInstant
	if !confirmed.IsZero() {
		limit = s.e.instant(confirmed)
	}
	for _, u := range s.users {
		u.uncertain(limit)
		u.listsOutdated()
		u.writesLost(now)
		u.offeringOver()
		u.unanswered(askedLists, now)
		u.unanswered(askedRoster, now)
		u.schedule()
	}
	s.publicationsLost()
	s.unlinked(now)
}

func (u *user) uncertain(confirmed instant) {
	for i := range u.groups {
		u.groups[i].uncertain(u.sh.e.offlineDigest, confirmed)
	}
}

// hostReady learns what the server lets us do for a host and asks for what it
// does not send on its own.
func (s *shard) hostReady(h Host, now time.Time) {
	state := s.hosts[h.Name]
	if state == nil {
		return
	}
	state.Host, state.ready = h, true
	s.noteHidden(state)
	for _, u := range s.users {
		if u.host != state || !u.set.enrol.Enabled {
			continue
		}
		u.hostReady(now)
	}
	if state.synced { // it lets us do something else from now on
		s.retractOwed(state)
	}
}

func (u *user) hostReady(now time.Time) {
	u.ask(now, false)
	if !u.host.Complete && u.set.enrol.Consent == consentGranted {
		u.sh.e.opt.Sender.Probe(u.bare())
	}
	if !u.host.Roster {
		u.roster.status = rosterUnread
		u.person.Roster = nil
	}
	if !u.host.Managed && u.set.enrol.Consent != consentGranted {
		// A server may tell at the attach of users it will not go on telling
		// about; what is not kept up to date is not shown.
		u.dropAll(now)
	}
	if u.needsPings() && len(u.person.Inputs.Resources) > 0 {
		u.pingDevices(now)
	}
	u.wantCard(cardSpread, now)
	u.recompile()
	u.reread(now)
	u.evaluate(now)
}

// hostSynced sweeps the devices nobody spoke of since the attach and lets the
// host's users be shown.
func (s *shard) hostSynced(name string, now time.Time) {
	state := s.hosts[name]
	if state == nil || !s.up {
		return
	}
	state.synced = true
	for _, u := range s.users {
		if u.host != state {
			continue
		}
		u.sweep(now)
		u.evaluate(now)
		u.serveWaiters(now)
	}
	s.retractOwed(state)
}

// sweep drops devices of an earlier epoch, where the server has told all it
// knows. Where it tells nothing (presence is forwarded, no subscription), the
// pings sent at hostReady decide one by one.
func (u *user) sweep(now time.Time) {
	if u.needsPings() {
		return
	}
	rs := u.person.Inputs.Resources
	var stale []string
	for i := range rs {
		if rs[i].Epoch != u.sh.epoch {
			stale = append(stale, rs[i].Name)
		}
	}
	for _, name := range stale {
		u.drop(name, now)
	}
}

// whenLoaded runs f once the user is loaded, or after lookWait at the latest;
// f must look itself what it may tell then.
func (u *user) whenLoaded(now time.Time, f func(now time.Time)) {
	if u.maySend() || u.going != nil && len(u.going.waiting) >= maxWaiters {
		f(now)
		return
	}
	g := u.begin()
	g.waiting = append(g.waiting, waiter{until: u.in(lookWait, now), run: f})
	u.schedule()
}

// whenTold is whenLoaded for what a watcher asks: nothing more has to be loaded for
// who is shown her offline.
func (u *user) whenTold(w presence.Addr, now time.Time, f func(now time.Time)) {
	if !u.maySend() && u.set.enrol.Enabled && u.offlineTo(u.place(w).Container, now) {
		f(now)
		return
	}
	u.whenLoaded(now, f)
}

// mayTell reports whether what a container is shown may be told who asks.
func (u *user) mayTell(c presence.ContainerID, now time.Time) bool {
	return u.tells(c) || u.offlineTo(c, now)
}

// offlineTo reports that a container is shown her offline by what was read last, while
// her lists are read again at most. Who is in it does not wait for that: they are read
// when she logs in, and nobody waits for somebody offline (I1, I2).
func (u *user) offlineTo(c presence.ContainerID, now time.Time) bool {
	p := u.person.Policy
	if !u.sh.up || !u.host.synced || p == nil || !p.Loaded() || u.host.Roster && u.roster.status == rosterUnread {
		return false
	}
	var v presence.View
	u.project(c, now, &v)
	return v.Availability >= presence.OfflineFrom
}

// serveWaiters lets those go on for whom the user is loaded, or time is up.
func (u *user) serveWaiters(now time.Time) {
	if u.going == nil || len(u.going.waiting) == 0 {
		return
	}
	ready, at := u.maySend(), u.sh.e.instant(now)
	var run, keep []waiter
	for _, w := range u.going.waiting {
		if ready || w.until.come(at) {
			run = append(run, w)
		} else {
			keep = append(keep, w)
		}
	}
	u.going.waiting = keep
	for _, w := range run {
		w.run(now)
	}
	u.rest()
}

// adopt enrols a user on sight where the operator's mode says so.
func (s *shard) adopt(d Device, now time.Time) {
	if d.Gone || !s.e.adopts(d.User.Addr) {
		return
	}
	u := s.users[d.User.Addr]
	if u == nil {
		u = s.newUser(d.User.Addr, d.User.Bare)
	}
	u.observe(d, now)
	u.enrolUnasked(now)
}

// emptyView is what anybody gets of a user there is nothing to tell about.
func emptyView() presence.View { return presence.OfflineView(presence.DefaultContainer) }
