//go:build integration

package acceptance

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"presenced/internal/testbed"
)

const rooms = "rooms." + host

// managed has egress items kept, and lists read again every second.
var managed = map[string]any{"privacy": map[string]any{"refresh": "1s", "egress": "managed"}}

// spared is a Prosody with the module of docs/egress.md and a group chat service.
func spared(t *testing.T) testbed.Options {
	t.Helper()
	module, err := filepath.Abs("../../deploy/prosody/mod_presenced_lists.lua")
	if err != nil {
		t.Fatal(err)
	}
	return testbed.Options{Privileged: true, Modules: []string{module}, ExtraComponent: "\nComponent \"" + rooms + "\" \"muc\"\n  restrict_room_creation = false; muc_room_locking = false\n"}
}

// befriend makes two users contacts of each other, as their clients would.
func (s *site) befriend(a, b *testbed.Client) {
	s.Helper()
	s.grants(a, b)
	s.grants(b, a)
}

// grants lets b see a natively.
func (s *site) grants(a, b *testbed.Client) {
	s.Helper()
	at := a.Mark()
	s.must(b.Subscribe(a.Bare()))
	s.hears(a, at, b.Bare(), "subscribe")
	at = b.Mark()
	s.must(a.Subscribed(b.Bare()))
	s.hears(b, at, a.Bare(), "subscribed")
}

// hears waits for a presence of a type from somebody's bare JID.
func (s *site) hears(c *testbed.Client, mark int, from, typ string) testbed.Stanza {
	s.Helper()
	var got testbed.Stanza
	s.within(converge, c.JID+" hears "+typ+" of "+from, func(ctx context.Context) (err error) {
		got, err = c.WaitAfter(ctx, mark, testbed.PresenceFrom(from, func(st testbed.Stanza) bool { return st.Type == typ }))
		return err
	})
	return got
}

// list is one of a user's privacy lists, as her client reads it.
func (s *site) list(c *testbed.Client, name string) string {
	s.Helper()
	st, err := c.IQ(s.Context(), "get", "", "<query xmlns='jabber:iq:privacy'><list name='"+name+"'/></query>")
	if err != nil {
		return err.Error()
	}
	return st.Raw
}

// composed waits until a list of hers holds the component's items, or no longer does.
func (s *site) composed(c *testbed.Client, name string, want bool) {
	s.Helper()
	var last string
	s.within(converge, "the list "+name, func(ctx context.Context) error {
		for {
			last = s.list(c, name)
			if strings.Contains(last, component) == want {
				return nil
			}
			if ctx.Err() != nil {
				s.Log(last)
				return ctx.Err()
			}
		}
	})
}

// standard waits until a list is the default one; empty: none is.
func (s *site) standard(c *testbed.Client, name string) {
	s.Helper()
	s.within(converge, "the default list "+name, func(ctx context.Context) error {
		for {
			st, err := c.IQ(ctx, "get", "", "<query xmlns='jabber:iq:privacy'/>")
			if err != nil {
				return err
			}
			if name == "" && !strings.Contains(st.Raw, "<default") || name != "" && strings.Contains(st.Raw, "<default name='"+name+"'/>") {
				return nil
			}
		}
	})
}

// raws are the presences of somebody's devices that were received after a mark.
func raws(c *testbed.Client, from string, mark int) (out []string) {
	for _, st := range c.Since(mark) {
		if st.Kind == "presence" && testbed.Bare(st.From) == from && st.From != from && (st.Type == "" || st.Type == "unavailable") {
			out = append(out, st.Raw)
		}
	}
	return out
}

// unseen has alice change, and fails when any of them was sent her raw presence.
func (s *site) unseen(alice *testbed.Client, watchers ...*testbed.Client) {
	s.Helper()
	marks := make([]int, len(watchers))
	for i, c := range watchers {
		marks[i] = c.Mark()
	}
	s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd", Status: "secret", Priority: 5}))
	s.must(alice.Presence(testbed.PresenceOptions{Priority: 5}))
	s.must(alice.Quiet(s.Context()))
	for i, c := range watchers {
		s.must(c.Quiet(s.Context()))
		if got := raws(c, alice.Bare(), marks[i]); len(got) > 0 {
			s.Errorf("%s was sent raw presence: %q", c.JID, got)
		}
	}
}

