//go:build integration

package acceptance

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// portrait begins as a PNG does; nobody here looks at the rest.
const portrait = "\x89PNG\r\n\x1a\nportrait"

// people is a configuration with a directory of these users, where everything that
// may be shown of a person is.
func people(t *testing.T, users ...string) map[string]any {
	t.Helper()
	dir := t.TempDir()
	csv := "jid,name,email,title,company,office,workPhone,mobilePhone,homePhone,otherPhone,photo\n"
	for _, u := range users {
		csv += fmt.Sprintf("%s@%s,The %s,%s@corp.example,Auditor,Corp,2.14,+49 1,+49 2,+49 3,+49 4,portrait.png\n", u, host, u, u)
	}
	for name, data := range map[string]string{"people.csv": csv, "portrait.png": portrait} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]any{
		"directory": map[string]any{"file": filepath.Join(dir, "people.csv")},
		"policy":    map[string]any{"last_active": "exact"},
	}
}

// ask returns the answer to a get, be it a result or an error.
func (s *site) ask(c *testbed.Client, to, payload string) testbed.Stanza {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), converge)
	defer cancel()
	st, err := c.IQ(ctx, "get", to, payload)
	if err != nil && st.Raw == "" {
		s.Fatalf("%s asks %s for %s: %v\n%s", c.JID, to, payload, err, s.d.LogTail())
	}
	return st
}

// holds fails unless a text holds all of has and none of lacks.
func (s *site) holds(what, text string, has, lacks []string) {
	s.Helper()
	for _, one := range has {
		if !strings.Contains(text, one) {
			s.Errorf("%s lacks %s:\n%s", what, one, text)
		}
	}
	for _, one := range lacks {
		if strings.Contains(text, one) {
			s.Errorf("%s shows %s:\n%s", what, one, text)
		}
	}
}

// TestS3_ProfileByContainer names S3 and S14: each watcher reads of her profile what
// his container shows, in the query and in the vCard alike.
func TestS3_ProfileByContainer(t *testing.T) {
	everywhere(t, people(t, "alice"), func(s *site) {
		alice := s.login("alice", "desk")
		s.enable(alice)
		s.run(alice, "profile", "timezone", "Europe/Berlin", "hours", "Mo-Su 00:00-24:00", "location", "Room 4")
		s.run(alice, "levels", "action", "put", "type", "user", "value", "bob@"+host, "container", "100")
		s.run(alice, "levels", "action", "put", "type", "user", "value", "carol@"+host, "container", "400")
		s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"}))
		bob, carol, dave := s.login("bob", "home"), s.login("carol", "home"), s.login("dave", "home")
		s.watch(dave, "alice")
		s.sees(dave, "alice", "dnd 9500", converge)

		external := []string{"The alice", "alice@corp.example", "Auditor", "Corp"}
		colleague := []string{"2.14", "+49 1", "Room 4"}
		only := []string{"Europe/Berlin", "Mo-Su 00:00-24:00"} // in the query: a vCard has no place for it
		photo := "<BINVAL>" + base64.StdEncoding.EncodeToString([]byte(portrait)) + "</BINVAL>"
		friend := []string{"+49 2", "+49 3", "+49 4"}
		for _, w := range []struct {
			c           *testbed.Client
			level       string
			has, hasNot []string
		}{
			{bob, "External", external, append(append([]string{}, colleague...), friend...)},
			{dave, "Colleagues", append(append([]string{}, external...), colleague...), friend},
			{carol, "Friends", append(append(append([]string{}, external...), colleague...), friend...), nil},
		} {
			card := s.ask(w.c, mirrorOf("alice"), "<vCard xmlns='vcard-temp'/>").Raw
			s.holds("the card for "+w.level, card, append([]string{photo}, w.has...), w.hasNot)
			query := s.ask(w.c, mirrorOf("alice"), "<query xmlns='urn:presenced:1'/>").Raw
			if w.level == "External" {
				s.holds("the query for "+w.level, query, w.has, append(only, w.hasNot...))
			} else {
				s.holds("the query for "+w.level, query, append(only, w.has...), w.hasNot)
			}
			email := s.ask(w.c, component, "<query xmlns='urn:presenced:1'><presence email='ALICE@corp.example'/></query>").Raw
			s.holds("the query by e-mail for "+w.level, email, append([]string{"9500"}, w.has...), append([]string{"alice@" + host}, w.hasNot...))
		}
	})
}

// secondsOf reads the answer of XEP-0012; -1 for an error.
func secondsOf(st testbed.Stanza) int {
	if st.Type != "result" || len(st.Root.Children) != 1 {
		return -1
	}
	n, err := strconv.Atoi(st.Root.Children[0].Attr("seconds"))
	if err != nil {
		return -1
	}
	return n
}

