package aggregation

import (
	"testing"
	"time"

	"presenced/internal/presence"
)

func TestS4_3_ShowAndIdle_TheLargerNumberCounts(t *testing.T) {
	runTable(t, Default(), []outcome{
		{"none", Inputs{Resources: devices(desk())}, 3500, ""},
		{"chat", Inputs{Resources: devices(desk(show(presence.ShowChat)))}, 3500, presence.FreeForChat},
		{"away", Inputs{Resources: devices(desk(show(presence.ShowAway)))}, 15500, ""},
		{"xa", Inputs{Resources: devices(desk(show(presence.ShowXA)))}, 15500, presence.ExtendedAway},
		{"away, but input a minute ago", Inputs{Resources: devices(desk(show(presence.ShowAway), idle(time.Minute)))}, 15500, ""},
		{"dnd", Inputs{Resources: devices(desk(show(presence.ShowDND)))}, 9500, ""},
		{"chat, idle: the token goes with its class", Inputs{Resources: devices(desk(show(presence.ShowChat), idle(6*time.Minute)))}, 5000, ""},
		{"chat, away by idle", Inputs{Resources: devices(desk(show(presence.ShowChat), idle(time.Hour)))}, 15500, ""},
	})
}

func TestS4_3_StatusAndDeviceAreTheWinners(t *testing.T) {
	a, b := desk(idle(time.Hour)), phone()
	a.Status, b.Status = "at the desk", "on the move"
	opt := Default()
	s := Aggregate(&Inputs{Resources: devices(a, b)}, &opt, now)
	if s.Status != "on the move" || s.Device != "mobile" {
		t.Errorf("status %q of %q, want the phone's", s.Status, s.Device)
	}
}

func TestS5_0_Eligible(t *testing.T) {
	busy := manual(6500, "", time.Hour)
	runTable(t, Default(), []outcome{
		{"no devices", Inputs{}, 18500, ""},
		{"no devices, out of office", Inputs{OOF: vacation()}, 18500, presence.OutOfOfficeA},
		{"negative priority", Inputs{Resources: devices(desk(priority(-1)))}, 18500, ""},
		{"priority zero", Inputs{Resources: devices(desk(priority(0)))}, 3500, ""},
		{"our own", Inputs{Resources: devices(desk(own))}, 18500, ""},
		{"unavailable", Inputs{Resources: devices(desk(show(presence.ShowUnavailable)))}, 18500, ""},
		{"our own dnd beside a device", Inputs{Resources: devices(phone(own, show(presence.ShowDND)), desk())}, 3500, ""},
		{"negative dnd beside a device", Inputs{Resources: devices(phone(priority(-1), show(presence.ShowDND)), desk())}, 3500, ""},
		{"manual busy without a device", Inputs{Manual: busy}, 18500, ""},
		{"a claim without a device", Inputs{Claims: claims(claim("c", 7000, presence.InAConf, 0))}, 18500, ""},
		{"a meeting without a device", Inputs{Calendar: events(event(presence.EventBusy, 60, time.Hour))}, 18500, ""},
	})
}

