//go:build integration

package acceptance

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// The cast of the fault tests: bob may see everything of alice and carol, eve
// of another company little, and mallory nothing at all of alice.
const (
	bob     = "bob@" + host
	mallory = "mallory@" + host
	eve     = "eve@partner.example"
	desk    = "@" + host + "/desk"
)

var partner = map[string]any{"networks": map[string]any{"federated": []string{"partner.example"}}}

// reattach is within how long a server that is there again is attached to and
// heard; a conflict is given more time to go away.
const reattach = 25 * time.Second

// play sets the scene: everybody subscribed, mallory blocked, a note set. It
// returns how much mallory had been shown before she was blocked.
func (s *stage) play() (before int) {
	s.Helper()
	s.enable("alice", "carol")
	s.fake.SetPresence("alice"+desk, "")
	s.fake.SetPresence("carol"+desk, "<show>away</show>")
	s.subscribe("alice", bob, mallory, eve)
	s.subscribe("carol", bob)
	s.sees(mallory, "alice", "online 3500", converge)
	s.order("alice", "block", "jid", mallory)
	s.sees(mallory, "alice", "offline", converge)
	s.order("alice", "note", "text", "for friends")
	s.sees(bob, "alice", "online 3500 | for friends", converge)
	s.sees(bob, "carol", "away 15500", converge)
	s.sees(eve, "alice", "online 3500", converge)
	return len(s.story(mallory, "alice"))
}

// changeTruth is what happens while nobody can be told.
func (s *stage) changeTruth() {
	s.fake.SetPresence("alice"+desk, "<show>dnd</show>")
	s.fake.SetUnavailable("carol"+desk, false)
}

// truth is what must be seen after changeTruth; nothing else is forgiven to
// have been shown to mallory.
func (s *stage) truth(before int) {
	s.Helper()
	s.sees(bob, "alice", "dnd 9500 | for friends", converge)
	s.sees(bob, "carol", "offline", converge)
	s.sees(eve, "alice", "dnd 9500", converge)
	ctx, cancel := s.within()
	defer cancel()
	s.must(s.last().Ping(ctx))
	s.neverAgain(mallory, "alice", before)
	for _, one := range s.story(eve, "alice") {
		if strings.Contains(one, "friends") {
			s.Errorf("eve, who may not read notes, was shown %q", one)
		}
	}
}

var dialects = map[string]testbed.Dialect{
	"prosody": testbed.ProsodyDialect, "ejabberd": testbed.EjabberdDialect, "plain": testbed.PlainServer,
}

// linkFaults are the ways a living link ends; reason is the metric's.
var linkFaults = []struct {
	name, reason string
	do           func(l *testbed.Link)
}{
	{"reset", "broken", func(l *testbed.Link) { l.Reset() }},
	{"fin", "closed", func(l *testbed.Link) { _ = l.FIN() }},
	{"end of stream", "closed", func(l *testbed.Link) { _ = l.CloseStream() }},
	{"stream error", "server", func(l *testbed.Link) { _ = l.StreamError("system-shutdown") }},
	{"conflict", "conflict", func(l *testbed.Link) { _ = l.StreamError("conflict") }},
	{"half an element", "closed", func(l *testbed.Link) { _ = l.Send("<presence from='a@b'><show>"); _ = l.FIN() }},
	{"broken markup", "broken", func(l *testbed.Link) { _ = l.Send("<presence <") }},
	{"stalled", "stalled", func(l *testbed.Link) { l.StallReading() }},
}