// TestS9_LastActivityByContainer names S9, XEP-0012 and XEP-0355: of her mirror, and
// of herself where her server delegates that, a watcher learns her last activity
// where his container shows it, and otherwise what anybody learns of nobody.
func TestS9_LastActivityByContainer(t *testing.T) {
	const lastQuery = "<query xmlns='jabber:iq:last'/>"
	everywhere(t, people(t, "alice"), func(s *site) {
		alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
		s.enable(alice)
		s.run(alice, "levels", "action", "put", "type", "user", "value", "carol@"+host, "container", "100")
		s.watch(bob, "alice")
		s.must(alice.Presence(testbed.PresenceOptions{Show: "away", IdleSince: time.Now().Add(-2 * time.Hour)}))
		s.sees(bob, "alice", "away 15500", converge)

		told := func(who string, st testbed.Stanza, from string) {
			t := secondsOf(st)
			if t < 7200 || t > 7300 || st.From != from {
				s.Errorf("%s learns %d seconds from %s, want about 7200 from %s: %s", who, t, st.From, from, st.Raw)
			}
		}
		refused := func(who string, st testbed.Stanza) {
			if st.Type != "error" || !strings.Contains(st.Raw, "service-unavailable") || strings.Contains(st.Raw, "seconds") {
				s.Errorf("%s is answered %s", who, st.Raw)
			}
		}
		told("bob, of the mirror,", s.ask(bob, mirrorOf("alice"), lastQuery), mirrorOf("alice"))
		refused("carol, of the mirror,", s.ask(carol, mirrorOf("alice"), lastQuery))
		if s.privileged {
			told("bob", s.ask(bob, "alice@"+host, lastQuery), "alice@"+host)
			told("alice, of herself,", s.ask(alice, "alice@"+host, lastQuery), "alice@"+host)
			if own := s.ask(alice, "", lastQuery); secondsOf(own) < 7200 {
				s.Errorf("alice, naming nobody, is answered %s", own.Raw)
			}
			refused("carol", s.ask(carol, "alice@"+host, lastQuery))
			refused("bob, of nobody,", s.ask(bob, "nobody@"+host, lastQuery))
			refused("bob, of somebody who is not enabled,", s.ask(bob, "dave@"+host, lastQuery))
			refused("bob, of the server,", s.ask(bob, host, lastQuery))
			s.run(alice, "block", "jid", bob.Bare())
			refused("bob, blocked,", s.ask(bob, "alice@"+host, lastQuery))
		}
	})
}

// TestCard_OfTheServer: her own vCard is shown by container, on every server, with
// its photo; a hidden user's is that of nobody.
func TestCard_OfTheServer(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
		photo := base64.StdEncoding.EncodeToString([]byte(portrait))
		_, err := alice.IQ(s.Context(), "set", "", "<vCard xmlns='vcard-temp'><FN>Alice Adams</FN><TITLE>Auditor</TITLE>"+
			"<TEL><HOME/><VOICE/><NUMBER>+49 3</NUMBER></TEL><TEL><WORK/><VOICE/><NUMBER>+49 1</NUMBER></TEL>"+
			"<PHOTO><TYPE>image/png</TYPE><BINVAL>"+photo+"</BINVAL></PHOTO></vCard>")
		s.must(err)
		s.enable(alice)
		s.run(alice, "levels", "action", "put", "type", "user", "value", "carol@"+host, "container", "32000")
		const cardQuery = "<vCard xmlns='vcard-temp'/>"
		limit := time.Now().Add(2 * converge) // it is read within 10 s of the enrolment
		for {
			card := s.ask(bob, mirrorOf("alice"), cardQuery).Raw
			if strings.Contains(card, "Alice Adams") {
				s.holds("the card for a colleague", card, []string{"Auditor", "+49 1", photo}, []string{"+49 3"})
				break
			}
			if time.Now().After(limit) {
				s.Fatalf("the card is still %s\n%s", card, s.d.LogTail())
			}
			time.Sleep(100 * time.Millisecond) // the pause of a poll
		}
		hidden, nobody := s.ask(carol, mirrorOf("alice"), cardQuery).Raw, s.ask(carol, mirrorOf("nobody"), cardQuery).Raw
		if a, b := ids.ReplaceAllString(strings.ReplaceAll(hidden, "alice", "USER"), ""), ids.ReplaceAllString(strings.ReplaceAll(nobody, "nobody", "USER"), ""); a != b {
			s.Errorf("hidden %s\nnobody %s", a, b)
		}
	})
}
