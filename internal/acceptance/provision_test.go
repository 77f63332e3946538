//go:build integration

package acceptance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// provisioned has mirrors offered, and rosters read again every second.
var provisioned = map[string]any{"privacy": map[string]any{"refresh": "1s", "provisioning": true}}

// contact returns an item of somebody's roster as her client reads it.
func (s *site) contact(ctx context.Context, c *testbed.Client, jid string) (found testbed.RosterItem, there bool, err error) {
	items, err := c.Roster(ctx)
	i := slices.IndexFunc(items, func(it testbed.RosterItem) bool { return it.JID == jid })
	if err != nil || i < 0 {
		return found, false, err
	}
	return items[i], true, nil
}

// rostered waits until a contact is in a roster, or no longer is.
func (s *site) rostered(c *testbed.Client, jid string, want bool) (found testbed.RosterItem) {
	s.Helper()
	s.within(converge, jid+" in the roster of "+c.JID, func(ctx context.Context) error {
		for {
			it, there, err := s.contact(ctx, c, jid)
			if err != nil || there == want {
				found = it
				return err
			}
		}
	})
	return found
}

// TestProvision_OnRealProsody: the mirror of a contact whose rules admit him comes into
// his roster and shows at once; taken out it stays out; his leaving takes it back.
func TestProvision_OnRealProsody(t *testing.T) {
	s := open(t, topology{testbed.Prosody, true}, provisioned)
	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.befriend(alice, bob)
	s.befriend(carol, bob) // and is not enabled
	mirror, other := "alice@"+component, "carol@"+component
	s.enable(alice)
	s.must(alice.Presence(testbed.PresenceOptions{Show: "away", Priority: 5}))
	at := bob.Mark()
	s.enable(bob)
	it := s.rostered(bob, mirror, true)
	if it.Subscription != "to" || !slices.Equal(it.Groups, []string{"Presence"}) {
		t.Errorf("the contact is %+v", it)
	}
	s.within(converge, "the mirror's presence", func(ctx context.Context) error {
		_, err := bob.WaitAfter(ctx, at, testbed.PresenceFrom(mirror, func(st testbed.Stanza) bool { return st.Show == "away" }))
		return err
	})

	again := s.login("bob", "train") // his server probes what it was told he is subscribed to
	s.within(converge, "the mirror's presence at his next login", func(ctx context.Context) error {
		_, err := again.WaitPresence(ctx, mirror, func(st testbed.Stanza) bool { return st.Show == "away" })
		return err
	})
	if _, there, err := s.contact(t.Context(), bob, other); err != nil || there {
		t.Errorf("somebody who is not enabled is in his roster: %v, %v", there, err)
	}

	s.enable(carol)
	s.rostered(bob, other, true)
	s.must(bob.RemoveContact(t.Context(), mirror))
	s.enable(s.login("dave", "home"))
	s.befriend(bob, s.login("dave", "desk"))
	s.rostered(bob, "dave@"+component, true) // read again since
	if _, there, err := s.contact(t.Context(), bob, mirror); err != nil || there {
		t.Errorf("what he took out of his roster is back: %v, %v", there, err)
	}

	_, err := bob.IQ(t.Context(), "set", component, `<query xmlns='jabber:iq:register'><remove/></query>`)
	s.must(err)
	s.rostered(bob, other, false)
}

// TestProvision_SuggestedOnEjabberd, which grants the right to change rosters and
// refuses to do it.
func TestProvision_SuggestedOnEjabberd(t *testing.T) {
	s := open(t, topology{testbed.Ejabberd, true}, provisioned)
	alice, bob := s.login("alice", "desk"), s.login("bob", "home")
	s.befriend(alice, bob)
	s.enable(alice)
	s.enable(bob)
	suggestion := func(st testbed.Stanza) bool {
		return st.Kind == "message" && st.From == component && strings.Contains(st.Raw, "http://jabber.org/protocol/rosterx")
	}
	s.within(converge, "a suggestion", func(ctx context.Context) error {
		st, err := bob.WaitFor(ctx, suggestion)
		if err == nil && !strings.Contains(st.Raw, "alice@"+component) {
			err = errors.New(st.Raw)
		}
		return err
	})
	if _, there, err := s.contact(t.Context(), bob, "alice@"+component); err != nil || there {
		t.Errorf("the contact is in the roster: %v, %v", there, err)
	}
}