// TestEgress_OnRealProsody names S8.7: with the items in place a native contact gets
// what the containers let through and nothing raw; group chats, subscribing, revoking
// and seeing others go on as before; and all is as it was when the operator ends it.
func TestEgress_OnRealProsody(t *testing.T) {
	s := openOn(t, topology{testbed.Prosody, true}, managed, spared(t))
	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.befriend(alice, bob)
	s.grants(alice, carol) // she sees alice, alice does not see her
	s.enable(alice)
	s.standard(alice, "presenced")
	s.watch(bob, "alice")
	s.sees(bob, "alice", "online 3500", converge)
	s.unseen(alice, bob, carol)
	s.sees(bob, "alice", "online 3500", converge)
	s.checks("ok", "sends no presence of its 1 enabled users")

	// A probe of a contact is not answered from her devices either.
	mark := bob.Mark()
	s.must(bob.Presence(testbed.PresenceOptions{To: alice.Bare(), Type: "probe"}))
	s.must(bob.Quiet(t.Context()))
	if got := raws(bob, alice.Bare(), mark); len(got) > 0 {
		t.Errorf("a probe was answered: %q", got)
	}
	// She sees her contacts at login, as before.
	phone := s.login("alice", "phone")
	s.hears(phone, 0, bob.JID, "")
	s.unseen(phone, bob, carol)
	s.must(phone.Close())
	s.meets(alice, bob)
	s.changesItsMind(alice, bob, carol)

	// The operator ends it: nothing is left, and carol sees her raw presence again.
	s.reconfigure(refreshed)
	s.standard(alice, "")
	s.composed(alice, "presenced", false)
	mark = carol.Mark()
	s.must(alice.Presence(testbed.PresenceOptions{Show: "away", Priority: 5}))
	s.hears(carol, mark, alice.Bare(), "")
	s.checks("warn", "sends the presence of 1 of 1 users to 1 contacts")
}

// checks waits until the self-test says something about raw presence.
func (s *site) checks(result, found string) {
	s.Helper()
	s.within(converge, "the self-test says "+found, func(ctx context.Context) error {
		for {
			out, err := s.d.Run(ctx, "check", "--json")
			if err != nil {
				return err
			}
			var report struct {
				Steps []struct{ Name, Result, Found string }
			}
			if err := json.Unmarshal([]byte(out.Stdout), &report); err != nil {
				return err
			}
			for _, step := range report.Steps {
				if step.Name == "raw presence" && step.Result == result && strings.Contains(step.Found, found) {
					return nil
				}
			}
		}
	})
}

// meets has two users meet in a group chat, which shows them to each other.
func (s *site) meets(alice, bob *testbed.Client) {
	s.Helper()
	const room = "team@" + rooms
	join := "<x xmlns='http://jabber.org/protocol/muc'/>"
	s.must(alice.Presence(testbed.PresenceOptions{To: room + "/alice", Extra: join}))
	s.hears(alice, 0, room+"/alice", "")
	s.must(bob.Presence(testbed.PresenceOptions{To: room + "/bob", Extra: join}))
	s.hears(bob, 0, room+"/alice", "")
	s.must(alice.Presence(testbed.PresenceOptions{To: room + "/alice", Show: "away"}))
	s.within(converge, "the room shows her away", func(ctx context.Context) error {
		_, err := bob.WaitPresence(ctx, room+"/alice", func(st testbed.Stanza) bool { return st.Show == "away" })
		return err
	})
}