func TestS5_0_BotKeepsItsClaims(t *testing.T) {
	cs := claims(claim("a", 6500, "x", 20), claim("b", 7000, "y", 40), claim("c", 7000, "z", 30))
	bot := presence.Bot
	runTable(t, Default(), []outcome{
		{"nothing claimed", Inputs{Kind: bot}, 18500, ""},
		{"highest number, then latest", Inputs{Kind: bot, Claims: cs}, 7000, "z"},
		{"available", Inputs{Kind: bot, Claims: claims(claim("a", 3500, "ready", 0))}, 3500, "ready"},
		{"busy is not idle without a machine", Inputs{Kind: bot, Claims: cs[:1]}, 6500, "x"},
		{"its manual state does not count", Inputs{Kind: bot, Claims: cs[:1], Manual: manual(9500, "", 0)}, 6500, "x"},
		{"nor does its dismissal", Inputs{Kind: bot, Claims: claims(claim("a", 3500, "", 0)), Manual: manual(3500, "mine", 0)}, 3500, ""},
		{"away, out of office", Inputs{Kind: bot, Claims: claims(claim("a", 15500, "", 0)), OOF: vacation()}, 15500, presence.OutOfOfficeA},
		{"appears offline", Inputs{Kind: bot, Claims: cs, Manual: manual(18500, "", 0)}, 18500, ""},
		{"an expired claim", Inputs{Kind: bot, Claims: claims(presence.Claim{ID: "a", Availability: 6500, ExpiresAt: now})}, 18500, ""},
		{"with a device it is like a user", Inputs{Kind: bot, Claims: cs[:1], Resources: devices(desk(show(presence.ShowDND)))}, 9500, ""},
	})
	opt := Default()
	if s := Aggregate(&Inputs{Kind: bot, Claims: cs}, &opt, now); !s.Online || !s.LastInput.IsZero() {
		t.Errorf("a bot with claims: %+v, want online without input", s)
	}
}

func TestS5_0_AppearOffline_IsAsIfNobodyWereThere(t *testing.T) {
	full := Inputs{
		Resources: devices(desk(idle(90*time.Minute)), phone(show(presence.ShowDND), idle(time.Minute))),
		Manual:    manual(18000, "custom", time.Hour),
		Claims:    claims(claim("c", 7000, presence.InAConf, 0)),
		Calendar:  events(event(presence.EventBusy, time.Minute, time.Hour)),
		OffHours:  true,
	}
	opt := Default()
	for _, oof := range []*presence.OutOfOffice{nil, vacation()} {
		full.OOF = oof
		got, want := Aggregate(&full, &opt, now), Aggregate(&Inputs{OOF: oof}, &opt, now)
		if !got.LastInput.Equal(ago(90 * time.Minute)) {
			t.Errorf("last input %v, want the latest one not after set_at", got.LastInput)
		}
		got.LastInput, got.Next, want.Next = time.Time{}, time.Time{}, time.Time{}
		if got != want {
			t.Errorf("appearing offline gives %+v, being offline %+v", got, want)
		}
	}
}

func TestS5_0_AppearOffline_WakesOnlyForWhatItShows(t *testing.T) {
	m := manual(18500, "", time.Hour)
	m.ExpiresAt = in(time.Hour)
	in1 := Inputs{Resources: devices(desk(idle(time.Minute))), Manual: m, Claims: claims(claim("c", 7000, "", 0))}
	opt := Default()
	if s := Aggregate(&in1, &opt, now); !s.Next.Equal(m.ExpiresAt) {
		t.Errorf("next %v, want %v: idle thresholds and leases stand still", s.Next, m.ExpiresAt)
	}
}

func TestS5_1_IdleThresholds(t *testing.T) {
	line := func(name string, d time.Duration, n presence.Availability) outcome {
		return outcome{name, Inputs{Resources: devices(desk(idle(d)))}, n, ""}
	}
	runTable(t, Default(), []outcome{
		line("in the future", -time.Minute, 3500),
		line("299 s", 299*time.Second, 3500),
		line("300 s exactly", 300*time.Second, 5000),
		line("599 s", 599*time.Second, 5000),
		line("600 s exactly", 600*time.Second, 15500),
	})
}

