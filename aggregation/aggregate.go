package aggregation

import (
	"time"

	"presenced/internal/presence"
)

// Options are the operator's choices. They are read only; one value may serve
// every user at once.
type Options struct {
	IdleAfter        time.Duration // without input for this long: 5000 (S5.1)
	AwayAfter        time.Duration // without input for this long: 15500 (S5.1)
	Calendar         Table         // what an event makes of presence (S6.1); nil: nothing
	CalendarMaxStale time.Duration // age at which a schedule has no opinion any more (S6.4)
	RequireAttendees bool          // events nobody else is invited to are ignored (S6.2)
}

// Default returns the options of SEMANTICS: 300 s, 600 s, preset cisco, 24 h.
func Default() Options {
	cisco, _ := Preset("cisco")
	return Options{
		IdleAfter: 300 * time.Second, AwayAfter: 600 * time.Second,
		Calendar: cisco, CalendarMaxStale: 24 * time.Hour,
	}
}

// Inputs are all that is known of one user. The caller bounds their sizes;
// nothing in them is changed or kept.
type Inputs struct {
	Kind      presence.Kind
	OffHours  bool                // now is outside her working hours (S5.5)
	Resources []presence.Resource // as Observe and Gone maintain them
	Manual    *presence.Manual
	Claims    []presence.Claim
	Calendar  *presence.Calendar // nil: none
	OOF       *presence.OutOfOffice
}

// Aggregate returns the state at now (S5).
func Aggregate(in *Inputs, opt *Options, now time.Time) presence.State {
	v := verdict{in: in, opt: opt, now: now}
	v.decide()
	return v.state
}

// Explain returns the same state as Aggregate, and which inputs took part,
// which lost, and the rule that used or beat each (S5.7).
func Explain(in *Inputs, opt *Options, now time.Time) (presence.State, presence.Trace) {
	v := verdict{in: in, opt: opt, now: now}
	v.decide()
	return v.state, v.trace()
}

// layer is where the number came from (S5.3).
type layer uint8

const (
	layerNone     layer = iota // nothing but the machine has an opinion
	layerActive                // L1 and L2: manual states, do-not-disturb, claims
	layerCalendar              // L3
)

// source is what gave the token, or would come first in token order.
type source uint8

const (
	fromNobody source = iota
	fromManual
	fromClaim
	fromEvent
	fromResource
	fromPeriod // the user's own out-of-office period
	fromHours  // outside working hours
)

// verdict is one evaluation: the inputs, the steps taken and the state reached.
// The trace is told from the steps, so it cannot disagree with the state.
type verdict struct {
	in  *Inputs
	opt *Options
	now time.Time

	manual    *presence.Manual // nil unless it runs
	hidden    bool             // she appears offline (S5.0)
	explicit  bool             // her manual state is part of L1 (S5.3)
	dismissed bool             // her manual state is available (S5.4)

	machine

	layer layer
	n     presence.Availability // N of S5.3

	// first is the contributor that comes first in token order, giver the first
	// one that has a token; claim and event point at them where they are those.
	first, giver source
	claim        *presence.Claim
	event        *presence.Event // giver's
	supplier     *presence.Event // the event that supplied the number (S6.3)

	sensed bool // the result is the machine's (L4)
	idled  bool // busy became busy-idle (S5.5)

	state presence.State
}

func (v *verdict) decide() {
	v.state.OOF = v.in.OOF.On(v.now)
	v.machine = sense(v.in.Resources, v.opt, v.now)
	if ActiveManual(v.in.Manual, v.now) {
		v.manual = v.in.Manual
		v.hidden = v.manual.Availability >= presence.OfflineFrom
		// Without a device no manual state but appearing offline counts (S5.0).
		v.explicit = v.winner != nil && !v.hidden
		if v.explicit && v.manual.Availability.Class() == presence.ClassAvailable {
			v.explicit, v.dismissed = false, true
		}
	}
	switch {
	case v.hidden:
		v.offline()
	case v.winner != nil:
		v.online()
	case v.in.Kind == presence.Bot && v.anyClaim():
		v.bot()
	default:
		v.offline()
	}
	v.state.B = v.state.A
	if v.state.A.Availability.Class() == presence.ClassDoNotDisturb { // S5.6
		v.state.B = presence.Shown{Availability: presence.UrgentOnly, Activity: presence.UrgentOnlyA}
	}
	v.state.Next = v.next()
}

// offline is S5.0 for nobody eligible, and for appearing offline.
func (v *verdict) offline() {
	v.state.A.Availability = presence.Offline
	if v.state.OOF {
		v.give(fromPeriod, presence.OutOfOfficeA)
		v.state.Until = v.in.OOF.End
	}
	if v.hidden {
		v.state.LastInput = v.lastInput(v.manual.SetAt)
	}
}

