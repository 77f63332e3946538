package aggregation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

// instant draws from a coarse grid around now, so that edges often coincide.
func instant(t *rapid.T, label string) time.Time {
	steps := []time.Duration{
		-25 * time.Hour, -24 * time.Hour, -time.Hour, -20 * time.Minute, -10 * time.Minute, -9 * time.Minute, -5 * time.Minute,
		-3 * time.Minute, -time.Minute, -time.Second, 0, time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, time.Hour, 25 * time.Hour,
	}
	return now.Add(rapid.SampledFrom(steps).Draw(t, label))
}

func maybe(t *rapid.T, label string) bool { return rapid.IntRange(0, 3).Draw(t, label) == 0 }

func number(t *rapid.T, label string) presence.Availability {
	return rapid.SampledFrom([]presence.Availability{
		0, 2999, 3500, 4000, 5000, 6500, 6900, 7000, 7500, 9500, 9600, 12500, 15500, 17999, 18000, 18500, 19000,
	}).Draw(t, label)
}

func token(t *rapid.T, label string) presence.Activity {
	return rapid.SampledFrom([]presence.Activity{"", "", presence.InAMeeting, presence.OutOfOfficeA, "custom"}).Draw(t, label)
}

func anyResource(t *rapid.T, name string) presence.Resource {
	r := presence.Resource{
		Name: name, Device: name, Status: "status of " + name, PublishedAt: instant(t, "published"),
		Priority: rapid.SampledFrom([]int8{-1, 0, 5}).Draw(t, "priority"),
		Show:     presence.Show(rapid.IntRange(0, int(presence.ShowUnavailable)).Draw(t, "show")),
		Own:      maybe(t, "own"),
	}
	if !maybe(t, "no idle information") {
		r.IdleSince = instant(t, "idle since")
	}
	if maybe(t, "turned") {
		last := instant(t, "last turn")
		r.Turned = &[3]time.Time{last.Add(-rapid.SampledFrom([]time.Duration{60, 179, 180}).Draw(t, "apart") * time.Second), last, last}
	}
	return r
}

func anyEvent(t *rapid.T) presence.Event {
	return presence.Event{
		Start: instant(t, "start"), End: instant(t, "end"),
		Kind:    presence.EventKind(rapid.IntRange(0, int(presence.EventElsewhere)).Draw(t, "kind")),
		Subject: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "subject"), Location: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "location"),
		Private: maybe(t, "private"), AllDay: maybe(t, "all day"), Cancelled: maybe(t, "cancelled"),
		Declined: maybe(t, "declined"), Transparent: maybe(t, "transparent"), Attendees: maybe(t, "attendees"),
	}
}

func anyInputs(t *rapid.T) Inputs {
	in := Inputs{Kind: presence.Kind(rapid.IntRange(0, 1).Draw(t, "kind")), OffHours: maybe(t, "off hours")}
	for i := range rapid.IntRange(0, 4).Draw(t, "resources") {
		in.Resources = append(in.Resources, anyResource(t, fmt.Sprint("r", i)))
	}
	if rapid.Bool().Draw(t, "has manual") {
		in.Manual = &presence.Manual{Availability: number(t, "manual"), Activity: token(t, "manual token"), SetAt: instant(t, "set at")}
		if maybe(t, "own end") {
			in.Manual.ExpiresAt = instant(t, "manual end")
		}
	}
	for i := range rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "claims") {
		in.Claims = append(in.Claims, presence.Claim{
			ID: fmt.Sprint("c", i), Availability: number(t, "claim"), Activity: token(t, "claim token"), SetAt: instant(t, "claim set"),
			ExpiresAt: instant(t, "claim end"), Resource: rapid.SampledFrom([]string{"", "", "r0", "r9"}).Draw(t, "bound"),
		})
	}
	if events := rapid.IntRange(-1, 5).Draw(t, "events"); events >= 0 {
		in.Calendar = new(presence.Calendar)
		for range events {
			in.Calendar.Events = append(in.Calendar.Events, anyEvent(t))
		}
		if maybe(t, "fetched") {
			in.Calendar.FetchedAt = instant(t, "fetched at")
		}
	}
	if maybe(t, "has oof") {
		in.OOF = &presence.OutOfOffice{Start: instant(t, "oof start")}
		if rapid.Bool().Draw(t, "oof ends") {
			in.OOF.End = instant(t, "oof end")
		}
	}
	return in
}

