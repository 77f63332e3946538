//go:build integration

package acceptance

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// run executes an ad-hoc command in one step.
func (s *site) run(c *testbed.Client, node string, fields ...string) {
	s.Helper()
	answer := s.try(c, node, fields...)
	if !strings.Contains(answer, `status='completed'`) && !strings.Contains(answer, `status="completed"`) ||
		strings.Contains(answer, `type='error'`) || strings.Contains(answer, `type="error"`) {
		s.Fatalf("command %s: %s", node, answer)
	}
}

// try runs a command like run and returns the answer, whatever it is.
func (s *site) try(c *testbed.Client, node string, fields ...string) string {
	s.Helper()
	var form strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&form, "<field var='%s'><value>%s</value></field>", fields[i], testbed.Escape(fields[i+1]))
	}
	st, err := c.IQ(s.Context(), "set", component, fmt.Sprintf(
		`<command xmlns='http://jabber.org/protocol/commands' node='%s' action='execute'><x xmlns='jabber:x:data' type='submit'>%s</x></command>`, node, form.String()))
	s.must(err)
	return st.Raw
}

// questions is every path a watcher can ask on, by name; %s is the mirror, or who
// is named in its place: the component, asked for USER, or USER herself. A server
// that does not delegate answers the last of these on its own.
var questions = []struct{ name, stanza string }{
	{"query", `<iq type='get' id='ID' to='%s'><query xmlns='urn:presenced:1'/></iq>`},
	{"vcard", `<iq type='get' id='ID' to='%s'><vCard xmlns='vcard-temp'/></iq>`},
	{"last", `<iq type='get' id='ID' to='%s'><query xmlns='jabber:iq:last'/></iq>`},
	{"info", `<iq type='get' id='ID' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`},
	{"items", `<iq type='get' id='ID' to='%s'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`},
	{"commands", `<iq type='get' id='ID' to='%s'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`},
	{"ping", `<iq type='get' id='ID' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>`},
	{"version", `<iq type='get' id='ID' to='%s'><query xmlns='jabber:iq:version'/></iq>`},
	{"time", `<iq type='get' id='ID' to='%s'><time xmlns='urn:xmpp:time'/></iq>`},
	{"register", `<iq type='get' id='ID' to='%s'><query xmlns='jabber:iq:register'/></iq>`},
	{"set", `<iq type='set' id='ID' to='%s'><x xmlns='urn:example:x'/></iq>`},
	{"command", `<iq type='set' id='ID' to='%s'><command xmlns='http://jabber.org/protocol/commands' node='levels' action='execute'/></iq>`},
	{"unregister", `<iq type='set' id='ID' to='%s'><query xmlns='jabber:iq:register'><remove/></query></iq>`},
	{"message", `<message type='chat' id='ID' to='%s'><body>hello</body></message>`},
	{"chat state", `<message type='chat' id='ID' to='%s'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`},
	{"headline", `<message type='headline' id='ID' to='%s'><body>hello</body></message>`},
	{"available", `<presence to='%s'/>`},
	{"unavailable", `<presence type='unavailable' to='%s'/>`},
	{"subscribed", `<presence type='subscribed' to='%s'/>`},
	{"unsubscribed", `<presence type='unsubscribed' to='%s'/>`},
	// A bounce silences its pair until the probe that follows (S14).
	{"error", `<presence type='error' to='%s'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`},
	{"probe", `<presence type='probe' to='%s'/>`},
	{"batch", `<iq type='get' id='ID' to='COMPONENT'><query xmlns='urn:presenced:1'><presence jid='USER@HOST'/><presence jid='%s'/></query></iq>`},
	{"email", `<iq type='get' id='ID' to='COMPONENT'><query xmlns='urn:presenced:1'><presence email='USER@corp.example'/></query></iq>`},
	{"delegated", `<iq type='get' id='ID' to='USER@HOST'><query xmlns='jabber:iq:last'/></iq>`},
}

// asked fills in a question about a user and tells who answers it.
func asked(q, user string) (stanza, from string) {
	if strings.Contains(q, "%s") {
		q = fmt.Sprintf(q, mirrorOf(user))
	}
	q = strings.NewReplacer("COMPONENT", component, "USER", user, "HOST", host).Replace(q)
	_, to, _ := strings.Cut(q, " to='")
	from, _, _ = strings.Cut(to, "'")
	return q, from
}

