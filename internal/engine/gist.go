package engine

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/privacy"
)

// gist is what an owner remembers of the state a user was last evaluated to. The
// state itself is four times as large and made anew from the inputs in less than
// the time to fetch it from memory.
type gist struct {
	whole     uint64 // digest of all of it but Next, and of when the days end for its texts
	lastInput int64  // unix nanoseconds; 0: unknown
	next      instant
	online    bool
	idle      bool
	awake     presence.Class // what it would be if nobody were idle
}

// gistOf makes the gist of a state on days that end then.
func (s *shard) gistOf(st *presence.State, days [2]time.Time) gist {
	g := gist{online: st.Online, idle: st.Idle, awake: awake(st.A.Availability, st.Idle), next: s.e.instant(st.Next)}
	if !st.LastInput.IsZero() {
		g.lastInput = st.LastInput.UnixNano()
	}
	b := append(s.scratch[:0], flag(st.OOF))
	b = appendString(b, st.Device)
	b = appendString(b, st.Status)
	b = appendString(b, string(st.A.Activity))
	b = appendTime(b, st.Until)
	b = binary.LittleEndian.AppendUint16(b, uint16(st.A.Availability))
	b = binary.LittleEndian.AppendUint16(b, uint16(st.B.Availability))
	b = appendString(b, string(st.B.Activity))
	b = append(b, flag(st.Online), flag(st.Idle))
	b = binary.LittleEndian.AppendUint64(b, uint64(g.lastInput))
	b = appendString(b, st.Subject)
	b = appendString(b, st.Location)
	for _, end := range days {
		b = appendTime(b, end)
	}
	g.whole, s.scratch = xxhash.Sum64(b), b
	return g
}

// daysEnd returns when the days of now end for those who are told until when
// something lasts: in her zone, and in UTC for whom she does not show that to. The
// text they read names the date until then; if it changed with whatever happens
// next, it would tell that something did (I1). Zero: no text changes.
func (u *user) daysEnd(until, now time.Time) (ends [2]time.Time) {
	if until.IsZero() {
		return ends
	}
	hers, _ := u.zone()
	for i, zone := range [2]*time.Location{time.UTC, hers} {
		year, month, day := now.In(zone).Date()
		if end := time.Date(year, month, day+1, 0, 0, 0, 0, zone); !end.After(until) {
			ends[i] = end
		}
	}
	return ends
}

// aggregate brings the state up to now and reports whether that changed it.
func (u *user) aggregate(now time.Time) (changed bool) {
	before := u.gist
	u.watchClock(now)
	u.expireClaims(now)
	u.followPlans(now)
	s := u.sh
	s.state = u.evaluated(now)
	s.stateOf, s.stateAt = u, now
	days := u.daysEnd(s.state.Until, now)
	u.gist = s.gistOf(&s.state, days)
	for _, end := range days {
		u.gist.next = earliest(u.gist.next, s.e.instant(end))
	}
	if u.about != nil {
		u.gist.next = earliest(u.gist.next, u.about.hoursEnd)
	}
	if at := u.set.nextPlan(now); !at.IsZero() {
		u.gist.next = earliest(u.gist.next, s.e.instant(at))
	}
	if before.online && !u.gist.online && u.operator().LastActive != privacy.LastActiveOff {
		// What is told of somebody offline is frozen here; off: not kept (S9).
		u.person.LastActiveAt = unixTime(before.lastInput)
	}
	return before.whole != u.gist.whole
}

// stateAt is the state of the user at now, valid until another is asked for.
func (u *user) stateAt(now time.Time) *presence.State {
	s := u.sh
	if s.stateOf != u || s.stateAt != now {
		s.state = u.evaluated(now)
		s.stateOf, s.stateAt = u, now
	}
	return &s.state
}

// project fills v with what the container sees of the user at now. Who sees
// nothing has the state of somebody without devices made for him, so that what she
// does cannot be told from how long the answer takes (I1).
func (u *user) project(c presence.ContainerID, now time.Time, v *presence.View) {
	sys := &u.sh.e.rules().System
	switch {
	case !u.set.enrol.Enabled:
		*v = presence.OfflineView(c)
	case !u.person.Sees(sys, c):
		nobody := aggregation.Aggregate(&aggregation.Inputs{}, &sys.Aggregation, now)
		u.person.Project(sys, &nobody, c, v)
	default:
		st := u.stateAt(now)
		own := u.openAway(now) // for its note
		u.person.Project(sys, st, c, v)
		u.person.Inputs.OOF = own
	}
}