func anyOptions(t *rapid.T) Options {
	opt := Default()
	opt.RequireAttendees = maybe(t, "require attendees")
	switch rapid.IntRange(0, 2).Draw(t, "table") {
	case 0:
		opt.Calendar, _ = Preset("lync")
	case 1:
		opt.Calendar = opt.Calendar.With(
			Rule{Kind: presence.EventFree, Availability: 3600, Activity: "open"},
			Rule{Kind: presence.EventTentative, Availability: 6900},
			Rule{Kind: presence.EventElsewhere, Availability: 9500, Activity: presence.Presenting},
		)
	}
	return opt
}

func TestProperty_TheSameAsTheNaiveReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyInputs(t), anyOptions(t)
		got, want := Aggregate(&in, &opt, now), naive(in, opt, now)
		got.Idle, got.Next = false, time.Time{}
		if got != want {
			t.Fatalf("\n got %+v\nwant %+v\nof %+v", got, want, in)
		}
	})
}

func TestProperty_ExplainIsAggregate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyInputs(t), anyOptions(t)
		s, trace := Explain(&in, &opt, now)
		if got := Aggregate(&in, &opt, now); s != got {
			t.Fatalf("Explain %+v, Aggregate %+v", s, got)
		}
		if len(trace) < len(in.Resources)+len(in.Claims) {
			t.Fatalf("trace %v leaves out inputs of %+v", trace, in)
		}
	})
}

func TestProperty_OrderNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyInputs(t), anyOptions(t)
		want := Aggregate(&in, &opt, now)
		var fetchedAt time.Time
		if in.Calendar != nil {
			fetchedAt = in.Calendar.FetchedAt
		}
		in.Resources = rapid.Permutation(in.Resources).Draw(t, "resources again")
		in.Claims = rapid.Permutation(in.Claims).Draw(t, "claims again")
		if in.Calendar != nil {
			in.Calendar = events(rapid.Permutation(in.Calendar.Events).Draw(t, "events again")...)
			in.Calendar.FetchedAt = fetchedAt
		}
		if got := Aggregate(&in, &opt, now); got != want {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	})
}

func TestProperty_WhatDoesNotCountChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyInputs(t), anyOptions(t)
		want := Aggregate(&in, &opt, now)
		r := anyResource(t, "stranger")
		switch rapid.IntRange(0, 2).Draw(t, "why") {
		case 0:
			r.Own = true
		case 1:
			r.Priority = -1
		default:
			r.Show = presence.ShowUnavailable
		}
		in.Resources = append(in.Resources, r)
		in.Claims = append(in.Claims, presence.Claim{ID: "late", Availability: 9999, ExpiresAt: now})
		e := anyEvent(t)
		e.Cancelled = true
		if in.Calendar == nil {
			in.Calendar = new(presence.Calendar)
		}
		in.Calendar.Events = append(in.Calendar.Events, e)
		if got := Aggregate(&in, &opt, now); got != want {
			t.Fatalf("\n got %+v\nwant %+v\nadding %+v", got, want, r)
		}
	})
}

