//go:build integration

package acceptance

import (
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
	"presenced/internal/testbed/calendars"
)

// TestS6_ExchangeMeetingAndAutomaticReply: what Exchange says of two mailboxes, asked
// with one request, reaches a watcher's client: a meeting of alice's, and that carol
// is out of office until she is back, with her reply as the note (S5.5, S6.1).
func TestS6_ExchangeMeetingAndAutomaticReply(t *testing.T) {
	e, err := calendars.NewExchange(calendars.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	e.Auth = calendars.NTLM
	now := time.Now()
	back := now.Add(24 * time.Hour).Truncate(time.Second)
	e.Put("alice@corp.example", calendars.Mailbox{Events: []calendars.Event{{Start: now.Add(-time.Hour), End: now.Add(time.Hour), Kind: "busy", Subject: "Budget"}}})
	e.Put("carol@corp.example", calendars.Mailbox{Reply: &calendars.Reply{
		Start: now.Add(-time.Hour), End: back, Internal: "<html><body><p>At sea. Ask&nbsp;Dave.</p></body></html>",
	}})
	s := open(t, topologies[0], source("ews", e.URL+"/EWS/Exchange.asmx", map[string]any{
		"username": e.Username, "password": e.Password, "mailbox": "{user}@corp.example", "automatic_replies": "note",
	}))
	alice, carol := s.login("alice", "desk"), s.login("carol", "phone")
	s.enable(alice)
	s.enable(carol)
	s.must(carol.Presence(testbed.PresenceOptions{Show: "away"}))
	bob := s.login("bob", "home")
	s.watch(bob, "alice")
	s.watch(bob, "carol")
	s.sees(bob, "alice", "dnd 6500 in-a-meeting", converge)
	s.sees(bob, "carol", "xa 15500 out-of-office", converge)
	last, _ := bob.LastPresence(mirrorOf("carol"))
	if !strings.Contains(last.Status, "At sea. Ask Dave.") {
		s.Errorf("bob is told %q of carol, want her reply", last.Status)
	}
	if log, err := s.d.Log(); err != nil || strings.Contains(log, e.Password) || strings.Contains(log, "Budget") || strings.Contains(log, "At sea") {
		s.Errorf("the log tells a password, a subject or a note (%v):\n%s", err, log)
	}
}
