package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

const (
	robot = "robot@bots.example"
	pbx   = "pbx@phones.example"
)

// claimant mints a token that may claim and no more.
func (s *site) claimant(as string) string {
	s.Helper()
	_, text, err := s.o.Tokens.Create(s.Context(), token.Request{As: as, Scopes: []token.Scope{token.Claims}, Life: time.Hour}, time.Now())
	if err != nil {
		s.Fatal(err)
	}
	key := as + " claims"
	s.tokens[key] = text
	return key
}

func (s *site) number(user string) (n int, activity string) {
	s.Helper()
	v := s.e.Look(s.Context(), engine.Principal{Operator: true}, []presence.Addr{presence.MustAddr(user)})[0]
	return int(v.Availability), string(v.Activity)
}

const (
	aCall     = `{"availability":6500,"activity":"on-the-phone","lease":600}`
	ofAlice   = "/v1/users/alice@example.org/claims/call%2017"
	ofGhost   = "/v1/users/ghost@example.org/claims/call%2017"
	ofElsewho = "/v1/users/x@elsewhere.example/claims/call%2017"
)

func TestClaims_PutAndDelete(t *testing.T) {
	s := newSite(t)
	s.online()
	me := s.claimant(alice)
	r := s.ask(me, "PUT", ofAlice, aCall)
	var got claimed
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.StatusCode != 200 || got.ID != "call 17" {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if end, err := time.Parse(time.RFC3339, got.Expires); err != nil || time.Until(end) < 590*time.Second || time.Until(end) > 600*time.Second {
		t.Errorf("expires %s", got.Expires)
	}
	if n, a := s.number(alice); n != 6500 || a != "on-the-phone" {
		t.Errorf("shown %d %s", n, a)
	}
	for range 2 {
		if r := s.ask(me, "DELETE", ofAlice, ""); r.StatusCode != 204 || r.body != "" {
			t.Errorf("delete: %d %s", r.StatusCode, r.body)
		}
	}
	if n, _ := s.number(alice); n != 3500 {
		t.Errorf("after it %d", n)
	}
}

func TestClaims_TheScopeDecides(t *testing.T) {
	s := newSite(t)
	s.online()
	for _, as := range []string{"", alice, bob} { // without a token, and with the scope read
		if r := s.ask(as, "PUT", ofAlice, aCall); r.StatusCode != 401 && r.StatusCode != 403 {
			t.Errorf("%q: %d", as, r.StatusCode)
		}
	}
	if r := s.ask(s.claimant(alice), "GET", "/v1/presence/alice@example.org", ""); r.StatusCode != 403 {
		t.Errorf("a token for claims reads: %d", r.StatusCode)
	}
	if n, _ := s.number(alice); n != 3500 {
		t.Errorf("claimed: %d", n)
	}
}

// TestClaims_RefusedAlike: who may not claim cannot tell who is there (I2).
func TestClaims_RefusedAlike(t *testing.T) {
	s := newSite(t)
	s.online()
	s.apply(alice, engine.Block{JID: zed})
	var first string
	for _, as := range []string{s.claimant(bob), s.claimant(zed), s.claimant(robot)} {
		for _, path := range []string{ofAlice, ofGhost, ofElsewho, strings.Replace(ofAlice, "alice@example.org", "a.smith@corp.example", 1)} {
			for _, method := range []string{"PUT", "DELETE"} {
				body := aCall
				if method == "DELETE" {
					body = ""
				}
				r := s.ask(as, method, path, body)
				if first == "" {
					first = r.whole(t)
				}
				if r.StatusCode != 403 || r.whole(t) != first {
					t.Errorf("%s %s %s: %s", as, method, path, r.whole(t))
				}
			}
		}
	}
	s.apply(alice, engine.AllowApp{JID: robot})
	if r := s.ask(robot+" claims", "PUT", ofAlice, aCall); r.StatusCode != 200 {
		t.Errorf("an app she allowed: %d %s", r.StatusCode, r.body)
	}
	if r := s.ask(robot+" claims", "PUT", ofGhost, aCall); r.whole(t) != first {
		t.Errorf("and for somebody else: %s", r.whole(t))
	}
}

func TestClaims_BadInput(t *testing.T) {
	s := newSite(t)
	s.online()
	me := s.claimant(alice)
	for name, c := range map[string]struct {
		path, body, field string
		status            int
	}{
		"no body":         {ofAlice, "", "", 415},
		"no JSON":         {ofAlice, "{", "", 400},
		"a list":          {ofAlice, "[]", "", 400},
		"no number":       {ofAlice, "{}", "availability", 400},
		"a negative one":  {ofAlice, `{"availability":-1}`, "", 400},
		"a huge one":      {ofAlice, `{"availability":70000}`, "", 400},
		"offline":         {ofAlice, `{"availability":18000}`, "availability", 400},
		"a long lease":    {ofAlice, `{"availability":6500,"lease":14401}`, "lease", 400},
		"an endless one":  {ofAlice, `{"availability":6500,"lease":9223372036854775807}`, "lease", 400},
		"a negative time": {ofAlice, `{"availability":6500,"lease":-300}`, "lease", 400},
		"an odd word":     {ofAlice, `{"availability":6500,"activity":"\u0000<x>"}`, "activity", 400},
		"no device":       {ofAlice, `{"availability":6500,"resource":"phone"}`, "resource", 400},
		"a long id":       {"/v1/users/alice@example.org/claims/" + strings.Repeat("x", 257), aCall, "id", 400},
		"a huge body":     {ofAlice, `{"activity":"` + strings.Repeat("x", maxBody) + `"}`, "", 413},
	} {
		r := s.ask(me, "PUT", c.path, c.body)
		var p struct{ Field, Detail string }
		if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.StatusCode != c.status || p.Field != c.field || p.Detail == "" {
			t.Errorf("%s: %d %s", name, r.StatusCode, r.body)
		}
	}
	if r := s.ask(me, http.MethodPost, ofAlice, aCall); r.StatusCode != 405 || r.Header.Get("Allow") != "DELETE, PUT, OPTIONS" {
		t.Errorf("POST: %d %q", r.StatusCode, r.Header.Get("Allow"))
	}
	if n, _ := s.number(alice); n != 3500 {
		t.Errorf("claimed: %d", n)
	}
	for i := range 70 {
		r := s.ask(me, "PUT", "/v1/users/alice@example.org/claims/"+strings.Repeat("x", i+1), aCall)
		if want := 200; i < 64 && r.StatusCode != want || i >= 64 && r.StatusCode != 409 {
			t.Errorf("claim %d: %d %s", i+1, r.StatusCode, r.body)
		}
	}
	if r := s.ask(s.claimant("ghost@example.org"), "PUT", ofGhost, aCall); r.StatusCode != 404 {
		t.Errorf("for herself, not enabled: %d", r.StatusCode)
	}
}

// TestClaims_OfTheOperatorsApp: it is answered alike whether there is such a user.
func TestClaims_OfTheOperatorsApp(t *testing.T) {
	s := newSite(t)
	s.online()
	s.listApp(pbx)
	app := s.claimant(pbx)
	there, ghost := s.ask(app, "PUT", ofAlice, aCall), s.ask(app, "PUT", ofGhost, aCall)
	if there.StatusCode != 200 || ghost.StatusCode != 200 || len(there.body) != len(ghost.body) {
		t.Errorf("%s\n%s", there.whole(t), ghost.whole(t))
	}
	if n, _ := s.number(alice); n != 6500 {
		t.Errorf("shown %d", n)
	}
	if r := s.ask(app, "DELETE", ofGhost, ""); r.StatusCode != 204 {
		t.Errorf("release: %d", r.StatusCode)
	}
}