// bot is S5.0 for an account that needs no device: its claims alone.
func (v *verdict) bot() {
	v.state.Online = true
	v.layer = layerActive
	v.n = v.highestClaim()
	v.contributors()
	v.state.A.Availability = v.n
	v.token()
}

func (v *verdict) online() {
	v.state.Online = true
	v.state.Device, v.state.Status = v.winner.Device, v.winner.Status
	v.state.LastInput = v.lastInput(time.Time{})
	v.weigh()
	v.contributors()
	v.adjust()
	v.token()
	v.meeting()
}

// weigh finds N (S5.3).
func (v *verdict) weigh() {
	n := v.highestClaim()
	if v.explicit {
		n = max(n, v.manual.Availability)
	}
	if v.protects {
		n = max(n, presence.DoNotDisturb)
	}
	if n != presence.Unset {
		v.layer, v.n = layerActive, n
		return
	}
	if v.supplier = v.planned(); v.supplier != nil {
		o, _ := v.opinion(v.supplier)
		v.layer, v.n = layerCalendar, o.Availability
		return
	}
	v.n = presence.Available
}

// contributors finds, within the deciding layers and N's class, who comes first
// in token order and who gives the token (S5.3).
func (v *verdict) contributors() {
	class := v.n.Class()
	switch v.layer {
	case layerActive:
		if v.explicit && v.manual.Availability.Class() == class {
			v.first = fromManual
			if v.manual.Activity != presence.NoActivity {
				v.giver = fromManual
				return
			}
		}
		v.claimsOf(class)
	case layerCalendar:
		v.first = fromEvent
		if v.event = v.tokenEvent(class); v.event != nil {
			v.giver = fromEvent
		}
	}
}

// adjust is S5.5 as far as it concerns the number.
func (v *verdict) adjust() {
	v.state.A.Availability = v.n
	switch v.n.Class() {
	case presence.ClassAvailable:
		if v.dismissed {
			return
		}
		v.sensed = true
		v.state.A.Availability = v.machine.number
		if v.machine.number.Class() != presence.ClassAvailable {
			// What the contributors say goes with a number that is not shown.
			v.giver, v.claim, v.event = fromNobody, nil, nil
		}
		v.state.Idle = v.asleep()
	case presence.ClassBusy:
		decider := v.giver
		if decider == fromNobody {
			decider = v.first
		}
		if v.machine.number < presence.AvailableIdle || decider == fromClaim {
			return
		}
		v.idled = true
		v.state.A.Availability = presence.BusyIdle
		v.state.Idle = v.asleep()
	}
}

// asleep reports whether the machine's number is a later one than that of somebody
// active. Why it is does not count, be it idleness or a device set to away by hand:
// of several devices words and dates decide which one that is, and when somebody is
// told would tell of what he may not see (I1). An act is told at once all the same:
// only what time alone does is told late (S10).
func (v *verdict) asleep() bool { return v.machine.number >= presence.AvailableIdle }

// token is S5.3, S5.4 and S5.5 as far as they concern the token.
func (v *verdict) token() {
	class := v.state.A.Availability.Class()
	switch v.giver {
	case fromManual:
		v.give(fromManual, v.manual.Activity)
		return
	case fromClaim:
		v.give(fromClaim, v.claim.Activity)
		return
	case fromEvent:
		o, _ := v.opinion(v.event)
		v.give(fromEvent, o.Activity)
		v.state.Until = v.runEnd(v.event, o.Activity)
		return
	}
	switch {
	case v.state.A.Availability >= presence.AwayTokensFrom && v.state.OOF:
		v.give(fromPeriod, presence.OutOfOfficeA)
		v.state.Until = v.in.OOF.End
	case v.sensed && ownToken(v.winner, class) != presence.NoActivity:
		v.give(fromResource, ownToken(v.winner, class))
	case v.sensed && class == presence.ClassAway && v.in.OffHours:
		v.give(fromHours, presence.OffWork)
	case v.dismissed && class == presence.ClassAvailable && v.manual.Activity != presence.NoActivity:
		v.give(fromManual, v.manual.Activity)
	}
}

func (v *verdict) give(s source, a presence.Activity) {
	v.giver, v.state.A.Activity = s, a
}

// meeting is the end of S6.2: subject and location only while the calendar
// supplied the shown state.
func (v *verdict) meeting() {
	if e := v.supplier; e != nil && !v.sensed && !e.Private {
		v.state.Subject, v.state.Location = e.Subject, e.Location
	}
}
