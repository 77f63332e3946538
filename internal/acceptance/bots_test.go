//go:build integration

package acceptance

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// chats writes to the component and returns what it answers.
func (s *site) chats(c *testbed.Client, words string) string {
	s.Helper()
	return s.writesTo(c, `<body>`+words+`</body>`)
}

func (s *site) writesTo(c *testbed.Client, inside string) (answer string) {
	s.Helper()
	mark := c.Mark()
	s.must(c.Send(`<message type='chat' to='` + component + `'>` + inside + `</message>`))
	s.within(converge, "an answer in the chat", func(ctx context.Context) error {
		st, err := c.WaitAfter(ctx, mark, func(st testbed.Stanza) bool { return st.Kind == "message" && st.From == component })
		answer = st.Raw
		return err
	})
	return answer
}

// claims asks over HTTP and returns the status.
func (s *site) claims(token, method, user, body string) (int, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, "http://"+s.d.HTTPAddr+"/v1/users/"+user+"/claims/call", strings.NewReader(body))
	s.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	s.must(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	return res.StatusCode, string(text)
}

// claimToken makes a token that may claim.
func (s *site) claimToken(as string) string {
	s.Helper()
	res, err := s.d.Run(s.Context(), "token", "create", "--as", as, "--scope", "claims", "--expires", "1d", "--json")
	s.must(err)
	var made struct{ Token string }
	s.must(json.Unmarshal([]byte(res.Stdout), &made))
	return made.Token
}

// TestBots_ClaimAndChat names S5.2 and the chat of PRODUCT: an app claims once she
// has said in a chat that it may, by HTTP and by IQ, and the claim outlives a
// restart of the daemon.
func TestBots_ClaimAndChat(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		alice, bob := s.login("alice", "desk"), s.login("bob", "home")
		s.enable(alice)
		s.watch(bob, "alice")
		s.sees(bob, "alice", "online 3500", converge)

		if got := s.chats(alice, "dnd 2h"); !strings.Contains(got, "Do not disturb") {
			s.Errorf("dnd 2h: %s", got)
		}
		s.sees(bob, "alice", "dnd 9500", converge)
		s.chats(alice, "clear")
		s.sees(bob, "alice", "online 3500", converge)
		if got := s.writesTo(alice, `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>eA==</payload></encrypted><body>secret</body>`); !strings.Contains(got, "encrypted messages") {
			s.Errorf("OMEMO: %s", got)
		}

		s.claimedOverHTTP(alice, bob)
		s.claimedByIQ(alice, bob)
	})
}

// claimedOverHTTP has an app refused, allowed, and its claim kept over a restart.
func (s *site) claimedOverHTTP(alice, bob *testbed.Client) {
	s.Helper()
	const call = `{"availability":6500,"activity":"on-the-phone","lease":3600}`
	phones := s.claimToken("phones@apps.example")
	refused, why := s.claims(phones, "PUT", alice.Bare(), call)
	if ghost, same := s.claims(phones, "PUT", "nobod@"+host, call); refused != http.StatusForbidden || ghost != refused || same != why {
		s.Errorf("not allowed: %d %s; nobody: %d %s", refused, why, ghost, same)
	}
	if got := s.chats(alice, "app phones@apps.example"); !strings.Contains(got, "may set your state") {
		s.Errorf("app: %s", got)
	}
	if status, text := s.claims(phones, "PUT", alice.Bare(), call); status != http.StatusOK {
		s.Errorf("allowed: %d %s", status, text)
	}
	s.sees(bob, "alice", "dnd 6500 on-the-phone", converge)

	s.must(s.d.Stop())
	s.must(s.d.Start(s.Context()))
	s.within(converge*3, "ready again", s.d.WaitReady)
	if st, err := bob.IQ(s.Context(), "get", mirrorOf("alice"), `<query xmlns='urn:presenced:1'/>`); err != nil || !strings.Contains(st.Raw, "on-the-phone") {
		s.Errorf("after a restart: %v %s", err, st.Raw)
	}
	if status, text := s.claims(phones, "DELETE", alice.Bare(), ""); status != http.StatusNoContent {
		s.Errorf("released: %d %s", status, text)
	}
	s.sees(bob, "alice", "online 3500", converge)

}

// claimedByIQ has her claim for herself, and nobody else release that.
func (s *site) claimedByIQ(alice, bob *testbed.Client) {
	s.Helper()
	_, err := alice.IQ(s.Context(), "set", component, `<claim xmlns='urn:presenced:1' id='x' availability='7000' activity='in-a-conference'/>`)
	s.must(err)
	s.sees(bob, "alice", "dnd 7000 in-a-conference", converge)
	if _, err := bob.IQ(s.Context(), "set", mirrorOf("alice"), `<release xmlns='urn:presenced:1' id='x'/>`); err == nil || !strings.Contains(err.Error(), "forbidden") {
		s.Errorf("bob released her claim: %v", err)
	}
	_, err = alice.IQ(s.Context(), "set", component, `<release xmlns='urn:presenced:1' id='x'/>`)
	s.must(err)
	s.sees(bob, "alice", "online 3500", converge)
}
