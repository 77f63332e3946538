//go:build integration

package acceptance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// asks logs a device in whose client asks to be told of activities (XEP-0108).
func (s *site) asks(user, resource string) *testbed.Client {
	s.Helper()
	c, err := testbed.Dial(s.Context(), s.srv, user+"@"+host+"/"+resource, "pw", testbed.ClientOptions{
		Resource: resource, AutoApprove: testbed.ApproveDomain(component), Features: []string{"http://jabber.org/protocol/activity+notify"},
	})
	s.must(err)
	s.Cleanup(func() { _ = c.Drop() })
	_, err = c.Roster(s.Context())
	s.must(err)
	s.must(c.Presence(testbed.PresenceOptions{Priority: 5}))
	return c
}

// told lists the activities that a client was told of somebody after a mark.
func told(c *testbed.Client, from string, mark int) []string {
	var out []string
	for _, st := range c.Since(mark) {
		if st.Kind != "message" || st.From != from || !strings.Contains(st.Raw, "http://jabber.org/protocol/activity") {
			continue
		}
		what := "nothing"
		for _, word := range []string{"in_a_meeting", "on_the_phone"} {
			if strings.Contains(st.Raw, "<"+word) {
				what = word
			}
		}
		out = append(out, what)
	}
	return out
}

// isTold waits until what a client was told of somebody after a mark is want.
func (s *site) isTold(c *testbed.Client, from string, mark int, want ...string) {
	s.Helper()
	s.within(converge, fmt.Sprintf("%s is told %v of %s", c.JID, want, from), func(ctx context.Context) error {
		for {
			at, got := c.Mark(), told(c, from, mark)
			if fmt.Sprint(got) == fmt.Sprint(want) {
				return nil
			}
			if _, err := c.WaitAfter(ctx, at, func(st testbed.Stanza) bool { return st.Kind == "message" }); err != nil {
				return fmt.Errorf("told %v: %w", got, err)
			}
		}
	})
}

// TestActivity_OnRealProsody names S3: who may see what she does is told it by the
// mirror where his client asks, and by her own server where all her contacts may.
func TestActivity_OnRealProsody(t *testing.T) {
	s := open(t, topologies[0], nil)
	alice, bob, carol, dave := s.login("alice", "desk"), s.asks("bob", "home"), s.login("carol", "home"), s.asks("dave", "home")
	s.befriend(alice, dave)
	s.enable(alice)
	s.enable(bob)
	s.watch(bob, "alice")
	s.watch(carol, "alice")
	s.sees(bob, "alice", "online 3500", converge)
	mirror := mirrorOf("alice")

	s.run(alice, "set-state", "state", "in-a-meeting")
	s.isTold(bob, mirror, 0, "in_a_meeting")
	phone := s.asks("bob", "phone") // which is told when it comes
	s.isTold(phone, mirror, 0, "in_a_meeting")

	alice = s.published(alice, dave)
	s.isTold(bob, mirror, 0, "in_a_meeting", "nothing", "in_a_meeting") // she was offline for a moment
	mark := bob.Mark()
	s.run(alice, "block", "jid", bob.Bare())
	s.isTold(bob, mirror, mark, "nothing")
	s.sees(bob, "alice", "offline", converge)
	mark = bob.Mark()
	s.run(alice, "clear-state")
	s.sees(carol, "alice", "online 3500", converge)
	s.run(alice, "set-state", "state", "in-a-meeting")
	s.sees(carol, "alice", "dnd 6500 in-a-meeting", converge)
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	s.must(bob.Quiet(ctx))
	if got := bob.Since(mark); len(seen(bob, mirror, mark)) > 0 || len(told(bob, mirror, mark)) > 0 {
		s.Errorf("bob, who is blocked, got %v", got)
	}
	if got := told(carol, mirror, 0); len(got) > 0 {
		s.Errorf("carol's client, which does not ask, was told %v", got)
	}
}