// changesItsMind has alice ask, let, revoke and remove.
func (s *site) changesItsMind(alice, bob, carol *testbed.Client) {
	s.Helper()
	dave := s.login("dave", "home")
	// She asks whom she only let see her, and lets a stranger.
	s.grants(carol, alice)
	s.grants(alice, dave)
	s.unseen(alice, bob, carol, dave)
	// She takes it back from one, and removes another.
	mark := bob.Mark()
	s.must(alice.Unsubscribed(bob.Bare()))
	s.hears(bob, mark, alice.Bare(), "unsubscribed")
	mark = dave.Mark()
	s.must(alice.RemoveContact(s.Context(), dave.Bare()))
	s.hears(dave, mark, alice.Bare(), "unsubscribed")
}

// reconfigure puts another configuration in force.
func (s *site) reconfigure(config map[string]any) {
	s.Helper()
	s.must(s.d.WriteConfig(lay(config, lay(map[string]any{"store": s.store}, testbed.ConfigFor(s.srv)))))
	s.must(s.d.Signal(syscall.SIGHUP))
}

// TestEgress_ComposedWithHerList names S8.7: her own list goes on to count, is what
// watchers are placed by, and is given back when she disables, also after the daemon
// died in between.
func TestEgress_ComposedWithHerList(t *testing.T) {
	s := openOn(t, topology{testbed.Prosody, true}, managed, spared(t))
	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.befriend(alice, bob)
	s.befriend(alice, carol)
	s.writes(alice, "work",
		"<item order='1' action='allow' type='jid' value='bob@"+host+"'/>",
		"<item order='2' action='deny' type='jid' value='carol@"+host+"'><presence-out/></item>")
	s.sets(alice, "<query xmlns='jabber:iq:privacy'><default name='work'/></query>")
	before := items(s.list(alice, "work"))
	s.enable(alice)
	s.composed(alice, "work", true)
	s.watch(bob, "alice")
	s.watch(carol, "alice")
	s.unseen(alice, bob, carol) // although her own list allows bob
	s.sees(bob, "alice", "online 3500", converge)
	s.sees(carol, "alice", "offline", converge)

	s.must(s.d.Kill())
	s.must(s.d.Start(t.Context()))
	s.unseen(alice, bob, carol)
	s.order(alice, "disable")
	s.composed(alice, "work", false)
	if got := items(s.list(alice, "work")); !slices.Equal(got, before) {
		t.Errorf("given back\n%q, was\n%q", got, before)
	}
	s.standard(alice, "work")
}

// items are the items of a list as they were read.
func items(raw string) []string { return strings.Split(raw, "<item")[1:] }

// order carries out a command in one step.
func (s *site) order(c *testbed.Client, node string, fields ...string) testbed.Stanza {
	s.Helper()
	var x strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		x.WriteString("<field var='" + fields[i] + "'><value>" + testbed.Escape(fields[i+1]) + "</value></field>")
	}
	st, err := c.IQ(s.Context(), "set", component, "<command xmlns='http://jabber.org/protocol/commands' node='"+node+
		"' action='execute'><x xmlns='jabber:x:data' type='submit'>"+x.String()+"</x></command>")
	if !done(st, err) {
		s.Fatalf("%s: %v %s\n%s", node, err, st.Raw, s.d.LogTail())
	}
	return st
}

// TestEgress_NotWhereItWouldHarm names S8.7: Debian's Prosody as it is drops probes
// and revocations with presence-out, so nothing is written there; a list of hers that
// does so shows that it still is like that.
func TestEgress_NotWhereItWouldHarm(t *testing.T) {
	s := open(t, topology{testbed.Prosody, true}, managed)
	alice, bob := s.login("alice", "desk"), s.login("bob", "home")
	s.befriend(alice, bob)
	s.writes(alice, "work", "<item order='1' action='deny' type='subscription' value='both'><presence-out/></item>")
	s.sets(alice, "<query xmlns='jabber:iq:privacy'><default name='work'/></query>")
	s.enable(alice)
	s.watch(bob, "alice")
	s.sees(bob, "alice", "offline", converge)
	if raw := s.list(alice, "work"); strings.Contains(raw, component) {
		t.Errorf("the list was written to: %s", raw)
	}
	mark := bob.Mark()
	s.must(alice.Unsubscribed(bob.Bare()))
	s.must(alice.Quiet(t.Context()))
	s.must(bob.Quiet(t.Context()))
	for _, st := range bob.Since(mark) {
		if st.Type == "unsubscribed" && st.From == "alice@"+host {
			t.Error("this Prosody lets a revocation pass: the condition on egress items can go")
		}
	}
}

