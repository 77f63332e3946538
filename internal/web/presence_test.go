package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/internal/answer"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

func TestGet_ShowsWhatThePrincipalMaySee(t *testing.T) {
	s := newSite(t)
	s.online()
	s.apply(alice, engine.SetNote{Text: "Room 412 <b>"})
	for as, want := range map[string]string{
		bob:  `{"user":"Alice@example.org","availability":3500,"status":"Room 412 \u003cb\u003e","interrupt":true,"fields":{"notePersonal":"Room 412 \u003cb\u003e"}}`,
		fred: `{"user":"Alice@example.org","availability":3500,"interrupt":true,"fields":{}}`,
		zed:  `{"user":"Alice@example.org","availability":18500,"show":"unavailable","interrupt":false,"fields":{}}`,
	} {
		res := s.ask(as, "GET", "/v1/presence/Alice@example.org", "")
		if got := res.body; res.StatusCode != 200 || got != want {
			t.Errorf("%s got %d %s\nwant %s", as, res.StatusCode, got, want)
		}
	}
	if got := s.ask(bob, "GET", "/v1/presence/a.smith@corp.example", "").body; !strings.HasPrefix(got, `{"user":"a.smith@corp.example","availability":3500,`) {
		t.Errorf("by e-mail: %s", got)
	}
}

// hidden are the ways in which alice may not be seen by bob.
var hidden = map[string]func(s *site){
	"unknown":      func(*site) {},
	"not enrolled": func(s *site) { s.online(); s.apply(alice, engine.Disable{}) },
	"erased":       func(s *site) { s.online(); s.apply(alice, engine.Erase{}) },
	"offline":      func(s *site) { s.online(); s.device(presence.ShowNone, true) },
	"appears offline": func(s *site) {
		s.online()
		s.apply(alice, engine.SetState{Availability: presence.Offline})
	},
	"blocked": func(s *site) { s.online(); s.apply(alice, engine.Block{JID: bob}) },
	"blocked, busy and with a note": func(s *site) {
		s.online()
		s.apply(alice, engine.Block{JID: bob})
		s.apply(alice, engine.SetState{Availability: presence.Busy})
		s.apply(alice, engine.SetNote{Text: "x"})
	},
}

// TestReads_HiddenUnknownAndOfflineAreTheSameBytes holds every way to ask to I2.
func TestReads_HiddenUnknownAndOfflineAreTheSameBytes(t *testing.T) {
	asks := map[string]func(s *site) reply{
		"get":  func(s *site) reply { return s.ask(bob, "GET", "/v1/presence/"+alice, "") },
		"head": func(s *site) reply { return s.ask(bob, "HEAD", "/v1/presence/"+alice, "") },
		"page": func(s *site) reply { return s.ask(bob, "GET", "/v1/presence/"+alice, "", "Origin", page) },
		"list": func(s *site) reply {
			return s.ask(bob, "POST", "/v1/presence", `{"users":["`+alice+`","a.smith@corp.example","x@y"]}`)
		},
		"graph": func(s *site) reply { return s.ask(bob, "GET", "/graph/v1.0/users/"+alice+"/presence", "") },
		"graph list": func(s *site) reply {
			return s.ask(bob, "POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":["`+alice+`"]}`)
		},
	}
	want := map[string]string{}
	for _, why := range slices.Sorted(func(yield func(string) bool) {
		for k := range hidden {
			if !yield(k) {
				return
			}
		}
	}) {
		s := newSite(t)
		hidden[why](s)
		for how, ask := range asks {
			got := ask(s).whole(t)
			if want[how] == "" {
				want[how] = got
			}
			if got != want[how] || !strings.HasPrefix(got, "200\n") {
				t.Errorf("%s, %s:\n%s\nwant\n%s", how, why, got, want[how])
			}
		}
	}
	s := newSite(t)
	s.online()
	for how, ask := range asks {
		if how != "head" && ask(s).whole(t) == want[how] {
			t.Errorf("%s: somebody who is shown cannot be told from somebody hidden: the test sees nothing", how)
		}
	}
}

// TestI1_AHiddenEMailAddressIsNotConfirmed: who may not know her address is told
// under it what he is told under nobody's, on every way.
func TestI1_AHiddenEMailAddressIsNotConfirmed(t *testing.T) {
	const hers, nobodys = "a.smith@corp.example", "x.smith@corp.example"
	for _, choice := range []engine.CellChoice{engine.CellByTable, engine.CellHidden} {
		s := newSite(t)
		s.withBob()
		s.apply(alice, engine.SetCell{Container: 200, Category: "email", Choice: choice})
		addr := s.listen()
		for way, ask := range map[string]func(name string) string{
			"get":   func(n string) string { return s.ask(bob, "GET", "/v1/presence/"+n, "").body },
			"list":  func(n string) string { return s.ask(bob, "POST", "/v1/presence", `{"users":["`+n+`"]}`).body },
			"graph": func(n string) string { return s.ask(bob, "GET", "/graph/v1.0/users/"+n+"/presence", "").body },
			"graph list": func(n string) string {
				return s.ask(bob, "POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":["`+n+`"]}`).body
			},
			"stream": func(n string) string { return s.open(addr, bob, "", n).next().data },
		} {
			under := func(name string) string { return strings.ReplaceAll(ask(name), name, "") }
			if same, hidden := under(hers) == under(nobodys), choice == engine.CellHidden; same != hidden {
				t.Errorf("%s, hidden %v: as under nobody's address: %v", way, hidden, same)
			}
			if under(alice) == under(nobodys) {
				t.Errorf("%s: under her JID she is not seen", way)
			}
		}
	}
}

