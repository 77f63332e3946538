package aggregation

import (
	"testing"
	"time"

	"presenced/internal/presence"
)

func TestFreeBusy(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	busy := func(from, to int) presence.Event {
		return presence.Event{Start: at(from), End: at(to), Kind: presence.EventBusy}
	}
	with := func(e presence.Event, change func(*presence.Event)) presence.Event { change(&e); return e }
	private := func(e *presence.Event) { e.Private = true }
	oof := func(e *presence.Event) { e.Kind = presence.EventOOF }
	free := func(e *presence.Event) { e.Kind = presence.EventFree }
	for name, c := range map[string]struct {
		events []presence.Event
		manual *presence.Manual
		want   string
	}{
		"nothing":                   {nil, nil, ""},
		"only free times":           {[]presence.Event{with(busy(0, 60), free)}, nil, ""},
		"in a meeting":              {[]presence.Event{busy(-30, 30)}, nil, "busy until 2026-11-23T12:30:00Z"},
		"in a run of any kind":      {[]presence.Event{with(busy(30, 45), oof), busy(-30, 30), busy(40, 60), busy(61, 90)}, nil, "busy until 2026-11-23T13:00:00Z"},
		"ends now":                  {[]presence.Event{busy(-30, 0), busy(60, 90)}, nil, "free until 2026-11-23T13:00:00Z"},
		"the next of several":       {[]presence.Event{busy(90, 120), busy(60, 61), with(busy(30, 40), free)}, nil, "free until 2026-11-23T13:00:00Z"},
		"in a private one":          {[]presence.Event{with(busy(-30, 30), private), busy(60, 90)}, nil, ""},
		"a private one follows":     {[]presence.Event{busy(-30, 30), with(busy(30, 60), private)}, nil, ""},
		"a private one inside":      {[]presence.Event{busy(-30, 30), with(busy(-10, 10), private)}, nil, "busy until 2026-11-23T12:30:00Z"},
		"private first in the file": {[]presence.Event{with(busy(-10, 10), private), busy(-30, 30)}, nil, "busy until 2026-11-23T12:30:00Z"},
		"a private one is next":     {[]presence.Event{with(busy(30, 60), private), busy(60, 90)}, nil, ""},
		"a private one at once":     {[]presence.Event{busy(30, 60), with(busy(30, 40), private)}, nil, ""},
		"a private one later":       {[]presence.Event{busy(30, 60), with(busy(45, 50), private)}, nil, "free until 2026-11-23T12:30:00Z"},
		"on the phone meanwhile":    {[]presence.Event{busy(-30, 30)}, &presence.Manual{Availability: presence.Busy, Activity: presence.OnThePhone, SetAt: noon}, "busy until 2026-11-23T12:30:00Z"},
		"dismissed":                 {[]presence.Event{busy(-30, 30), busy(60, 90)}, &presence.Manual{Availability: presence.Available, SetAt: noon}, "free until 2026-11-23T13:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			in := Inputs{Resources: []presence.Resource{{Name: "desk", PublishedAt: noon}}, Manual: c.manual,
				Calendar: &presence.Calendar{FetchedAt: noon, Events: c.events}}
			opt := Default()
			if got := FreeBusy(&in, &opt, noon); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			in.Calendar.FetchedAt = noon.Add(-25 * time.Hour)
			if got := FreeBusy(&in, &opt, noon); got != "" {
				t.Errorf("of a stale calendar %q is told", got)
			}
			in.Calendar.FetchedAt, in.Resources = noon, nil
			if got := FreeBusy(&in, &opt, noon); got != "" {
				t.Errorf("of somebody offline %q is told", got)
			}
		})
	}
}
