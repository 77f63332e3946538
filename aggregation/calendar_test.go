package aggregation

import (
	"errors"
	"testing"
	"time"

	"presenced/internal/presence"
)

func TestS6_1_Presets(t *testing.T) {
	kind := func(k presence.EventKind) Inputs {
		return Inputs{Resources: devices(desk()), Calendar: events(event(k, 9, 9))}
	}
	runTable(t, Default(), []outcome{
		{"free", kind(presence.EventFree), 3500, ""},
		{"tentative", kind(presence.EventTentative), 3500, ""},
		{"elsewhere", kind(presence.EventElsewhere), 3500, ""},
		{"busy", kind(presence.EventBusy), 6500, presence.InAMeeting},
		{"out of office", kind(presence.EventOOF), 15500, presence.OutOfOfficeA},
		{"away", kind(presence.EventAway), 15500, ""},
	})
	lync := Default()
	lync.Calendar, _ = Preset("lync")
	runTable(t, lync, []outcome{
		{"lync busy", kind(presence.EventBusy), 6500, presence.InAMeeting},
		{"lync out of office", kind(presence.EventOOF), 3500, ""},
		{"lync away", kind(presence.EventAway), 3500, ""},
	})
	if _, ok := Preset("exchange"); ok {
		t.Error("an unknown preset is accepted")
	}
}

func TestS6_1_EventsDoNotTurnOutOfOfficeOn(t *testing.T) {
	opt := Default()
	cal := events(event(presence.EventOOF, 9, 9))
	if s := Aggregate(&Inputs{Resources: devices(desk()), Calendar: cal}, &opt, now); s.OOF {
		t.Error("an event turned out-of-office on")
	}
	runTable(t, opt, []outcome{
		{"offline with an out-of-office event", Inputs{Calendar: cal}, 18500, ""},
		{"manual away with one", Inputs{Resources: devices(desk()), Calendar: cal, Manual: manual(15500, "", 9)}, 15500, ""},
	})
}

func TestS6_1_TheTableIsData(t *testing.T) {
	opt := Default()
	opt.Calendar = opt.Calendar.With(
		Rule{Kind: presence.EventTentative, Availability: 6200, Activity: "maybe"},
		Rule{Kind: presence.EventAway},
		Rule{Kind: presence.EventBusy, Category: "Talk", Availability: 9500, Activity: presence.Presenting},
		Rule{AnyKind: true, Category: "open door", Availability: 3800, Activity: "open-door"},
	)
	opt.Calendar = append(opt.Calendar, Rule{Kind: presence.EventBusy, Category: "Gym", Availability: 12500}) // behind the plain line
	if err := opt.Calendar.Validate(); err != nil {
		t.Fatal(err)
	}
	of := func(k presence.EventKind, category string, rs ...presence.Resource) Inputs {
		return Inputs{Resources: rs, Calendar: events(event(k, 9, 9, func(e *presence.Event) { e.Categories = []string{"Blue", category} }))}
	}
	active, gone := desk(), desk(idle(time.Hour))
	runTable(t, opt, []outcome{
		{"a line added", of(presence.EventTentative, "", active), 6200, "maybe"},
		{"a line overridden by nothing", of(presence.EventAway, "", active), 3500, ""},
		{"a line kept", of(presence.EventBusy, "", active), 6500, presence.InAMeeting},
		{"a category", of(presence.EventBusy, "TALK", active), 9500, presence.Presenting},
		{"a category of another kind", of(presence.EventOOF, "talk", active), 15500, presence.OutOfOfficeA},
		{"a category goes before a line without one", of(presence.EventBusy, "gym", active), 12500, ""},
		{"a category of any kind; the machine gives the number", of(presence.EventFree, "Open Door", active), 3500, "open-door"},
		{"an available event leaves it to the machine", of(presence.EventFree, "Open Door", gone), 15500, ""},
	})
	if cisco, _ := Preset("cisco"); len(cisco) != 3 {
		t.Error("With changed the preset")
	}
}

func TestS6_1_TableValidate(t *testing.T) {
	for _, r := range []Rule{
		{Availability: 18000}, {Availability: 2999}, {Activity: "x"}, {AnyKind: true, Availability: 6500},
	} {
		if err := (Table{r}).Validate(); !errors.Is(err, ErrTable) {
			t.Errorf("%+v: %v, want ErrTable", r, err)
		}
	}
	opt := Default()
	opt.Calendar = Table{{Kind: presence.EventBusy, Availability: 18500}}
	runTable(t, opt, []outcome{
		{"a calendar makes nobody offline", Inputs{Resources: devices(desk()), Calendar: events(event(presence.EventBusy, 9, 9))}, 3500, ""},
	})
}