func TestList_KeepsTheOrderAndItsLimit(t *testing.T) {
	s := newSite(t)
	s.online()
	names := make([]string, maxUsers)
	for i := range names {
		names[i] = fmt.Sprintf("u%d@example.org", i)
	}
	names[77], names[0], names[649] = alice, alice, "not an address/@@"
	ask, _ := json.Marshal(list{names})
	var got struct{ Users []answer.Presence }
	if err := json.Unmarshal([]byte(s.ask(bob, "POST", "/v1/presence", string(ask)).body), &got); err != nil {
		t.Fatal(err)
	}
	for i, p := range got.Users {
		want := 18500
		if names[i] == alice {
			want = 3500
		}
		if p.User != names[i] || p.Availability != want {
			t.Errorf("place %d: %+v", i, p)
		}
	}
	ask, _ = json.Marshal(list{append(names, alice)})
	if res := s.ask(bob, "POST", "/v1/presence", string(ask)); res.StatusCode != 400 {
		t.Errorf("one more: %d", res.StatusCode)
	}
	if got := s.ask(bob, "POST", "/v1/presence", `{"users":[]}`).body; got != `{"users":[]}` {
		t.Errorf("nobody: %s", got)
	}
}

func TestETag_ChangesWithTheAnswerAndTellsNothingElse(t *testing.T) {
	s := newSite(t)
	s.online()
	tag := func(as, path string) string { return s.ask(as, "GET", path, "").Header.Get("ETag") }
	const path = "/v1/presence/" + alice
	first := tag(fred, path)
	s.apply(alice, engine.SetNote{Text: "he may not see it"})
	if tag(fred, path) != first {
		t.Error("a hidden change shows in the ETag")
	}
	if res := s.ask(fred, "GET", path, "", "If-None-Match", `"x", W/`+first); res.StatusCode != http.StatusNotModified || res.body != "" {
		t.Errorf("If-None-Match: %d", res.StatusCode)
	}
	s.device(presence.ShowDND, false)
	if tag(fred, path) == first {
		t.Error("a change does not show in the ETag")
	}
	if res := s.ask(fred, "GET", path, "", "If-None-Match", first); res.StatusCode != 200 {
		t.Errorf("If-None-Match of an old answer: %d", res.StatusCode)
	}
	other := newSite(t)
	other.online()
	other.device(presence.ShowDND, false)
	other.key = [32]byte{2}
	if tag(fred, path) == other.ask(fred, "GET", path, "").Header.Get("ETag") {
		t.Error("the ETag does not depend on the key")
	}
	s.apply(bob, engine.Enable{})
	if tag(bob, "/v1/presence/nobody@example.org") == tag(fred, "/v1/presence/nobody@example.org") {
		t.Error("the ETag does not depend on the principal")
	}
}