func TestProperty_NothingChangesBeforeNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyInputs(t), anyOptions(t)
		s := Aggregate(&in, &opt, now)
		end := s.Next
		if end.IsZero() {
			end = now.Add(60 * 24 * time.Hour)
		} else if !end.After(now) {
			t.Fatalf("next %v is not after now", end)
		}
		for _, at := range []time.Time{
			now.Add(1), end.Add(-1), now.Add(time.Duration(rapid.Int64Range(1, int64(end.Sub(now))-1).Draw(t, "later"))),
		} {
			if !at.After(now) || !at.Before(end) {
				continue
			}
			later := Aggregate(&in, &opt, at)
			later.Next = s.Next
			if later != s {
				t.Fatalf("at %v %+v\nat %v %+v\nnext %v, of %+v", now, s, at, later, end, in)
			}
		}
	})
}

func TestProperty_DNDOfOneEndpointProtects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyInputs(t), anyOptions(t)
		r := anyResource(t, "quiet")
		r.Show, r.Priority, r.Own = presence.ShowDND, 0, false
		in.Resources = append(in.Resources, r)
		if s := Aggregate(&in, &opt, now); s.A.Availability < presence.DoNotDisturb {
			t.Fatalf("%+v with a device in do-not-disturb", s.A)
		}
	})
}

func TestProperty_AppearOfflineIsOffline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, opt := anyInputs(t), anyOptions(t)
		in.Manual = &presence.Manual{Availability: 18500, SetAt: ago(time.Minute)}
		got, want := Aggregate(&in, &opt, now), Aggregate(&Inputs{OOF: in.OOF}, &opt, now)
		if got.LastInput.After(in.Manual.SetAt) {
			t.Fatalf("last input %v is after set_at", got.LastInput)
		}
		got.LastInput, got.Next, want.Next = time.Time{}, time.Time{}, time.Time{}
		if got != want {
			t.Fatalf("\n got %+v\nwant %+v", got, want)
		}
	})
}

func TestProperty_ObserveKeepsNamesUniqueAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opt := Default()
		var rs []presence.Resource
		for range rapid.IntRange(1, 100).Draw(t, "presences") {
			name := fmt.Sprint("r", rapid.IntRange(0, 80).Draw(t, "name"))
			if maybe(t, "gone") {
				rs = Gone(rs, name)
				continue
			}
			rs = Observe(rs, anyResource(t, name), &opt, now)
		}
		names := map[string]bool{}
		for _, r := range rs {
			if names[r.Name] {
				t.Fatalf("%q is there twice", r.Name)
			}
			names[r.Name] = true
		}
		if len(rs) > MaxResources {
			t.Fatalf("%d resources", len(rs))
		}
	})
}

func TestAggregate_ChangesNothingAndAllocatesNothing(t *testing.T) {
	opt := Default()
	in := benchInputs()
	before := slices.Clone(in.Resources)
	if n := testing.AllocsPerRun(100, func() { sink = Aggregate(&in, &opt, now) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	if !slices.Equal(before, in.Resources) {
		t.Error("the inputs changed")
	}
}

var sink presence.State

func benchInputs() Inputs {
	return Inputs{
		Resources: devices(desk(idle(20*time.Minute)), phone(idle(time.Minute))),
		Claims:    claims(claim("c", 3600, "", 0)),
		OOF:       vacation(),
		Calendar:  events(event(presence.EventBusy, -time.Hour, 2*time.Hour), event(presence.EventBusy, 9, 9)),
	}
}

func BenchmarkAggregate(b *testing.B) {
	opt := Default()
	twoDevices := Inputs{Resources: benchInputs().Resources}
	meeting := benchInputs()
	meeting.Claims = nil
	week := Inputs{Resources: twoDevices.Resources, Calendar: new(presence.Calendar)}
	for i := range 50 {
		d := time.Duration(i) * time.Hour
		week.Calendar.Events = append(week.Calendar.Events, event(presence.EventBusy, -d, d+time.Hour))
	}
	for _, c := range []struct {
		name string
		in   Inputs
	}{{"two devices", twoDevices}, {"two devices and a meeting", meeting}, {"fifty events", week}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = Aggregate(&c.in, &opt, now)
			}
		})
	}
}
