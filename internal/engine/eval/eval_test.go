package eval

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

var (
	now   = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	bob   = presence.MustAddr("bob@example.org")
	boss  = presence.MustAddr("boss@example.org")
	alice = presence.MustAddr("alice@example.org")
)

func scene(t testing.TB) (*System, *Person) {
	t.Helper()
	site, err := privacy.NewSite(privacy.SiteOptions{
		Component: "presence.example.org", Networks: privacy.Networks{Enterprise: []string{"example.org"}},
		Containers: map[presence.ContainerID]presence.ContainerID{350: presence.External},
	})
	if err != nil {
		t.Fatal(err)
	}
	sys := &System{Aggregation: aggregation.Default(), Operator: privacy.DefaultOperator(), Site: site}
	sys.Operator.LastActive = privacy.LastActiveExact
	p := &Person{
		Policy: privacy.NewPolicy(site, privacy.Settings{Owner: alice, State: privacy.StateOK, RosterReadable: true,
			Rules: append(privacy.Bootstrap(), privacy.Rule{Container: 300, Type: privacy.RuleUser, Value: "boss@example.org"})}),
		Roster: roster.New([]presence.Contact{{Addr: bob, Subscription: presence.SubBoth}}, "presence.example.org"),
		Note:   "hello",
	}
	p.Inputs.Resources = []presence.Resource{{Name: "desk", Device: "computer", PublishedAt: now.Add(-time.Hour)}}
	return sys, p
}

func TestLook_ComposesPlacementAndView(t *testing.T) {
	sys, p := scene(t)
	p.Inputs.Manual = &presence.Manual{Availability: presence.DoNotDisturb, SetAt: now.Add(-time.Minute)}
	st := p.State(sys, now)
	place, v := p.Look(sys, &st, bob)
	if place.Container != 200 || place.Reason != privacy.ReasonContact || v.Availability != 9500 || v.Interrupt {
		t.Errorf("bob: %+v, %+v", place, v)
	}
	if place, v := p.Look(sys, &st, boss); place.Container != 300 || v.Availability != 6900 || !v.Interrupt {
		t.Errorf("boss: %+v, %+v", place, v)
	}
}

func TestProject_CustomContainerAndNamedPolicy(t *testing.T) {
	sys, p := scene(t)
	st := p.State(sys, now)
	var v presence.View
	p.Project(sys, &st, 350, &v)
	if v.Container != 350 || v.Availability != 3500 || v.Text[presence.FieldNotePersonal] != "" {
		t.Errorf("350 based on External shows %+v", v)
	}
	p.Profile = &presence.Profile{PhotoSource: presence.UserPhoto}
	p.Profile.Text[presence.FieldPhoto] = "beef"
	named := privacy.DefaultOperator()
	named.Photo = privacy.PhotoNone
	for _, c := range []struct {
		op   *privacy.Operator
		want string
	}{{nil, "beef"}, {&named, ""}} {
		p.Operator = c.op
		if p.Project(sys, &st, 200, &v); v.Text[presence.FieldPhoto] != c.want {
			t.Errorf("photo %q, want %q", v.Text[presence.FieldPhoto], c.want)
		}
	}
}

// TestS3_FreeBusyGoesByTheCells: what is added in answers has a cell too, which she
// and the operator may take away and she may grant.
func TestS3_FreeBusyGoesByTheCells(t *testing.T) {
	sys, p := scene(t)
	p.Inputs.Calendar = &presence.Calendar{FetchedAt: now, Events: []presence.Event{{Start: now.Add(-time.Hour), End: now.Add(time.Hour), Kind: presence.EventBusy}}}
	told := func(c presence.ContainerID, cells ...privacy.OwnCell) bool {
		p.Policy = privacy.NewPolicy(sys.Site, privacy.Settings{Owner: alice, State: privacy.StateOK, RosterReadable: true, Rules: privacy.Bootstrap(), Cells: cells})
		st := p.State(sys, now)
		var v presence.View
		p.Project(sys, &st, c, &v)
		p.FreeBusy(sys, now, &v)
		return v.Text[presence.FieldFreeBusy] != ""
	}
	if !told(200) || told(100) {
		t.Error("the table: Colleagues are told, External is not")
	}
	if told(200, privacy.OwnCell{Container: 200, Category: "freeBusy"}) {
		t.Error("she has hidden it")
	}
	if !told(100, privacy.OwnCell{Container: 100, Category: "freeBusy", Shown: true}) {
		t.Error("she shows it to External")
	}
	sys.Operator.Withheld, _ = privacy.ParseWithheld([]string{"freeBusy 200"})
	if told(200, privacy.OwnCell{Container: 200, Category: "freeBusy", Shown: true}) {
		t.Error("the operator withholds it")
	}
}