func TestS6_2_Ignored(t *testing.T) {
	on := devices(desk())
	of := func(k presence.EventKind, mod func(*presence.Event)) Inputs {
		return Inputs{Resources: on, Calendar: events(event(k, time.Hour, time.Hour, mod))}
	}
	alone := func(e *presence.Event) { e.Attendees = false }
	runTable(t, Default(), []outcome{
		{"cancelled", of(presence.EventBusy, func(e *presence.Event) { e.Cancelled = true }), 3500, ""},
		{"declined", of(presence.EventBusy, func(e *presence.Event) { e.Declined = true }), 3500, ""},
		{"transparent", of(presence.EventBusy, func(e *presence.Event) { e.Transparent = true }), 3500, ""},
		{"all-day busy", of(presence.EventBusy, func(e *presence.Event) { e.AllDay = true }), 3500, ""},
		{"all-day away", of(presence.EventAway, func(e *presence.Event) { e.AllDay = true }), 3500, ""},
		{"all-day out-of-office counts", of(presence.EventOOF, func(e *presence.Event) { e.AllDay = true }), 15500, presence.OutOfOfficeA},
		{"alone counts", of(presence.EventBusy, alone), 6500, presence.InAMeeting},
		{"private counts", of(presence.EventBusy, func(e *presence.Event) { e.Private = true }), 6500, presence.InAMeeting},
		{"no length", of(presence.EventBusy, func(e *presence.Event) { e.Start, e.End = now, now }), 3500, ""},
		{"starts now", of(presence.EventBusy, func(e *presence.Event) { e.Start = now }), 6500, presence.InAMeeting},
		{"ends now", of(presence.EventBusy, func(e *presence.Event) { e.End = now }), 3500, ""},
	})
	strict := Default()
	strict.RequireAttendees = true
	runTable(t, strict, []outcome{
		{"alone, attendees required", of(presence.EventBusy, alone), 3500, ""},
		{"with others, attendees required", of(presence.EventBusy, func(*presence.Event) {}), 6500, presence.InAMeeting},
	})
}

func TestS6_2_SubjectOnlyWhileTheCalendarSuppliedTheState(t *testing.T) {
	secret := func(e *presence.Event) { e.Private = true }
	cal := events(event(presence.EventBusy, time.Hour, time.Hour))
	for _, c := range []struct {
		name string
		in   Inputs
		want string
	}{
		{"a meeting", Inputs{Resources: devices(desk()), Calendar: cal}, "Merger"},
		{"a meeting while idle", Inputs{Resources: devices(desk(idle(time.Hour))), Calendar: cal}, "Merger"},
		{"a private meeting", Inputs{Resources: devices(desk()), Calendar: events(event(presence.EventBusy, 9, 9, secret))}, ""},
		{"a private one over a public one", Inputs{Resources: devices(desk()), Calendar: events(cal.Events[0], event(presence.EventBusy, 9, 9, secret))}, ""},
		{"a private twin", Inputs{Resources: devices(desk()), Calendar: events(cal.Events[0], event(presence.EventBusy, time.Hour, time.Hour, secret))}, ""},
		{"manual busy", Inputs{Resources: devices(desk()), Calendar: cal, Manual: manual(6500, "", 9)}, ""},
		{"in-a-meeting by hand", Inputs{Resources: devices(desk()), Calendar: cal, Manual: manual(6500, presence.InAMeeting, 9)}, ""},
		{"a call", Inputs{Resources: devices(desk()), Calendar: cal, Claims: claims(claim("c", 6500, "", 9))}, ""},
		{"dismissed", Inputs{Resources: devices(desk()), Calendar: cal, Manual: manual(3500, "", 9)}, ""},
		{"offline", Inputs{Calendar: cal}, ""},
		{"hidden", Inputs{Resources: devices(desk()), Calendar: cal, Manual: manual(18500, "", 9)}, ""},
	} {
		opt := Default()
		s := Aggregate(&c.in, &opt, now)
		if s.Subject != c.want || (s.Location != "") != (c.want != "") {
			t.Errorf("%s: subject %q, location %q, want %q", c.name, s.Subject, s.Location, c.want)
		}
	}
}

