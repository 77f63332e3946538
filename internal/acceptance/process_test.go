//go:build integration

package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// names are user names: prefix0, prefix1 and so on.
func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = prefix + strconv.Itoa(i)
	}
	return out
}

// TestProcess_SecondSIGTERM: one that comes more than a second after the first ends a
// stop that waits for a frozen server; until then it is the same request.
func TestProcess_SecondSIGTERM(t *testing.T) {
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(partner, true)
	s.play()
	l := s.last()
	l.StallReading()
	s.must(s.d.Signal(syscall.SIGTERM))
	s.says("msg=stopping", converge)
	start := time.Now()
	var code int
	for ended := false; !ended; {
		_ = s.d.Signal(syscall.SIGTERM) // fails once it has ended
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		got, err := s.d.Wait(ctx)
		cancel()
		code, ended = got, err == nil
	}
	if took := time.Since(start); code != 1 || took > 3*time.Second {
		t.Errorf("exit code %d after %v, want 1 in little more than a second\n%s", code, took, s.d.LogTail())
	}
	l.ResumeReading()
	s.must(s.d.Kill()) // it is gone; this forgets its exit code
}

// diary is what one user was told of her notes: numbers, each later one larger.
type diary struct{ tried, acked atomic.Int64 }

// write notes until the link ends.
func (y *diary) write(s *stage, l *testbed.Link, user string) {
	for {
		n := y.tried.Add(1)
		if st, err := s.form(l, user, "note", "text", "n"+strconv.FormatInt(n, 10)); !done(st, err) {
			return
		}
		y.acked.Store(n)
	}
}

// check reads the user's note back.
func (y *diary) check(s *stage, l *testbed.Link, user string) {
	st, err := s.form(l, user, "note")
	if err != nil {
		s.Fatalf("%s: read the note: %v\n%s", user, err, s.d.LogTail())
	}
	_, value, _ := strings.Cut(st.Raw, "<value>n")
	value, _, _ = strings.Cut(value, "<")
	got, _ := strconv.ParseInt(value, 10, 64)
	if acked, tried := y.acked.Load(), y.tried.Load(); got < acked || got > tried {
		s.Fatalf("%s: the note is %d; %d was acknowledged and %d tried last\n%s", user, got, acked, tried, st.Raw)
	}
}

// TestProcess_KilledWhileSettingsAreWritten: whatever was acknowledged before a
// kill -9 at any instant is there after the restart.
func TestProcess_KilledWhileSettingsAreWritten(t *testing.T) {
	kills := 40
	if patient {
		kills = 200
	}
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(partner, true)
	before := s.play()
	users := names("u", 8)
	s.enable(users...)
	diaries := make([]diary, len(users))
	for kill := range kills {
		l := s.link(kill+1, converge)
		var work sync.WaitGroup
		for i, u := range users {
			if kill > 0 {
				diaries[i].check(s, l, u)
			}
			work.Go(func() { diaries[i].write(s, l, u) })
		}
		time.Sleep(rand.N(80 * time.Millisecond)) // the instant is what is tested
		s.must(s.d.Kill())
		work.Wait()
		s.must(s.d.Start(t.Context()))
	}
	l := s.link(kills+1, converge)
	acked := int64(0)
	for i, u := range users {
		diaries[i].check(s, l, u)
		acked += diaries[i].acked.Load()
	}
	if acked < int64(kills) {
		t.Errorf("only %d notes were acknowledged in %d rounds", acked, kills)
	}
	t.Logf("%d notes acknowledged over %d kills", acked, kills)
	s.changeTruth()
	s.truth(before)
}

