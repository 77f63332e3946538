//go:build integration

package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// admin runs a subcommand of the stage's daemon and wants it to end with code.
func (s *stage) admin(code int, args ...string) string {
	s.Helper()
	r, err := s.d.Run(s.Context(), args...)
	s.must(err)
	if r.Code != code {
		s.Fatalf("presenced %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), r.Code, code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// exported is an export without its header, which holds the time.
func (s *stage) exported(file string) string {
	s.Helper()
	s.admin(0, "user", "export", "--out", file)
	text, err := os.ReadFile(file)
	s.must(err)
	header, users, _ := strings.Cut(string(text), "\n")
	if !strings.Contains(header, `"domain":"`+component+`"`) {
		s.Errorf("the header is %s", header)
	}
	return users
}

// TestMove_ToAnEmptyStore exports everything, loses the store, and imports into
// another daemon before it is attached (docs/move.md): everybody sees what they
// saw, and who was blocked never sees anything.
func TestMove_ToAnEmptyStore(t *testing.T) {
	t.Parallel()
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, testbed.ComponentOptions{Dialect: dialect})
			s.run(partner, true)
			before := s.play()
			s.order("alice", "out-of-office", "on", "true", "start", "2100-01-01T00:00:00Z", "note", "a century")
			s.subscribe("carol", "zed@nowhere.example")
			s.eventually(converge, "zed has asked", func() string {
				if out := s.admin(0, "user", "show", "carol@"+host); !strings.Contains(out, "zed@nowhere.example") {
					return out
				}
				return ""
			})
			file := filepath.Join(t.TempDir(), "users.jsonl")
			was := s.exported(file)
			s.must(s.d.Stop())

			s.must(s.fake.Refuse())
			s.redis, s.store = storeOf(t)
			s.run(partner, false) // another directory: an empty store
			s.eventually(converge, "administration", func() string {
				r, err := s.d.Run(s.Context(), "user", "list")
				if err != nil || r.Code != 0 {
					return r.Stderr
				}
				return ""
			})
			if out := s.admin(0, "user", "import", file, "--dry-run"); !strings.Contains(out, "2 would be imported, 0 refused") {
				t.Errorf("dry run:\n%s", out)
			}
			if left := s.exported(filepath.Join(t.TempDir(), "none.jsonl")); left != "" {
				t.Errorf("the dry run has stored\n%s", left)
			}
			s.admin(0, "user", "import", file)
			s.must(s.fake.Listen())
			s.readyz("ready", "", reattach)
			s.changeTruth()
			s.truth(before)
			if is := s.exported(filepath.Join(t.TempDir(), "again.jsonl")); is != was {
				t.Errorf("exported here\n%s\nand there\n%s", was, is)
			}
		})
	}
}

// TestMove_IntoARunningDaemon puts an earlier state back while everybody
// watches: each sees by it, and who is blocked by it sees her go once.
func TestMove_IntoARunningDaemon(t *testing.T) {
	t.Parallel()
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(partner, true)
	s.play()
	file := filepath.Join(t.TempDir(), "users.jsonl")
	was := s.exported(file)
	const zed = "zed@" + host
	s.order("alice", "unblock", "jid", mallory)
	s.sees(mallory, "alice", "online 3500 | for friends", converge)
	s.order("alice", "note", "text", "for all")
	s.subscribe("alice", zed)
	for _, w := range []string{bob, mallory, zed} {
		s.sees(w, "alice", "online 3500 | for all", converge)
	}
	seen := len(s.story(mallory, "alice"))
	if out := s.admin(1, "user", "import", file); !strings.Contains(out, "1 imported, 1 refused") {
		t.Errorf("without --replace:\n%s", out)
	}
	s.admin(0, "user", "import", file, "--replace")
	s.sees(bob, "alice", "online 3500 | for friends", converge)
	s.sees(mallory, "alice", "offline", converge)
	s.sees(zed, "alice", "offline", converge)
	s.fake.SetPresence("alice"+desk, "<show>dnd</show>")
	s.sees(bob, "alice", "dnd 9500 | for friends", converge)
	if got := s.story(mallory, "alice")[seen:]; len(got) != 1 || got[0] != "offline" {
		t.Errorf("mallory was shown %q, want offline once", got)
	}
	if is := s.exported(filepath.Join(t.TempDir(), "again.jsonl")); is != was {
		t.Errorf("exported before\n%s\nand after\n%s", was, is)
	}
	s.must(s.d.Stop())
	log, err := s.d.Log()
	s.must(err)
	for _, word := range []string{"for friends", "mallory", "alice"} {
		if strings.Contains(log, word) {
			t.Errorf("the log holds %q:\n%s", word, s.d.LogTail())
		}
	}
}