// TestFault_LinkLost: whatever ends the link, /readyz and the metrics tell it,
// and what changed meanwhile is shown when the server is back.
func TestFault_LinkLost(t *testing.T) {
	t.Parallel()
	for dialect, d := range dialects {
		for _, f := range linkFaults {
			if dialect != "prosody" && f.name != "reset" && !patient {
				continue
			}
			t.Run(dialect+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				s := script(t, testbed.ComponentOptions{Dialect: d})
				s.run(partner, true)
				before := s.play()
				lost := s.metric(`presenced_link_losses_total{reason="` + f.reason + `"}`)
				s.must(s.fake.Refuse())
				f.do(s.last())
				// Two intervals of the pings, 15 s, are what a stall may take.
				s.readyz("unready", "link", 30*time.Second)
				if v := s.metric("presenced_link_attached") + s.metric("presenced_ready"); v != 0 {
					s.Errorf("the metrics say attached or ready")
				}
				if now := s.metric(`presenced_link_losses_total{reason="` + f.reason + `"}`); now != lost+1 {
					s.Errorf("losses by %s: %v, before %v\n%s", f.reason, now, lost, s.d.LogTail())
				}
				s.last().ResumeReading()
				s.changeTruth()
				s.must(s.fake.Listen())
				s.readyz("ready", "", reattach)
				s.truth(before)
				if n := s.metric("presenced_link_attaches_total"); n != 2 {
					s.Errorf("%v attaches, want 2", n)
				}
			})
		}
	}
}

// TestFault_TruthChangesWhileStalled: what is handed to a frozen server is not
// taken for shown.
func TestFault_TruthChangesWhileStalled(t *testing.T) {
	t.Parallel()
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(partner, true)
	before := s.play()
	l := s.last()
	l.StallReading()
	s.changeTruth()
	s.readyz("unready", "link", 30*time.Second)
	l.Reset() // what it had not read is lost
	s.readyz("ready", "", reattach)
	s.truth(before)
}

// TestFault_AtTheStart: a server that is not there, silent or not yet willing
// is waited for, unready, and attached to when it is.
func TestFault_AtTheStart(t *testing.T) {
	t.Parallel()
	for _, fault := range []testbed.AttachFault{
		"refused", testbed.SilentHeader, testbed.SilentHandshake, testbed.ResetHandshake, testbed.FINHandshake, testbed.Conflict,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect, Attach: testbed.Always(fault)})
			if fault == "refused" {
				s.fake.SetAttach(nil)
				s.must(s.fake.Refuse())
			}
			s.run(partner, false)
			s.readyz("unready", "link", converge)
			s.eventually(15*time.Second, "a failed attempt in the metrics", func() string {
				if s.losses() == 0 {
					return "none"
				}
				return ""
			})
			s.fake.SetAttach(nil)
			if fault == "refused" {
				s.must(s.fake.Listen())
			}
			s.readyz("ready", "", reattach)
			before := s.play()
			s.changeTruth()
			s.truth(before)
		})
	}
}

// TestFault_RefusedBeforeTheFirstAttach: what only the operator can mend ends
// with 78 and says what to do.
func TestFault_RefusedBeforeTheFirstAttach(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, value, hint string
	}{
		{"wrong secret", "secret", "wrong", "component.secret"},
		{"unknown name", "domain", "other.example.localhost", "component.domain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, testbed.ComponentOptions{})
			s.ends(s.settings(map[string]any{"component": map[string]any{tt.key: tt.value}}), 78, tt.hint)
		})
	}
}

// ends runs a daemon that must end by itself with a code and a word in its log.
func (s *stage) ends(config map[string]any, code int, word string) {
	s.Helper()
	d, err := testbed.StartDaemon(s.Context(), testbed.DaemonOptions{Config: config, NoWait: true})
	s.must(err)
	defer func() { _ = os.RemoveAll(d.Dir) }()
	defer func() { _ = d.Kill() }()
	ctx, cancel := s.within()
	defer cancel()
	got, err := d.Wait(ctx)
	s.must(err)
	if got != code || !strings.Contains(d.LogTail(), word) {
		s.Errorf("exit code %d, want %d and %q in\n%s", got, code, word, d.LogTail())
	}
	if strings.Contains(d.LogTail(), testbed.DefaultSecret) {
		s.Errorf("the secret is in the log:\n%s", d.LogTail())
	}
}

// TestFault_RefusedAfterTheFirstAttach: a server that forgot the component is
// waited for.
func TestFault_RefusedAfterTheFirstAttach(t *testing.T) {
	t.Parallel()
	for _, fault := range []testbed.AttachFault{testbed.NotAuthorized, testbed.HostUnknown} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
			s.run(partner, true)
			before := s.play()
			s.fake.SetAttach(testbed.Always(fault))
			s.last().Reset()
			s.says("reason=refused", converge)
			s.readyz("unready", "link", converge)
			if _, body, _ := s.d.Readiness(t.Context()); !strings.Contains(body, string(fault)) {
				t.Errorf("/readyz does not tell %s: %s", fault, body)
			}
			s.changeTruth()
			s.fake.SetAttach(nil)
			if !patient {
				return // the retry comes after 60 s
			}
			s.readyz("ready", "", 80*time.Second)
			s.truth(before)
		})
	}
}

