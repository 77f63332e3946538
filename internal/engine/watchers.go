package engine

import (
	"slices"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// place decides the watcher's container now (S2, S8).
func (u *user) place(w presence.Addr) privacy.Placement {
	return u.person.Place(w)
}

// keyFor names the projection a watcher gets.
func (u *user) keyFor(w presence.Addr, entry *roster.Entry) groupKey {
	k := groupKey{lang: u.sh.e.opt.Language, remote: !u.sh.e.serves(w.Domain())}
	if u.set.enrol.Enabled {
		k.container = u.place(w).Container
	}
	if entry.Lang != "" {
		k.lang = entry.Lang
	}
	return k
}

// target is where a pair's presence goes.
func (u *user) target(p pair) Target {
	watcher, mirror := u.sorted.Spelled(p.row())
	return Target{To: watcher, From: mirror}
}

// watcher is a pair's.
func (u *user) watcher(p pair) presence.Addr { return u.sorted.Addr(p.row()) }

// former is what a watcher was last sent, and in which projection.
type former struct {
	last
	key groupKey
}

// regroup sorts the accepted watchers into projections after anything that
// decides about them has changed. What each was last sent is kept; a watcher
// who moved is brought up to date at the next emit, without pacing.
func (u *user) regroup() {
	old := make(map[presence.Addr]former, 8)
	for i := range u.groups {
		g := &u.groups[i]
		g.each(func(j int, l last) { old[u.watcher(g.pairs[j])] = former{l, g.key} })
	}
	previous := u.groups
	u.person.Roster, u.set.subs = roster.Share(u.person.Roster, u.set.subs)
	u.groups, u.sorted = nil, u.set.subs
	of := u.projections()
	lasts := make([][]last, len(u.groups))
	for row, i := range of {
		if i < 0 {
			continue
		}
		g := &u.groups[i]
		f, known := old[u.sorted.Addr(row)]
		if !known {
			f.sent = u.sh.e.offlineDigest
		}
		if !known || f.key != g.key {
			f.fresh = true
			g.pending = true
		}
		g.pairs = append(g.pairs, pair(row))
		lasts[i] = append(lasts[i], f.last)
	}
	for i := range u.groups {
		u.groups[i].fill(lasts[i])
		u.groups[i].carryOver(previous)
	}
}

// projections makes the groups that the accepted watchers need, with room for
// just them, and returns for each row of u.sorted the index of its group, or -1.
func (u *user) projections() []int {
	rows := make([]int, u.sorted.Rows())
	var keys []groupKey
	var sizes []int
	for row := range rows {
		rows[row] = -1
		entry, ok := u.sorted.At(row)
		if !ok || entry.Standing != roster.Accepted {
			continue
		}
		key := u.keyFor(u.sorted.Addr(row), &entry)
		i := slices.Index(keys, key)
		if i < 0 {
			i = len(keys)
			keys, sizes = append(keys, key), append(sizes, 0)
		}
		sizes[i]++
		rows[row] = i
	}
	if len(keys) > 0 {
		u.groups = make([]group, len(keys))
	}
	for i := range u.groups {
		u.groups[i] = group{key: keys[i], pairs: make([]pair, 0, sizes[i])}
	}
	return rows
}

// carryOver takes the pace of the same projection before a regrouping, and what
// it was last sent.
func (g *group) carryOver(previous []group) {
	for i := range previous {
		if p := &previous[i]; p.key == g.key {
			g.digest, g.tat, g.due, g.idleAt, g.looked = p.digest, p.tat, p.due, p.idleAt, p.looked
			g.pending = g.pending || p.pending
		}
	}
}

// findPair returns where the pair of a watcher is; nil when there is none.
func (u *user) findPair(w presence.Addr) (*group, int) {
	row, ok := u.sorted.Row(w)
	if !ok {
		return nil, 0
	}
	for i := range u.groups {
		for j, p := range u.groups[i].pairs {
			if p.row() == row {
				return &u.groups[i], j
			}
		}
	}
	return nil, 0
}

// mute silences a pair, or lets it be heard again; it reports whether that is new.
func (u *user) mute(w presence.Addr, on bool) bool {
	g, i := u.findPair(w)
	if g == nil {
		return false
	}
	l := g.last(g.pairs[i])
	if l.muted == on {
		return false
	}
	l.muted = on
	if !on {
		// What was held back while it was silent is due again.
		l.sent, l.fresh, g.pending = 0, true, true
	}
	g.put(i, l)
	return true
}

func (u *user) markSent(w presence.Addr, digest uint64, now time.Time) {
	if g, i := u.findPair(w); g != nil {
		l := g.last(g.pairs[i])
		l.sent, l.at, l.fresh = digest, u.sh.e.instant(now).stamp(), false
		g.put(i, l)
	}
}

// shownAvailable reports whether the watcher's last rendering was not the bare
// unavailable one.
func (u *user) shownAvailable(w presence.Addr) bool {
	g, i := u.findPair(w)
	if g == nil {
		return false
	}
	l := g.last(g.pairs[i])
	return l.sent != 0 && l.sent != u.sh.e.offlineDigest
}

// recompile builds the policy from settings, roster and the operator's rules,
// and sorts the watchers anew.
func (u *user) recompile() {
	r := u.sh.e.rules()
	now := time.Now()
	state := u.listsState(r)
	switch {
	case state != privacy.StateOK:
	case u.host.Roster && u.roster.status == rosterUnread:
		state = privacy.StateLoading
	case u.host.Roster && u.roster.status == rosterFailed:
		state = privacy.StateError
	case u.rosterStale(now, r.MaxStale):
		state = privacy.StateStale
	}
	u.person.Policy = privacy.NewPolicy(r.System.Site, u.policySettings(state, now))
	u.person.Inputs.Manual = u.set.manual
	u.followPlans(now)
	u.obey()
	u.regroup()
}

// policySettings are the user's settings as the privacy room wants them.
func (u *user) policySettings(state privacy.LoadState, now time.Time) privacy.Settings {
	rules, until := u.set.rules.inForce(now)
	if u.about != nil || len(u.set.rules.Timed) > 0 {
		u.herself().rulesEnd = u.endOf(until, now)
	}
	s := privacy.Settings{
		Owner: u.addr, State: state, PrivacyMode: u.set.rules.PrivacyMode, Rules: rules,
		Walls: u.sh.e.rules().wallsOf(u.addr), RosterReadable: u.host.Roster, Priority: u.set.priority(), Cells: u.set.cells(),
	}
	u.vetoes(&s)
	return s
}

// rosterStale: reading has failed for longer than privacy.max_stale while the
// user was online (S8.5, S11).
func (u *user) rosterStale(now time.Time, limit time.Duration) bool {
	return u.roster.status == rosterRead && u.roster.failed != 0 && len(u.person.Inputs.Resources) > 0 &&
		u.roster.readAt.age(u.sh.e.instant(now)) > limit
}
