package aggregation

import (
	"testing"
	"time"

	"presenced/internal/presence"
)

// now is the instant of every table: a Monday at ten.
var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// ago and in make instants around now.
func ago(d time.Duration) time.Time { return now.Add(-d) }
func in(d time.Duration) time.Time  { return now.Add(d) }

func desk(mod ...func(*presence.Resource)) presence.Resource {
	r := presence.Resource{Name: "desk", Priority: 5, Device: "computer", PublishedAt: ago(2 * time.Hour)}
	for _, m := range mod {
		m(&r)
	}
	return r
}

func phone(mod ...func(*presence.Resource)) presence.Resource {
	r := presence.Resource{Name: "phone", Priority: 1, Device: "mobile", PublishedAt: ago(time.Hour)}
	for _, m := range mod {
		m(&r)
	}
	return r
}

func show(s presence.Show) func(*presence.Resource) {
	return func(r *presence.Resource) { r.Show = s }
}

func idle(d time.Duration) func(*presence.Resource) {
	return func(r *presence.Resource) { r.IdleSince = ago(d) }
}

func published(d time.Duration) func(*presence.Resource) {
	return func(r *presence.Resource) { r.PublishedAt = ago(d) }
}

func priority(p int8) func(*presence.Resource) {
	return func(r *presence.Resource) { r.Priority = p }
}

func own(r *presence.Resource) { r.Own = true }

func devices(rs ...presence.Resource) []presence.Resource { return rs }

func manual(a presence.Availability, t presence.Activity, set time.Duration) *presence.Manual {
	return &presence.Manual{Availability: a, Activity: t, SetAt: ago(set)}
}

func claim(id string, a presence.Availability, t presence.Activity, set time.Duration) presence.Claim {
	return presence.Claim{ID: id, Availability: a, Activity: t, SetAt: ago(set), ExpiresAt: in(time.Minute)}
}

func claims(cs ...presence.Claim) []presence.Claim { return cs }

// event makes one that began before now and ends after it.
func event(k presence.EventKind, begun, left time.Duration, mod ...func(*presence.Event)) presence.Event {
	e := presence.Event{Start: ago(begun), End: in(left), Kind: k, Subject: "Merger", Location: "Room 4", Attendees: true}
	for _, m := range mod {
		m(&e)
	}
	return e
}

func events(es ...presence.Event) *presence.Calendar { return &presence.Calendar{Events: es} }

func vacation() *presence.OutOfOffice {
	return &presence.OutOfOffice{Start: ago(24 * time.Hour), End: in(96 * time.Hour), Note: "Back on the 9th"}
}

// outcome is one line of a rule's table.
type outcome struct {
	name  string
	in    Inputs
	n     presence.Availability
	token presence.Activity
}

func runTable(t *testing.T, opt Options, table []outcome) {
	t.Helper()
	for _, c := range table {
		s := Aggregate(&c.in, &opt, now)
		if s.A.Availability != c.n || s.A.Activity != c.token {
			t.Errorf("%s: %d %q, want %d %q", c.name, s.A.Availability, s.A.Activity, c.n, c.token)
		}
		if explained, trace := Explain(&c.in, &opt, now); explained != s {
			t.Errorf("%s: Explain gives %+v, Aggregate %+v (trace %v)", c.name, explained, s, trace)
		}
	}
}
