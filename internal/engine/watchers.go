package engine

import (
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
func (u *user) keyFor(w presence.Addr) groupKey {
	k := groupKey{lang: u.sh.e.opt.Language, remote: !u.sh.e.serves(w.Domain())}
	if u.set.enrol.Enabled {
		k.container = u.place(w).Container
	}
	if entry, ok := u.set.subs.Get(w); ok && entry.Lang != "" {
		k.lang = entry.Lang
	}
	return k
}

// regroup sorts the accepted watchers into projections after anything that
// decides about them has changed. What each was last sent is kept; a watcher
// who moved is brought up to date at the next emit, without pacing.
func (u *user) regroup() {
	old := make(map[presence.Addr]pair, 8)
	former := make(map[presence.Addr]groupKey, 8)
	for i := range u.groups {
		for _, p := range u.groups[i].pairs {
			old[p.addr] = p
			former[p.addr] = u.groups[i].key
		}
	}
	previous := u.groups
	u.groups = nil
	u.set.subs.Each(func(w presence.Addr, entry roster.Entry) {
		if entry.Standing != roster.Accepted {
			return
		}
		key := u.keyFor(w)
		g := u.group(key, previous)
		p, known := old[w]
		if !known {
			p = pair{addr: w, sent: u.sh.e.offlineDigest, sentAt: 0}
		}
		if !known || former[w] != key {
			p.fresh = true
			g.pending = true
		}
		g.pairs = append(g.pairs, p)
		g.targets = append(g.targets, Target{To: entry.Bare, From: entry.Spelling})
	})
}

// group returns the projection with that key, carrying over its pace and what
// it was last sent.
func (u *user) group(key groupKey, previous []group) *group {
	for i := range u.groups {
		if u.groups[i].key == key {
			return &u.groups[i]
		}
	}
	g := group{key: key}
	for i := range previous {
		if p := &previous[i]; p.key == key {
			g = group{key: key, digest: p.digest, tat: p.tat, due: p.due, idleAt: p.idleAt, pending: p.pending}
		}
	}
	u.groups = append(u.groups, g)
	return &u.groups[len(u.groups)-1]
}

// findPair returns the pair of a watcher; nil when there is none.
func (u *user) findPair(w presence.Addr) (*group, *pair) {
	for i := range u.groups {
		for j := range u.groups[i].pairs {
			if u.groups[i].pairs[j].addr == w {
				return &u.groups[i], &u.groups[i].pairs[j]
			}
		}
	}
	return nil, nil
}

func (u *user) mute(w presence.Addr, on bool) {
	g, p := u.findPair(w)
	if p == nil || p.muted == on {
		return
	}
	p.muted = on
	if !on {
		// What was held back while it was silent is due again.
		p.sent, p.fresh, g.pending = 0, true, true
	}
}

func (u *user) markSent(w presence.Addr, digest uint64, now time.Time) {
	if _, p := u.findPair(w); p != nil {
		p.sent, p.sentAt, p.fresh = digest, now.UnixNano(), false
	}
}

// shownAvailable reports whether the watcher's last rendering was not the bare
// unavailable one.
func (u *user) shownAvailable(w presence.Addr) bool {
	_, p := u.findPair(w)
	return p != nil && p.sent != 0 && p.sent != u.sh.e.offlineDigest
}

// recompile builds the policy from settings, roster and the operator's rules,
// and sorts the watchers anew.
func (u *user) recompile() {
	r := u.sh.e.rules()
	now := time.Now()
	state := u.listsState(now, r)
	switch {
	case state != privacy.StateOK:
	case u.host.Roster && u.roster.status == rosterUnread:
		state = privacy.StateLoading
	case u.host.Roster && u.roster.status == rosterFailed:
		state = privacy.StateError
	case u.rosterStale(now, r.MaxStale):
		state = privacy.StateStale
	}
	u.person.Policy = privacy.NewPolicy(r.System.Site, u.policySettings(state))
	u.person.Inputs.Manual = u.set.manual
	u.person.Inputs.OOF = u.set.oof
	u.person.Note = u.set.note
	u.regroup()
}

// policySettings are the user's settings as the privacy room wants them.
func (u *user) policySettings(state privacy.LoadState) privacy.Settings {
	s := privacy.Settings{
		Owner: u.addr, State: state, PrivacyMode: u.set.rules.PrivacyMode, Rules: u.set.rules.Rules,
		Walls: u.sh.e.rules().wallsOf(u.addr), RosterReadable: u.host.Roster,
	}
	u.vetoes(&s)
	return s
}

// rosterStale: reading has failed for longer than privacy.max_stale while the
// user was online (S8.5, S11).
func (u *user) rosterStale(now time.Time, limit time.Duration) bool {
	return u.roster.status == rosterRead && !u.roster.failed.IsZero() && len(u.person.Inputs.Resources) > 0 &&
		now.Sub(u.roster.readAt) > limit
}