func TestS8_5_NoPolicyShowsNothing(t *testing.T) {
	sys, p := scene(t)
	p.Policy = nil
	st := p.State(sys, now)
	place, v := p.Look(sys, &st, bob)
	if place.Reason != privacy.ReasonFailClosed || v != presence.OfflineView(presence.Blocked) || p.Admits(bob) {
		t.Errorf("%+v, %+v", place, v)
	}
	if e := p.Explain(sys, now, bob, true); e.Projection.Container != presence.Blocked || e.Container.Tier != privacy.ReasonFailClosed {
		t.Errorf("explained %+v", e)
	}
}

// TestS5_0_AppearingOfflineFreezesLastActive: what is told of somebody who
// appears offline does not move with her devices.
func TestS5_0_AppearingOfflineFreezesLastActive(t *testing.T) {
	sys, p := scene(t)
	sys.Operator.OfflineDetails = privacy.OfflineAll
	p.LastActiveAt = now.Add(-35 * time.Minute)
	p.Inputs.Manual = &presence.Manual{Availability: presence.Offline, SetAt: now.Add(-30 * time.Minute)}
	for name, devices := range map[string][]presence.Resource{
		"as before":        {{Name: "desk", PublishedAt: now.Add(-time.Hour), IdleSince: now.Add(-time.Hour)}},
		"typed since":      {{Name: "desk", PublishedAt: now.Add(-time.Minute)}},
		"another device":   {{Name: "desk", PublishedAt: now.Add(-time.Hour)}, {Name: "phone", PublishedAt: now}},
		"all of them left": nil,
	} {
		p.Inputs.Resources = devices
		st := p.State(sys, now)
		if _, v := p.Look(sys, &st, bob); !v.LastActive.Equal(p.LastActiveAt) || v.Availability != presence.Offline {
			t.Errorf("%s: %d, last active %v, want %v", name, v.Availability, v.LastActive, p.LastActiveAt)
		}
	}
}

func TestS9_LastActiveOfSomebodyOffline(t *testing.T) {
	sys, p := scene(t)
	sys.Operator.OfflineDetails = privacy.OfflineAll
	early, set, late := now.Add(-2*time.Hour), now.Add(-time.Hour), now.Add(-time.Minute)
	hidden := &presence.Manual{Availability: presence.Offline, SetAt: set}
	desk := []presence.Resource{{Name: "desk", PublishedAt: early}}
	for _, c := range []struct {
		name    string
		manual  *presence.Manual
		devices []presence.Resource
		known   time.Time
		want    time.Time
	}{
		{"offline", nil, nil, late, late},
		{"offline, unknown", nil, nil, time.Time{}, time.Time{}},
		{"hidden, nothing remembered", hidden, desk, time.Time{}, early},
		{"hidden, remembered wrongly since", hidden, desk, late, early},
	} {
		p.Inputs.Manual, p.Inputs.Resources, p.LastActiveAt = c.manual, c.devices, c.known
		st := p.State(sys, now)
		if _, v := p.Look(sys, &st, bob); !v.LastActive.Equal(c.want) {
			t.Errorf("%s: last active %v, want %v", c.name, v.LastActive, c.want)
		}
	}
}

func TestS13_2_AdmitsThroughTheRoster(t *testing.T) {
	_, p := scene(t)
	for jid, want := range map[string]bool{"bob@example.org": true, "zed@example.org": true, "zed@else.test": false, "alice@example.org": true} {
		if got := p.Admits(presence.MustAddr(jid)); got != want {
			t.Errorf("%s admitted %v, want %v", jid, got, want)
		}
	}
}

func TestS12_ExplainJSONShape(t *testing.T) {
	sys, p := scene(t)
	data, err := json.Marshal(p.Explain(sys, now, bob, true))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"projection", "inputs", "container", "vetoes", "categories"} {
		if doc[key] == nil {
			t.Errorf("no %q in %s", key, data)
		}
		delete(doc, key)
	}
	if len(doc) > 0 {
		t.Errorf("unexpected keys %v", doc)
	}
	want := `{"container":200,"reason":"contact","availability":3500,"activity":null,"show":null,"push":true,"probe":"available","interrupt":true,"fields":{"device":"computer","notePersonal":"hello"}}`
	if !strings.Contains(string(data), `"projection":`+want) {
		t.Errorf("got %s\nwant the projection %s", data, want)
	}
	if !strings.Contains(string(data), `"container":{"id":200,"tier":"contact","rule":"contact both -\u003e 200"}`) {
		t.Errorf("container of %s", data)
	}
}

func TestLook_DoesNotAllocate(t *testing.T) {
	sys, p := scene(t)
	st := p.State(sys, now)
	if n := testing.AllocsPerRun(100, func() { p.Look(sys, &st, bob); p.Admits(bob) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLook(b *testing.B) {
	sys, p := scene(b)
	st := p.State(sys, now)
	b.ReportAllocs()
	for b.Loop() {
		p.Look(sys, &st, bob)
	}
}
