package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"presenced/internal/testbed"
)

// sales is a daemon with a policy "quiet", a directory, and two users whose devices
// say when they were last used and something with a link.
type sales struct {
	*testing.T
	*testbed.Daemon
	server *testbed.ComponentServer
	people string
}

const salesAlice, salesBob = "alice@example.localhost", "bob@example.localhost"

func newSales(t *testing.T) *sales {
	s := &sales{T: t, server: server(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect}), people: filepath.Join(t.TempDir(), "people.csv")}
	s.directory("Sales", "Staff")
	config := testbed.ConfigForFake(s.server)
	config["policy"] = map[string]any{"last_active": "exact"}
	config["policies"] = []map[string]any{{"name": "quiet", "last_active": "off", "links": "neutralise"}}
	config["directory"] = map[string]any{"file": s.people}
	s.Daemon = testbed.RunDaemon(t, testbed.DaemonOptions{Config: config, Binary: binary(t)})
	for _, user := range []string{salesAlice, salesBob} {
		presenced(t, s.Daemon, exitFine, "user", "enable", user)
	}
	return s
}

// directory writes the groups of alice and bob.
func (s *sales) directory(alice, bob string) {
	s.Helper()
	text := "jid,groups\n" + salesAlice + "," + alice + "\n" + salesBob + "," + bob + "\n"
	if err := os.WriteFile(s.people, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// away has both devices say the same once more.
func (s *sales) away() {
	for _, user := range []string{salesAlice, salesBob} {
		s.server.SetPresence(user+"/desk", "<show>away</show><status>see http://x.example</status><idle xmlns='urn:xmpp:idle:1' since='2026-01-02T03:04:05Z'/>")
	}
}

// shown reports whether a colleague is shown of the user what the policy allows.
func (s *sales) shown(user, lastActive, note string) func() bool {
	return func() bool {
		f := query(s.T, s.Daemon, user, "--as", "carol@example.localhost").Fields
		return f["lastActive"] == lastActive && f["notePersonal"] == note
	}
}

func (s *sales) open(user string) func() bool {
	return s.shown(user, "2026-01-02T03:04:05Z", "see http://x.example")
}
func (s *sales) quiet(user string) func() bool { return s.shown(user, "", "see _http://x.example") }

// TestRun_AGroupsPolicyHoldsForItsMembers: granted on the socket, after a crash, and
// as the directory changes.
func TestRun_AGroupsPolicyHoldsForItsMembers(t *testing.T) {
	s := newSales(t)
	s.away()
	eventually(t, "alice is shown as the global policy allows", s.open(salesAlice))
	if out := presenced(t, s.Daemon, exitFine, "policy", "grant", "quiet", "--group", "Sales"); strings.Contains(out, "nothing tells") {
		t.Errorf("there is a column groups, and the grant says:\n%s", out)
	}
	if !s.quiet(salesAlice)() || !s.open(salesBob)() {
		t.Fatal("when the grant has answered it does not hold, or holds for somebody else")
	}
	if out := presenced(t, s.Daemon, exitFine, "policy", "explain", salesAlice, "--watcher", salesBob, "--details"); !strings.Contains(out, `quiet (granted to the group "Sales")`) {
		t.Errorf("the explanation does not name the policy:\n%s", out)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.away()
	eventually(t, "bob is shown after the crash", s.open(salesBob))
	eventually(t, "alice is quiet after the crash", s.quiet(salesAlice))
	s.directory("Staff", "Sales")
	if err := s.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "bob is quiet in her place", s.quiet(salesBob))
	s.away() // what was neutralised is back at the next presence
	eventually(t, "alice is shown again", s.open(salesAlice))
	presenced(t, s.Daemon, exitFine, "policy", "revoke", "quiet", "--group", "Sales")
	s.away()
	eventually(t, "bob is shown again", s.open(salesBob))
}
