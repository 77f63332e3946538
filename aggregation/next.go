package aggregation

import "time"

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
	if v.wait > 0 {
		e.add(v.now.Round(0).Add(v.wait)) // wall clock, like every other edge
	}
	if v.layer != layerActive { // else the calendar is not asked
		v.calendarEdges(&e)
	}
	return e.next
}

func (v *verdict) calendarEdges(e *edges) {
	c := v.in.Calendar
	if c == nil || len(c.Events) == 0 || v.stale() {
		return
	}
	if v.supplier != nil && !c.FetchedAt.IsZero() { // else there is nothing to grow stale
		e.add(c.FetchedAt.Add(v.opt.CalendarMaxStale))
	}
	for i := range c.Events {
		f := &c.Events[i]
		t := f.Start
		if !t.After(v.now) {
			t = f.End
		}
		if !t.After(v.now) || (!e.next.IsZero() && !t.Before(e.next)) {
			continue // the table is asked only where the answer counts
		}
		if _, ok := v.opinion(f); ok {
			e.add(t)
		}
	}
}
