package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"presenced/config"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// loaded is a configuration with [component] and the text.
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "presenced.toml")
	text = "[component]\ndomain = \"presence.example.org\"\nsecret = \"x\"\nhosts = [\"Example.org\", \"bücher.example\"]\n" + text
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(path, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rulesFor(t *testing.T, text string) *engine.Rules {
	t.Helper()
	r, err := rulesOf(loaded(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRules_ComponentSectionAloneGivesTheDefaultsOfSemantics(t *testing.T) {
	r := rulesFor(t, "")
	a := r.System.Aggregation
	if a.IdleAfter != 5*time.Minute || a.AwayAfter != 10*time.Minute || a.CalendarMaxStale != 24*time.Hour || len(a.Calendar) != 3 {
		t.Errorf("aggregation: %+v", a)
	}
	if got, want := r.System.Operator, privacy.DefaultOperator(); !cmp.Equal(got.Links.Mode, want.Links.Mode) || got.LastActive != want.LastActive ||
		got.Granularity != want.Granularity || got.Photo != want.Photo || got.OfflineDetails != want.OfflineDetails || got.Until != want.Until {
		t.Errorf("operator: %+v, want %+v", got, want)
	}
	if r.Refresh != time.Minute || r.MaxStale != 24*time.Hour || r.RequireLists || r.Limits != (roster.Limits{Watchers: 1000, Requests: 200}) {
		t.Errorf("limits: %+v", r)
	}
	if r.Enrolment.Mode != engine.OptIn || len(r.Enrolment.Users) != 0 || len(r.Walls) != 0 {
		t.Errorf("enrolment: %+v, walls: %+v", r.Enrolment, r.Walls)
	}
	for host, want := range map[string]privacy.Network{
		"example.org": privacy.SameEnterprise, "BÜCHER.example": privacy.SameEnterprise, "partner.example": privacy.Unknown,
	} {
		if got := r.System.Site.Network(presence.MustAddr("x@" + host)); got != want {
			t.Errorf("network of %s: %v, want %v", host, got, want)
		}
	}
}

func TestRules_EveryWordOfTheOperatorArrives(t *testing.T) {
	r := rulesFor(t, `
[presence]
idle_after = "1m"
away_after = "2m"
[privacy]
server_lists = "require"
refresh = "10s"
max_stale = "1h"
offline_details = "all"
[[privacy.containers]]
id = 150
name = "Partners"
base = 100
[[privacy.walls]]
users = ["Alice@example.org", "bob@example.org"]
hidden_from = ["*", "evil.example"]
[policy]
last_active = "coarse"
last_active_granularity = "15m"
photo = "directory"
links = "block"
intranet = ["intranet.example.org"]
file_extensions = ["exe"]
[networks]
enterprise = ["example.org"]
federated = ["partner.example"]
public_cloud = ["jabber.example"]
[calendar]
preset = "lync"
until = false
require_attendees = true
max_stale = "2h"
[[calendar.map]]
category = "Focus"
availability = 9500
activity = "urgent-interruptions-only"
[limits]
watchers = 7
requests = 3
`)
	a, o := r.System.Aggregation, r.System.Operator
	if a.IdleAfter != time.Minute || a.AwayAfter != 2*time.Minute || a.CalendarMaxStale != 2*time.Hour || !a.RequireAttendees {
		t.Errorf("aggregation: %+v", a)
	}
	if len(a.Calendar) != 2 || !a.Calendar[0].AnyKind || a.Calendar[0].Category != "Focus" || a.Calendar[0].Availability != 9500 {
		t.Errorf("calendar table: %+v, want the operator's line before the preset", a.Calendar)
	}
	if o.LastActive != privacy.LastActiveCoarse || o.Granularity != 15*time.Minute || o.Photo != privacy.PhotoDirectory ||
		o.OfflineDetails != privacy.OfflineAll || o.Until || o.Links.Mode != privacy.LinksBlock ||
		len(o.Links.Intranet) != 1 || len(o.Links.Extensions) != 1 {
		t.Errorf("operator: %+v", o)
	}
	if !r.RequireLists || r.Refresh != 10*time.Second || r.MaxStale != time.Hour || r.Limits != (roster.Limits{Watchers: 7, Requests: 3}) {
		t.Errorf("rules: %+v", r)
	}
	if got := r.System.Site.Base(150); got != presence.External {
		t.Errorf("base of the custom container: %d, want %d", got, presence.External)
	}
	site := r.System.Site
	if site.Network(presence.MustAddr("x@partner.example")) != privacy.Federated || site.Network(presence.MustAddr("x@jabber.example")) != privacy.PublicCloud {
		t.Error("networks are not those of the configuration")
	}
	if len(r.Walls) != 1 || len(r.Walls[0].Users) != 2 || r.Walls[0].Users[0] != presence.MustAddr("alice@example.org") || len(r.Walls[0].HiddenFrom) != 2 {
		t.Fatalf("walls: %+v, want alice and bob, hidden from two", r.Walls)
	}
}

func TestRules_ListOfUsersCountsInModeListOnly(t *testing.T) {
	const users = "\nusers = [\"Alice@example.org\"]\nbots = [\"lift@example.org\"]\napps = [\"phones@elsewhere.example\"]\n"
	alice := presence.MustAddr("alice@example.org")
	r := rulesFor(t, "[enrolment]\nmode = \"list\""+users)
	if r.Enrolment.Mode != engine.EnrolList || r.Enrolment.Users[alice] != "Alice@example.org" || !r.Enrolment.Bots[presence.MustAddr("lift@example.org")] || !r.Enrolment.Apps[presence.MustAddr("phones@elsewhere.example")] {
		t.Errorf("mode list: %+v", r.Enrolment)
	}
	for mode, want := range map[string]engine.EnrolmentMode{"opt-in": engine.OptIn, "all": engine.EnrolAll} {
		r := rulesFor(t, "[enrolment]\nmode = \""+mode+"\""+users)
		if r.Enrolment.Mode != want || len(r.Enrolment.Users) != 0 {
			t.Errorf("mode %s: %+v, want nobody enrolled by the list", mode, r.Enrolment)
		}
	}
}

func TestRules_ValueARoomRefusesIsASetupErrorWithARemedy(t *testing.T) {
	for _, text := range []string{
		"[[calendar.map]]\nshow_as = \"busy\"\navailability = 18500\n",
	} {
		_, err := rulesOf(loaded(t, text))
		if setup, ok := errors.AsType[*SetupError](err); !ok || setup.Remedy == "" {
			t.Errorf("%s: got %v, want a SetupError with a remedy", text, err)
		}
	}
}

func TestRules_AWallAroundEverybodyNamesTheServedHosts(t *testing.T) {
	r := rulesFor(t, "[[privacy.walls]]\nusers = [\"*\"]\nhidden_from = [\"evil.example\"]\n")
	if len(r.Walls) != 1 || !slices.Contains(r.Walls[0].Users, presence.MustAddr("example.org")) {
		t.Errorf("got %+v", r.Walls)
	}
}

func TestHosts_AreInIDNAForm(t *testing.T) {
	got, err := hostsOf(loaded(t, ""))
	if want := []string{"example.org", "xn--bcher-kva.example"}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestS9_NamedPoliciesOverrideKeyByKey(t *testing.T) {
	r := rulesFor(t, `
[policy]
last_active = "coarse"
last_active_granularity = "15m"
photo = "directory"
links = "neutralise"
intranet = ["intranet.example.org"]
file_extensions = ["exe"]
withhold = ["location", "mobilePhone 200"]
[privacy]
offline_details = "none"
[[policies]]
name = "sales"
users = ["Alice@Example.org"]
groups = ["Sales"]
photo = "none"
[[policies]]
name = "board"
last_active = "off"
last_active_granularity = "2h"
links = "block"
intranet = []
file_extensions = ["com"]
withhold = ["state 100"]
`)
	if len(r.Policies) != 2 || r.Policies[0].Operator.Name != "board" || r.Policies[1].Operator.Name != "sales" {
		t.Fatalf("policies %+v, want board and sales in this order", r.Policies)
	}
	global := r.System.Operator
	sales := global
	sales.Name, sales.Photo = "sales", privacy.PhotoNone
	if d := cmp.Diff(sales, r.Policies[1].Operator); d != "" {
		t.Errorf("sales differs from [policy] in more than its photo: -want +got:\n%s", d)
	}
	if want, _ := privacy.ParseWithheld([]string{"location", "mobilePhone 200"}); global.Withheld != want {
		t.Errorf("withheld %b, want %b", global.Withheld, want)
	}
	board := global
	board.Withheld, _ = privacy.ParseWithheld([]string{"state 100"})
	board.Name, board.LastActive, board.Granularity = "board", privacy.LastActiveOff, 2*time.Hour
	board.Links = privacy.Links{Mode: privacy.LinksBlock, Intranet: []string{}, Extensions: []string{"com"}}
	if d := cmp.Diff(board, r.Policies[0].Operator, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("board: -want +got:\n%s", d)
	}
	if p := r.Policies[1]; !p.Users[presence.MustAddr("alice@example.org")] || len(p.Users) != 1 || !slices.Equal(p.Groups, []string{"Sales"}) {
		t.Errorf("sales is for %v and %v", p.Users, p.Groups)
	}
}

// TestS3_WhatMayBeWithheldIsWhatThereIs: config knows the categories by their names,
// and knows them all.
func TestS3_WhatMayBeWithheldIsWhatThereIs(t *testing.T) {
	var all []string
	for _, c := range privacy.Categories() {
		all = append(all, strconv.Quote(c.String()), strconv.Quote(c.String()+" 300"))
	}
	r := rulesFor(t, "[policy]\nwithhold = ["+strings.Join(all, ", ")+"]")
	o := r.System.Operator
	for _, c := range privacy.Categories() {
		for _, base := range []presence.ContainerID{100, 200, 300, 400} {
			if !o.Ceiling(base, c) {
				t.Errorf("%s in %d is not withheld", c, base)
			}
		}
	}
}

func TestRules_StatesOfTheOperator(t *testing.T) {
	r := rulesFor(t, `
[[states]]
name = "lunch"
availability = 12500
texts = { en = "At lunch", de-AT = "Jause" }
[[states]]
name = "customer"
availability = 6500
activity = "in-a-meeting"
texts = { en = "With a customer" }
[[policies]]
name = "strict"
`)
	if len(r.States) != 2 || r.States[0].Activity != "lunch" || r.States[1].Activity != presence.InAMeeting || r.States[1].Availability != presence.Busy {
		t.Fatalf("states: %+v", r.States)
	}
	for _, words := range []map[presence.Activity]*presence.Wording{r.System.Operator.Wordings, r.Policies[0].Operator.Wordings} {
		if len(words) != 1 || words["lunch"].ByLanguage["de-at"] != "Jause" {
			t.Errorf("wordings %v: a known token keeps its own words", words)
		}
	}
}