func TestTokens_WhoMayAsk(t *testing.T) {
	s := newSite(t)
	s.online()
	const path = "/v1/presence/" + alice
	_, claims, err := s.o.Tokens.Create(t.Context(), token.Request{As: bob, Scopes: []token.Scope{token.Claims}, Life: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		header []string
		status int
		allow  string
	}{
		"no token":        {nil, 401, ""},
		"basic":           {[]string{"Authorization", "Basic Ym9iOng="}, 401, ""},
		"not a token":     {[]string{"Authorization", "Bearer x"}, 401, ""},
		"another scope":   {[]string{"Authorization", "Bearer " + claims}, 403, ""},
		"no page":         {[]string{"Authorization", "bearer " + s.tokens[bob]}, 200, ""},
		"its page":        {[]string{"Authorization", "Bearer " + s.tokens[bob], "Origin", page}, 200, page},
		"another page":    {[]string{"Authorization", "Bearer " + s.tokens[bob], "Origin", "https://evil.example"}, 403, ""},
		"a page of ours":  {[]string{"Authorization", "Bearer " + s.tokens[bob], "Origin", "https://example.com"}, 200, ""},
		"a file":          {[]string{"Authorization", "Bearer " + s.tokens[bob], "Origin", "null"}, 403, ""},
		"no page allowed": {[]string{"Authorization", "Bearer " + s.mint(bob), "Origin", page}, 403, ""},
	} {
		res := s.ask("", "GET", path, "", c.header...)
		if res.StatusCode != c.status || res.Header.Get("Access-Control-Allow-Origin") != c.allow {
			t.Errorf("%s: %d, allowed %q; want %d, %q", name, res.StatusCode, res.Header.Get("Access-Control-Allow-Origin"), c.status, c.allow)
		}
		if c.status == 401 && !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: no challenge", name)
		}
	}
	_, rest, _ := strings.Cut(s.tokens[bob], "_")
	id, _, _ := strings.Cut(rest, "_")
	if err := s.o.Tokens.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if res := s.ask(bob, "GET", path, ""); res.StatusCode != 401 {
		t.Errorf("revoked: %d", res.StatusCode)
	}
}

func TestPreflight_OnlyForPagesThatATokenNames(t *testing.T) {
	s := newSite(t)
	for origin, want := range map[string]int{page: 204, "https://evil.example": 403, "null": 403, "": 403} {
		res := s.ask("", "OPTIONS", "/v1/presence", "", "Origin", origin, "Access-Control-Request-Method", "POST")
		allowed := res.Header.Get("Access-Control-Allow-Origin")
		if res.StatusCode != want || (allowed == origin) != (want == 204) && allowed != "" {
			t.Errorf("%q: %d, allowed %q", origin, res.StatusCode, allowed)
		}
		if want == 204 && (!strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "Authorization") || !strings.Contains(res.Header.Get("Access-Control-Allow-Methods"), "POST")) {
			t.Errorf("allowed are %v", res.Header)
		}
	}
	if res := s.ask("", "OPTIONS", "/v1/presence/x", ""); res.StatusCode != 204 || res.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("plain OPTIONS: %d %v", res.StatusCode, res.Header)
	}
}

