package aggregation

import (
	"time"

	"presenced/internal/presence"
)

// FreeBusy tells until when the calendar has her busy at now, or else free: "busy
// until" or "free until" and an instant of RFC 3339 in UTC. It is the end of the run
// of events that now is in, or the start of the next. An event counts where the
// table has an opinion about it, and whatever else decides her state: a plan stays
// one while she is on the phone. It is empty where no calendar says, and where a
// private event would be told by it (S6.2).
func FreeBusy(in *Inputs, opt *Options, now time.Time) string {
	v := verdict{in: in, opt: opt, now: now}
	v.decide()
	if c := in.Calendar; !v.state.Online || c == nil || len(c.Events) == 0 || v.stale() {
		return ""
	}
	end, public := v.busyUntil()
	switch {
	case !public:
		return ""
	case end.After(v.now):
		return "busy until " + end.UTC().Format(time.RFC3339)
	}
	next, public := v.freeUntil()
	if next.IsZero() || !public {
		return ""
	}
	return "free until " + next.UTC().Format(time.RFC3339)
}

// busyUntil returns the end of the run of public events that now is in; now for none.
// public is false where a private event makes the run longer.
func (v *verdict) busyUntil() (end time.Time, public bool) {
	end = v.now
	longer := func(f *presence.Event) bool { return !f.Start.After(end) && f.End.After(end) && v.counted(f) }
	events := v.in.Calendar.Events
	for grown := true; grown; {
		grown = false
		for i := range events {
			if f := &events[i]; !f.Private && longer(f) {
				end, grown = f.End, true
			}
		}
	}
	for i := range events {
		if f := &events[i]; f.Private && longer(f) {
			return end, false
		}
	}
	return end, true
}

// freeUntil returns the start of the next event; zero for none. public is false where
// a private one begins then.
func (v *verdict) freeUntil() (start time.Time, public bool) {
	for i := range v.in.Calendar.Events {
		f := &v.in.Calendar.Events[i]
		if !f.Start.After(v.now) || !start.IsZero() && f.Start.After(start) || !v.counted(f) {
			continue
		}
		public = !f.Private && (public || start.IsZero() || f.Start.Before(start))
		start = f.Start
	}
	return start, public
}

// counted reports whether the table has an opinion about an event.
func (v *verdict) counted(f *presence.Event) bool {
	_, ok := v.opinion(f)
	return ok
}