func TestS5_1_Winner(t *testing.T) {
	named := func(s string) func(*presence.Resource) {
		return func(r *presence.Resource) { r.Name, r.Device = s, s }
	}
	for _, c := range []struct {
		name string
		rs   []presence.Resource
		want string
	}{
		{"lowest number", devices(desk(idle(20*time.Minute)), phone()), "mobile"},
		{"latest input", devices(desk(idle(10*time.Second)), phone(idle(20*time.Second))), "computer"},
		{"without idle information its last presence", devices(desk(idle(30*time.Minute), show(presence.ShowDND)), phone(published(45*time.Minute), show(presence.ShowAway)), phone(named("tv"), published(40*time.Minute), show(presence.ShowAway))), "computer"},
		{"last presence against input", devices(desk(idle(2*time.Minute)), phone(published(time.Minute))), "mobile"},
		{"latest stamp", devices(desk(idle(time.Minute), published(9)), phone(idle(time.Minute), published(8))), "mobile"},
		{"higher priority", devices(phone(idle(time.Minute), published(9)), desk(idle(time.Minute), published(9))), "computer"},
		{"smallest resource string", devices(desk(named("b")), desk(named("a")), desk(named("c"))), "a"},
	} {
		opt := Default()
		for range c.rs {
			if s := Aggregate(&Inputs{Resources: c.rs}, &opt, now); s.Device != c.want {
				t.Errorf("%s: %q won, want %q", c.name, s.Device, c.want)
			}
			c.rs = append(c.rs[1:], c.rs[0])
		}
	}
}

func TestS5_2_Expiry(t *testing.T) {
	until := func(m *presence.Manual, at time.Time) *presence.Manual { m.ExpiresAt = at; return m }
	day, week := 24*time.Hour, 7*24*time.Hour
	on := devices(desk())
	line := func(name string, m *presence.Manual, n presence.Availability) outcome {
		return outcome{name, Inputs{Resources: on, Manual: m}, n, ""}
	}
	runTable(t, Default(), []outcome{
		line("busy for a day", manual(6500, "", day-1), 6500),
		line("busy, a day exactly", manual(6500, "", day), 3500),
		line("do-not-disturb, a day exactly", manual(9500, "", day), 3500),
		line("away after a day", manual(15500, "", day), 15500),
		line("be-right-back, a week exactly", manual(12500, "", week), 3500),
		line("appears offline for a week", manual(18500, "", week-1), 18500),
		line("appears offline, a week exactly", manual(18500, "", week), 3500),
		line("its own end, earlier", until(manual(6500, "", time.Hour), now), 3500),
		line("its own end, later", until(manual(6500, "", 2*day), in(1)), 6500),
		line("unset", manual(0, "", 0), 3500),
		line("rejected number", manual(2999, "", 0), 3500),
	})
}

func TestS5_2_Claims(t *testing.T) {
	with := func(mod func(*presence.Claim)) []presence.Claim {
		c := claim("c", 7000, presence.InAConf, time.Minute)
		mod(&c)
		return claims(c)
	}
	line := func(name string, n presence.Availability, tok presence.Activity, cs []presence.Claim) outcome {
		return outcome{name, Inputs{Resources: devices(desk(), phone(priority(-1))), Claims: cs}, n, tok}
	}
	runTable(t, Default(), []outcome{
		line("runs", 7000, presence.InAConf, with(func(*presence.Claim) {})),
		line("expires now", 3500, "", with(func(c *presence.Claim) { c.ExpiresAt = now })),
		line("18000 is refused", 3500, "", with(func(c *presence.Claim) { c.Availability = 18000 })),
		line("17999 is not", 17999, presence.InAConf, with(func(c *presence.Claim) { c.Availability = 17999 })),
		line("2999 is refused", 3500, "", with(func(c *presence.Claim) { c.Availability = 2999 })),
		line("bound to a device that is there", 7000, presence.InAConf, with(func(c *presence.Claim) { c.Resource = "desk" })),
		line("bound to one that does not win anything", 7000, presence.InAConf, with(func(c *presence.Claim) { c.Resource = "phone" })),
		line("bound to one that is gone", 3500, "", with(func(c *presence.Claim) { c.Resource = "car" })),
		line("two at once", 7000, presence.InAConf, claims(claim("a", 6500, presence.OnThePhone, 0), claim("b", 7000, presence.InAConf, 0))),
	})
}

