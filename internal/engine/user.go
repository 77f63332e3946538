package engine

import (
	"strings"
	"time"

	"presenced/aggregation"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// user is everything one owner keeps of one account. Only its shard's goroutine
// touches it. There are as many as the servers have accounts, so what only some
// have stands behind a pointer.
type user struct {
	sh   *shard
	addr presence.Addr
	host *hostState

	set    settings    // as stored
	about  *about      // nil: nothing
	person eval.Person // inputs and policy, composed for evaluation
	gist   gist        // of the state they gave last

	roster rosterCopy
	lists  listsCopy
	groups []group
	sorted *roster.Subs // the subscriptions that groups were made of
	going  *underway    // nil: nothing is

	refreshAt instant // when the roster is read again (S8.8)
	pingAt    instant // when the devices are pinged; 0: the server reports them
	card      card
	wakeAt    instant // in the owner's timers
	slot      int32   // -1: not in them
	saving    bool    // a write is on its way to the store
	isDirty   bool    // presence not yet handed to the store
	gone      bool    // erased, while something may still wait for her
}

func (s *shard) newUser(addr presence.Addr, bare string) *user {
	u := &user{sh: s, addr: addr, slot: -1, host: s.hosts[addr.Domain()]}
	if u.host == nil {
		u.host = &hostState{Host: Host{Name: addr.Domain()}}
	}
	u.set = newSettings()
	u.set.enrol.JID = bare
	u.sorted = u.set.subs
	u.person.Inputs.Kind = s.e.kindOf(addr)
	u.obey()
	s.users[addr] = u
	return u
}

// device is one presence of a device: S4.3 and S5.1's bookkeeping, then the
// evaluation.
func (s *shard) device(d Device, now time.Time) {
	u := s.users[d.User.Addr]
	if u == nil || !u.set.enrol.Enabled {
		s.payDebt(u, d, now)
		s.adopt(d, now)
		return
	}
	s.e.metrics.devices.Inc()
	in := &u.person.Inputs
	before := len(in.Resources)
	switch {
	case d.Gone && d.User.Resource == "":
		u.dropAll(now)
	case d.Gone:
		u.drop(d.User.Resource, now)
	default:
		u.observe(d, now)
	}
	if before == 0 && len(in.Resources) > 0 {
		u.loggedIn(now)
	}
	u.restate(now, causeEvent)
}

// observe puts one device's presence into the inputs.
func (u *user) observe(d Device, now time.Time) {
	in := &u.person.Inputs
	if d.IdleSince.After(now) {
		d.IdleSince = time.Time{} // a clock ahead of ours: she is active
	}
	d.Status = u.cleanStatus(d.Status)
	r := presence.Resource{
		Name: d.User.Resource, Priority: d.Priority, Show: d.Show, Status: d.Status,
		IdleSince: d.IdleSince, PublishedAt: now, Own: d.Own, Epoch: u.sh.epoch,
	}
	switch old := u.find(r.Name); {
	case old < 0:
		r.Name = strings.Clone(r.Name) // it is part of the whole address
	case same(&in.Resources[old], &r):
		// The same again (a resynchronisation, or both ways of learning at
		// once) is no news: its age stays.
		in.Resources[old].Epoch = u.sh.epoch
		return
	default:
		r.Name = in.Resources[old].Name
	}
	in.Resources = aggregation.Observe(in.Resources, r, &u.sh.e.rules().System.Aggregation, now)
	u.markDirty(now)
}

// cleanStatus makes a device's status fit to stand in for a note (S4.3, S9): it
// cannot be refused, so what no note may hold is dropped.
func (u *user) cleanStatus(status string) string {
	if status == "" {
		return ""
	}
	return u.operator().Links.Shown(privacy.ClipStatus(status))
}

func same(a, b *presence.Resource) bool {
	return a.Priority == b.Priority && a.Show == b.Show && a.Status == b.Status &&
		a.IdleSince.Equal(b.IdleSince) && a.Own == b.Own
}

func (u *user) find(resource string) int {
	for i := range u.person.Inputs.Resources {
		if u.person.Inputs.Resources[i].Name == resource {
			return i
		}
	}
	return -1
}

func (u *user) drop(resource string, now time.Time) {
	if u.find(resource) < 0 {
		return
	}
	in := &u.person.Inputs
	in.Resources = aggregation.Gone(in.Resources, resource)
	u.unbindClaims(resource, now)
	u.markDirty(now)
}

func (u *user) dropAll(now time.Time) {
	if len(u.person.Inputs.Resources) == 0 {
		return
	}
	u.person.Inputs.Resources = u.person.Inputs.Resources[:0]
	u.unbindClaims("", now)
	u.markDirty(now)
}

// loggedIn does what a login asks for: the roster is read again (S8.8).
func (u *user) loggedIn(now time.Time) {
	u.wantCard(cardLogin, now)
	u.listsOutdated()
	u.reread(now)
	if u.needsPings() {
		u.pingAt = u.in(u.sh.e.opt.Liveness/2, now)
	}
}

// evaluate aggregates and emits what changed, whether in the state or in what
// the containers may see of it; then the timers are set.
func (u *user) evaluate(now time.Time) {
	u.aggregate(now)
	u.emit(now, causeEvent)
	u.schedule()
}

// restate is evaluate for causes that can change nothing but the state: most
// presences of devices end here without a projection.
func (u *user) restate(now time.Time, why cause) {
	if u.aggregate(now) {
		u.emit(now, why)
	}
	u.schedule()
}

// tick is called when an instant the user waited for has come.
func (u *user) tick(now time.Time) {
	at := u.sh.e.instant(now)
	u.serveWaiters(now)
	if u.refreshAt.come(at) {
		u.refreshAt = 0
		u.reread(now)
	}
	if u.pingAt.come(at) {
		u.pingDevices(now)
	}
	u.readCard(now)
	if u.going != nil && u.going.enrolAt.come(at) {
		u.enrolUnasked(now)
	}
	if u.gist.next.come(at) {
		u.restate(now, causeTimer)
	}
	if u.about != nil && u.about.rulesEnd.come(at) {
		u.timedOut(now)
	}
	if u.nextDue().come(at) {
		u.emit(now, causeDue)
	}
	u.schedule()
}

// schedule sets the one timer to the earliest instant anything waits for.
func (u *user) schedule() {
	at := earliest(earliest(u.gist.next, u.refreshAt), earliest(u.pingAt, u.card.dueAt))
	if u.maySend() { // else what is due goes with the next synchronisation
		at = earliest(at, u.nextDue())
	}
	if u.about != nil {
		at = earliest(at, u.about.rulesEnd)
	}
	if u.going != nil {
		at = earliest(at, u.going.enrolAt)
		for _, w := range u.going.waiting {
			at = earliest(at, w.until)
		}
	}
	u.sh.timers.set(u, at)
}

// maySend reports whether projections of the user may leave: the link is up,
// the host's state has been heard since, and everything that decides who sees
// what is loaded (S8.5).
func (u *user) maySend() bool {
	return u.sh.up && u.host.synced && u.loaded()
}

// loaded reports whether what decides about watchers is known. Settings always
// are, before the link is attached; a roster and lists that can be read have to be
// read.
func (u *user) loaded() bool {
	return !u.set.enrol.Enabled || (!u.host.Roster || u.roster.status != rosterUnread) && u.listsLoaded()
}

// pingDevices asks after each device where the server does not report dropped
// sessions, often enough that presence.liveness holds.
func (u *user) pingDevices(now time.Time) {
	if !u.needsPings() || len(u.person.Inputs.Resources) == 0 {
		u.pingAt = 0
		return
	}
	for i := range u.person.Inputs.Resources {
		u.sh.e.opt.Sender.Ping(u.bare() + "/" + u.person.Inputs.Resources[i].Name)
	}
	u.pingAt = u.in(u.sh.e.opt.Liveness/2, now)
}

// needsPings: presence is forwarded by a server that does not report dropped
// sessions, and no subscription of ours tells.
func (u *user) needsPings() bool {
	return u.host.Managed && !u.host.Reports && u.set.enrol.Consent != consentGranted
}

// farewell sends the bare unavailable to everybody who was shown something.
func (u *user) farewell(now time.Time) {
	u.leavePublished()
	for i := range u.groups {
		u.send(&u.groups[i], u.sh.e.offline, u.sh.e.offlineDigest, now, false)
	}
}

// forget takes a user out of the owner's hands after she was erased.
func (s *shard) forget(u *user) {
	delete(s.users, u.addr)
	u.gone = true
	s.forgetCalendars(u)
	s.e.handles.drop(u.set.badge)
	s.timers.set(u, 0)
	s.e.setKnown(u.addr, false)
	s.e.handles.drop(u.set.badge)
	s.bereaved(u.addr)
	u.offeringOver()
	if u.going != nil {
		for _, w := range u.going.waiting {
			w.run(time.Now())
		}
	}
}
