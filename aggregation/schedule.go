package aggregation

import (
	"strings"
	"time"

	"presenced/internal/presence"
)

// stale reports whether the schedule is too old to have an opinion (S6.4).
func (v *verdict) stale() bool {
	c := v.in.Calendar
	return c != nil && !c.FetchedAt.IsZero() && !v.now.Before(c.FetchedAt.Add(v.opt.CalendarMaxStale))
}

// ignored is S6.2.
func ignored(e *presence.Event, opt *Options) bool {
	return e.Cancelled || e.Declined || e.Transparent ||
		(e.AllDay && e.Kind != presence.EventOOF) ||
		(opt.RequireAttendees && !e.Attendees) ||
		!e.Start.Before(e.End)
}

// cancels reports whether the dismissal of S5.4 covers e.
func (v *verdict) cancels(e *presence.Event) bool {
	return v.dismissed && !e.Start.After(v.manual.SetAt)
}

// opinion is what an event says whenever it runs: nothing if it is ignored,
// dismissed, or the table has no line for it.
func (v *verdict) opinion(e *presence.Event) (presence.Shown, bool) {
	if ignored(e, v.opt) || v.cancels(e) {
		return presence.Shown{}, false
	}
	return v.opt.Calendar.opinionOf(e)
}

func runs(e *presence.Event, now time.Time) bool {
	return !now.Before(e.Start) && now.Before(e.End)
}

// planned returns the event that supplies the number of L3 (S6.3), nil if the
// calendar has no opinion.
func (v *verdict) planned() *presence.Event {
	return v.pick(func(presence.Shown) bool { return true })
}

// tokenEvent returns the event of the class that gives the token (S5.3), in the
// order S6.3 resolves overlap in.
func (v *verdict) tokenEvent(class presence.Class) *presence.Event {
	return v.pick(func(o presence.Shown) bool {
		return o.Activity != presence.NoActivity && o.Availability.Class() == class
	})
}

// pick returns the first running event in the order of S6.3 whose opinion is
// wanted.
func (v *verdict) pick(wanted func(presence.Shown) bool) *presence.Event {
	if v.in.Calendar == nil || v.stale() {
		return nil
	}
	var best *presence.Event
	var bestShown presence.Shown
	for i := range v.in.Calendar.Events {
		e := &v.in.Calendar.Events[i]
		if !runs(e, v.now) {
			continue
		}
		if o, ok := v.opinion(e); ok && wanted(o) && (best == nil || eventBefore(e, o, best, bestShown)) {
			best, bestShown = e, o
		}
	}
	return best
}

// eventBefore is the order of S6.3: highest number, latest start, latest end.
// Events equal in all three are ordered too, the private one first, so that
// their order in the file never matters and less is shown.
func eventBefore(a *presence.Event, as presence.Shown, b *presence.Event, bs presence.Shown) bool {
	if as.Availability != bs.Availability {
		return as.Availability > bs.Availability
	}
	if c := a.Start.Compare(b.Start); c != 0 {
		return c > 0
	}
	if c := a.End.Compare(b.End); c != 0 {
		return c > 0
	}
	if a.Private != b.Private {
		return a.Private
	}
	if as.Activity != bs.Activity {
		return as.Activity < bs.Activity
	}
	if c := strings.Compare(a.Subject, b.Subject); c != 0 {
		return c < 0
	}
	return a.Location < b.Location
}

// runEnd returns the end of the merged run that e begins or continues: public
// events that give the same token and overlap or follow at once (S3, until).
// Zero for a private event; private ones never lengthen a run either.
func (v *verdict) runEnd(e *presence.Event, token presence.Activity) time.Time {
	if e.Private {
		return time.Time{}
	}
	end := e.End
	for grown := true; grown; {
		grown = false
		for i := range v.in.Calendar.Events {
			f := &v.in.Calendar.Events[i]
			if f.Private || f.Start.After(end) || !f.End.After(end) {
				continue
			}
			if o, ok := v.opinion(f); ok && o.Activity == token {
				end, grown = f.End, true
			}
		}
	}
	return end
}
