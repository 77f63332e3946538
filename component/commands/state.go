package commands

import (
	"strconv"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// state is one choice of set-state.
type state struct {
	value        string
	availability presence.Availability
	activity     presence.Activity
}

var states = [...]state{
	{"available", presence.Available, presence.NoActivity},
	{"busy", presence.Busy, presence.NoActivity},
	{string(presence.InAMeeting), presence.Busy, presence.InAMeeting},
	{string(presence.InAConf), presence.InConference, presence.InAConf},
	{string(presence.OnThePhone), presence.Busy, presence.OnThePhone},
	{string(presence.Presenting), presence.DoNotDisturb, presence.Presenting},
	{"do-not-disturb", presence.DoNotDisturb, presence.NoActivity},
	{"be-right-back", presence.BeRightBack, presence.NoActivity},
	{"away", presence.Away, presence.NoActivity},
	{string(presence.OffWork), presence.Away, presence.OffWork},
	{appearOffline, presence.Offline, presence.NoActivity},
}

const (
	appearOffline = "appear-offline"
	noActivity    = "none"
)

// lives are the choices of how long a state lasts; the first is S5.2's
// default.
var lives = [...]struct {
	value string
	label text.Key
	lasts time.Duration
}{
	{"default", "option.for.default", 0},
	{"30m", "option.for.30m", 30 * time.Minute},
	{"1h", "option.for.1h", time.Hour},
	{"2h", "option.for.2h", 2 * time.Hour},
	{"4h", "option.for.4h", 4 * time.Hour},
	{untilTomorrow, "option.for.tomorrow", 0},
}

const untilTomorrow = "until-tomorrow"

func stateForm(r *run) *form {
	choice := field{name: "state", kind: listSingle, label: r.t("field.state"), desc: r.t("field.state.desc"), values: []string{r.currentState()}}
	for _, s := range states {
		choice.options = append(choice.options, option{s.value, r.stateName(s.availability, s.activity)})
	}
	lasts := field{name: "for", kind: listSingle, label: r.t("field.for"), desc: r.t("field.for.desc"), values: []string{lives[0].value}}
	for _, l := range lives {
		label := l.label
		if l.value == untilTomorrow && r.zone() != nil {
			label = "option.for.midnight"
		}
		lasts.options = append(lasts.options, option{l.value, r.t(label)})
	}
	activity := field{name: "activity", kind: listSingle, label: r.t("field.activity"), desc: r.t("field.activity.desc"), values: []string{noActivity},
		options: []option{{noActivity, r.t("option.activity.none")}}}
	for _, a := range presence.Activities() {
		activity.options = append(activity.options, option{string(a), text.Activity(r.lang, a)})
	}
	return &form{title: r.t("command.set-state"), instructions: r.t("form.set-state"), fields: []field{
		choice, lasts,
		{name: "until", kind: textSingle, label: r.t("field.until"), desc: r.t("field.until.desc")},
		activity,
		{name: "availability", kind: textSingle, label: r.t("field.availability"), desc: r.t("field.availability.desc"),
			datatype: dataInteger, min: int(presence.MinAvailability), max: int(presence.MaxAvailability)},
	}}
}

// currentState is the choice that stands for the present manual state.
func (r *run) currentState() string {
	if m := r.have.Manual; m != nil {
		for _, s := range states {
			if s.availability.Class() == m.Availability.Class() && s.activity == m.Activity {
				return s.value
			}
		}
	}
	return states[0].value
}

func (r *run) stateName(a presence.Availability, t presence.Activity) string {
	switch {
	case t != presence.NoActivity:
		return text.Activity(r.lang, t)
	case a >= presence.OfflineFrom:
		return r.t("option.state.offline")
	}
	return text.Class(r.lang, a.Class())
}

func setState(r *run) (plan, []fault) {
	c, f := r.chosenState()
	if f != nil {
		return plan{}, f
	}
	expires, why := r.expiry()
	if why.why != "" {
		return plan{}, []fault{why}
	}
	c.Expires = expires
	name := r.stateName(c.Availability, c.Activity)
	if c.Availability >= presence.OfflineFrom {
		name = text.Class(r.lang, presence.ClassOffline)
	}
	p := one(c, "")
	p.done, p.unseen = r.stateDone(name, &c)
	return p, nil
}

// stateDone tells what was set and how long it lasts (S5.2): while others see it,
// and while something else decides what they see.
func (r *run) stateDone(name string, c *engine.SetState) (shown, unseen string) {
	if !c.Expires.IsZero() {
		end := text.Moment(r.lang, c.Expires, r.now, r.zone())
		return r.t("note.state.shownuntil", name, end), r.t("note.state.setuntil", name, end)
	}
	lasts := r.t("note.state.week")
	if class := c.Availability.Class(); class == presence.ClassBusy || class == presence.ClassDoNotDisturb {
		lasts = r.t("note.state.day")
	}
	return r.t("note.state.shown", name) + " " + lasts, r.t("note.state.set", name) + " " + lasts
}

// chosenState reads what to show; a number beats the choice.
func (r *run) chosenState() (engine.SetState, []fault) {
	var c engine.SetState
	value := r.in.text("state")
	for _, s := range states {
		if s.value == value {
			c.Availability, c.Activity = s.availability, s.activity
		}
	}
	if number := r.in.text("availability"); number != "" {
		n, _ := strconv.Atoi(number) // checked with the form
		c.Availability, c.Activity = presence.Availability(n), presence.NoActivity
	}
	if c.Availability == presence.Unset {
		return c, []fault{{"state", r.t("error.required")}}
	}
	if a := r.in.text("activity"); a != "" && a != noActivity {
		c.Activity = presence.Activity(a)
	}
	return c, nil
}

// expiry reads when the state ends: the time written, else the choice; zero is
// the default.
func (r *run) expiry() (time.Time, fault) {
	if written := r.in.text("until"); written != "" {
		t, ok := parseWhen(written, r.now, r.zone(), false)
		switch {
		case !ok:
			return t, fault{"until", r.t("error.when")}
		case !t.After(r.now):
			return t, fault{"until", r.t("error.past")}
		}
		return t, fault{}
	}
	value := r.in.text("for")
	if value == untilTomorrow {
		zone := orUTC(r.zone())
		year, month, day := r.now.In(zone).Date()
		return time.Date(year, month, day+1, 0, 0, 0, 0, zone).UTC(), fault{}
	}
	for _, l := range lives {
		if l.value == value && l.lasts > 0 {
			return r.now.Add(l.lasts), fault{}
		}
	}
	return time.Time{}, fault{}
}

func clearState(r *run) (plan, []fault) {
	return one(engine.ClearState{}, r.t("note.state.cleared")), nil
}
