//go:build integration

package acceptance

import (
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// refreshed has lists and rosters read again every second.
var refreshed = map[string]any{"privacy": map[string]any{"refresh": "1s"}}

// asks sends an IQ set to a client's own account.
func (s *site) sets(c *testbed.Client, payload string) {
	s.Helper()
	_, err := c.IQ(s.Context(), "set", "", payload)
	// An ejabberd on SQLite without a write-ahead log does not wait for a reader
	// (docs/servers/ejabberd.md); a person would press the button again.
	for deadline := time.Now().Add(converge); err != nil && strings.Contains(err.Error(), "Database failure") && time.Now().Before(deadline); {
		_, err = c.IQ(s.Context(), "set", "", payload)
	}
	s.must(err)
}

func (s *site) blocks(c *testbed.Client, verb, jid string) {
	s.Helper()
	s.sets(c, "<"+verb+" xmlns='urn:xmpp:blocking'><item jid='"+jid+"'/></"+verb+">")
}

// writes a privacy list; items are order, action, the type's and value's attributes
// and what they are about.
func (s *site) writes(c *testbed.Client, name string, items ...string) {
	s.Helper()
	s.sets(c, "<query xmlns='jabber:iq:privacy'><list name='"+name+"'>"+strings.Join(items, "")+"</list></query>")
}

// TestLists_OnRealProsody names S8.1, S8.2, S8.3 and S11: what a user's own server
// keeps of her blocking hides her from whom it says, on a server that lets the
// component read it.
func TestLists_OnRealProsody(t *testing.T) {
	s := open(t, topology{testbed.Prosody, true}, refreshed)
	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.enable(alice)
	s.watch(bob, "alice")
	s.watch(carol, "alice")
	s.sees(bob, "alice", "online 3500", converge)
	s.sees(carol, "alice", "online 3500", converge)

	s.blocks(alice, "block", "bob@"+host)
	s.sees(bob, "alice", "offline", converge)
	s.must(alice.Presence(testbed.PresenceOptions{Show: "away", Priority: 5}))
	s.sees(carol, "alice", "away 15500", converge)

	// The daemon dies; what it read stays in force from the first stanza on.
	mark := bob.Mark()
	s.must(s.d.Kill())
	s.must(s.d.Start(t.Context()))
	s.must(alice.Presence(testbed.PresenceOptions{Priority: 5}))
	s.sees(carol, "alice", "online 3500", converge)
	for _, one := range seen(bob, mirrorOf("alice"), mark) {
		if one != "offline" {
			t.Errorf("bob, whom her server blocks, was shown %q after a restart", one)
		}
	}
	s.blocks(alice, "unblock", "bob@"+host)
	s.sees(bob, "alice", "online 3500", converge)

	// A default privacy list, as written: bob may, the rest of the host may not.
	s.writes(alice, "work",
		"<item order='1' action='allow' type='jid' value='bob@"+host+"'/>",
		"<item order='2' action='deny' type='jid' value='carol@"+host+"'><presence-out/></item>")
	s.sees(carol, "alice", "online 3500", converge) // it is not the default one yet
	s.sets(alice, "<query xmlns='jabber:iq:privacy'><default name='work'/></query>")
	s.sees(carol, "alice", "offline", converge)
	s.sees(bob, "alice", "online 3500", converge)

	// A list that hides from everybody may be active in a session.
	s.writes(alice, "invisible", "<item order='1' action='deny'><presence-out/></item>")
	s.sees(bob, "alice", "offline", converge)
	s.sets(alice, "<query xmlns='jabber:iq:privacy'><list name='invisible'/></query>") // removed
	s.sees(bob, "alice", "online 3500", converge)

	// An entry for the component hides from everybody.
	s.blocks(alice, "block", component)
	s.sees(bob, "alice", "offline", converge)
	s.blocks(alice, "unblock", component)
	s.sees(bob, "alice", "online 3500", converge)
}

// TestLists_ReadBeforeTheFirstPresence: a user who blocked somebody before she ever
// enabled is never shown to him.
func TestLists_ReadBeforeTheFirstPresence(t *testing.T) {
	s := open(t, topology{testbed.Prosody, true}, nil)
	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.blocks(alice, "block", "bob@"+host)
	s.enable(alice)
	s.watch(carol, "alice")
	s.watch(bob, "alice")
	s.sees(carol, "alice", "online 3500", converge)
	s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd", Priority: 5}))
	s.sees(carol, "alice", "dnd 9500", converge)
	// Whatever bob was sent comes before an answer of the component.
	_, err := bob.IQ(t.Context(), "get", component, "<ping xmlns='urn:xmpp:ping'/>")
	s.must(err)
	for _, one := range seen(bob, mirrorOf("alice"), 0) {
		if one != "offline" {
			t.Errorf("bob, whom her server blocks, was shown %q", one)
		}
	}
}
