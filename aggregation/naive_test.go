package aggregation

import (
	"cmp"
	"slices"
	"time"

	"presenced/internal/presence"
)

// naive is a second reading of S5 and S6 that shares no code with the first: it
// copies, filters and sorts where the product scans. It leaves out Idle and Next.
func naive(in Inputs, opt Options, now time.Time) presence.State {
	var s presence.State
	if in.Calendar == nil {
		in.Calendar = new(presence.Calendar)
	}
	s.OOF = in.OOF != nil && !in.OOF.Start.After(now) && (in.OOF.End.IsZero() || in.OOF.End.After(now))
	devices := keep(in.Resources, func(r presence.Resource) bool {
		return r.Priority >= 0 && !r.Own && r.Show != presence.ShowUnavailable
	})
	claims := naiveClaims(in, now)
	m := naiveManual(in.Manual, now)
	hidden := m != nil && m.Availability >= 18000
	if hidden || (len(devices) == 0 && (in.Kind != presence.Bot || len(claims) == 0)) {
		s.A.Availability = 18500
		if s.OOF {
			s.A.Activity, s.Until = "out-of-office", in.OOF.End
		}
		if hidden {
			s.LastInput = naiveLast(keep(devices, func(r presence.Resource) bool { return !naiveInput(r).After(m.SetAt) }))
		}
		s.B = s.A
		return s
	}
	s.Online = true
	s.LastInput = naiveLast(devices)
	if len(devices) == 0 {
		m = nil
		in.Calendar = new(presence.Calendar)
	}
	naiveResult(&s, in, opt, now, devices, claims, m)
	s.B = s.A
	if n := s.A.Availability; n >= 9000 && n < 12000 {
		s.B = presence.Shown{Availability: 6900, Activity: "urgent-interruptions-only"}
	}
	return s
}

// contribution is one voice of a layer, in token order within its list.
type contribution struct {
	number presence.Availability
	token  presence.Activity
	claim  bool
	event  *presence.Event
}

// naiveResult fills in what somebody online shows.
func naiveResult(s *presence.State, in Inputs, opt Options, now time.Time, devices []presence.Resource, claims []presence.Claim, m *presence.Manual) {
	winner := naiveWinner(devices, opt, now)
	machine := naiveNumber(winner, opt, now)
	s.Device, s.Status = winner.Device, winner.Status
	dismissal := m != nil && m.Availability < 4500
	voices := naiveVoices(devices, claims, m, dismissal)
	calendar := naiveEvents(in, opt, now, m, dismissal)
	planned := len(voices) == 0
	if planned {
		voices = calendar
	}
	n := presence.Availability(3500)
	if len(voices) > 0 {
		n = slices.MaxFunc(voices, func(a, b contribution) int { return cmp.Compare(a.number, b.number) }).number
	}
	voices = keep(voices, func(c contribution) bool { return c.number.Class() == n.Class() })
	speaking := keep(voices, func(c contribution) bool { return c.token != "" })

	result, sensed := n, false
	if n < 4500 && !dismissal && len(devices) > 0 {
		result, sensed = machine, true
		if machine >= 4500 {
			speaking = nil
		}
	}
	if n >= 6000 && n < 7500 && machine >= 5000 && !append(slices.Clone(speaking), voices...)[0].claim {
		result = 7500
	}
	s.A.Availability = result
	if planned && !sensed && len(voices) > 0 {
		naiveMeeting(s, calendar, n)
	}
	switch own := naiveOwn(winner, result); {
	case len(speaking) > 0:
		s.A.Activity = speaking[0].token
		if e := speaking[0].event; e != nil && !e.Private {
			s.Until = naiveRun(in, opt, m, dismissal, *e, s.A.Activity)
		}
	case result >= 12000 && s.OOF:
		s.A.Activity, s.Until = "out-of-office", in.OOF.End
	case sensed && own != "":
		s.A.Activity = own
	case sensed && result >= 15000 && in.OffHours:
		s.A.Activity = "off-work"
	case dismissal && result < 4500:
		s.A.Activity = m.Activity
	}
}

// naiveMeeting tells the first event of the number, unless it is private.
func naiveMeeting(s *presence.State, calendar []contribution, n presence.Availability) {
	top := keep(calendar, func(c contribution) bool { return c.number == n })
	if e := top[0].event; !e.Private {
		s.Subject, s.Location = e.Subject, e.Location
	}
}

// naiveVoices lists L1 and L2 in token order.
func naiveVoices(devices []presence.Resource, claims []presence.Claim, m *presence.Manual, dismissal bool) []contribution {
	var voices []contribution
	if m != nil && !dismissal {
		voices = append(voices, contribution{number: m.Availability, token: m.Activity})
	}
	for _, c := range claims {
		voices = append(voices, contribution{number: c.Availability, token: c.Activity, claim: true})
	}
	for _, r := range devices {
		if r.Show == presence.ShowDND {
			voices = append(voices, contribution{number: 9500})
		}
	}
	return voices
}

// naiveOwn is the winning device's token at the number shown.
func naiveOwn(winner presence.Resource, result presence.Availability) presence.Activity {
	switch {
	case winner.Show == presence.ShowChat && result == 3500:
		return "free-for-chat"
	case winner.Show == presence.ShowXA && result == 15500:
		return "extended-away"
	}
	return ""
}