func TestRequests_ThatCannotBe(t *testing.T) {
	s := newSite(t)
	long := strings.Repeat("x", maxName+1)
	for _, c := range []struct {
		method, path, body string
		header             []string
		status             int
	}{
		{"GET", "/v1/nothing", "", nil, 404},
		{"PUT", "/v1/presence/x", "{}", nil, 405},
		{"GET", "/v1/presence", "", nil, 405},
		{"GET", "/v1/presence/" + long, "", nil, 400},
		{"GET", "/v1/presence/%ff@example.org", "", nil, 400},
		{"POST", "/v1/presence", "{", nil, 400},
		{"POST", "/v1/presence", `{"users":[""]}`, nil, 400},
		{"POST", "/v1/presence", `{"users":[1]}`, nil, 400},
		{"POST", "/v1/presence", `{"users":["` + long + `"]}`, nil, 400},
		{"POST", "/v1/presence", `{}`, []string{"Content-Type", "text/plain"}, 415},
		{"POST", "/v1/presence", `{"user":["alice@example.org"]}`, nil, 400},
		{"POST", "/v1/presence", `{"users":null}`, nil, 400},
		{"POST", "/graph/v1.0/communications/getPresencesByUserId", `{}`, nil, 400},
		{"POST", "/v1/presence", `{"users":["` + strings.Repeat("x", maxBody) + `"]}`, nil, 413},
		{"GET", "/v1/stream", "", nil, 400},
		{"GET", "/v1/stream?user=" + strings.Repeat("x&user=", maxFollowed+1), "", nil, 400},
		{"GET", "/v1/stream?user=" + long, "", nil, 400},
		{"POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":[null,""]}`, nil, 400},
		{"GET", "/openapi.yaml", "", nil, 200},
		{"HEAD", "/v1/stream?user=x@y", "", nil, 200},
	} {
		if res := s.ask(bob, c.method, c.path, c.body, c.header...); res.StatusCode != c.status {
			t.Errorf("%s %.40s %.40s: %d, want %d", c.method, c.path, c.body, res.StatusCode, c.status)
		}
	}
	for _, odd := range []string{"alice%2Fdesk@example.org", "%40", "a@b@c", "alice%00@example.org", "%2F", "%2e%2e%2fx"} {
		if res := s.ask(bob, "GET", "/v1/presence/"+odd, ""); res.StatusCode >= 500 {
			t.Errorf("%s: %d", odd, res.StatusCode)
		}
	}
}

func TestPace_ATokenThatAsksTooFastIsToldWhenToGoOn(t *testing.T) {
	s := newSite(t)
	s.o.Tokens = newKeep(10, 20)
	s.tokens[bob], s.tokens[fred] = s.mint(bob), s.mint(fred)
	twenty := `{"users":[` + strings.Repeat(`"x@y",`, 19) + `"x@y"]}`
	if res := s.ask(bob, "POST", "/v1/presence", twenty); res.StatusCode != 200 {
		t.Fatalf("the burst: %d", res.StatusCode)
	}
	for _, try := range [][3]string{
		{"POST", "/v1/presence", twenty}, {"POST", "/graph/v1.0/communications/getPresencesByUserId", strings.Replace(twenty, "users", "ids", 1)},
		{"GET", "/v1/stream?" + strings.Repeat("user=x@y&", 20), ""},
	} {
		res := s.ask(bob, try[0], try[1], try[2])
		if res.StatusCode != 429 || res.Header.Get("Retry-After") != "2" {
			t.Errorf("%s: %d, Retry-After %q", try[1], res.StatusCode, res.Header.Get("Retry-After"))
		}
	}
	if res := s.ask(fred, "GET", "/v1/presence/"+alice, ""); res.StatusCode != 200 {
		t.Errorf("somebody else: %d", res.StatusCode)
	}
}

func TestReady_UntilThenNothingIsAnswered(t *testing.T) {
	s := newSite(t)
	s.o.Ready = func() bool { return false }
	s.o.Door = nil
	for _, as := range []string{bob, ""} {
		if res := s.ask(as, "GET", "/v1/presence/"+alice, ""); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
	}
}

func TestGraph_SpeaksItsWords(t *testing.T) {
	for _, c := range []struct {
		a        presence.Availability
		activity presence.Activity
		want     string
	}{
		{3500, "", "Available/Available"}, {3500, presence.FreeForChat, "Available/Available"}, {5000, "", "AvailableIdle/Inactive"},
		{6500, presence.InAMeeting, "Busy/InAMeeting"}, {6500, presence.OnThePhone, "Busy/InACall"}, {7000, presence.InAConf, "Busy/InAConferenceCall"},
		{6900, presence.UrgentOnlyA, "Busy/UrgentInterruptionsOnly"}, {6500, "in-the-lab", "Busy/Busy"}, {7500, "", "BusyIdle/Inactive"},
		{9500, presence.Presenting, "DoNotDisturb/Presenting"}, {12500, "", "BeRightBack/BeRightBack"},
		{15500, presence.OffWork, "Away/OffWork"}, {15500, presence.ExtendedAway, "Away/Away"}, {18500, presence.OutOfOfficeA, "Offline/OutOfOffice"},
		{18500, "", "Offline/Offline"}, {0, "", "Offline/Offline"},
	} {
		v := presence.View{Availability: c.a, Activity: c.activity}
		p := graphOf("x", &v)
		if got := p.Availability + "/" + p.Activity; got != c.want {
			t.Errorf("%d %s: %s, want %s", c.a, c.activity, got, c.want)
		}
	}
	s := newSite(t)
	s.online()
	s.apply(alice, engine.SetNote{Text: "Room 412"})
	want := `{"id":"` + alice + `","availability":"Available","activity":"Available","statusMessage":{"message":{"content":"Room 412","contentType":"text"}}}`
	if got := s.ask(bob, "GET", "/graph/v1.0/users/"+alice+"/presence", "").body; got != want {
		t.Errorf("got %s", got)
	}
	if got := s.ask(bob, "POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":["`+alice+`"]}`).body; got != `{"value":[`+want+`]}` {
		t.Errorf("got %s", got)
	}
}
