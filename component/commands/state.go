package commands

import (
	"slices"
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
	for _, s := range r.states() {
		choice.options = append(choice.options, option{s.value, s.label})
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
		{name: "from", kind: textSingle, label: r.t("field.from"), desc: r.t("field.from.desc")},
		{name: "until", kind: textSingle, label: r.t("field.until"), desc: r.t("field.until.desc")},
		activity,
		{name: "availability", kind: textSingle, label: r.t("field.availability"), desc: r.t("field.availability.desc"),
			datatype: dataInteger, min: int(presence.MinAvailability), max: int(presence.MaxAvailability)},
	}}
}

// choice is a state with its name as people read it.
type choice struct {
	state
	label string
}

// states are what can be chosen: ours, then the operator's. One of the operator's
// that has the name of one of ours is left out.
func (r *run) states() []choice {
	all := make([]choice, 0, len(states)+len(r.have.States))
	for _, s := range states {
		all = append(all, choice{s, r.stateName(s.availability, s.activity)})
	}
	for i := range r.have.States {
		s := &r.have.States[i]
		if !slices.ContainsFunc(states[:], func(own state) bool { return own.value == s.Name }) {
			all = append(all, choice{state{s.Name, s.Availability, s.Activity}, text.Worded(r.lang, s.Activity, s.Wording)})
		}
	}
	return all
}

// currentState is the choice that stands for the present manual state.
func (r *run) currentState() string {
	if m := r.have.Manual; m != nil {
		for _, s := range r.states() {
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
		for i := range r.have.States {
			if s := &r.have.States[i]; s.Activity == t && !t.Known() {
				return text.Worded(r.lang, t, s.Wording)
			}
		}
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
	name := r.stateName(c.Availability, c.Activity)
	if c.Availability >= presence.OfflineFrom {
		name = text.Class(r.lang, presence.ClassOffline)
	}
	starts, why := r.starts()
	if why.why != "" {
		return plan{}, []fault{why}
	}
	expires, why := r.expiry(starts)
	if why.why != "" {
		return plan{}, []fault{why}
	}
	c.Expires = expires
	if starts.After(r.now) {
		return one(engine.PlanState{SetState: c, Starts: starts}, r.planned(name, starts, expires)), nil
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
	for _, s := range r.states() {
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

// starts reads when the state begins: now, unless something is written.
func (r *run) starts() (time.Time, fault) {
	written := r.in.text("from")
	if written == "" {
		return r.now, fault{}
	}
	t, ok := parseWhen(written, r.now, r.zone(), false)
	switch {
	case !ok:
		return t, fault{"from", r.t("error.when")}
	case t.Before(r.now.Add(-time.Minute)): // the minute that was written may be running
		return t, fault{"from", r.t("error.past")}
	case t.After(r.now.Add(maxAhead)):
		return t, fault{"from", r.t("error.far")}
	}
	return t, fault{}
}

// maxAhead is how long before it begins a state can be set.
const maxAhead = 366 * 24 * time.Hour

// planned tells of a state that is set for later.
func (r *run) planned(name string, starts, expires time.Time) string {
	from := text.Moment(r.lang, starts, r.now, r.zone())
	if expires.IsZero() {
		return r.t("note.state.planned", name, from)
	}
	return r.t("note.state.plannedfor", name, from, text.Moment(r.lang, expires, r.now, r.zone()))
}

// expiry reads when a state that begins then ends: the time written, else the
// choice; zero is the default.
func (r *run) expiry(starts time.Time) (time.Time, fault) {
	if written := r.in.text("until"); written != "" {
		t, ok := endWhen(written, starts, r.now, r.zone(), false)
		switch {
		case !ok:
			return t, fault{"until", r.t("error.when")}
		case !t.After(r.now):
			return t, fault{"until", r.t("error.past")}
		case !t.After(starts):
			return t, fault{"until", r.t("error.end")}
		}
		return t, fault{}
	}
	value := r.in.text("for")
	if value == untilTomorrow {
		zone := orUTC(r.zone())
		year, month, day := starts.In(zone).Date()
		return time.Date(year, month, day+1, 0, 0, 0, 0, zone).UTC(), fault{}
	}
	for _, l := range lives {
		if l.value == value && l.lasts > 0 {
			return starts.Add(l.lasts), fault{}
		}
	}
	return time.Time{}, fault{}
}

// clearNow is the choice of what is set now, beside the states set for later.
const clearNow = "now"

// later are the states set for later that have not begun.
func (r *run) later() []presence.Manual {
	return slices.DeleteFunc(slices.Clone(r.have.Plans), func(p presence.Manual) bool { return !p.SetAt.After(r.now) })
}

// clearForm asks what to clear where something is set for later.
func clearForm(r *run) *form {
	plans := r.later()
	if len(plans) == 0 {
		return nil
	}
	choice := field{name: "clear", kind: listMulti, required: true, label: r.t("field.clear"), desc: r.t("field.rules.desc"),
		values: []string{clearNow}, options: []option{{clearNow, r.t("option.clear.now")}}}
	for _, p := range plans {
		name := r.stateName(p.Availability, p.Activity)
		choice.options = append(choice.options, option{writeWhen(p.SetAt), r.t("option.clear.later", name, text.Moment(r.lang, p.SetAt, r.now, r.zone()))})
	}
	f := &form{title: r.t("command.clear-state"), instructions: r.t("form.clear-state")}
	r.choose(f, "form.clear.choices", choice)
	return f
}

func clearState(r *run) (plan, []fault) {
	chosen := r.in.all("clear")
	if len(r.later()) == 0 {
		chosen = []string{clearNow}
	}
	var p plan
	for _, what := range chosen {
		if what == clearNow {
			p.changes = append(p.changes, engine.ClearState{})
			continue
		}
		for _, m := range r.later() {
			if writeWhen(m.SetAt) == what {
				p.changes = append(p.changes, engine.CancelPlan{Starts: m.SetAt})
			}
		}
	}
	p.done = r.t("note.state.cleared")
	if !slices.Contains(chosen, clearNow) {
		p.done = r.t("note.state.cancelled", len(p.changes))
	}
	return p, nil
}
