package aggregation

import (
	"slices"
	"time"

	"presenced/internal/presence"
)

// MaxResources bounds the devices kept of one account. A server may allow any
// number; nobody uses more than a few.
const MaxResources = 64

// The flap guard of S5.1: a resource that turned active flapTurns times within
// flapWindow while another one won is ignored for as long again.
const (
	flapTurns  = len(presence.Resource{}.Turned)
	flapWindow = 180 * time.Second
)

// eligible is S5.0.
func eligible(r *presence.Resource) bool {
	return r.Priority >= 0 && !r.Own && r.Show != presence.ShowUnavailable
}

// idleNumber is what the time since the last input says (S5.1).
func idleNumber(r *presence.Resource, opt *Options, now time.Time) presence.Availability {
	if r.IdleSince.IsZero() {
		return presence.Available
	}
	switch idle := now.Sub(r.IdleSince); {
	case idle < opt.IdleAfter:
		return presence.Available
	case idle < opt.AwayAfter:
		return presence.AvailableIdle
	default:
		return presence.Away
	}
}

// machineNumber is the larger of what idleness and show say (S4.3).
func machineNumber(r *presence.Resource, opt *Options, now time.Time) presence.Availability {
	if r.Show == presence.ShowAway || r.Show == presence.ShowXA {
		return presence.Away
	}
	return idleNumber(r, opt, now)
}

// ownToken is what a resource's show says beyond its number, while that number
// is in its class (S4.3, S5.3).
func ownToken(r *presence.Resource, class presence.Class) presence.Activity {
	switch {
	case r.Show == presence.ShowChat && class == presence.ClassAvailable:
		return presence.FreeForChat
	case r.Show == presence.ShowXA && class == presence.ClassAway:
		return presence.ExtendedAway
	}
	return presence.NoActivity
}

// lastInput is the latest known input of one resource: without idle information
// its last presence (S5.1).
func lastInput(r *presence.Resource) time.Time {
	if r.IdleSince.IsZero() {
		return r.PublishedAt
	}
	return r.IdleSince
}

// guarded reports whether the flap guard ignores r, whose number is n.
func guarded(r *presence.Resource, n presence.Availability, now time.Time) bool {
	if n != presence.Available || r.Turned[0].IsZero() {
		return false
	}
	last := r.Turned[flapTurns-1]
	return last.Sub(r.Turned[0]) < flapWindow && now.Before(last.Add(flapWindow))
}

// winnerOf applies S5.1 to the eligible resources; nil when there is none.
// Guarded ones count only where there is no other: ignoring the only device
// would make its user offline.
func winnerOf(rs []presence.Resource, opt *Options, now time.Time) (*presence.Resource, presence.Availability) {
	var best *presence.Resource
	var bestNumber presence.Availability
	var bestGuarded bool
	for i := range rs {
		r := &rs[i]
		if !eligible(r) {
			continue
		}
		n := machineNumber(r, opt, now)
		g := guarded(r, n, now)
		switch {
		case best == nil, bestGuarded && !g, bestGuarded == g && beats(r, n, best, bestNumber):
			best, bestNumber, bestGuarded = r, n, g
		}
	}
	return best, bestNumber
}

// beats is the order of S5.1: lowest number, latest input, latest stamp, higher
// priority, smallest resource string.
func beats(a *presence.Resource, an presence.Availability, b *presence.Resource, bn presence.Availability) bool {
	if an != bn {
		return an < bn
	}
	if c := lastInput(a).Compare(lastInput(b)); c != 0 {
		return c > 0
	}
	if c := a.PublishedAt.Compare(b.PublishedAt); c != 0 {
		return c > 0
	}
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	return a.Name < b.Name
}

// sense finds the machine's winner and whether a device protects (S5.1, S5.3).
func (v *verdict) sense() {
	v.winner, v.machine = winnerOf(v.in.Resources, v.opt, v.now)
	for i := range v.in.Resources {
		r := &v.in.Resources[i]
		if eligible(r) && r.Show == presence.ShowDND {
			v.protects = true
		}
	}
}

// lastInput is the latest input over the eligible resources (S9); those after
// the limit do not count, unless it is zero.
func (v *verdict) lastInput(limit time.Time) time.Time {
	var last time.Time
	for i := range v.in.Resources {
		r := &v.in.Resources[i]
		if !eligible(r) {
			continue
		}
		if t := lastInput(r); t.After(last) && (limit.IsZero() || !t.After(limit)) {
			last = t
		}
	}
	return last
}

// Observe returns the resources after one device's presence at now: it replaces
// or adds r and keeps the flap guard's instants (S5.1), which r itself need not
// carry. A device whose show is unavailable is gone. Input told for the future is
// taken for now, since only the daemon's clock counts; a zero PublishedAt becomes
// now. Beyond MaxResources the least useful one goes: our own, then a negative
// priority, then the oldest PublishedAt. It may modify rs.
func Observe(rs []presence.Resource, r presence.Resource, opt *Options, now time.Time) []presence.Resource {
	if r.Show == presence.ShowUnavailable {
		return Gone(rs, r.Name)
	}
	if r.IdleSince.After(now) {
		r.IdleSince = now
	}
	if r.PublishedAt.IsZero() {
		r.PublishedAt = now
	}
	at := slices.IndexFunc(rs, func(old presence.Resource) bool { return old.Name == r.Name })
	r.Turned = [flapTurns]time.Time{}
	if at >= 0 {
		r.Turned = rs[at].Turned
	}
	if turnsActive(rs, at, &r, opt, now) {
		copy(r.Turned[:], r.Turned[1:])
		r.Turned[flapTurns-1] = now
	}
	if at >= 0 {
		rs[at] = r
		return rs
	}
	rs = append(rs, r)
	for len(rs) > MaxResources {
		i := leastUseful(rs)
		rs = slices.Delete(rs, i, i+1)
	}
	return rs
}

// turnsActive reports whether r becomes active with this presence while another
// resource wins; at is where it was before, -1 for nowhere.
func turnsActive(rs []presence.Resource, at int, r *presence.Resource, opt *Options, now time.Time) bool {
	active := func(r *presence.Resource) bool {
		return eligible(r) && machineNumber(r, opt, now) == presence.Available
	}
	if !active(r) || (at >= 0 && active(&rs[at])) {
		return false
	}
	winner, _ := winnerOf(rs, opt, now)
	return winner != nil && winner.Name != r.Name
}

func leastUseful(rs []presence.Resource) int {
	worst := 0
	for i := range rs {
		if lessUseful(&rs[i], &rs[worst]) {
			worst = i
		}
	}
	return worst
}

func lessUseful(a, b *presence.Resource) bool {
	if a.Own != b.Own {
		return a.Own
	}
	if an, bn := a.Priority < 0, b.Priority < 0; an != bn {
		return an
	}
	if c := a.PublishedAt.Compare(b.PublishedAt); c != 0 {
		return c < 0
	}
	return a.Name > b.Name
}

// Gone returns the resources without the one of that name. It may modify rs.
// Claims bound to it stop counting at once (S5.2).
func Gone(rs []presence.Resource, name string) []presence.Resource {
	return slices.DeleteFunc(rs, func(r presence.Resource) bool { return r.Name == name })
}
