package web

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// clerk is an Auditor that notes who asks for whom, and by which way.
type clerk struct {
	mu    sync.Mutex
	lines []string
}

func (c *clerk) note(who engine.Principal, user presence.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf("%s %s by %s", who.Addr, user, who.Way))
}

func (c *clerk) Looked(who engine.Principal, users []presence.Addr, _ []presence.View) {
	for _, u := range users {
		c.note(who, u)
	}
}

func (c *clerk) Noted(d engine.Deed) { c.note(d.Who, d.User) }

func (c *clerk) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.lines, want) {
		t.Errorf("%s: told %q, want %q", what, c.lines, want)
	}
	c.lines = nil
}

// TestAudit_EachRouteIsToldByItsName: whoever asks by whichever route is told to the
// auditor, as the principal of the token; who may not ask is not.
func TestAudit_EachRouteIsToldByItsName(t *testing.T) {
	s := newSite(t)
	s.online()
	s.apply(alice, engine.SetBadge{On: true})
	handle, err := s.e.BadgeOf(t.Context(), engine.Principal{Operator: true}, presence.MustAddr(alice))
	if err != nil {
		t.Fatal(err)
	}
	c := &clerk{}
	s.e.SetAuditor(c)
	told := func(way string) string { return bob + " " + alice + " by " + way }
	s.ask(bob, "GET", "/v1/presence/"+alice, "")
	c.expect(t, "one", told("http"))
	s.ask(bob, "GET", "/v1/presence/a.smith@corp.example", "")
	c.expect(t, "by e-mail", told("http"))
	s.ask(bob, "POST", "/v1/presence", `{"users":["`+alice+`","`+zed+`"]}`)
	c.expect(t, "many", told("http"), bob+" "+zed+" by http")
	s.ask(bob, "GET", "/graph/v1.0/users/"+alice+"/presence", "")
	s.ask(bob, "POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":["`+alice+`"]}`)
	c.expect(t, "Graph", told("graph"), told("graph"))
	s.ask("", "GET", "/badge/"+handle+".svg", "")
	c.expect(t, "a badge", "anonymous.invalid "+alice+" by badge")
	s.ask("", "GET", "/v1/presence/"+alice, "")
	c.expect(t, "without a token")

	addr := s.listen()
	stream := s.open(addr, bob, "", alice)
	stream.next()
	c.expect(t, "a stream", told("stream"))
	s.device(presence.ShowDND, false)
	stream.next()
	c.expect(t, "what a stream tells")
}