var ids = regexp.MustCompile(`\bid=('[^']*'|"[^"]*")`)

// answers asks everything about a user and returns what came from her mirror,
// ids and her name aside.
func (s *site) answers(c *testbed.Client, user string) map[string]string {
	s.Helper()
	out := map[string]string{}
	for _, q := range questions {
		if q.name == "delegated" && !s.privileged {
			continue
		}
		mark, id := c.Mark(), "q-"+q.name
		stanza, from := asked(q.stanza, user)
		s.must(c.Send(strings.Replace(stanza, "'ID'", "'"+id+"'", 1)))
		if strings.HasPrefix(stanza, "<iq") { // every one of them is answered
			s.within(converge, "the answer to "+stanza, func(ctx context.Context) error {
				_, err := c.WaitAfter(ctx, mark, func(st testbed.Stanza) bool { return st.Kind == "iq" && st.ID == id })
				return err
			})
		}
		// The component answers one asker's questions in order, so what it had to
		// say to this one is there when it has answered a later ping.
		s.must(testbed.Barrier(s.Context(), mirrorOf(user), c))
		var got []string
		for _, st := range c.Since(mark) {
			if testbed.Bare(st.From) == from && !strings.Contains(st.ID, "ping") && !isBarrier(st) {
				raw := ids.ReplaceAllString(st.Raw, "id=''")
				got = append(got, strings.ReplaceAll(raw, user, "USER"))
			}
		}
		out[q.name] = strings.Join(got, "\n")
	}
	return out
}

// isBarrier tells the barrier's own answers from those to the questions.
func isBarrier(st testbed.Stanza) bool { return st.Kind == "iq" && !strings.HasPrefix(st.ID, "q-") }

func (s *site) same(what string, a, b map[string]string) {
	s.Helper()
	for _, q := range questions {
		if a[q.name] != b[q.name] {
			s.Errorf("%s: %s tells them apart:\n  %s\nand\n  %s", what, q.name, a[q.name], b[q.name])
		}
	}
	if a["error"] != "" {
		s.Errorf("%s: a bounce was answered: %s", what, a["error"])
	}
	if a["query"] == "" || a["message"] == "" || a["batch"] == "" || a["email"] == "" || s.privileged && a["delegated"] == "" {
		s.Errorf("%s: a question was not answered at all: %q", what, a)
	}
}

// TestI2_BlockedIsOfflineOnEveryPath names I2, S8.6 and S14: a watcher blocked
// by a rule gets what a user who is offline yields, byte for byte.
func TestI2_BlockedIsOfflineOnEveryPath(t *testing.T) {
	everywhere(t, people(t, "alice", "carol"), func(s *site) {
		alice, carol, bob := s.login("alice", "desk"), s.login("carol", "desk"), s.login("bob", "home")
		s.enable(alice)
		s.enable(carol)
		s.watch(bob, "alice")
		s.watch(bob, "carol")
		s.sees(bob, "alice", "online 3500", converge)
		s.run(alice, "note", "text", "secret note")
		s.run(alice, "profile", "timezone", "Europe/Berlin", "hours", "Mo-Fr 09:00-17:00", "location", "Room 4")
		s.sees(bob, "alice", "online 3500", converge)
		s.must(carol.Close())
		s.sees(bob, "carol", "offline", converge)
		mark := bob.Mark()
		s.run(alice, "block", "jid", bob.Bare())
		s.sees(bob, "alice", "offline", converge)
		hidden, offline := s.answers(bob, "alice"), s.answers(bob, "carol")
		s.same("blocked and offline", hidden, offline)
		if offline["probe"] == "" {
			s.Error("a subscribed watcher's probe is not answered")
		}

		// Nothing she does from now on reaches him.
		s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd", Status: "still here"}))
		s.run(alice, "note", "text", "other note")
		s.must(testbed.Barrier(s.Context(), component, alice, bob))
		for _, st := range bob.Since(mark) {
			if st.From == mirrorOf("alice") && st.Available() || strings.Contains(st.Raw, "still here") && st.From == mirrorOf("alice") {
				s.Errorf("a blocked watcher received %s", st.Raw)
			}
		}
		s.run(alice, "unblock", "jid", bob.Bare())
		s.sees(bob, "alice", "dnd 9500", converge)
	})
}