func TestS6_3_Overlap(t *testing.T) {
	named := func(s string) func(*presence.Event) {
		return func(e *presence.Event) { e.Subject = s }
	}
	hour := time.Hour
	for _, c := range []struct {
		name    string
		events  []presence.Event
		n       presence.Availability
		token   presence.Activity
		subject string
	}{
		{"highest number", []presence.Event{event(presence.EventBusy, 1, hour, named("meet")), event(presence.EventOOF, 9, hour, named("trip"))}, 15500, presence.OutOfOfficeA, "trip"},
		{"latest start", []presence.Event{event(presence.EventBusy, 9, hour, named("old")), event(presence.EventBusy, 1, 1, named("new"))}, 6500, presence.InAMeeting, "new"},
		{"latest end", []presence.Event{event(presence.EventBusy, 9, 1, named("short")), event(presence.EventBusy, 9, hour, named("long"))}, 6500, presence.InAMeeting, "long"},
		{"the token of the other, where the winner has none", []presence.Event{event(presence.EventAway, 1, hour, named("away")), event(presence.EventOOF, 9, hour, named("trip"))}, 15500, presence.OutOfOfficeA, "away"},
	} {
		opt := Default()
		s := Aggregate(&Inputs{Resources: devices(desk()), Calendar: events(c.events...)}, &opt, now)
		if s.A.Availability != c.n || s.A.Activity != c.token || s.Subject != c.subject {
			t.Errorf("%s: %+v %q, want %d %q %q", c.name, s.A, s.Subject, c.n, c.token, c.subject)
		}
	}
}

func TestS6_3_BackToBackNeverFlickers(t *testing.T) {
	cal := events(event(presence.EventBusy, time.Hour, 0), event(presence.EventBusy, 0, time.Hour))
	cal.Events[1].Subject = "Second"
	opt := Default()
	s := Aggregate(&Inputs{Resources: devices(desk()), Calendar: cal}, &opt, now)
	if s.A.Availability != 6500 || s.Subject != "Second" {
		t.Errorf("at the boundary %+v with %q, want the second meeting", s.A, s.Subject)
	}
}

func TestS6_4_StaleScheduleHasNoOpinion(t *testing.T) {
	read := func(age time.Duration) Inputs {
		c := events(event(presence.EventBusy, 9, 9))
		c.FetchedAt = ago(age)
		return Inputs{Resources: devices(desk()), Calendar: c}
	}
	runTable(t, Default(), []outcome{
		{"just read", read(0), 6500, presence.InAMeeting},
		{"a day less a moment", read(24*time.Hour - 1), 6500, presence.InAMeeting},
		{"a day", read(24 * time.Hour), 3500, ""},
	})
}

func TestS3_Until(t *testing.T) {
	on := devices(desk())
	next := func(from, to time.Duration, mod ...func(*presence.Event)) presence.Event {
		e := event(presence.EventBusy, 0, 0, mod...)
		e.Start, e.End = in(from), in(to)
		return e
	}
	secret := func(e *presence.Event) { e.Private = true }
	oofKind := func(e *presence.Event) { e.Kind = presence.EventOOF }
	now1 := next(-10, 60)
	end := func(d time.Duration) time.Time { return in(d) }
	trip := vacation()
	for _, c := range []struct {
		name string
		in   Inputs
		want time.Time
	}{
		{"one event", Inputs{Resources: on, Calendar: events(now1)}, end(60)},
		{"consecutive", Inputs{Resources: on, Calendar: events(next(60, 90), now1)}, end(90)},
		{"overlapping, chained, in any order", Inputs{Resources: on, Calendar: events(next(100, 120), next(50, 100), now1)}, end(120)},
		{"a gap ends it", Inputs{Resources: on, Calendar: events(now1, next(61, 90))}, end(60)},
		{"another token ends it", Inputs{Resources: on, Calendar: events(now1, next(60, 90, oofKind))}, end(60)},
		{"an ignored event does not lengthen it", Inputs{Resources: on, Calendar: events(now1, next(60, 90, func(e *presence.Event) { e.Declined = true }))}, end(60)},
		{"private", Inputs{Resources: on, Calendar: events(next(-10, 60, secret))}, time.Time{}},
		{"a private one does not lengthen it", Inputs{Resources: on, Calendar: events(now1, next(60, 90, secret))}, end(60)},
		{"manual", Inputs{Resources: on, Calendar: events(now1), Manual: manual(6500, presence.InAMeeting, 9)}, time.Time{}},
		{"claim", Inputs{Resources: on, Calendar: events(now1), Claims: claims(claim("c", 6500, presence.InAMeeting, 9))}, time.Time{}},
		{"an event without a token", Inputs{Resources: on, Calendar: events(event(presence.EventAway, 9, 9))}, time.Time{}},
		{"busy-idle", Inputs{Resources: devices(desk(idle(time.Hour))), Calendar: events(now1)}, end(60)},
		{"out-of-office period", Inputs{Resources: devices(desk(idle(time.Hour))), OOF: trip}, trip.End},
		{"out-of-office period, offline", Inputs{OOF: trip}, trip.End},
		{"the period is not what is shown", Inputs{Resources: on, OOF: trip}, time.Time{}},
		{"nothing", Inputs{Resources: on}, time.Time{}},
	} {
		opt := Default()
		if s := Aggregate(&c.in, &opt, now); !s.Until.Equal(c.want) {
			t.Errorf("%s: until %v, want %v", c.name, s.Until, c.want)
		}
	}
}
