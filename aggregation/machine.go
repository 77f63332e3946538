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
	flapTurns  = len(*presence.Resource{}.Turned)
	flapWindow = 180 * time.Second
)

// eligible is S5.0.
func eligible(r *presence.Resource) bool {
	return r.Priority >= 0 && !r.Own && r.Show != presence.ShowUnavailable
}

// idleNumber is what the time since the last input says (S5.1), and for how long
// it will say so; zero: until there is input.
func idleNumber(r *presence.Resource, opt *Options, now time.Time) (n presence.Availability, holds time.Duration) {
	if r.IdleSince.IsZero() {
		return presence.Available, 0
	}
	switch idle := now.Sub(r.IdleSince); {
	case idle < opt.IdleAfter:
		return presence.Available, opt.IdleAfter - idle
	case idle < opt.AwayAfter:
		return presence.AvailableIdle, opt.AwayAfter - idle
	default:
		return presence.Away, 0
	}
}

// machineNumber is the larger of what idleness and show say (S4.3).
func machineNumber(r *presence.Resource, opt *Options, now time.Time) (presence.Availability, time.Duration) {
	n, holds := idleNumber(r, opt, now)
	if r.Show == presence.ShowAway || r.Show == presence.ShowXA {
		n = presence.Away
	}
	return n, holds
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

// guarded returns for how long the flap guard ignores r, whose number is n; zero
// if it does not.
func guarded(r *presence.Resource, n presence.Availability, now time.Time) time.Duration {
	if n != presence.Available || r.Turned == nil || r.Turned[0].IsZero() {
		return 0
	}
	last := r.Turned[flapTurns-1]
	if last.Sub(r.Turned[0]) >= flapWindow {
		return 0
	}
	return max(0, last.Add(flapWindow).Sub(now))
}

// machine is what the eligible resources come to.
type machine struct {
	winner   *presence.Resource // of S5.1; nil: none eligible
	number   presence.Availability
	protects bool          // one of them says do-not-disturb (S5.3)
	wait     time.Duration // until time alone may change one of them; zero: never
}

// sense applies S5.1. Guarded resources win only where there is no other:
// ignoring the only device would make its user offline.
func sense(rs []presence.Resource, opt *Options, now time.Time) machine {
	var m machine
	var ignored bool // the winner so far is guarded
	for i := range rs {
		r := &rs[i]
		if !eligible(r) {
			continue
		}
		n, holds := machineNumber(r, opt, now)
		guard := guarded(r, n, now)
		m.wait = sooner(sooner(m.wait, holds), guard)
		m.protects = m.protects || r.Show == presence.ShowDND
		if g := guard > 0; m.winner == nil || (ignored && !g) || (ignored == g && beats(r, n, m.winner, m.number)) {
			m.winner, m.number, ignored = r, n, g
		}
	}
	return m
}

// sooner returns the shorter of two durations, where zero means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || (b > 0 && b < a) {
		return b
	}
	return a
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

// turned is the flap guard's instants after one more turn.
func turned(before *[flapTurns]time.Time, now time.Time) *[flapTurns]time.Time {
	after := [flapTurns]time.Time{flapTurns - 1: now}
	if before != nil {
		copy(after[:], before[1:])
	}
	return &after
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
	r.Turned = nil
	if at >= 0 {
		r.Turned = rs[at].Turned
	}
	if turnsActive(rs, at, &r, opt, now) {
		r.Turned = turned(r.Turned, now)
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
		n, _ := machineNumber(r, opt, now)
		return eligible(r) && n == presence.Available
	}
	if !active(r) || (at >= 0 && active(&rs[at])) {
		return false
	}
	winner := sense(rs, opt, now).winner
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
