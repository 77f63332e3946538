//go:build integration

package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// TestRedis_LostAndImported goes the way docs/redis.md names: what was exported is
// imported into a daemon that began empty, and the next one knows it. No watcher is
// told meanwhile that there is nobody to watch, and who was blocked stays blocked.
func TestRedis_LostAndImported(t *testing.T) {
	s, before := onOwnRedis(t)
	file := filepath.Join(t.TempDir(), "users.jsonl")
	was := s.exported(file)
	s.must(s.d.Stop())
	s.tell("FLUSHALL")
	s.must(os.RemoveAll(filepath.Join(s.d.Dir, "store", "copy")))
	dir := s.d.Dir
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Dir: dir, Config: s.settings(partner), Args: []string{"--start-empty"}})
	empty := s.last()
	s.enable("dave") // a store that knows nobody at all would be careful without being told
	for _, watcher := range []string{bob, mallory, eve} {
		s.must(empty.Send("<presence type='probe' from='" + watcher + "' to='" + mirrorOf("alice") + "'/>"))
	}
	ctx, cancel := s.within()
	defer cancel()
	s.must(empty.Ping(ctx))
	s.admin(0, "user", "import", file)
	s.changeTruth()
	s.truth(before)
	is := s.exported(filepath.Join(t.TempDir(), "again.jsonl"))
	for user := range strings.Lines(was) {
		if !strings.Contains(is, user) {
			t.Errorf("exported before\n%s\nand after\n%s", user, is)
		}
	}
	for _, st := range empty.Log() {
		if st.Type == "unsubscribed" || st.Type == "unsubscribe" {
			t.Errorf("a watcher was told that there is nobody to watch: %s", st.Raw)
		}
	}
	s.must(s.d.Stop())
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Dir: dir, Config: s.settings(partner)})
	s.truth(before)
	s.back(before)
}