// TestBlock_OnRealServerToo names S8.7: with the server asked as well a native contact
// gets nothing raw either, and lists come to rules that go on hiding without them.
func TestBlock_OnRealServerToo(t *testing.T) {
	s := open(t, topology{testbed.Prosody, true}, refreshed)
	alice, bob := s.login("alice", "desk"), s.login("bob", "home")
	s.befriend(alice, bob)
	s.enable(alice)
	s.watch(bob, "alice")
	s.sees(bob, "alice", "online 3500", converge)
	if st := s.order(alice, "block", "jid", bob.Bare()); !strings.Contains(st.Raw, "in your own contact list") {
		t.Errorf("not told that her server goes on: %s", st.Raw)
	}
	s.order(alice, "unblock", "jid", bob.Bare())
	if st := s.order(alice, "block", "jid", bob.Bare(), "server", "1"); strings.Contains(st.Raw, "in your own contact list") {
		t.Errorf("told that her server goes on: %s", st.Raw)
	}
	s.sees(bob, "alice", "offline", converge)
	s.unseen(alice, bob)

	// Her rule goes, her server's block stays: the importer makes a rule of it.
	s.order(alice, "unblock", "jid", bob.Bare())
	s.order(alice, "levels", "action", "import", "rules", "32000 user "+bob.Bare())
	s.blocks(alice, "unblock", bob.Bare())
	mark := bob.Mark()
	s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd", Priority: 5}))
	s.hears(bob, mark, alice.JID, "") // her server shows her again
	s.must(testbed.Barrier(t.Context(), component, alice, bob))
	s.sees(bob, "alice", "offline", converge)
	if all := seen(bob, mirrorOf("alice"), 0); all[len(all)-1] != "offline" {
		t.Errorf("shown %q", all)
	}
	s.order(alice, "unblock", "jid", bob.Bare())
	s.sees(bob, "alice", "dnd 9500", converge)
}

// TestEgress_RecipesOnEjabberd holds docs/egress.md to a real ejabberd: its privacy
// lists let subscriptions pass, so a user can put the items in herself; and an operator
// can take a contact's subscription.
func TestEgress_RecipesOnEjabberd(t *testing.T) {
	s := open(t, topology{testbed.Ejabberd, true}, nil)
	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.befriend(alice, bob)
	s.befriend(alice, carol)
	s.enable(alice)
	s.watch(carol, "alice")
	var code int
	mark := carol.Mark()
	s.must(s.srv.EjabberdCommand(t.Context(), "add_rosteritem", map[string]any{
		"localuser": "alice", "localhost": host, "user": "carol", "host": host, "nick": "Carol", "group": "", "subs": "to",
	}, &code))
	s.hears(carol, mark, alice.JID, "unavailable") // ejabberd tells her at once
	s.sees(carol, "alice", "online 3500", converge)
	s.unseen(alice, carol)

	s.writes(alice, "own",
		"<item order='1' action='allow' type='jid' value='"+component+"'><presence-out/></item>",
		"<item order='2' action='deny' type='subscription' value='both'><presence-out/></item>",
		"<item order='3' action='deny' type='subscription' value='from'><presence-out/></item>")
	s.sets(alice, "<query xmlns='jabber:iq:privacy'><default name='own'/></query>")
	s.unseen(alice, bob)
	phone := s.login("alice", "phone")
	s.hears(phone, 0, bob.JID, "")
	mark = bob.Mark()
	s.must(alice.Unsubscribed(bob.Bare()))
	s.hears(bob, mark, alice.Bare(), "unsubscribed")
}
