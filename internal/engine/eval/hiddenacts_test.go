package eval

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/privacy"
)

// place is a watcher and what puts him into a container.
type place struct {
	watcher string
	sees    presence.ContainerID
	put     func(s *side)
}

func rule(c presence.ContainerID, typ privacy.RuleType, value string) func(*side) {
	return func(s *side) { s.set.Rules = append(s.set.Rules, privacy.Rule{Container: c, Type: typ, Value: value}) }
}

func contactIn(jid string, groups ...string) func(*side) {
	return func(s *side) {
		s.contacts = append(s.contacts, presence.Contact{Addr: presence.MustAddr(jid), Subscription: presence.SubBoth, Groups: groups})
	}
}

func both(fs ...func(*side)) func(*side) {
	return func(s *side) {
		for _, f := range fs {
			f(s)
		}
	}
}

// places is S2.2 and S8, a way or two into each container. bob is of the same
// enterprise, zed of nowhere.
var places = []place{
	{"bob@example.org", 200, func(*side) {}},
	{"bob@example.org", 200, contactIn("bob@example.org", "Team")},
	{"bob@example.org", 100, rule(100, privacy.RuleUser, "bob@example.org")},
	{"bob@example.org", 100, both(contactIn("bob@example.org", "Team"), rule(100, privacy.RuleGroup, "Team"))},
	{"bob@example.org", 300, rule(300, privacy.RuleUser, "bob@example.org")},
	{"bob@example.org", 300, rule(300, privacy.RuleDomain, "example.org")},
	{"bob@example.org", 400, both(contactIn("bob@example.org", "Home"), rule(400, privacy.RuleGroup, "Home"))},
	{"zed@else.test", 100, contactIn("zed@else.test")},
	{"zed@else.test", 100, rule(100, privacy.RuleDomain, "*.test")},
	{"zed@else.test", 400, rule(400, privacy.RuleUser, "zed@else.test")},
	{"zed@else.test", 0, func(*side) {}},
	{"bob@example.org", 0, rule(0, privacy.RuleUser, "bob@example.org")},
	{"bob@example.org", 32000, rule(32000, privacy.RuleUser, "bob@example.org")},
	{"bob@example.org", 32000, func(s *side) { s.set.Walls = []string{"bob@example.org"} }},
	{"bob@example.org", 32000, func(s *side) { s.set.Block.JIDs = []string{"bob@example.org"} }},
	{"bob@example.org", 32000, func(s *side) {
		s.set.Default = &privacy.List{Items: []privacy.Item{{Order: "1", Action: "deny", Type: "jid", Value: "example.org"}}}
	}},
	{"bob@example.org", 32000, func(s *side) { s.set.State = privacy.StateStale }},
}

// act is something that happens to one user.
type act struct {
	name   string
	device bool // it may bring her online
	// hidden tells, of an act that only one world has, whether the watcher may not
	// see it: by the text of S3 and S8, for the container he has throughout.
	hidden func(w *pairOfWorlds) bool
	do     func(s *side, r *rand.Rand, now time.Time)
}

var tokens = []presence.Activity{presence.InAMeeting, presence.OnThePhone, presence.Presenting}

// commonActs happen in both worlds.
var commonActs = []act{
	{name: "device", device: true, do: func(s *side, r *rand.Rand, now time.Time) {
		d := presence.Resource{
			Name: []string{"a", "b", "c"}[r.IntN(3)], Show: presence.Show(r.IntN(5)) + presence.ShowNone, Priority: int8(r.IntN(4) - 1),
			Device: "computer", Status: "here",
		}
		if r.IntN(2) == 0 {
			d.IdleSince = now.Add(-time.Duration(r.IntN(900)) * time.Second)
		}
		opt := aggregation.Default()
		s.p.Inputs.Resources = aggregation.Observe(s.p.Inputs.Resources, d, &opt, now)
	}},
	{name: "gone", do: func(s *side, r *rand.Rand, _ time.Time) {
		s.p.Inputs.Resources = aggregation.Gone(s.p.Inputs.Resources, []string{"a", "b", "c"}[r.IntN(3)])
	}},
	{name: "manual", do: func(s *side, r *rand.Rand, now time.Time) {
		n := []presence.Availability{3500, 6500, 9500, 12500, 15500, 18500}[r.IntN(6)]
		s.p.Inputs.Manual = &presence.Manual{Availability: n, Activity: tokens[r.IntN(3)], SetAt: now}
	}},
	{name: "no manual", do: func(s *side, _ *rand.Rand, _ time.Time) { s.p.Inputs.Manual = nil }},
	{name: "claim", do: func(s *side, r *rand.Rand, now time.Time) {
		n := []presence.Availability{6500, 9500, 15500}[r.IntN(3)]
		s.p.Inputs.Claims = append(s.p.Inputs.Claims, presence.Claim{
			ID: string(rune('a' + r.IntN(26))), Availability: n, Activity: tokens[r.IntN(3)], SetAt: now, ExpiresAt: now.Add(time.Duration(300+r.IntN(900)) * time.Second),
		})
	}},
	{name: "event", do: func(s *side, r *rand.Rand, now time.Time) {
		c := &presence.Calendar{}
		if s.p.Inputs.Calendar != nil {
			c.Events = append(c.Events, s.p.Inputs.Calendar.Events...)
		}
		start := now.Add(time.Duration(r.IntN(60)-20) * time.Minute)
		c.Events = append(c.Events, presence.Event{
			Start: start, End: start.Add(time.Duration(10+r.IntN(80)) * time.Minute), Subject: "Merger", Location: "Room 4",
			Kind: []presence.EventKind{presence.EventBusy, presence.EventOOF, presence.EventAway, presence.EventTentative}[r.IntN(4)],
		})
		s.p.Inputs.Calendar = c
	}},
	{name: "out of office", do: func(s *side, r *rand.Rand, now time.Time) {
		s.p.Inputs.OOF = &presence.OutOfOffice{Start: now.Add(time.Duration(r.IntN(20)-10) * time.Minute), End: now.Add(time.Hour), Note: "back soon"}
	}},
	{name: "note", do: func(s *side, r *rand.Rand, _ time.Time) { s.p.Note = []string{"", "one", "two"}[r.IntN(3)] }},
}