// TestI2_StrangerCannotTellEnrolledFromNobody names I2 and S13.3.
func TestI2_StrangerCannotTellEnrolledFromNobody(t *testing.T) {
	everywhere(t, people(t, "alice"), func(s *site) {
		alice, dave := s.login("alice", "desk"), s.login("dave", "home")
		s.enable(alice)
		s.run(alice, "privacy-mode", "on", "true")
		s.run(alice, "profile", "timezone", "Europe/Berlin", "location", "Room 4")
		s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.must(testbed.Barrier(s.Context(), component, alice))
		s.same("enrolled and nobody", s.answers(dave, "alice"), s.answers(dave, "nobody"))

		for _, user := range []string{"alice", "nobody"} {
			mark := dave.Mark()
			s.must(dave.Subscribe(mirrorOf(user)))
			s.must(testbed.Barrier(s.Context(), component, dave, alice))
			for _, st := range dave.Since(mark) {
				if testbed.Bare(st.From) == mirrorOf(user) && st.Kind == "presence" {
					s.Errorf("subscribing to %s's mirror is answered with %s", user, st.Raw)
				}
			}
		}
		s.within(converge, "alice is told of the request", func(ctx context.Context) error {
			_, err := alice.WaitFor(ctx, func(st testbed.Stanza) bool {
				return st.Kind == "message" && strings.Contains(st.Body, dave.Bare())
			})
			return err
		})
		s.run(alice, "requests", "requests", dave.Bare(), "decision", "approve-default")
		s.sees(dave, "alice", "dnd 9500", converge)
	})
}

// TestS10_DaemonStaysQuiet: what changes no view sends nothing.
func TestS10_DaemonStaysQuiet(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		alice, bob := s.login("alice", "desk"), s.login("bob", "home")
		s.enable(alice)
		s.watch(bob, "alice")
		s.sees(bob, "alice", "online 3500", converge)
		mark := bob.Mark()
		for i := range 20 {
			s.must(alice.Presence(testbed.PresenceOptions{Priority: i}))
		}
		s.must(testbed.Barrier(s.Context(), component, alice, bob))
		if got := seen(bob, mirrorOf("alice"), mark); len(got) != 0 {
			s.Errorf("changes of priority alone were shown: %q", got)
		}
	})
}

// TestS14_SpellingsShareOneSubscription names S2.7 and S14: whatever spelling of
// the mirror a watcher uses is one subscription and one block, and what comes
// bears the spelling he used.
func TestS14_SpellingsShareOneSubscription(t *testing.T) {
	spellings := []string{"alice@" + component, `Alice\40Example.LOCALHOST@` + component, mirrorOf("alice")}
	everywhere(t, nil, func(s *site) {
		alice, bob := s.login("alice", "desk"), s.login("bob", "home")
		s.enable(alice)
		for _, to := range spellings {
			s.must(bob.Subscribe(to))
			s.within(converge, "subscribed as "+to, func(ctx context.Context) error {
				_, err := bob.WaitFor(ctx, func(st testbed.Stanza) bool {
					return st.Type == "subscribed" && strings.EqualFold(testbed.Bare(st.From), to)
				})
				return err
			})
		}
		s.sees(bob, "alice", "online 3500", converge)
		s.run(alice, "block", "jid", "BOB@Example.localhost")
		s.sees(bob, "alice", "offline", converge)
		mark := bob.Mark()
		for _, to := range spellings {
			s.must(bob.Send(fmt.Sprintf(`<presence type='probe' to='%s'/>`, to)))
		}
		s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.must(testbed.Barrier(s.Context(), component, alice, bob))
		for _, st := range bob.Since(mark) {
			if st.Available() && testbed.DomainOf(st.From) == component {
				s.Errorf("blocked, and yet: %s", st.Raw)
			}
		}
	})
}
