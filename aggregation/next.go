package aggregation

import (
	"time"

	"presenced/internal/presence"
)

// edges collects the earliest instant after now.
type edges struct{ now, next time.Time }

func (e *edges) add(t time.Time) {
	if t.After(e.now) && (e.next.IsZero() || t.Before(e.next)) {
		e.next = t
	}
}

// next is State.Next: the earliest instant at which time alone may change the
// result. It may name an instant at which nothing changes, never miss one.
func (v *verdict) next() time.Time {
	e := edges{now: v.now}
	if v.manual != nil {
		e.add(ExpiryOf(v.manual))
	}
	if o := v.in.OOF; o != nil {
		e.add(o.Start)
		e.add(o.End)
	}
	if !v.state.Online {
		return e.next // devices, claims and calendar wait for an act
	}
	for i := range v.in.Claims {
		if c := &v.in.Claims[i]; v.counts(c) {
			e.add(c.ExpiresAt)
		}
	}
	if v.winner == nil {
		return e.next
	}
	for i := range v.in.Resources {
		v.resourceEdges(&e, &v.in.Resources[i])
	}
	e.add(v.in.NextHours)
	if v.layer != layerActive { // else the calendar is not asked
		v.calendarEdges(&e)
	}
	return e.next
}

func (v *verdict) resourceEdges(e *edges, r *presence.Resource) {
	if !eligible(r) {
		return
	}
	if !r.IdleSince.IsZero() {
		e.add(r.IdleSince.Add(v.opt.IdleAfter))
		e.add(r.IdleSince.Add(v.opt.AwayAfter))
	}
	if guarded(r, machineNumber(r, v.opt, v.now), v.now) {
		e.add(r.Turned[flapTurns-1].Add(flapWindow))
	}
}

func (v *verdict) calendarEdges(e *edges) {
	c := &v.in.Calendar
	if len(c.Events) == 0 || v.stale() {
		return
	}
	if !c.FetchedAt.IsZero() {
		e.add(c.FetchedAt.Add(v.opt.CalendarMaxStale))
	}
	for i := range c.Events {
		if _, ok := v.opinion(&c.Events[i]); ok {
			e.add(c.Events[i].Start)
			e.add(c.Events[i].End)
		}
	}
}