// TestProcess_Reload: a broken file changes nothing and every problem of it is
// logged; a good one counts at once.
func TestProcess_Reload(t *testing.T) {
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(partner, true)
	before := s.play()
	const ok = "presenced_config_last_reload_successful"
	if s.metric(ok) != 1 {
		t.Errorf("%s is not 1 after the start", ok)
	}
	broken := s.settings(map[string]any{
		"networks":  map[string]any{"public_cloud": []string{"partner.example"}},
		"presence":  map[string]any{"idle_after": "soon"},
		"enrolment": map[string]any{"mode": "some"},
		"limits":    map[string]any{"no_such_key": 1},
	})
	s.reload(broken)
	for _, key := range []string{"presence.idle_after", "enrolment.mode", "no_such_key"} {
		s.says(key, converge)
	}
	s.eventually(converge, ok+" 0", func() string {
		if s.metric(ok) != 0 {
			return "it is 1"
		}
		return ""
	})
	s.must(os.WriteFile(s.d.ConfigPath, []byte("[component\nbroken"), 0o600))
	s.must(s.d.Signal(syscall.SIGHUP))
	s.eventually(converge, "a file that is no TOML is logged", func() string {
		if all, _ := s.d.Log(); strings.Count(all, "configuration not reloaded") < 4 {
			return "not yet"
		}
		return ""
	})
	s.must(os.Remove(s.d.ConfigPath))
	s.must(s.d.Signal(syscall.SIGHUP))
	s.says("presenced.toml", converge)
	s.changeTruth()
	s.truth(before) // eve still is of a federated company
	s.readyz("ready", "", converge)

	s.reload(s.settings(map[string]any{"networks": map[string]any{"public_cloud": []string{"partner.example"}}}))
	s.sees(eve, "alice", "offline", converge)
	s.eventually(converge, ok+" 1", func() string {
		if s.metric(ok) != 1 {
			return "it is 0"
		}
		return ""
	})
	s.reload(s.settings(map[string]any{"networks": map[string]any{"enterprise": []string{host, "partner.example"}}}))
	s.sees(eve, "alice", "dnd 9500 | for friends", converge)
	s.sees(bob, "alice", "dnd 9500 | for friends", converge)
	s.neverAgain(mallory, "alice", before)
	if n := s.metric("presenced_link_attaches_total"); n != 1 {
		t.Errorf("a reload cost the link: %v attaches", n)
	}
}

// reload writes another configuration and has it read.
func (s *stage) reload(config map[string]any) {
	s.Helper()
	s.must(s.d.WriteConfig(config))
	s.must(s.d.Signal(syscall.SIGHUP))
}

// TestProcess_SecondOnTheSameStore ends with 78 and leaves the first alone.
func TestProcess_SecondOnTheSameStore(t *testing.T) {
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(partner, true)
	before := s.play()
	s.ends(s.settings(map[string]any{"store": map[string]any{"path": filepath.Join(s.d.Dir, "store")}}), 78, "in use")
	s.readyz("ready", "", converge)
	s.order("alice", "note", "text", "for friends")
	s.changeTruth()
	s.truth(before)
}

// TestProcess_DiskFull: commands are refused in words, presence goes on,
// readiness is degraded and comes back with the space.
func TestProcess_DiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("presenced-test", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("mounting needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	config := map[string]any{"store": map[string]any{"path": filepath.Join(dir, "store")}, "networks": partner["networks"]}
	s.run(config, true)
	before := s.play()
	users := names("u", 200)
	s.enable(users...)
	free := ballast(t, dir)
	refused, kept := s.fill(users)
	if _, note, ok := strings.Cut(refused.Raw, "<note type='error'>"); !ok || strings.HasPrefix(note, "<") {
		t.Errorf("after %d notes: the refusal does not say why: %s", len(kept), refused.Raw)
	}
	s.readyz("degraded", "store", converge)
	if v := s.metric("presenced_store_healthy"); v != 0 {
		t.Errorf("presenced_store_healthy is %v", v)
	}
	s.changeTruth()
	s.truth(before)

	free()
	s.readyz("ready", "", converge)
	s.order("alice", "note", "text", "again")
	s.sees(bob, "alice", "dnd 9500 | again", converge)
	s.must(s.d.Stop())
	s.must(s.d.Start(t.Context()))
	s.sees(bob, "alice", "dnd 9500 | again", converge)
	for user, want := range kept {
		st, err := s.form(s.last(), user, "note")
		if err != nil || !strings.Contains(st.Raw, "<value>"+want+"</value>") {
			t.Errorf("the note of %s is not %q: %v %s", user, want, err, st.Raw)
		}
	}
	s.neverAgain(mallory, "alice", before)
}

// ballast takes what is left of a file system; free gives it back.
func ballast(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	_ = f.Close() // what could not be written is the point
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// fill sets notes of growing length until one is refused, and returns the
// refusal and the last note acknowledged of each user.
func (s *stage) fill(users []string) (refusal testbed.Stanza, kept map[string]string) {
	s.Helper()
	kept = map[string]string{}
	for round := range 10 {
		for i, u := range users {
			text := fmt.Sprintf("%d-%d-%s", round, i, strings.Repeat("x", min(20+30*round, 240)))
			st, err := s.form(s.last(), u, "note", "text", text)
			if !done(st, err) {
				return st, kept
			}
			kept[u] = text
		}
	}
	s.Fatalf("the full disk refused none of %d notes", 10*len(users))
	return
}
