package aggregation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"presenced/internal/presence"
)

// flap drives the phone's presence through idle and active beside a desk that
// is in use, one change every step, and returns the devices after it.
func flap(turns int, step time.Duration, opt *Options) ([]presence.Resource, time.Time) {
	at := now
	rs := Observe(nil, desk(published(0)), opt, at)
	rs = Observe(rs, phone(idle(10*time.Minute), published(0)), opt, at)
	for i := range 2*turns - 1 {
		at = at.Add(step)
		r := phone()
		r.PublishedAt = at
		if i%2 == 1 {
			r.IdleSince = at.Add(-10 * time.Minute)
		}
		rs = Observe(rs, r, opt, at)
	}
	return rs, at
}

func TestS5_1_FlapGuard(t *testing.T) {
	opt := Default()
	winner := func(rs []presence.Resource, at time.Time) string {
		s := Aggregate(&Inputs{Resources: rs}, &opt, at)
		return s.Device
	}
	if rs, at := flap(2, 10*time.Second, &opt); winner(rs, at) != "mobile" {
		t.Errorf("after two turns the active device with the latest input lost")
	}
	rs, at := flap(3, 10*time.Second, &opt)
	if winner(rs, at) != "computer" {
		t.Fatalf("after three turns in 50 s it still wins: %+v", rs)
	}
	s := Aggregate(&Inputs{Resources: rs}, &opt, at)
	if !s.Next.Equal(at.Add(180 * time.Second)) {
		t.Errorf("next is %v, want the end of the guard %v", s.Next, at.Add(180*time.Second))
	}
	if winner(rs, at.Add(180*time.Second-1)) != "computer" || winner(rs, at.Add(180*time.Second)) != "mobile" {
		t.Errorf("the guard does not end after 180 s")
	}
	if rs, at := flap(3, 45*time.Second, &opt); winner(rs, at) != "mobile" {
		t.Errorf("three turns over exactly 180 s are guarded")
	}
}

func TestS5_1_FlapGuard_EndsWithIdle(t *testing.T) {
	opt := Default()
	rs, at := flap(3, 10*time.Second, &opt)
	idler := phone(published(0))
	idler.IdleSince = at.Add(-6 * time.Minute)
	rs = Observe(rs, idler, &opt, at)
	d := desk()
	d.IdleSince = at.Add(-7 * time.Minute)
	rs = Observe(rs, d, &opt, at)
	if s := Aggregate(&Inputs{Resources: rs}, &opt, at); s.Device != "mobile" {
		t.Errorf("an idle device is still ignored: %q won", s.Device)
	}
}

func TestS5_1_FlapGuard_IgnoresNeitherItsDNDNorItsInputNorTheOnlyDevice(t *testing.T) {
	opt := Default()
	rs, at := flap(3, 10*time.Second, &opt)
	r := rs[1]
	r.Show, r.PublishedAt = presence.ShowDND, at
	rs = Observe(rs, r, &opt, at)
	s := Aggregate(&Inputs{Resources: rs}, &opt, at)
	if s.A.Availability != 9500 || s.Device != "computer" || !s.LastInput.Equal(at) {
		t.Errorf("got %+v, want the computer, do-not-disturb, input now", s)
	}
	if s := Aggregate(&Inputs{Resources: Gone(rs, "desk")}, &opt, at); !s.Online || s.Device != "mobile" {
		t.Errorf("alone it is ignored: %+v", s)
	}
}

func TestS5_1_FlapGuard_CountsOnlyWhileAnotherWins(t *testing.T) {
	opt := Default()
	var rs []presence.Resource
	for i := range 8 {
		at := now.Add(time.Duration(i) * time.Second)
		r := phone()
		r.PublishedAt = at
		if i%2 == 0 {
			r.IdleSince = at.Add(-10 * time.Minute)
		}
		rs = Observe(rs, r, &opt, at)
	}
	if rs[0].Turned != nil {
		t.Errorf("the only device counts as flapping: %v", rs[0].Turned)
	}
}

func TestObserve_ReplacesAndRemoves(t *testing.T) {
	opt := Default()
	future := desk()
	future.IdleSince, future.PublishedAt = in(time.Hour), time.Time{}
	rs := Observe(nil, future, &opt, now)
	if len(rs) != 1 || !rs[0].IdleSince.Equal(now) || !rs[0].PublishedAt.Equal(now) {
		t.Fatalf("got %+v, want input and stamp now", rs)
	}
	if rs = Observe(rs, desk(show(presence.ShowDND)), &opt, now); len(rs) != 1 || rs[0].Show != presence.ShowDND {
		t.Fatalf("got %+v, want the device replaced", rs)
	}
	rs = Observe(rs, phone(own), &opt, now)
	if s := Aggregate(&Inputs{Resources: Gone(slices.Clone(rs), "desk")}, &opt, now); s.Online {
		t.Fatal("our own presence makes somebody online")
	}
	if rs = Observe(rs, desk(show(presence.ShowUnavailable)), &opt, now); len(rs) != 1 || rs[0].Name != "phone" {
		t.Fatalf("got %+v, want the phone only", rs)
	}
	if rs = Gone(Gone(rs, "nobody"), "phone"); len(rs) != 0 {
		t.Fatalf("got %+v, want none", rs)
	}
}

