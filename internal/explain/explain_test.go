package explain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/aggregation"
	"presenced/internal/engine"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
	"presenced/roster"
)

var (
	now   = time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)
	alice = presence.MustAddr("alice@example.org")
	bob   = presence.MustAddr("bob@example.org")
	fred  = presence.MustAddr("fred@partner.example")
	zed   = presence.MustAddr("zed@nowhere.example")
	cloud = presence.MustAddr("sue@jabber.example")
)

// scene is alice with a device in use, bob in her group Team and fred a contact.
type scene struct {
	sys      *eval.System
	person   eval.Person
	settings privacy.Settings
	state    engine.Explained // what the engine adds
}

func newScene(t testing.TB) *scene {
	t.Helper()
	site, err := privacy.NewSite(privacy.SiteOptions{
		Component: "presence.example.org",
		Networks: privacy.Networks{
			Enterprise: []string{"example.org"}, Federated: []string{"partner.example"}, PublicCloud: []string{"jabber.example"},
		},
		Containers: map[presence.ContainerID]presence.ContainerID{250: presence.External},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{sys: &eval.System{Aggregation: aggregation.Default(), Operator: privacy.DefaultOperator(), Site: site}}
	s.settings = privacy.Settings{Owner: alice, State: privacy.StateOK, RosterReadable: true, Rules: privacy.Bootstrap()}
	s.person.Roster = roster.New([]presence.Contact{
		{Addr: bob, Subscription: presence.SubBoth, Groups: []string{"Team"}},
		{Addr: fred, Subscription: presence.SubFrom},
	}, "presence.example.org")
	s.person.Inputs.Resources = []presence.Resource{{Name: "desk", PublishedAt: now.Add(-time.Hour)}}
	return s
}

// of explains alice to a watcher as the engine does.
func (s *scene) of(w presence.Addr) *engine.Explained {
	s.person.Policy = privacy.NewPolicy(s.sys.Site, s.settings)
	e := s.state
	e.At, e.User, e.Watcher, e.Lang = now, alice, w, "en"
	e.Explanation = s.person.Explain(s.sys, now, w, e.Standing == roster.Accepted)
	st := s.person.State(s.sys, now)
	_, e.View = s.person.Look(s.sys, &st, w)
	return &e
}

func (s *scene) rule(id presence.ContainerID, t privacy.RuleType, value string) {
	s.settings.Rules = append(s.settings.Rules, privacy.Rule{Container: id, Type: t, Value: value})
}

func (s *scene) meeting() {
	s.person.Inputs.Calendar = &presence.Calendar{Events: []presence.Event{{Start: now.Add(-time.Hour), End: now.Add(time.Hour), Kind: presence.EventBusy, Subject: "Merger"}}}
}

func deny(value string) *privacy.List {
	return &privacy.List{Items: []privacy.Item{{Order: "1", Action: "deny", Type: "jid", Value: value}}}
}

// TestS12_TheTwoSentences: what stands first says what he sees, why, where he is
// and why, for every layer, tier and veto.
func TestS12_TheTwoSentences(t *testing.T) {
	sees := func(who presence.Addr, state, because, level, why string) string {
		return fmt.Sprintf("%s sees you as %q, because %s.\nThey are in the level %s, because %s.", who, state, because, level, why)
	}
	hidden := func(who presence.Addr, level, why string) string {
		return fmt.Sprintf("%s sees you as \"Offline\", whatever you do: they are in the level %s, because %s.", who, level, why)
	}
	const contact, inUse = "they are one of your contacts who may see you, and belong to your organisation", `your device "desk" is in use`
	in := func(s *scene) *aggregation.Inputs { return &s.person.Inputs }
	for _, c := range []struct {
		name string
		set  func(s *scene)
		who  presence.Addr
		want string
	}{
		{"issue 4", func(s *scene) { s.meeting(); s.rule(200, privacy.RuleGroup, "Team") }, bob,
			sees(bob, "Busy: In a meeting", "your calendar has a meeting until 15:00 UTC", "Colleagues", `they are in your contact group "Team"`)},
		{"S3 external", func(s *scene) { s.meeting() }, fred,
			sees(fred, "Busy", "your calendar has a meeting until 15:00 UTC", "External", "they are one of your contacts who may see you")},
		{"S2.2 contact", func(*scene) {}, bob, sees(bob, "Available", inUse, "Colleagues", contact)},
		{"S2.3 same enterprise", func(*scene) {}, presence.MustAddr("dan@example.org"),
			sees(presence.MustAddr("dan@example.org"), "Available", inUse, "Colleagues", "they belong to your organisation")},
		{"S2.3 federated", func(*scene) {}, presence.MustAddr("x@partner.example"),
			sees(presence.MustAddr("x@partner.example"), "Available", inUse, "External", "they belong to a partner organisation your operator has named")},
		{"S2.3 public cloud", func(*scene) {}, cloud, hidden(cloud, "Blocked", "they are at a public service your operator has named")},
		{"S2.2 stranger", func(*scene) {}, zed, hidden(zed, "Default", "they are not one of your contacts, and none of your rules is about them")},
		{"S2.2 user", func(s *scene) { s.rule(400, privacy.RuleUser, zed.String()) }, zed, sees(zed, "Available", inUse, "Friends and Family", "you have a rule for them")},
		{"S2.2 blocked by a rule", func(s *scene) { s.rule(32000, privacy.RuleUser, bob.String()) }, bob, hidden(bob, "Blocked", "you block them")},
		{"S2.2 domain", func(s *scene) { s.rule(100, privacy.RuleDomain, "nowhere.example") }, zed,
			sees(zed, "Available", inUse, "External", "you have a rule for everybody at nowhere.example")},
		{"S2.2 wildcard", func(s *scene) { s.rule(100, privacy.RuleDomain, "*.example") }, zed,
			sees(zed, "Available", inUse, "External", "you have a rule for everybody at domains below example")},
		{"S2.2 subscription", func(s *scene) { s.rule(300, privacy.RuleSubscription, "from") }, fred,
			sees(fred, "Available", inUse, "Workgroup", "you have a rule for contacts who see you and whom you do not see")},
		{"S1 custom", func(s *scene) { s.rule(250, privacy.RuleUser, bob.String()) }, bob, sees(bob, "Available", inUse, "Board", "you have a rule for them")},
		{"S2.4 privacy mode", func(s *scene) { s.settings.PrivacyMode = true }, zed,
			hidden(zed, "Default", "only people you chose see you, and they are neither one of your contacts nor named by a rule")},
		{"S2.6 roster", func(s *scene) { s.settings.RosterReadable = false; s.rule(0, privacy.RuleGroup, "Team") }, bob,
			hidden(bob, "Blocked", "your contact list, which would decide about them, cannot be read here")},
		{"S2.7 own domain", func(*scene) {}, presence.MustAddr("a@presence.example.org"),
			hidden(presence.MustAddr("a@presence.example.org"), "Default", "this is an address of this service and not of a person")},
		{"S8.0 wall", func(s *scene) { s.settings.Walls = []string{bob.String()} }, bob, hidden(bob, "Blocked", "your operator keeps you hidden from them")},
		{"S8.0 herself", func(*scene) {}, alice, `You see yourself as "Available", because ` + inUse + "."},
		{"S8.1 block", func(s *scene) { s.settings.Block.JIDs = []string{bob.String()} }, bob, hidden(bob, "Blocked", "you block them on your chat server")},
		{"S8.1 component", func(s *scene) { s.settings.Block.JIDs = []string{"presence.example.org"} }, bob,
			hidden(bob, "Blocked", "you block this service on your chat server, which hides you from everybody here")},
		{"S8.2 list", func(s *scene) { s.settings.Default = deny(bob.String()) }, bob,
			hidden(bob, "Blocked", "your privacy list on the chat server keeps your presence from them")},
		{"S8.2 component", func(s *scene) { s.settings.Default = deny("presence.example.org") }, bob,
			hidden(bob, "Blocked", "your privacy list on the chat server keeps your presence from this service, which hides you from everybody here")},
		{"S8.3 active list", func(s *scene) { s.settings.Active = []privacy.List{*deny(bob.String())} }, bob,
			hidden(bob, "Blocked", "your privacy list on the chat server keeps your presence from them")},
		{"S8.3 suspected", func(s *scene) { s.settings.Invisible = true }, bob,
			hidden(bob, "Blocked", "you have a privacy list that hides you from everybody, and whether it is in use cannot be seen from here")},
		{"S8.5 loading", func(s *scene) { s.settings.State = privacy.StateLoading }, bob,
			hidden(bob, "Blocked", "your contact list or your block list has not been read yet, and until then nobody sees you")},
		{"S8.5 unreadable", func(s *scene) { s.settings.State = privacy.StateError }, bob,
			hidden(bob, "Blocked", "your contact list or your block list cannot be read, and meanwhile nobody sees you")},
		{"S8.5 stale", func(s *scene) { s.settings.State = privacy.StateStale }, bob,
			hidden(bob, "Blocked", "your contact list or your block list could not be read for too long, and meanwhile nobody sees you")},
		{"S8.5 malformed", func(s *scene) { s.settings.Default = &privacy.List{Broken: "two <list/>"} }, bob,
			hidden(bob, "Blocked", "one of your rules or lists cannot be understood, and then nobody sees you (malformed list: two <list/>)")},
		{"S5.0 offline", func(s *scene) { in(s).Resources = nil }, bob, sees(bob, "Offline", "none of your devices is online", "Colleagues", contact)},
		{"S5.0 silent", func(s *scene) { in(s).Resources[0].Priority = -1 }, bob,
			sees(bob, "Offline", "those of your devices that are online take no messages and so do not count", "Colleagues", contact)},
		{"S5.0 appear offline", func(s *scene) {
			in(s).Manual = &presence.Manual{Availability: presence.Offline, SetAt: now, ExpiresAt: now.Add(30 * time.Minute)}
		}, bob, sees(bob, "Offline", "you chose to appear offline, until 14:30 UTC", "Colleagues", contact)},
		{"S5.0 out of office", func(s *scene) {
			in(s).Resources, in(s).OOF = nil, &presence.OutOfOffice{Start: now.Add(-time.Hour), End: now.Add(48 * time.Hour)}
		}, bob, sees(bob, "Offline: Out of office",
			"none of your devices is online, and because your out-of-office period runs until 27 November, 14:00 UTC", "Colleagues", contact)},
		{"S5.1 idle", func(s *scene) { in(s).Resources[0].IdleSince = now.Add(-7 * time.Minute) }, bob,
			sees(bob, "Available, inactive", `your device "desk" has not been used since 13:53 UTC`, "Colleagues", contact)},
		{"S4.3 away", func(s *scene) { in(s).Resources[0].Show = presence.ShowAway }, bob,
			sees(bob, "Away", `your device "desk" is set to away`, "Colleagues", contact)},
		{"S5.3 do not disturb", func(s *scene) { in(s).Resources[0].Show = presence.ShowDND }, bob,
			sees(bob, "Do not disturb", `your device "desk" is set to do not disturb`, "Colleagues", contact)},
		{"S5.3 free for chat", func(s *scene) { in(s).Resources[0].Show = presence.ShowChat }, bob,
			sees(bob, "Available: Free for chat", `your device "desk" is set to free for chat`, "Colleagues", contact)},
		{"S5.3 manual", func(s *scene) {
			in(s).Manual = &presence.Manual{Availability: presence.Busy, SetAt: now, ExpiresAt: now.Add(time.Hour)}
		}, bob, sees(bob, "Busy", `you set "Busy", until 15:00 UTC`, "Colleagues", contact)},
		{"S5.4 dismissal", func(s *scene) {
			s.meeting()
			in(s).Manual = &presence.Manual{Availability: presence.Available, SetAt: now, ExpiresAt: now.Add(time.Hour)}
		}, bob, sees(bob, "Available", `you set "Available", until 15:00 UTC, whatever your devices say`, "Colleagues", contact)},
		{"S5.2 claim", func(s *scene) {
			in(s).Claims = []presence.Claim{{ID: "pbx", Availability: presence.Busy, Activity: presence.OnThePhone, SetAt: now, ExpiresAt: now.Add(5 * time.Minute)}}
		}, bob, sees(bob, "Busy: On the phone", `the app "pbx" says "Busy: On the phone" until 14:05 UTC`, "Colleagues", contact)},
		{"S5.5 busy and idle", func(s *scene) { s.meeting(); in(s).Resources[0].IdleSince = now.Add(-7 * time.Minute) }, bob,
			sees(bob, "Busy, inactive: In a meeting", `your calendar has a meeting until 15:00 UTC, and because your device "desk" has not been used since 13:53 UTC`, "Colleagues", contact)},
		{"S5.5 off work", func(s *scene) { in(s).Resources[0].Show, in(s).OffHours = presence.ShowAway, true }, bob,
			sees(bob, "Away: Off work", `your device "desk" is set to away, and because this is outside your working hours`, "Colleagues", contact)},
		{"S5.6 urgent only", func(s *scene) {
			in(s).Resources[0].Show = presence.ShowDND
			s.rule(300, privacy.RuleUser, bob.String())
		}, bob,
			sees(bob, "Busy: Urgent interruptions only", `your device "desk" is set to do not disturb`, "Workgroup", "you have a rule for them") +
				"\nTo this level, do not disturb is shown as \"Urgent interruptions only\"."},
		{"S6.1 out-of-office event", func(s *scene) {
			s.meeting()
			in(s).Calendar.Events[0].Kind = presence.EventOOF
		}, bob, sees(bob, "Away: Out of office", `your calendar says "Away: Out of office" until 15:00 UTC`, "Colleagues", contact)},
	} {
		s := newScene(t)
		c.set(s)
		lines := Why("en", s.of(c.who), func(id presence.ContainerID) string { return map[presence.ContainerID]string{250: "Board"}[id] })
		if got := strings.Join(lines[:strings.Count(c.want, "\n")+1], "\n"); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestS12_TheRest tells what stands below: subscription, what goes around this
// service, policy, vetoes passed, inputs beaten, categories.
func TestS12_TheRest(t *testing.T) {
	s := newScene(t)
	s.settings.Block.JIDs = []string{zed.String()}
	s.meeting()
	s.person.Inputs.Resources = append(s.person.Inputs.Resources, presence.Resource{Name: "tv", Priority: -1})
	s.person.Inputs.Manual = &presence.Manual{Availability: presence.Busy, Activity: presence.OnThePhone, SetAt: now, ExpiresAt: now.Add(time.Hour)}
	s.person.Note = "hello"
	s.state = engine.Explained{Standing: roster.Accepted, Mirror: "alice@presence.example.org", Native: true}
	e := s.of(bob)
	e.Policy = &privacy.HeldPolicy{Name: "quiet"}
	got := strings.Join(Why("en", e, nil)[2:], "\n")
	want := `They have added alice@presence.example.org, so each change is sent to them.
Besides, your chat server by itself tells them when you are online, since they are one of your own contacts.
Your operator's policy "quiet" holds for you.
Looked at first, and not in the way: whether your operator hides you from them, whether all that decides could be read, your block list on the chat server.
Did not count: your device "desk", because something else goes first.
Did not count: your device "tv", because it takes no messages (its priority is negative).
Did not count: the calendar entry that began at 13:00 UTC, because something else goes first.
Shown to them: whether you are available, what your address can do, what you are doing, that they may interrupt you, your free and busy times, your note.
Not shown in this level: your mobile phone, your phone at home, your other phone, the subject of your meeting, the place of your meeting.
Would be shown, but there is nothing to show: your name, your e-mail address, your job title, your company, your photo, your office, your work phone, where you are, your time zone, your working hours, your kind of device, your out-of-office note.
When you were last active is not shown, because your operator has turned that off.`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, "Merger") {
		t.Error("the subject is told")
	}
}

// TestS3_OwnCellsAndTheOperatorsAreTold as hers, and as his.
func TestS3_OwnCellsAndTheOperatorsAreTold(t *testing.T) {
	s := newScene(t)
	s.person.Note = "hello"
	s.person.Profile = &presence.Profile{}
	s.person.Profile.Text[presence.FieldMobilePhone], s.person.Profile.Text[presence.FieldLocation] = "123", "Berlin"
	s.settings.Cells = []privacy.OwnCell{{Container: 200, Category: "notePersonal"}, {Container: 200, Category: "mobilePhone", Shown: true}, {Container: 200, Category: "location", Shown: true}}
	s.sys.Operator.Withheld, _ = privacy.ParseWithheld([]string{"location"})
	got := strings.Join(Why("en", s.of(bob), nil), "\n")
	for _, want := range []string{
		"\nShown, because you yourself turned it on for Colleagues: your mobile phone.\n",
		"\nNot shown, because you yourself turned it off for Colleagues: your note.\n",
		"\nNot shown, because your operator withholds it from Colleagues: where you are.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not said in\n%s", want, got)
		}
	}
	s.settings.Cells = []privacy.OwnCell{{Container: 200, Category: "state"}}
	want := "You yourself turned off for Colleagues whether you are available, so that level shows nothing."
	if lines := Why("en", s.of(bob), nil); lines[1] != want || !strings.HasPrefix(lines[0], `bob@example.org sees you as "Offline", whatever you do`) || strings.Contains(strings.Join(lines, "\n"), "hello") {
		t.Errorf("without the state: %q", lines)
	}
	s.settings.Cells = nil
	s.sys.Operator.Withheld, _ = privacy.ParseWithheld([]string{"state 200"})
	if lines := Why("en", s.of(bob), nil); lines[1] != "Your operator shows nothing of you to Colleagues." {
		t.Errorf("without the state by the operator: %q", lines)
	}
}

func TestS12_InGerman(t *testing.T) {
	s := newScene(t)
	s.meeting()
	s.rule(200, privacy.RuleGroup, "Team")
	got := strings.Join(Why("de", s.of(bob), nil)[:2], "\n")
	want := "bob@example.org sieht Sie als „Beschäftigt: In einer Besprechung“, weil Ihr Kalender eine Besprechung bis 15:00 Uhr (UTC) enthält.\n" +
		"Diese Adresse ist in der Stufe Kollegen, weil sie in Ihrer Kontaktgruppe „Team“ ist."
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestS12_AStateOfTheOperatorsHasItsName, in the reader's language, whether it won
// or lost; a token nobody named is told as it is.
func TestS12_AStateOfTheOperatorsHasItsName(t *testing.T) {
	s := newScene(t)
	s.state.Wordings = map[presence.Activity]*presence.Wording{"lunch": {ByLanguage: map[string]string{"en": "At lunch", "de": "Mittagspause"}}}
	in := &s.person.Inputs
	in.Manual = &presence.Manual{Availability: presence.BeRightBack, Activity: "lunch", SetAt: now, ExpiresAt: now.Add(time.Hour)}
	first := func(lang string) string { return Why(lang, s.of(bob), nil)[0] }
	for lang, want := range map[string]string{
		"en": `bob@example.org sees you as "Be right back: At lunch", because you set "Be right back: At lunch", until 15:00 UTC.`,
		"de": `bob@example.org sieht Sie als „Bin gleich zurück: Mittagspause“, weil Sie „Bin gleich zurück: Mittagspause“ gewählt haben, bis 15:00 Uhr (UTC).`,
	} {
		if got := first(lang); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", lang, got, want)
		}
	}
	in.Manual.ExpiresAt = now.Add(-time.Minute)
	if got := strings.Join(Why("de", s.of(bob), nil), "\n"); !strings.Contains(got, "Zählte nicht: „Bin gleich zurück: Mittagspause“, von Ihnen gewählt") {
		t.Errorf("what lost is told as\n%s", got)
	}
	in.Manual.ExpiresAt = now.Add(time.Hour)
	s.state.Wordings = nil
	if got := first("de"); !strings.Contains(got, "„Bin gleich zurück: lunch“") {
		t.Errorf("a token without a name: %s", got)
	}
}

// TestS2_6_S11_WhatCannotBeReadIsSaid, and only then.
func TestS2_6_S11_WhatCannotBeReadIsSaid(t *testing.T) {
	for _, c := range []struct{ roster, lists bool }{{false, false}, {true, false}, {false, true}} {
		s := newScene(t)
		s.state.NoRoster, s.state.NoLists = c.roster, c.lists
		got := strings.Join(Why("en", s.of(bob), nil), "\n")
		if strings.Contains(got, "Your contact list cannot be read here") != c.roster || strings.Contains(got, "Your block list and privacy lists on the chat server cannot be read") != c.lists {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestS12_EveryStandingAndHoldHasItsSentence(t *testing.T) {
	seen := map[string]bool{}
	for _, standing := range []roster.Standing{roster.None, roster.Pending, roster.Refused, roster.Accepted} {
		s := newScene(t)
		s.state.Standing = standing
		seen[Why("en", s.of(bob), nil)[2]] = true
	}
	if len(seen) != 4 {
		t.Errorf("standings read alike: %v", seen)
	}
	for hold, begin := range map[engine.Hold]string{engine.HoldLink: "Right now bob@example.org is told nothing new", engine.HoldLoading: "Right now bob@example.org sees you offline"} {
		s := newScene(t)
		s.state.Hold = hold
		if got := Why("en", s.of(bob), nil)[0]; !strings.HasPrefix(got, begin) {
			t.Errorf("%s: %q", hold, got)
		}
		if got := AsSeen("en", s.of(bob)); len(got) != 1 || !strings.HasPrefix(got[0], "Nothing is sent at the moment") {
			t.Errorf("%s: view-as says %q", hold, got)
		}
	}
}

// TestS12_EveryCategoryHasItsWords in every language.
func TestS12_EveryCategoryHasItsWords(t *testing.T) {
	for _, c := range newScene(t).of(bob).Categories {
		for _, lang := range text.Languages() {
			if got := text.Category(lang, c.Name); got == c.Name {
				t.Errorf("%s has no words in %s", c.Name, lang)
			}
		}
	}
}

// TestS12_WhateverIsExplainedIsTold: random people, every language, no gap in the
// words and no input whose defeat is told in general terms only by accident.
func TestS12_WhateverIsExplainedIsTold(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 12))
	pairs := map[beat]bool{}
	for range 5000 {
		s := random(t, r)
		who := []presence.Addr{alice, bob, fred, zed, cloud}[r.IntN(5)]
		e := s.of(who)
		for _, in := range e.Inputs {
			if _, known := beats[beat{in.Kind, in.Rule}]; !in.Won && in.Rule != "S5.0" && !known {
				t.Fatalf("no words for %s beaten by %s", in.Kind, in.Rule)
			}
			if !in.Won {
				pairs[beat{in.Kind, in.Rule}] = true
			}
		}
		for _, lang := range text.Languages() {
			for _, line := range append(Why(lang, e, nil), AsSeen(lang, e)...) {
				if strings.Contains(line, "%!") || strings.Contains(line, "why.") || strings.Contains(line, "0001") || strings.Contains(line, "Merger") && who != alice && e.Container.Base != presence.Workgroup {
					t.Fatalf("%s, %s: %q\n%+v", lang, who, line, e)
				}
			}
		}
	}
	var never []beat
	for b := range beats {
		if !pairs[b] {
			never = append(never, b)
		}
	}
	if len(never) > 0 {
		t.Errorf("words nothing led to: %v", never)
	}
}

// random is a person of any kind.
func random(t testing.TB, r *rand.Rand) *scene {
	s := newScene(t)
	in := &s.person.Inputs
	in.Resources, in.Calendar = nil, new(presence.Calendar)
	ago := func(most time.Duration) time.Time { return now.Add(-time.Duration(r.Int64N(int64(most)))) }
	for i := range r.IntN(4) {
		d := presence.Resource{Name: fmt.Sprint("d", i), Priority: int8(r.IntN(4) - 1), Show: presence.Show(r.IntN(5)), PublishedAt: ago(time.Hour), Own: r.IntN(9) == 0}
		if r.IntN(2) == 0 {
			d.IdleSince = ago(20 * time.Minute)
		}
		in.Resources = append(in.Resources, d)
	}
	if r.IntN(2) == 0 {
		in.Manual = &presence.Manual{SetAt: ago(48 * time.Hour),
			Availability: []presence.Availability{3500, 6500, 9500, 12500, 15500, 18500}[r.IntN(6)], Activity: presence.Activities()[r.IntN(3)]}
	}
	for i := range r.IntN(3) {
		in.Claims = append(in.Claims, presence.Claim{ID: fmt.Sprint("app", i), Availability: []presence.Availability{3500, 6500, 7000, 9500}[r.IntN(4)],
			Activity: []presence.Activity{"", presence.OnThePhone}[r.IntN(2)], SetAt: ago(time.Hour), ExpiresAt: ago(time.Hour).Add(50 * time.Minute)})
	}
	for range r.IntN(3) {
		start := ago(48 * time.Hour)
		in.Calendar.Events = append(in.Calendar.Events, presence.Event{Start: start, End: now.Add(time.Hour), Subject: "Merger",
			Kind: presence.EventKind(r.IntN(6)), Private: r.IntN(4) == 0, Transparent: r.IntN(6) == 0})
	}
	if r.IntN(6) == 0 {
		in.Calendar.FetchedAt = now.Add(-30 * time.Hour)
	}
	if r.IntN(3) == 0 {
		in.OOF = &presence.OutOfOffice{Start: ago(2 * time.Hour).Add(time.Hour)}
	}
	in.OffHours = r.IntN(2) == 0
	if r.IntN(3) == 0 {
		s.sys.Aggregation.Calendar = s.sys.Aggregation.Calendar.With(aggregation.Rule{Kind: presence.EventFree, Availability: presence.Available})
	}
	s.settings.PrivacyMode = r.IntN(4) == 0
	s.settings.State = []privacy.LoadState{privacy.StateOK, privacy.StateOK, privacy.StateOK, privacy.StateError}[r.IntN(4)]
	s.rule([]presence.ContainerID{0, 100, 200, 300, 400, 32000}[r.IntN(6)], privacy.RuleUser, []presence.Addr{bob, fred, zed}[r.IntN(3)].String())
	for range r.IntN(3) {
		of := privacy.Categories()
		s.settings.Cells = append(s.settings.Cells, privacy.OwnCell{Container: []presence.ContainerID{100, 200, 300, 400}[r.IntN(4)], Category: of[r.IntN(len(of))].String()})
	}
	s.sys.Operator.LastActive = privacy.LastActiveMode(r.IntN(3))
	s.sys.Operator.Photo = privacy.PhotoMode(r.IntN(3))
	s.sys.Operator.OfflineDetails = privacy.OfflineDetails(r.IntN(3))
	s.state.Standing = roster.Standing(r.IntN(5))
	return s
}

// TestSeen_HasEveryItemOnce.
func TestSeen_HasEveryItemOnce(t *testing.T) {
	s := newScene(t)
	s.person.Note = "hello"
	var keys []string
	for _, it := range Seen("en", s.of(bob)) {
		if slices.Contains(keys, it.Key) || it.Label == "" || it.Value == "" {
			t.Errorf("%+v among %q", it, keys)
		}
		keys = append(keys, it.Key)
	}
	if want := []string{"availability", "status", "interrupt", "notePersonal"}; !slices.Equal(keys, want) {
		t.Errorf("got %q, want %q", keys, want)
	}
	if got := AsSeen("en", s.of(zed)); len(got) != 1 || got[0] != "zed@nowhere.example sees you as offline and nothing else." {
		t.Errorf("a stranger: %q", got)
	}
}