func TestS5_3_Layers(t *testing.T) {
	call := claims(claim("call", 6500, presence.OnThePhone, time.Minute))
	on := devices(desk())
	trip := events(event(presence.EventOOF, time.Hour, time.Hour))
	runTable(t, Default(), []outcome{
		{"a call beats an out-of-office plan", Inputs{Resources: on, Claims: call, Calendar: trip}, 6500, presence.OnThePhone},
		{"do-not-disturb beats a call", Inputs{Resources: on, Claims: call, Manual: manual(9500, "", 9)}, 9500, ""},
		{"a device's do-not-disturb beats a call", Inputs{Resources: devices(desk(), phone(show(presence.ShowDND), idle(time.Hour))), Claims: call}, 9500, ""},
		{"manual away beats a call", Inputs{Resources: on, Claims: call, Manual: manual(15500, "", 9)}, 15500, ""},
		{"manual away beats a device's do-not-disturb", Inputs{Resources: devices(desk(show(presence.ShowDND))), Manual: manual(15500, "", 9)}, 15500, ""},
		{"a call beats manual be-available-idle", Inputs{Resources: on, Claims: call, Manual: manual(5000, "", 9)}, 6500, presence.OnThePhone},
		{"manual available-idle is explicit", Inputs{Resources: on, Manual: manual(5000, "", 9)}, 5000, ""},
		{"manual busy beats an out-of-office plan", Inputs{Resources: on, Manual: manual(6500, "", 9), Calendar: trip}, 6500, ""},
		{"the calendar beats the machine", Inputs{Resources: on, Calendar: trip}, 15500, presence.OutOfOfficeA},
		{"nothing: the machine", Inputs{Resources: devices(desk(idle(6 * time.Minute)))}, 5000, ""},
	})
}

func TestS5_3_Token(t *testing.T) {
	on := devices(desk(show(presence.ShowChat)))
	meeting := events(event(presence.EventBusy, time.Hour, time.Hour))
	runTable(t, Default(), []outcome{
		{"manual before claims", Inputs{Resources: on, Manual: manual(6500, "mine", 9), Claims: claims(claim("c", 7000, "its", 1))}, 7000, "mine"},
		{"a manual state without one leaves it to the claim", Inputs{Resources: on, Manual: manual(6500, "", 9), Claims: claims(claim("c", 6500, "its", 1))}, 6500, "its"},
		{"another class does not contribute", Inputs{Resources: on, Manual: manual(9500, "", 9), Claims: claims(claim("c", 7000, "its", 1))}, 9500, ""},
		{"nor does the manual state of one", Inputs{Resources: devices(phone(show(presence.ShowDND))), Manual: manual(6500, "mine", 9)}, 9500, ""},
		{"nor another layer", Inputs{Resources: on, Manual: manual(6500, "", 9), Calendar: meeting}, 6500, ""},
		{"claims: higher number", Inputs{Resources: on, Claims: claims(claim("a", 6500, "low", 1), claim("b", 6900, "high", 9))}, 6900, "high"},
		{"claims: a lower one if the higher has none", Inputs{Resources: on, Claims: claims(claim("a", 6500, "low", 1), claim("b", 6900, "", 9))}, 6900, "low"},
		{"claims: later start", Inputs{Resources: on, Claims: claims(claim("a", 6500, "old", 9), claim("b", 6500, "new", 1))}, 6500, "new"},
		{"claims: id", Inputs{Resources: on, Claims: claims(claim("b", 6500, "second", 1), claim("a", 6500, "first", 1))}, 6500, "first"},
		{"a busy state does not take the device's", Inputs{Resources: on, Claims: claims(claim("a", 6500, "", 9))}, 6500, ""},
		{"the machine takes the device's", Inputs{Resources: on}, 3500, presence.FreeForChat},
		{"an available claim goes before it", Inputs{Resources: on, Claims: claims(claim("a", 3500, "hotline", 9))}, 3500, "hotline"},
		{"an available claim is not told of one who is away", Inputs{Resources: devices(desk(idle(time.Hour))), Claims: claims(claim("a", 3500, "hotline", 9))}, 15500, ""},
		{"extended away", Inputs{Resources: devices(desk(show(presence.ShowXA)))}, 15500, presence.ExtendedAway},
		{"extended away is not for manual away", Inputs{Resources: devices(desk(show(presence.ShowXA))), Manual: manual(15500, "", 1)}, 15500, ""},
	})
}

