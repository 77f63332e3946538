package aggregation

import (
	"errors"
	"strings"
	"testing"
	"time"

	"presenced/internal/presence"
)

func TestValidManual(t *testing.T) {
	for _, c := range []struct {
		m  presence.Manual
		ok bool
	}{
		{presence.Manual{Availability: 3000, SetAt: now}, true},
		{presence.Manual{Availability: 18999, SetAt: now, ExpiresAt: in(1)}, true},
		{presence.Manual{Availability: 0, SetAt: now}, false},
		{presence.Manual{Availability: 2999, SetAt: now}, false},
		{presence.Manual{Availability: 19000, SetAt: now}, false},
		{presence.Manual{Availability: 6500}, false},
		{presence.Manual{Availability: 6500, SetAt: now, ExpiresAt: now}, false},
	} {
		if err := ValidManual(&c.m); (err == nil) != c.ok || (err != nil && !errors.Is(err, ErrManual)) {
			t.Errorf("%+v: %v, want valid %v", c.m, err, c.ok)
		}
	}
}

func TestValidClaim(t *testing.T) {
	made := func(mod func(*presence.Claim)) presence.Claim {
		c := presence.Claim{ID: "call-1", Availability: 6500, SetAt: now, ExpiresAt: in(DefaultLease)}
		mod(&c)
		return c
	}
	for _, c := range []struct {
		c  presence.Claim
		ok bool
	}{
		{made(func(c *presence.Claim) {}), true},
		{made(func(c *presence.Claim) { c.Availability = 3000 }), true},
		{made(func(c *presence.Claim) { c.Availability = 17999; c.ExpiresAt = in(MaxLease) }), true},
		{made(func(c *presence.Claim) { c.Availability = 18000 }), false},
		{made(func(c *presence.Claim) { c.Availability = 0 }), false},
		{made(func(c *presence.Claim) { c.ID = "" }), false},
		{made(func(c *presence.Claim) { c.ID = strings.Repeat("x", 257) }), false},
		{made(func(c *presence.Claim) { c.ExpiresAt = in(MinLease - 1) }), false},
		{made(func(c *presence.Claim) { c.ExpiresAt = in(MaxLease + time.Second) }), false},
		{made(func(c *presence.Claim) { c.ExpiresAt = time.Time{} }), false},
	} {
		if err := ValidClaim(&c.c); (err == nil) != c.ok || (err != nil && !errors.Is(err, ErrClaim)) {
			t.Errorf("%+v: %v, want valid %v", c.c, err, c.ok)
		}
	}
}

func TestActiveManual_AStepOfTheClockRevealsNobody(t *testing.T) {
	if !ActiveManual(manual(18500, "", -time.Hour), now) {
		t.Error("appearing offline does not hold before its set_at")
	}
	if ActiveManual(nil, now) {
		t.Error("no manual state is active")
	}
}

func TestS5_7_TraceNamesTheRuleOfEveryInput(t *testing.T) {
	opt := Default()
	meeting := event(presence.EventBusy, time.Hour, time.Hour)
	declined := event(presence.EventBusy, 2*time.Hour, time.Hour, func(e *presence.Event) { e.Declined = true })
	for _, c := range []struct {
		name string
		in   Inputs
		want string
	}{
		{"the machine", Inputs{Resources: devices(desk(idle(time.Hour)), phone(), phone(own), phone(priority(-1)))},
			"resource desk - S5.1; resource phone + S5.1; resource phone - S4.4; resource phone - S5.0"},
		{"a meeting", Inputs{Resources: devices(desk()), Calendar: events(meeting, declined, event(presence.EventFree, 60e9, time.Hour), event(presence.EventBusy, 3*time.Hour, time.Hour), event(presence.EventBusy, -1, time.Hour))},
			"resource desk - S5.3; calendar 2026-03-02T09:00:00Z + S5.3; calendar 2026-03-02T08:00:00Z - S6.2; calendar 2026-03-02T09:59:00Z - S6.1; calendar 2026-03-02T07:00:00Z - S6.3"},
		{"a meeting while idle", Inputs{Resources: devices(desk(idle(time.Hour))), Calendar: events(meeting)},
			"resource desk + S5.5; calendar 2026-03-02T09:00:00Z + S5.3"},
		{"a call over a meeting", Inputs{Resources: devices(desk()), Calendar: events(meeting), Claims: claims(claim("call", 6500, "", 9), presence.Claim{ID: "old", Availability: 7000})},
			"resource desk - S5.3; claim call + S5.3; claim old - S5.2; calendar 2026-03-02T09:00:00Z - S5.3"},
		{"do-not-disturb by a device", Inputs{Resources: devices(desk(), phone(show(presence.ShowDND))), Manual: manual(6500, "", 9)},
			"resource desk - S5.1; resource phone + S5.3; manual manual - S5.3"},
		{"dismissal", Inputs{Resources: devices(desk()), Calendar: events(meeting), Manual: manual(3500, "", 9)},
			"resource desk - S5.4; manual manual + S5.4; calendar 2026-03-02T09:00:00Z - S5.4"},
		{"appear offline", Inputs{Resources: devices(desk()), Calendar: events(meeting), Manual: manual(18500, "", 9), Claims: claims(claim("c", 6500, "", 9)), OOF: vacation()},
			"resource desk - S5.0; manual manual + S5.0; claim c - S5.0; calendar 2026-03-02T09:00:00Z - S5.0; out-of-office out-of-office + S5.0"},
		{"offline", Inputs{Manual: manual(6500, "", 9), Claims: claims(claim("c", 6500, "", 9))},
			"manual manual - S5.0; claim c - S5.0"},
		{"off-work, manual expired", Inputs{Resources: devices(desk(idle(time.Hour))), OffHours: true, Manual: manual(6500, "", 99*time.Hour), OOF: &presence.OutOfOffice{Start: in(1)}},
			"resource desk + S5.1; manual manual - S5.2; out-of-office out-of-office - S6.1; working-hours working-hours + S5.5"},
		{"out of office while off-work", Inputs{Resources: devices(desk(idle(time.Hour))), OffHours: true, OOF: vacation()},
			"resource desk + S5.1; out-of-office out-of-office + S5.5; working-hours working-hours - S5.5"},
		{"stale", Inputs{Resources: devices(desk()), Calendar: &presence.Calendar{FetchedAt: ago(48 * time.Hour), Events: []presence.Event{meeting}}},
			"resource desk + S5.1; calendar 2026-03-02T09:00:00Z - S6.4"},
		{"an available claim while idle", Inputs{Resources: devices(desk(idle(time.Hour))), Claims: claims(claim("c", 3500, "x", 9))},
			"resource desk + S5.1; claim c - S5.5"},
	} {
		_, trace := Explain(&c.in, &opt, now)
		var got []string
		for _, i := range trace {
			mark := map[bool]string{true: "+", false: "-"}[i.Won]
			got = append(got, i.Kind+" "+i.ID+" "+mark+" "+i.Rule)
		}
		if g := strings.Join(got, "; "); g != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, g, c.want)
		}
	}
}
