package aggregation

import (
	"time"

	"presenced/internal/presence"
)

// Kinds of Input in a trace.
const (
	KindResource    = "resource"
	KindManual      = "manual"
	KindClaim       = "claim"
	KindCalendar    = "calendar"
	KindOutOfOffice = "out-of-office"
	KindHours       = "working-hours"
)

// trace tells the steps of the evaluation (S5.7): every resource, the manual
// state, every claim, the events that run now, the out-of-office period and the
// working hours.
func (v *verdict) trace() presence.Trace {
	var t presence.Trace
	note := func(in presence.Input, won bool, rule string) {
		in.Won, in.Rule = won, rule
		t = append(t, in)
	}
	for i := range v.in.Resources {
		r := &v.in.Resources[i]
		won, rule := v.resourceFate(r)
		note(v.resourceSays(r), won, rule)
	}
	if v.in.Manual != nil {
		won, rule := v.manualFate()
		m := v.in.Manual
		note(presence.Input{Kind: KindManual, ID: "manual", Says: presence.Shown{Availability: m.Availability, Activity: m.Activity},
			Since: m.SetAt, Until: ExpiryOf(m)}, won, rule)
	}
	for i := range v.in.Claims {
		c := &v.in.Claims[i]
		won, rule := v.claimFate(c)
		note(presence.Input{Kind: KindClaim, ID: c.ID, Says: presence.Shown{Availability: c.Availability, Activity: c.Activity},
			Since: c.SetAt, Until: c.ExpiresAt}, won, rule)
	}
	if c := v.in.Calendar; c != nil {
		for i := range c.Events {
			if e := &c.Events[i]; runs(e, v.now) {
				won, rule := v.eventFate(e)
				note(v.eventSays(e), won, rule)
			}
		}
	}
	if v.in.OOF != nil {
		won, rule := v.periodFate()
		note(presence.Input{Kind: KindOutOfOffice, ID: KindOutOfOffice, Says: presence.Shown{Activity: presence.OutOfOfficeA},
			Since: v.in.OOF.Start, Until: v.in.OOF.End}, won, rule)
	}
	if v.in.OffHours {
		note(presence.Input{Kind: KindHours, ID: KindHours}, v.giver == fromHours, "S5.5")
	}
	return t
}

func (v *verdict) resourceSays(r *presence.Resource) presence.Input {
	in := presence.Input{Kind: KindResource, ID: r.Name, Since: r.IdleSince}
	in.Says.Availability, _ = machineNumber(r, v.opt, v.now)
	if r.Show == presence.ShowDND {
		in.Says.Availability = presence.DoNotDisturb
	}
	in.Says.Activity = ownToken(r, in.Says.Availability.Class())
	return in
}

// eventSays tells of an event its time and what the table makes of it, and never
// its subject. The one that gave the token ends when its run does, as until says.
func (v *verdict) eventSays(e *presence.Event) presence.Input {
	in := presence.Input{Kind: KindCalendar, ID: e.Start.UTC().Format(time.RFC3339), Since: e.Start, Until: e.End}
	in.Says, _ = v.opt.Calendar.opinionOf(e)
	if e == v.event && !v.state.Until.IsZero() {
		in.Until = v.state.Until
	}
	return in
}

func (v *verdict) resourceFate(r *presence.Resource) (won bool, rule string) {
	switch {
	case r.Own:
		return false, "S4.4"
	case !eligible(r) || v.hidden:
		return false, "S5.0"
	case r.Show == presence.ShowDND && v.n == presence.DoNotDisturb && v.layer == layerActive:
		return true, "S5.3"
	case r != v.winner:
		return false, "S5.1"
	case v.sensed:
		return true, "S5.1"
	case v.idled:
		return true, "S5.5"
	case v.dismissed && v.layer == layerNone:
		return false, "S5.4"
	default:
		return false, "S5.3"
	}
}

func (v *verdict) manualFate() (won bool, rule string) {
	switch {
	case v.manual == nil:
		return false, "S5.2"
	case v.hidden:
		return true, "S5.0"
	case v.winner == nil:
		return false, "S5.0"
	case v.dismissed:
		return v.layer == layerNone, "S5.4"
	default:
		return v.manual.Availability == v.n || v.giver == fromManual, "S5.3"
	}
}

func (v *verdict) claimFate(c *presence.Claim) (won bool, rule string) {
	switch {
	case !v.counts(c):
		return false, "S5.2"
	case !v.state.Online:
		return false, "S5.0"
	case v.sensed && c.Availability == v.n:
		return c == v.claim, "S5.5"
	default:
		return c.Availability == v.n || c == v.claim, "S5.3"
	}
}

func (v *verdict) eventFate(e *presence.Event) (won bool, rule string) {
	switch {
	case ignored(e, v.opt):
		return false, "S6.2"
	case v.stale():
		return false, "S6.4"
	case v.cancels(e):
		return false, "S5.4"
	}
	if _, ok := v.opinion(e); !ok {
		return false, "S6.1"
	}
	switch {
	case v.winner == nil || v.hidden:
		return false, "S5.0"
	case v.layer != layerCalendar:
		return false, "S5.3"
	case v.sensed:
		return e == v.event, "S5.5"
	case e == v.event:
		return true, "S5.3"
	default:
		return e == v.supplier, "S6.3"
	}
}

func (v *verdict) periodFate() (won bool, rule string) {
	switch {
	case !v.state.OOF:
		return false, "S6.1"
	case !v.state.Online:
		return true, "S5.0"
	default:
		return v.giver == fromPeriod, "S5.5"
	}
}