// nothingShown is who sees nothing at all: 0, 32000, and everybody while S8.5 holds.
func nothingShown(w *pairOfWorlds) bool { return w.sees == 0 || w.sees == presence.Blocked }

func from(columns ...presence.ContainerID) func(w *pairOfWorlds) bool {
	return func(w *pairOfWorlds) bool {
		return slices.Contains(columns, w.sees) || nothingShown(w)
	}
}

// cell is from, and from whoever she closed that cell to herself.
func cell(category string, columns ...presence.ContainerID) func(w *pairOfWorlds) bool {
	return func(w *pairOfWorlds) bool { return w.closed == category || from(columns...)(w) }
}

// otherLevels: what is said of a level is nothing to who stands in another.
func otherLevels(level presence.ContainerID) act {
	return act{
		name:   "what she shows and hides in " + strconv.Itoa(int(level)),
		hidden: func(w *pairOfWorlds) bool { return w.sees != level },
		do: func(s *side, r *rand.Rand, _ time.Time) {
			list := privacy.Categories()
			s.set.Cells = append(s.set.Cells, privacy.OwnCell{Container: level, Category: list[r.IntN(len(list))].String(), Shown: r.IntN(2) == 0})
		},
	}
}

func fromAll(*pairOfWorlds) bool { return true }

// whileOffline: of somebody offline nothing but out-of-office is told.
func whileOffline(w *pairOfWorlds) bool { return w.offline || nothingShown(w) }

func profileField(f presence.Field) func(*side, *rand.Rand, time.Time) {
	return func(s *side, r *rand.Rand, _ time.Time) { s.p.Profile.Text[f] = string(rune('a' + r.IntN(26))) }
}

// anyCommon does one of the common acts.
func anyCommon(s *side, r *rand.Rand, now time.Time) {
	commonActs[r.IntN(len(commonActs))].do(s, r, now)
}