// published has alice, who is in a meeting, publish what she does, which dave, a native
// contact, is told by her server. She logs in anew meanwhile.
func (s *site) published(alice, dave *testbed.Client) *testbed.Client {
	s.Helper()
	mark := dave.Mark()
	s.run(alice, "calendar", "action", "publish")
	s.isTold(dave, alice.Bare(), mark, "in_a_meeting")
	s.refusesAnOpenNode(alice)
	s.isTold(dave, alice.Bare(), mark, "in_a_meeting", "nothing", "in_a_meeting")
	mark = dave.Mark()
	s.run(alice, "block", "jid", dave.Bare()) // who is a native contact still
	s.isTold(dave, alice.Bare(), mark, "nothing")
	if answer := s.try(alice, "calendar", "action", "list"); !strings.Contains(answer, dave.Bare()) {
		s.Errorf("why nothing is published is not told: %s", answer)
	}
	s.run(alice, "unblock", "jid", dave.Bare())
	s.isTold(dave, alice.Bare(), mark, "nothing", "in_a_meeting")
	s.must(alice.Close()) // and what is said of her while she is offline is so, too
	s.isTold(dave, alice.Bare(), mark, "nothing", "in_a_meeting", "nothing")
	alice = s.login("alice", "desk")
	s.run(alice, "block", "jid", dave.Bare())
	s.run(alice, "calendar", "action", "unpublish")
	if answer := s.try(alice, "calendar", "action", "publish"); !strings.Contains(answer, dave.Bare()) {
		s.Errorf("she may publish to somebody she blocks: %s", answer)
	}
	return alice
}

// refusesAnOpenNode has alice, who publishes, open her node to anybody, and holds that
// it gets nothing but what takes back, until it is closed again.
func (s *site) refusesAnOpenNode(alice *testbed.Client) {
	s.Helper()
	const pubsub, node = "http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/activity"
	lets := func(model string) {
		s.Helper()
		_, err := alice.IQ(s.Context(), "set", "", "<pubsub xmlns='"+pubsub+"#owner'><configure node='"+node+"'><x xmlns='jabber:x:data' type='submit'>"+
			"<field var='FORM_TYPE' type='hidden'><value>"+pubsub+"#node_config</value></field><field var='pubsub#access_model'><value>"+model+"</value></field></x></configure></pubsub>")
		s.must(err)
	}
	s.run(alice, "calendar", "action", "unpublish")
	lets("open")
	s.run(alice, "calendar", "action", "publish")
	s.run(alice, "note", "note", "tried again")
	s.run(alice, "note", "note", "and again") // its answer came behind what was tried
	items, err := alice.IQ(s.Context(), "get", "", "<pubsub xmlns='"+pubsub+"'><items node='"+node+"'/></pubsub>")
	s.must(err)
	if !strings.Contains(items.Raw, node) || strings.Contains(items.Raw, "in_a_meeting") {
		s.Errorf("a node that is open to anybody has %s", items.Raw)
	}
	lets("presence")
	s.run(alice, "note", "note", "")
}

// refusing is a module of Prosody that refuses what is published while there is a file,
// which it writes into each time.
const refusing = `
local st = require "util.stanza";
module:hook("iq/bare/http://jabber.org/protocol/pubsub:pubsub", function (event)
	local seen = io.open(%[1]q, "r");
	if not seen or event.stanza.attr.type ~= "set" then return; end
	seen:close();
	local file = io.open(%[1]q, "a");
	file:write("refused\n"); file:close();
	event.origin.send(st.error_reply(event.stanza, "wait", "resource-constraint"));
	return true;
end, 100);
`

// TestActivity_ARefusedRetractionIsTriedAgain: who ends publishing is not left in a
// meeting because her server was in trouble at that moment.
func TestActivity_ARefusedRetractionIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	trouble, module := filepath.Join(dir, "trouble"), filepath.Join(dir, "mod_refusing.lua")
	if err := os.WriteFile(module, fmt.Appendf(nil, refusing, trouble), 0o644); err != nil {
		t.Fatal(err)
	}
	s := openOn(t, topologies[0], nil, testbed.Options{Privileged: true, Modules: []string{module}})
	alice, dave := s.login("alice", "desk"), s.asks("dave", "home")
	s.befriend(alice, dave)
	s.enable(alice)
	s.run(alice, "set-state", "state", "in-a-meeting")
	s.run(alice, "calendar", "action", "publish")
	s.isTold(dave, alice.Bare(), 0, "in_a_meeting")
	s.must(os.WriteFile(trouble, nil, 0o666))
	s.run(alice, "calendar", "action", "unpublish")
	s.within(converge, "her server refuses", func(ctx context.Context) error {
		for ctx.Err() == nil {
			if text, err := os.ReadFile(trouble); err != nil || len(text) > 0 {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
		return ctx.Err()
	})
	s.isTold(dave, alice.Bare(), 0, "in_a_meeting")
	s.must(os.Remove(trouble))
	s.isTold(dave, alice.Bare(), 0, "in_a_meeting", "nothing")
}