func naiveManual(m *presence.Manual, now time.Time) *presence.Manual {
	if m == nil || m.Availability < 3000 || m.Availability > 18999 {
		return nil
	}
	end := m.ExpiresAt
	if n := m.Availability; end.IsZero() && (n >= 6000 && n < 7500 || n >= 9000 && n < 12000) {
		end = m.SetAt.Add(24 * time.Hour)
	} else if end.IsZero() {
		end = m.SetAt.Add(7 * 24 * time.Hour)
	}
	if !end.After(now) {
		return nil
	}
	return m
}

func naiveClaims(in Inputs, now time.Time) []presence.Claim {
	cs := keep(in.Claims, func(c presence.Claim) bool {
		bound := c.Resource == "" || slices.ContainsFunc(in.Resources, func(r presence.Resource) bool {
			return r.Name == c.Resource && r.Show != presence.ShowUnavailable
		})
		return bound && c.Availability >= 3000 && c.Availability < 18000 && c.ExpiresAt.After(now)
	})
	slices.SortFunc(cs, func(a, b presence.Claim) int {
		return cmp.Or(cmp.Compare(b.Availability, a.Availability), b.SetAt.Compare(a.SetAt), cmp.Compare(a.ID, b.ID))
	})
	return cs
}

func naiveOpinion(e presence.Event, opt Options, m *presence.Manual, dismissal bool) (contribution, bool) {
	if e.Cancelled || e.Declined || e.Transparent || e.AllDay && e.Kind != presence.EventOOF ||
		opt.RequireAttendees && !e.Attendees || !e.End.After(e.Start) || dismissal && !e.Start.After(m.SetAt) {
		return contribution{}, false
	}
	for _, r := range opt.Calendar {
		if r.Kind == e.Kind {
			return contribution{number: r.Availability, token: r.Activity}, r.Availability != 0
		}
	}
	return contribution{}, false
}

func naiveStale(in Inputs, opt Options, now time.Time) bool {
	return !in.Calendar.FetchedAt.IsZero() && now.Sub(in.Calendar.FetchedAt) >= opt.CalendarMaxStale
}

// naiveEvents returns the opinions that run now in the order of S6.3.
func naiveEvents(in Inputs, opt Options, now time.Time, m *presence.Manual, dismissal bool) []contribution {
	var out []contribution
	for _, e := range in.Calendar.Events {
		c, ok := naiveOpinion(e, opt, m, dismissal)
		if ok && !e.Start.After(now) && e.End.After(now) && !naiveStale(in, opt, now) {
			c.event = &e
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b contribution) int {
		private := func(c contribution) int {
			if c.event.Private {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.number, a.number), b.event.Start.Compare(a.event.Start), b.event.End.Compare(a.event.End),
			cmp.Compare(private(a), private(b)), cmp.Compare(a.token, b.token),
			cmp.Compare(a.event.Subject, b.event.Subject), cmp.Compare(a.event.Location, b.event.Location))
	})
	return out
}

// naiveRun walks the public events of the token by start and joins them.
func naiveRun(in Inputs, opt Options, m *presence.Manual, dismissal bool, e presence.Event, token presence.Activity) time.Time {
	same := keep(in.Calendar.Events, func(f presence.Event) bool {
		c, ok := naiveOpinion(f, opt, m, dismissal)
		return ok && c.token == token && !f.Private
	})
	slices.SortFunc(same, func(a, b presence.Event) int { return a.Start.Compare(b.Start) })
	end := e.End
	for _, f := range same {
		if !f.Start.After(end) && f.End.After(end) {
			end = f.End
		}
	}
	return end
}

func naiveInput(r presence.Resource) time.Time {
	if !r.IdleSince.IsZero() {
		return r.IdleSince
	}
	return r.PublishedAt
}

func naiveLast(rs []presence.Resource) time.Time {
	var last time.Time
	for _, r := range rs {
		if naiveInput(r).After(last) {
			last = naiveInput(r)
		}
	}
	return last
}

func naiveNumber(r presence.Resource, opt Options, now time.Time) presence.Availability {
	n := presence.Availability(3500)
	if !r.IdleSince.IsZero() && !now.Before(r.IdleSince.Add(opt.IdleAfter)) {
		n = 5000
	}
	if !r.IdleSince.IsZero() && !now.Before(r.IdleSince.Add(opt.AwayAfter)) {
		n = 15500
	}
	if r.Show == presence.ShowAway || r.Show == presence.ShowXA {
		n = max(n, 15500)
	}
	return n
}

func naiveWinner(rs []presence.Resource, opt Options, now time.Time) presence.Resource {
	if len(rs) == 0 {
		return presence.Resource{}
	}
	calm := keep(rs, func(r presence.Resource) bool {
		if r.Turned == nil {
			return true
		}
		t := r.Turned
		flapping := !t[0].IsZero() && t[2].Sub(t[0]) < 180*time.Second && now.Sub(t[2]) < 180*time.Second
		return !flapping || naiveNumber(r, opt, now) != 3500
	})
	if len(calm) == 0 {
		calm = rs
	}
	return slices.MinFunc(calm, func(a, b presence.Resource) int {
		return cmp.Or(cmp.Compare(naiveNumber(a, opt, now), naiveNumber(b, opt, now)), naiveInput(b).Compare(naiveInput(a)),
			b.PublishedAt.Compare(a.PublishedAt), cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Name, b.Name))
	})
}

func keep[T any](in []T, f func(T) bool) []T {
	var out []T
	for _, v := range in {
		if f(v) {
			out = append(out, v)
		}
	}
	return out
}