// hiddenActs happen in one world only.
var hiddenActs = []act{
	{name: "anything", hidden: nothingShown, do: anyCommon},
	{name: "anything without a device", hidden: whileOffline, do: func(s *side, r *rand.Rand, now time.Time) {
		for _, i := range []int{2, 3, 4, 5, 7} { // but out of office
			if r.IntN(2) == 0 {
				commonActs[i].do(s, r, now)
			}
		}
	}},
	{name: "a device that does not count", hidden: fromAll, do: func(s *side, r *rand.Rand, now time.Time) {
		d := presence.Resource{Name: "neg", Priority: -1, PublishedAt: now, Show: presence.ShowDND}
		if r.IntN(2) == 0 {
			d.Priority, d.Own = 0, true
		}
		s.p.Inputs.Resources = append(aggregation.Gone(s.p.Inputs.Resources, "neg"), d)
	}},
	{name: "the manual token", hidden: from(100), do: func(s *side, r *rand.Rand, _ time.Time) {
		if m := s.p.Inputs.Manual; m != nil {
			m.Activity = tokens[r.IntN(3)]
		}
	}},
	{name: "the manual number within its class", hidden: from(100), do: func(s *side, r *rand.Rand, _ time.Time) {
		if m := s.p.Inputs.Manual; m != nil && m.Availability < presence.OfflineFrom {
			m.Availability = m.Availability.Class().Point() + presence.Availability(r.IntN(400))
		}
	}},
	{name: "how much she wants not to be disturbed", hidden: from(300, 100), do: func(s *side, r *rand.Rand, _ time.Time) {
		if m := s.p.Inputs.Manual; m != nil && m.Availability.Class() == presence.ClassDoNotDisturb {
			m.Availability, m.Activity = 9000+presence.Availability(r.IntN(3000)), tokens[r.IntN(3)]
		}
	}},
	{name: "a claim's token and number", hidden: from(100), do: func(s *side, r *rand.Rand, _ time.Time) {
		for i := range s.p.Inputs.Claims {
			c := &s.p.Inputs.Claims[i]
			c.Activity, c.Availability = tokens[r.IntN(3)], c.Availability.Class().Point()+presence.Availability(r.IntN(400))
		}
	}},
	{name: "what a meeting is about", hidden: from(100, 200, 400), do: func(s *side, r *rand.Rand, _ time.Time) {
		if c := s.p.Inputs.Calendar; c != nil {
			e := &c.Events[r.IntN(len(c.Events))]
			e.Subject, e.Location = "Layoffs", "Elsewhere"
		}
	}},
	{name: "that a meeting is private", hidden: from(100), do: func(s *side, r *rand.Rand, _ time.Time) {
		if c := s.p.Inputs.Calendar; c != nil {
			c.Events[r.IntN(len(c.Events))].Private = true
		}
	}},
	{name: "out of office", hidden: from(100), do: commonActs[6].do},
	{name: "off work", hidden: from(100), do: func(s *side, _ *rand.Rand, _ time.Time) { s.p.Inputs.OffHours = !s.p.Inputs.OffHours }},
	{name: "note", hidden: cell("notePersonal", 100), do: commonActs[7].do},
	{name: "status and kind of a device", hidden: from(100), do: func(s *side, _ *rand.Rand, _ time.Time) {
		for i := range s.p.Inputs.Resources {
			s.p.Inputs.Resources[i].Status, s.p.Inputs.Resources[i].Device = "there", "mobile"
		}
	}},
	{name: "which device spoke last", hidden: from(100), do: func(s *side, r *rand.Rand, now time.Time) {
		if n := len(s.p.Inputs.Resources); n > 0 {
			s.p.Inputs.Resources[r.IntN(n)].PublishedAt = now
		}
	}},
	{name: "chat and xa", hidden: from(100), do: func(s *side, _ *rand.Rand, _ time.Time) {
		for i := range s.p.Inputs.Resources {
			switch d := &s.p.Inputs.Resources[i]; d.Show {
			case presence.ShowNone:
				d.Show = presence.ShowChat
			case presence.ShowAway:
				d.Show = presence.ShowXA
			}
		}
	}},
	{name: "the policy on last activity", hidden: cell("lastActive", 100), do: func(s *side, r *rand.Rand, _ time.Time) { s.op.LastActive = privacy.LastActiveMode(r.IntN(3)) }},
	{name: "when she was active last", hidden: cell("lastActive", 100), do: func(s *side, r *rand.Rand, now time.Time) {
		s.p.LastActiveAt = now.Add(-time.Duration(r.IntN(9000)) * time.Second)
	}},
	{name: "home phone", hidden: cell("homePhone", 100, 200, 300), do: profileField(presence.FieldHomePhone)},
	{name: "mobile phone", hidden: cell("mobilePhone", 100, 200), do: profileField(presence.FieldMobilePhone)},
	{name: "office", hidden: cell("office", 100), do: profileField(presence.FieldOffice)},
	{name: "time zone", hidden: cell("timezone", 100), do: profileField(presence.FieldTimezone)},
	otherLevels(100), otherLevels(200), otherLevels(300), otherLevels(400),

	{name: "a cell that the operator withholds", hidden: fromAll, do: func(s *side, r *rand.Rand, _ time.Time) {
		for _, level := range []presence.ContainerID{100, 200, 300, 400} {
			s.set.Cells = append(s.set.Cells, privacy.OwnCell{Container: level, Category: "email", Shown: r.IntN(2) == 0})
		}
	}},

	// What is said about others.
	{name: "a rule for somebody else", hidden: fromAll, do: func(s *side, r *rand.Rand, _ time.Time) {
		c := []presence.ContainerID{0, 100, 300, 400, 32000}[r.IntN(5)]
		rule(c, privacy.RuleUser, "eve@example.org")(s)
		rule(c, privacy.RuleDomain, "*.other.example")(s)
		rule(c, privacy.RuleGroup, "Strangers")(s)
	}},
	{name: "somebody else is blocked", hidden: fromAll, do: func(s *side, _ *rand.Rand, _ time.Time) {
		s.set.Block.JIDs = append(s.set.Block.JIDs, "eve@example.org", "other.example")
	}},
	{name: "somebody else is denied", hidden: fromAll, do: func(s *side, _ *rand.Rand, _ time.Time) {
		var l privacy.List
		if s.set.Default != nil {
			l.Items = append(l.Items, s.set.Default.Items...)
		}
		next := 1000 + len(l.Items)
		l.Items = append(l.Items,
			privacy.Item{Order: strconv.Itoa(next), Action: "deny", Type: "jid", Value: "eve@example.org"},
			privacy.Item{Order: strconv.Itoa(next + 1), Action: "deny", Type: "group", Value: "Strangers"})
		s.set.Default = &l
	}},
	{name: "somebody else's wall", hidden: fromAll, do: func(s *side, _ *rand.Rand, _ time.Time) { s.set.Walls = append(s.set.Walls, "eve@example.org") }},
	{name: "somebody else in the roster", hidden: fromAll, do: func(s *side, r *rand.Rand, _ time.Time) {
		contactIn("eve"+string(rune('a'+r.IntN(26)))+"@example.org", "Strangers")(s)
	}},
}
