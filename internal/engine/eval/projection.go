package eval

import (
	"strings"
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/privacy"
)

// Projection is one watcher's view in the form `policy test` and `policy explain`
// print it.
type Projection struct {
	Container    presence.ContainerID  `json:"container"`
	Reason       privacy.Reason        `json:"reason"`
	Availability presence.Availability `json:"availability"`
	Activity     *string               `json:"activity"` // null: none, or not granted
	Show         *string               `json:"show"`     // null: no show element
	Push         bool                  `json:"push"`
	Probe        string                `json:"probe"`
	Interrupt    bool                  `json:"interrupt"`
	Fields       map[string]string     `json:"fields"`
}

// Explanation is what `policy explain` prints (S12).
type Explanation struct {
	Projection Projection     `json:"projection"`
	Inputs     presence.Trace `json:"inputs"`
	privacy.Explanation
}

// Projection returns what w sees of st. Subscribed tells whether w has an
// accepted subscription to her mirror.
func (p *Person) Projection(sys *System, st *presence.State, w presence.Addr, subscribed bool) Projection {
	place, v := p.Look(sys, st, w)
	self := place.Container == presence.Self
	out := Projection{
		Container: place.Container, Reason: place.Reason, Availability: v.Availability,
		Activity: optional(string(v.Activity)), Show: optional(v.Show().String()),
		Push:  (self || subscribed) && place.Container != presence.DefaultContainer && place.Container != presence.Blocked,
		Probe: probe(&v, self || subscribed), Interrupt: v.Interrupt, Fields: Fields(&v),
	}
	return out
}

// probe is the answer of the mirror to a probe (S14).
func probe(v *presence.View, subscribed bool) string {
	switch {
	case !subscribed:
		return "unsubscribed"
	case v.Show() == presence.ShowUnavailable:
		return "unavailable"
	}
	return "available"
}

// Fields returns the projected fields by name; last activity as RFC 3339.
func Fields(v *presence.View) map[string]string {
	out := make(map[string]string)
	for f, text := range v.Text {
		if text != "" {
			out[presence.Field(f).String()] = text
		}
	}
	if !v.LastActive.IsZero() {
		out[presence.FieldLastActive.String()] = v.LastActive.UTC().Format(time.RFC3339)
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Explain tells why w sees what he sees now; for her and the operator only (S12).
func (p *Person) Explain(sys *System, now time.Time, w presence.Addr, subscribed bool) Explanation {
	st, trace := aggregation.Explain(&p.Inputs, &sys.Aggregation, now)
	out := Explanation{Projection: p.Projection(sys, &st, w, subscribed), Inputs: trace}
	if out.Inputs == nil {
		out.Inputs = presence.Trace{}
	}
	policy := p.Policy
	if policy == nil {
		policy = privacy.NewPolicy(sys.Site, privacy.Settings{})
	}
	c, known := p.Roster.Get(w)
	person := p.person(&st)
	out.Explanation = policy.Explain(watcher(w, &c, known), p.operator(sys), &st, &person)
	p.explainFreeBusy(sys, now, &out)
	return out
}

// explainFreeBusy adds what FreeBusy adds to an answer.
func (p *Person) explainFreeBusy(sys *System, now time.Time, e *Explanation) {
	v := presence.View{Container: e.Container.ID, Availability: e.Projection.Availability}
	p.FreeBusy(sys, now, &v)
	told := v.Text[presence.FieldFreeBusy]
	if told == "" {
		return
	}
	e.Projection.Fields[presence.FieldFreeBusy.String()] = told
	for i := range e.Categories {
		if c := &e.Categories[i]; c.Category == privacy.Category(presence.FieldFreeBusy) && !c.Shown {
			c.Shown, c.Cause = true, privacy.CellShown
			c.Cell = strings.TrimSuffix(c.Cell, privacy.NothingToShow)
		}
	}
}