func TestS5_4_Dismissal(t *testing.T) {
	on := devices(desk(idle(time.Hour)))
	at := func(begun time.Duration) *presence.Calendar {
		return events(event(presence.EventBusy, begun, time.Hour))
	}
	free := func(t presence.Activity) *presence.Manual { return manual(3500, t, 30*time.Minute) }
	runTable(t, Default(), []outcome{
		{"ignores idle", Inputs{Resources: on, Manual: free("")}, 3500, ""},
		{"ignores a device set to away", Inputs{Resources: devices(desk(show(presence.ShowXA))), Manual: free("")}, 3500, ""},
		{"cancels an event begun before", Inputs{Resources: devices(desk()), Manual: free(""), Calendar: at(31 * time.Minute)}, 3500, ""},
		{"cancels one that began at that instant", Inputs{Resources: devices(desk()), Manual: free(""), Calendar: at(30 * time.Minute)}, 3500, ""},
		{"a later event applies", Inputs{Resources: devices(desk()), Manual: free(""), Calendar: at(29 * time.Minute)}, 6500, presence.InAMeeting},
		{"a later event while idle is busy-idle", Inputs{Resources: on, Manual: free(""), Calendar: at(29 * time.Minute)}, 7500, presence.InAMeeting},
		{"never hides a claim", Inputs{Resources: on, Manual: free("mine"), Claims: claims(claim("c", 7000, presence.InAConf, 99*time.Minute))}, 7000, presence.InAConf},
		{"a device's do-not-disturb protects", Inputs{Resources: devices(desk(show(presence.ShowDND))), Manual: free("")}, 9500, ""},
		{"its own token", Inputs{Resources: on, Manual: free("mine")}, 3500, "mine"},
		{"its own token if nothing else gives one", Inputs{Resources: on, Manual: free("mine"), Claims: claims(claim("c", 3600, "its", 1))}, 3600, "its"},
		{"its token is no word for a busy state", Inputs{Resources: on, Manual: free("mine"), Claims: claims(claim("c", 7000, "", 1))}, 7000, ""},
		{"expired, it dismisses nothing", Inputs{Resources: devices(desk()), Manual: manual(3500, "", 7*24*time.Hour), Calendar: events(event(presence.EventBusy, 8*24*time.Hour, time.Hour))}, 6500, presence.InAMeeting},
	})
}

func TestS5_5_BusyIdle(t *testing.T) {
	on := devices(desk(idle(6 * time.Minute)))
	away := devices(desk(show(presence.ShowAway)))
	meeting := events(event(presence.EventBusy, time.Hour, time.Hour))
	runTable(t, Default(), []outcome{
		{"a meeting while idle", Inputs{Resources: on, Calendar: meeting}, 7500, presence.InAMeeting},
		{"a meeting while away", Inputs{Resources: away, Calendar: meeting}, 7500, presence.InAMeeting},
		{"manual busy while idle", Inputs{Resources: on, Manual: manual(6900, "", 9)}, 7500, ""},
		{"a call while idle", Inputs{Resources: on, Claims: claims(claim("c", 6500, presence.OnThePhone, 9))}, 6500, presence.OnThePhone},
		{"a claim without a token", Inputs{Resources: on, Claims: claims(claim("c", 6500, "", 9))}, 6500, ""},
		{"manual token, higher claim", Inputs{Resources: on, Manual: manual(6500, "mine", 9), Claims: claims(claim("c", 7000, "its", 1))}, 7500, "mine"},
		{"no token: manual is first in the order", Inputs{Resources: on, Manual: manual(6500, "", 9), Claims: claims(claim("c", 7000, "", 1))}, 7500, ""},
		{"the claim gave the token", Inputs{Resources: on, Manual: manual(7000, "", 9), Claims: claims(claim("c", 6500, "its", 1))}, 7000, "its"},
		{"do-not-disturb is unchanged", Inputs{Resources: on, Manual: manual(9500, "", 9)}, 9500, ""},
		{"be-right-back is unchanged", Inputs{Resources: on, Manual: manual(12500, "", 9)}, 12500, ""},
		{"busy-idle by hand is unchanged", Inputs{Resources: on, Manual: manual(8000, "", 9)}, 8000, ""},
		{"an available claim leaves it to the machine", Inputs{Resources: on, Claims: claims(claim("c", 4000, "", 9))}, 5000, ""},
	})
}