func TestObserve_BoundsTheList(t *testing.T) {
	opt := Default()
	var rs []presence.Resource
	add := func(name string, age time.Duration, mod ...func(*presence.Resource)) {
		r := desk(append(mod, published(age))...)
		r.Name = name
		rs = Observe(rs, r, &opt, now)
	}
	add("oldest", 100*time.Hour)
	for i := range MaxResources - 3 {
		add(fmt.Sprint("r", i), time.Minute)
	}
	add("ours", 0, own)
	add("negative", 0, priority(-1))
	for _, want := range []string{"ours", "negative", "oldest"} {
		add("new"+want, time.Second)
		if len(rs) != MaxResources {
			t.Fatalf("%d resources, want %d", len(rs), MaxResources)
		}
		for _, r := range rs {
			if r.Name == want {
				t.Errorf("%q is still there", want)
			}
		}
	}
}

func TestState_LastInput(t *testing.T) {
	opt := Default()
	for _, c := range []struct {
		name string
		rs   []presence.Resource
		want time.Time
	}{
		{"the latest of any eligible", devices(desk(idle(time.Minute)), phone(idle(time.Second))), ago(time.Second)},
		{"an active one counts as its presence", devices(desk(published(time.Hour))), ago(time.Hour)},
		{"an ineligible one does not count", devices(desk(idle(time.Hour)), phone(priority(-1), idle(1))), ago(time.Hour)},
		{"nobody", nil, time.Time{}},
	} {
		if s := Aggregate(&Inputs{Resources: c.rs}, &opt, now); !s.LastInput.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, s.LastInput, c.want)
		}
	}
}

func TestState_Idle(t *testing.T) {
	opt := Default()
	long := devices(desk(idle(time.Hour)))
	meeting := events(event(presence.EventBusy, 9, 9))
	for _, c := range []struct {
		name string
		in   Inputs
		want bool
	}{
		{"active", Inputs{Resources: devices(desk())}, false},
		{"idle", Inputs{Resources: devices(desk(idle(6 * time.Minute)))}, true},
		{"away by idle", Inputs{Resources: long}, true},
		{"away by the client, which tells of idleness", Inputs{Resources: devices(desk(show(presence.ShowAway), idle(6*time.Minute)))}, true},
		{"away by hand", Inputs{Resources: devices(desk(show(presence.ShowAway)))}, true},
		{"busy-idle", Inputs{Resources: long, Calendar: meeting}, true},
		{"busy", Inputs{Resources: devices(desk()), Calendar: meeting}, false},
		{"manual away", Inputs{Resources: long, Manual: manual(15500, "", 9)}, false},
		{"manual available-idle", Inputs{Resources: devices(desk()), Manual: manual(5000, "", 9)}, false},
		{"away by the calendar", Inputs{Resources: long, Calendar: events(event(presence.EventAway, 9, 9))}, false},
		{"dismissed", Inputs{Resources: long, Manual: manual(3500, "", 9)}, false},
		{"offline", Inputs{}, false},
	} {
		if s := Aggregate(&c.in, &opt, now); s.Idle != c.want {
			t.Errorf("%s: idle %v (%+v)", c.name, s.Idle, s.A)
		}
	}
}

func TestState_Next(t *testing.T) {
	opt := Default()
	with := func(mod func(*Inputs)) Inputs {
		i := Inputs{Resources: devices(desk())}
		mod(&i)
		return i
	}
	m := manual(6500, "", time.Hour)
	for _, c := range []struct {
		name string
		in   Inputs
		want time.Time
	}{
		{"never", with(func(*Inputs) {}), time.Time{}},
		{"idle", with(func(i *Inputs) { i.Resources = devices(desk(idle(time.Minute))) }), in(4 * time.Minute)},
		{"away", with(func(i *Inputs) { i.Resources = devices(desk(idle(6 * time.Minute))) }), in(4 * time.Minute)},
		{"long away", with(func(i *Inputs) { i.Resources = devices(desk(idle(time.Hour))) }), time.Time{}},
		{"manual", with(func(i *Inputs) { i.Manual = m }), m.SetAt.Add(24 * time.Hour)},
		{"claim", with(func(i *Inputs) { i.Claims = claims(claim("c", 6500, "", 0)) }), in(time.Minute)},
		{"event end", with(func(i *Inputs) { i.Calendar = events(event(presence.EventBusy, 9, time.Hour)) }), in(time.Hour)},
		{"event start", with(func(i *Inputs) { i.Calendar = events(event(presence.EventBusy, -time.Hour, 2*time.Hour)) }), in(time.Hour)},
		{"an event without opinion", with(func(i *Inputs) { i.Calendar = events(event(presence.EventFree, 9, time.Hour)) }), time.Time{}},
		{"stale", with(func(i *Inputs) {
			i.Calendar = events(event(presence.EventBusy, 9, 48*time.Hour))
			i.Calendar.FetchedAt = ago(time.Hour)
		}), in(23 * time.Hour)},
		{"out-of-office end", with(func(i *Inputs) { i.OOF = vacation() }), in(96 * time.Hour)},
		{"out-of-office start", with(func(i *Inputs) { i.OOF = &presence.OutOfOffice{Start: in(time.Hour)} }), in(time.Hour)},
		{"the earliest", with(func(i *Inputs) { i.Calendar, i.OOF = events(event(presence.EventBusy, 9, time.Hour)), vacation() }), in(time.Hour)},
		{"offline, out of office", Inputs{OOF: vacation(), Calendar: events(event(presence.EventBusy, 9, 9))}, in(96 * time.Hour)},
	} {
		if s := Aggregate(&c.in, &opt, now); !s.Next.Equal(c.want) {
			t.Errorf("%s: next %v, want %v", c.name, s.Next, c.want)
		}
	}
}