// TestFault_SlowLines: latency and single bytes are no reason to let go.
func TestFault_SlowLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		o    testbed.ComponentOptions
		stay time.Duration // long enough for a ping of the daemon's own
	}{
		{"5 s latency", testbed.ComponentOptions{Dialect: testbed.ProsodyDialect, Latency: 5 * time.Second}, 22 * time.Second},
		{"one byte at a time", testbed.ComponentOptions{Dialect: testbed.ProsodyDialect, ChunkSize: 1}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, tt.o)
			limit := converge + 2*tt.o.Latency
			s.run(everybody, true)
			start := time.Now()
			s.fake.SetPresence("alice"+desk, "")
			s.subscribe("alice", bob)
			s.sees(bob, "alice", "online 3500", limit)
			s.fake.SetPresence("alice"+desk, "<show>dnd</show>")
			s.sees(bob, "alice", "dnd 9500", limit)
			s.eventually(tt.stay+time.Second, "the time to stay", func() string {
				if s.metric("presenced_link_attached") != 1 {
					s.Fatalf("the link was lost\n%s", s.d.LogTail())
				}
				if time.Since(start) < tt.stay {
					return "not yet"
				}
				return ""
			})
			s.fake.SetUnavailable("alice"+desk, false)
			s.sees(bob, "alice", "offline", limit)
			if n := s.fake.Connections(); n != 1 {
				t.Errorf("%d connections, want 1\n%s", n, s.d.LogTail())
			}
		})
	}
}

// TestFault_RealConflict: another component holds the name on a real Prosody;
// the daemon waits, unready, and gets it when it is free.
func TestFault_RealConflict(t *testing.T) {
	t.Parallel()
	srv := testbed.RunServer(t, testbed.Prosody, testbed.Options{Privileged: true})
	other, err := testbed.DialComponent(t.Context(), srv, component, testbed.ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{T: t}
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Config: testbed.ConfigFor(srv), NoWait: true})
	s.says("another component holds this name", converge)
	s.readyz("unready", "link", converge)
	s.must(other.Close())
	s.readyz("ready", "", reattach)
}

// TestFault_RealServerFreezes: a real Prosody that is stopped while its TCP
// lives is noticed; what was true when it goes on is shown.
func TestFault_RealServerFreezes(t *testing.T) {
	t.Parallel()
	s := open(t, topology{testbed.Prosody, true}, nil)
	alice, watcher := s.login("alice", "desk"), s.login("bob", "home")
	s.enable(alice)
	s.watch(watcher, "alice")
	s.sees(watcher, "alice", "online 3500", converge)
	st := &stage{T: t, d: s.d}
	s.must(s.srv.Stall())
	st.readyz("unready", "link", 30*time.Second)
	s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"}))
	s.must(s.srv.Resume())
	s.sees(watcher, "alice", "dnd 9500", reattach)
	st.readyz("ready", "", reattach)
}

// TestFault_RealServerKilled: a real Prosody that dies is told by /readyz.
func TestFault_RealServerKilled(t *testing.T) {
	t.Parallel()
	s := open(t, topology{testbed.Prosody, true}, nil)
	alice := s.login("alice", "desk")
	s.enable(alice)
	s.run(alice, "note", "text", "kept")
	st := &stage{T: t, d: s.d}
	s.must(s.srv.Kill())
	st.readyz("unready", "link", converge)
	s.must(s.srv.Start(t.Context()))
	st.readyz("ready", "", reattach)
	alice, watcher := s.login("alice", "desk"), s.login("bob", "home")
	s.watch(watcher, "alice")
	s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"}))
	s.sees(watcher, "alice", "dnd 9500", reattach)
	s.within(converge, "the note", func(ctx context.Context) error {
		_, err := watcher.WaitPresence(ctx, mirrorOf("alice"), func(p testbed.Stanza) bool { return p.Show == "dnd" && p.Status == "kept" })
		return err
	})
}