func TestS5_5_AwayTokens(t *testing.T) {
	away, xa := devices(desk(idle(time.Hour))), devices(desk(show(presence.ShowXA)))
	runTable(t, Default(), []outcome{
		{"out-of-office while away", Inputs{Resources: away, OOF: vacation(), OffHours: true}, 15500, presence.OutOfOfficeA},
		{"it goes before the device's", Inputs{Resources: xa, OOF: vacation()}, 15500, presence.OutOfOfficeA},
		{"it goes with a manual state too", Inputs{Resources: away, OOF: vacation(), Manual: manual(12500, "", 9)}, 12500, presence.OutOfOfficeA},
		{"a token of L1 stays", Inputs{Resources: away, OOF: vacation(), Manual: manual(15500, "mine", 9)}, 15500, "mine"},
		{"not below 12000", Inputs{Resources: devices(desk()), OOF: vacation()}, 3500, ""},
		{"nor before it starts", Inputs{Resources: away, OOF: &presence.OutOfOffice{Start: in(1)}}, 15500, ""},
		{"nor at its end", Inputs{Resources: away, OOF: &presence.OutOfOffice{Start: ago(9), End: now}}, 15500, ""},
		{"without an end", Inputs{Resources: away, OOF: &presence.OutOfOffice{Start: now}}, 15500, presence.OutOfOfficeA},
		{"off-work", Inputs{Resources: away, OffHours: true}, 15500, presence.OffWork},
		{"the device's goes before off-work", Inputs{Resources: xa, OffHours: true}, 15500, presence.ExtendedAway},
		{"off-work is not for manual away", Inputs{Resources: away, OffHours: true, Manual: manual(15500, "", 9)}, 15500, ""},
		{"nor for the calendar's", Inputs{Resources: away, OffHours: true, Calendar: events(event(presence.EventAway, 9, 9))}, 15500, ""},
		{"nor while only idle", Inputs{Resources: devices(desk(idle(6 * time.Minute))), OffHours: true}, 5000, ""},
	})
}

func TestS5_6_TwoOutputs(t *testing.T) {
	opt := Default()
	s := Aggregate(&Inputs{Resources: devices(desk()), Manual: manual(9900, presence.Presenting, 9)}, &opt, now)
	if a, b := (presence.Shown{Availability: 9900, Activity: presence.Presenting}), (presence.Shown{Availability: 6900, Activity: presence.UrgentOnlyA}); s.A != a || s.B != b {
		t.Errorf("A %+v, B %+v, want %+v and %+v", s.A, s.B, a, b)
	}
	for _, n := range []presence.Availability{5000, 6500, 8999, 12000, 15500, 18500} {
		s := Aggregate(&Inputs{Resources: devices(desk()), Manual: manual(n, "x", 9)}, &opt, now)
		if s.A != s.B {
			t.Errorf("manual %d: A %+v but B %+v", n, s.A, s.B)
		}
	}
}
