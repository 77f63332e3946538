//go:build integration

package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// trail is the audit trail as the command line tells it, one entry a line.
func (s *stage) trail(args ...string) string {
	s.Helper()
	return s.admin(0, append([]string{"audit", "--json"}, args...)...)
}

// TestAudit_TellsTheOperatorAndNobodyElse names I2 and "Configuration", [audit]: who
// asked for whom and who changed which access is told on the admin socket, the files
// are the daemon's own, no presence and no note is in them, and who is erased is in
// them no more.
func TestAudit_TellsTheOperatorAndNobodyElse(t *testing.T) {
	t.Parallel()
	s := script(t, testbed.ComponentOptions{})
	s.run(lay(partner, map[string]any{"audit": map[string]any{"enabled": true}}), true)
	s.enable("alice")
	s.subscribe("alice", "bob@"+host)
	s.order("alice", "note", "note", "quite a secret")
	s.order("alice", "block", "jid", "mallory@nowhere.example")
	ask := func(who, of string) string {
		s.Helper()
		ctx, cancel := s.within()
		defer cancel()
		st, err := s.last().IQ(ctx, "get", who, mirrorOf(of), "<query xmlns='urn:presenced:1'/>")
		s.must(err)
		return st.Raw
	}
	ask("mallory@nowhere.example/x", "alice")
	ask("mallory@nowhere.example/x", "nobody")
	s.admin(0, "query", "alice@"+host, "--as", "bob@"+host)

	all := s.trail()
	for _, want := range []string{
		`"what":"enable","who":"alice@` + host + `","way":"command","user":"alice@` + host + `"`,
		`"what":"subscribe","who":"bob@` + host + `","way":"mirror","user":"alice@` + host + `"`,
		`"what":"block","who":"alice@` + host + `","way":"command","user":"alice@` + host + `","about":"mallory@nowhere.example","rules":[{"type":"user","value":"mallory@nowhere.example","new":32000}]`,
		`"what":"presence","who":"mallory@nowhere.example","way":"query","user":"alice@` + host + `","level":32000`,
		`"what":"presence","who":"mallory@nowhere.example","way":"query","user":"nobody@` + host + `","level":0`,
		`"way":"admin","user":"alice@` + host + `","as":"bob@` + host + `"`,
	} {
		if !strings.Contains(all, want) {
			s.Errorf("the trail lacks %s:\n%s", want, all)
		}
	}
	for line := range strings.Lines(all) {
		if !json.Valid([]byte(line)) {
			s.Errorf("no JSON: %s", line)
		}
	}
	if got := s.trail("--user", "bob@"+host); !strings.Contains(got, `"what":"subscribe"`) || strings.Contains(got, "mallory") {
		s.Errorf("of bob:\n%s", got)
	}
	s.keptToItself()
	if out := s.admin(0, "user", "export"); strings.Contains(out, `"audit"`) || strings.Contains(out, `"presence"`) {
		s.Errorf("the export holds\n%s", out)
	}

	s.admin(0, "user", "erase", "alice@"+host)
	s.eventually(converge, "alice is in the trail no more", func() string {
		if left := s.trail(); strings.Contains(left, `"alice@`) || !strings.Contains(left, `"what":"erase"`) {
			return left
		}
		return ""
	})
}

// keptToItself holds the files of the trail to their modes, and to what may not be
// in them.
func (s *stage) keptToItself() {
	s.Helper()
	files := 0
	s.must(filepath.WalkDir(s.d.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".jsonl" {
			return err
		}
		files++
		for path, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): fs.ModeDir | 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				s.Errorf("%s has mode %v, %v", path, info.Mode(), err)
			}
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "secret") || strings.Contains(string(text), "18500") {
			s.Errorf("%s holds what is shown:\n%s", path, text)
		}
		return err
	}))
	if files == 0 {
		s.Error("there is no file")
	}
}

// TestAudit_TellsWhatNobodyAsked names issue 7: on a real server the trail names the
// component where it writes a roster, the server where a block list there has changed,
// and the clock where a level for a while ends.
func TestAudit_TellsWhatNobodyAsked(t *testing.T) {
	s := open(t, topologies[0], lay(provisioned, map[string]any{"audit": map[string]any{"enabled": true}}))
	alice, bob := s.login("alice", "desk"), s.login("bob", "home")
	s.befriend(alice, bob)
	s.enable(alice)
	s.enable(bob)
	s.rostered(bob, "alice@"+component, true)
	s.blocks(alice, "block", "mallory@nowhere.example")
	s.run(alice, "levels", "action", "put", "container", "400", "type", "user", "value", "fred@partner.example",
		"until", time.Now().Add(2*time.Second).UTC().Format(time.RFC3339Nano))
	a, b := "alice@"+host, "bob@"+host
	s.trailHolds(
		`"what":"contact-put","who":"presenced","way":"provisioning","user":"`+b+`","about":"`+a+`"`,
		`"what":"subscribe","who":"`+b+`","way":"provisioning","user":"`+a+`","outcome":"accepted"`,
		`"what":"server-lists","who":"server","way":"server-lists","user":"`+a+`","rules":[{"type":"server-block","value":"mallory@nowhere.example","new":32000}]`,
		`"what":"level-ended","who":"presenced","way":"clock","user":"`+a+`","rules":[{"type":"user","value":"fred@partner.example","old":400}]`)
	s.blocks(alice, "unblock", "mallory@nowhere.example")
	s.run(bob, "disable")
	s.trailHolds(
		`"what":"contact-taken","who":"presenced","way":"provisioning","user":"`+b+`","about":"`+a+`"`,
		`"rules":[{"type":"server-block","value":"mallory@nowhere.example","old":32000}]`)
}

// trailHolds waits until the trail holds entries.
func (s *site) trailHolds(want ...string) {
	s.Helper()
	s.within(converge, "entries of the trail", func(ctx context.Context) error {
		for {
			res, err := s.d.Run(ctx, "audit", "--json")
			if err != nil {
				return err
			}
			missing := slices.IndexFunc(want, func(w string) bool { return !strings.Contains(res.Stdout, w) })
			if missing < 0 {
				return nil
			}
			if ctx.Err() != nil {
				return fmt.Errorf("there is no %s in\n%s", want[missing], res.Stdout)
			}
		}
	})
}
