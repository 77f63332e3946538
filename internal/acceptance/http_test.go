//go:build integration

package acceptance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// token makes a token for a user with the command line.
func (s *site) token(as string) string {
	s.Helper()
	res, err := s.d.Run(s.Context(), "token", "create", "--as", as, "--expires", "1d", "--json")
	s.must(err)
	var made struct{ ID, Token string }
	if err := json.Unmarshal([]byte(res.Stdout), &made); err != nil || made.Token == "" {
		s.Fatalf("token create: %v: %s%s", err, res.Stdout, res.Stderr)
	}
	return made.Token
}

// open asks the HTTP listener; the end of the test closes the answer.
func (s *site) open(token, path string) (status int, head http.Header, body io.Reader) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://"+s.d.HTTPAddr+path, nil)
	s.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	s.must(err)
	s.Cleanup(func() { _ = res.Body.Close() })
	return res.StatusCode, res.Header, res.Body
}

// told is everything an answer may tell, the user's name and the clock aside.
func (s *site) told(token, path, user string) string {
	s.Helper()
	status, head, body := s.open(token, path)
	text, err := io.ReadAll(body)
	s.must(err)
	head.Del("Date")
	head.Del("Etag") // of the answer with the name in it
	var b strings.Builder
	s.must(head.Write(&b))
	return strings.ReplaceAll(fmt.Sprintf("%d\n%s\n%s", status, b.String(), text), user, "USER!")
}

// badge gives a user a badge with the command line.
func (s *site) badge(of *testbed.Client) string {
	s.Helper()
	res, err := s.d.Run(s.Context(), "user", "badge", of.Bare(), "on", "--json")
	s.must(err)
	var badge struct{ Handle string }
	s.must(json.Unmarshal([]byte(res.Stdout), &badge))
	return badge.Handle
}

// until reads a stream to the line with what.
func (s *site) until(stream *bufio.Reader, what string) {
	s.Helper()
	for line := ""; !strings.Contains(line, what); {
		var err error
		line, err = stream.ReadString('\n')
		s.must(err)
	}
}

// TestHTTP_TellsWhatAWatcherSees names I2 and "HTTP": a token asks as its
// principal, blocked and offline and unknown are one answer, and the stream and
// the badge follow.
func TestHTTP_TellsWhatAWatcherSees(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		alice, carol, bob := s.login("alice", "desk"), s.login("carol", "desk"), s.login("bob", "home")
		s.enable(alice)
		s.enable(carol)
		s.watch(bob, "alice")
		s.watch(bob, "carol")
		s.sees(bob, "alice", "online 3500", converge)
		text := s.token(bob.Bare())
		says := func(user, what string) {
			s.Helper()
			if got := s.told(text, "/v1/presence/"+user, user); !strings.Contains(got, what) {
				s.Errorf("%s: %s, want %s", user, got, what)
			}
		}
		says(alice.Bare(), `"availability":3500`)
		says(mirrorOf("alice"), `"availability":3500`)

		_, _, body := s.open(text, "/v1/stream?user="+alice.Bare())
		stream := bufio.NewReader(body)
		until := func(what string) { s.Helper(); s.until(stream, what) }
		until(`"availability":3500`)
		s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"}))
		until(`"availability":9500`)
		says(alice.Bare(), `"show":"dnd"`)
		if got := s.told("", "/badge/"+s.badge(alice)+".txt", "?"); !strings.HasSuffix(got, "\nDo not disturb\n") {
			s.Errorf("the badge shows %s", got)
		}

		s.must(carol.Close())
		s.sees(bob, "carol", "offline", converge)
		s.run(alice, "block", "jid", bob.Bare())
		s.sees(bob, "alice", "offline", converge)
		until(`"availability":18500`)
		hidden := s.told(text, "/v1/presence/"+alice.Bare(), alice.Bare())
		for _, other := range []string{carol.Bare(), "nobod@" + testbed.DomainOf(alice.Bare())} {
			if got := s.told(text, "/v1/presence/"+other, other); got != hidden {
				s.Errorf("%s:\n%s\nblocked:\n%s", other, got, hidden)
			}
		}
		if got := s.told("presenced_no", "/v1/presence/"+alice.Bare(), "?"); !strings.HasPrefix(got, "401\n") {
			s.Errorf("without a token: %s", got)
		}
	})
}
