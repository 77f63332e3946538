//go:build integration

package acceptance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// onOwnRedis plays the scene on a Redis that the test may break. before is how much
// mallory had been shown when she was blocked.
func onOwnRedis(t *testing.T, args ...string) (s *stage, before int) {
	t.Helper()
	return onRedisOf(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect}, args...)
}

func onRedisOf(t *testing.T, o testbed.ComponentOptions, args ...string) (s *stage, before int) {
	t.Helper()
	t.Parallel()
	s = script(t, o)
	s.redis = testbed.RunRedis(t, testbed.RedisOptions{Args: args})
	s.store = map[string]any{"redis": s.redis.URL}
	s.run(partner, true)
	return s, s.play()
}

// tell gives Redis a command and fails the test when it refuses.
func (s *stage) tell(words ...string) string {
	s.Helper()
	answer, err := s.redis.Command(s.Context(), words...)
	if err != nil || strings.HasPrefix(answer, "-") {
		s.Fatalf("redis: %q: %s %v", words, answer, err)
	}
	return answer
}

// refuses wants a change refused in words.
func (s *stage) refuses(user, node string, fields ...string) {
	s.Helper()
	st, err := s.form(s.last(), user, node, fields...)
	if done(st, err) {
		s.Fatalf("%s of %s was accepted while nothing can be stored", node, user)
	}
	if _, note, ok := strings.Cut(st.Raw, "<note type='error'>"); !ok || strings.HasPrefix(note, "<") {
		s.Errorf("the refusal of %s does not say why: %v %s", node, err, st.Raw)
	}
}

// keeps wants a user's note as it was acknowledged.
func (s *stage) keeps(user, note string) {
	s.Helper()
	st, err := s.form(s.last(), user, "note")
	if err != nil || !strings.Contains(st.Raw, "<value>"+note+"</value>") {
		s.Errorf("the note of %s is not %q: %v %s", user, note, err, st.Raw)
	}
}

// away is what must hold while Redis cannot store: degraded, told by a metric,
// changes refused, presence true, and the blocked see nothing.
func (s *stage) away(before int) {
	s.Helper()
	s.readyz("degraded", "store", converge)
	if v := s.metric("presenced_store_healthy"); v != 0 {
		s.Errorf("presenced_store_healthy is %v", v)
	}
	s.refuses("alice", "note", "text", "lost")
	s.refuses("alice", "unblock", "jid", mallory)
	s.changeTruth()
	s.truth(before)
}

// back is what must hold afterwards, and after a kill -9: what was acknowledged is
// there, what was refused is not.
func (s *stage) back(before int) {
	s.Helper()
	s.readyz("ready", "", converge)
	if v := s.metric("presenced_store_healthy"); v != 1 {
		s.Errorf("presenced_store_healthy is %v", v)
	}
	s.keeps("alice", "for friends")
	s.order("alice", "note", "text", "again")
	s.sees(bob, "alice", "dnd 9500 | again", converge)
	s.must(s.d.Kill())
	s.must(s.d.Start(s.Context()))
	s.sees(bob, "alice", "dnd 9500 | again", converge)
	s.keeps("alice", "again")
	s.neverAgain(mallory, "alice", before)
}

// TestRedis_CannotStore: whatever keeps Redis from storing, presence goes on from
// memory and settings are refused; afterwards everything is there.
func TestRedis_CannotStore(t *testing.T) {
	var loading sync.WaitGroup
	tests := []struct {
		name    string
		on, off func(s *stage)
		says    string
		args    []string
	}{
		{
			name: "refused", says: "start it",
			on: func(s *stage) { s.must(s.redis.Kill()) }, off: func(s *stage) { s.must(s.redis.Start(s.Context())) },
		},
		{
			name: "stopped", says: "does not answer in time",
			on: func(s *stage) { s.must(s.redis.Stall()) }, off: func(s *stage) { s.must(s.redis.Resume()) },
		},
		{
			name: "full", says: "raise maxmemory",
			on: func(s *stage) { s.tell("CONFIG", "SET", "maxmemory", "1") }, off: func(s *stage) { s.tell("CONFIG", "SET", "maxmemory", "0") },
		},
		{
			name: "read only", says: "it is a replica",
			on: func(s *stage) { s.tell("REPLICAOF", "127.0.0.1", "1") }, off: func(s *stage) { s.tell("REPLICAOF", "NO", "ONE") },
		},
		{
			name: "loading", says: "wait until Redis has loaded", args: []string{
				"--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024", "--rdbcompression", "no",
			},
			on: func(s *stage) {
				for i := range 300 { // it answers after each kilobyte only
					s.tell("SET", "filler:"+strconv.Itoa(i), "some-bytes-to-load")
				}
				s.tell("BGREWRITEAOF")
				s.eventually(converge, "the file is rewritten", func() string {
					list, err := os.ReadFile(filepath.Join(s.redis.Dir, "appendonlydir", "appendonly.aof.manifest"))
					if err != nil || !strings.Contains(string(list), ".2.base.rdb") {
						return "not yet"
					}
					return ""
				})
				s.must(s.redis.Kill())
				loading.Go(func() { s.must(s.redis.Start(s.Context())) }) // returns when it has loaded
				s.eventually(converge, "Redis is loading", func() string {
					if answer, err := s.redis.Command(s.Context(), "PING"); err != nil || !strings.HasPrefix(answer, "-LOADING") {
						return answer
					}
					return ""
				})
			},
			off: func(*stage) { loading.Wait() },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, before := onOwnRedis(t, tt.args...)
			tt.on(s)
			// A change finds it at once, the next look within seconds.
			s.refuses("alice", "note", "text", "lost")
			s.away(before)
			s.says(tt.says, converge)
			tt.off(s)
			s.back(before)
		})
	}
}

// TestRedis_Emptied: what Redis lost while the daemon ran is written again, whether
// a change comes first or the daemon looks by itself.
func TestRedis_Emptied(t *testing.T) {
	tests := []struct {
		name string
		lose func(s *stage)
	}{
		{"flushed, then a change", func(s *stage) { s.tell("FLUSHALL"); s.order("carol", "note", "text", "after") }},
		{"flushed, nothing happens", func(s *stage) { s.tell("FLUSHALL") }},
		{"restarted without its data", func(s *stage) {
			s.must(s.redis.Kill())
			s.must(os.RemoveAll(filepath.Join(s.redis.Dir, "appendonlydir")))
			s.must(s.redis.Start(s.Context()))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, before := onOwnRedis(t)
			tt.lose(s)
			s.eventually(converge, "Redis is filled again", func() string {
				if s.metric("presenced_redis_refills_total") == 0 {
					return "not yet"
				}
				return ""
			})
			s.changeTruth()
			s.truth(before)
			s.back(before)
		})
	}
}

// TestRedis_EmptiedWhileTheDaemonWasDown: the safety copy fills it, before anybody
// is shown anything.
func TestRedis_EmptiedWhileTheDaemonWasDown(t *testing.T) {
	s, before := onOwnRedis(t)
	s.must(s.d.Stop()) // the copy follows Redis by a moment, and a stop waits for it
	s.tell("FLUSHALL")
	s.changeTruth()
	s.must(s.d.Start(t.Context()))
	s.truth(before)
	s.says("writing them again", converge)
	s.back(before)
}

// TestRedis_LostWithoutACopy: the daemon stays unready, sends nothing and says what
// to do; only the operator's word makes it begin anew.
func TestRedis_LostWithoutACopy(t *testing.T) {
	s, _ := onOwnRedis(t)
	s.must(s.d.Stop())
	s.tell("FLUSHALL")
	s.must(os.RemoveAll(filepath.Join(s.d.Dir, "store", "copy")))
	links := s.fake.Connections()
	d := testbed.RunDaemon(t, testbed.DaemonOptions{Dir: s.d.Dir, Config: s.settings(partner), NoWait: true})
	s.d = d
	s.says("--start-empty", converge)
	s.says("user import", converge)
	s.readyz("unready", "settings", converge)
	if n := s.fake.Connections(); n != links {
		t.Errorf("attached %d times without settings", n-links)
	}
	if code, body, err := d.Readiness(t.Context()); err != nil || code != 503 || !strings.Contains(body, "--start-empty") {
		t.Errorf("/readyz does not say what to do: %d %s %v", code, body, err)
	}
	s.must(d.Stop())
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Dir: d.Dir, Config: s.settings(partner), Args: []string{"--start-empty"}})
	s.enable("alice")
	s.order("alice", "note", "text", "anew")
	s.must(s.d.Kill())
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Dir: d.Dir, Config: s.settings(partner)})
	s.keeps("alice", "anew")
}

// TestRedis_AwayAtTheStart is waited for, unready, with the listeners up.
func TestRedis_AwayAtTheStart(t *testing.T) {
	s, before := onOwnRedis(t)
	s.must(s.d.Stop())
	s.must(s.redis.Stop())
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Dir: s.d.Dir, Config: s.settings(partner), NoWait: true})
	s.readyz("unready", "settings", converge)
	s.says("trying again", converge)
	s.changeTruth()
	s.must(s.redis.Start(t.Context()))
	s.readyz("ready", "", converge)
	s.truth(before)
}

// TestRedis_TakenOver: a daemon that was frozen while another one took its place
// ends by itself, without a farewell in the other one's name.
func TestRedis_TakenOver(t *testing.T) {
	// A server that lets a second component in, as ejabberd does.
	s, before := onRedisOf(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect, TakeBoth: true})
	old := s.d
	first := s.last()
	s.must(old.Signal(syscall.SIGSTOP))
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Config: s.settings(partner), NoWait: true})
	s.readyz("ready", "", 30*time.Second) // a lease of ten seconds has to end first
	s.changeTruth()
	s.truth(before)
	heard := len(first.Log())
	s.must(old.Signal(syscall.SIGCONT))
	ctx, cancel := s.within()
	defer cancel()
	code, err := old.Wait(ctx)
	if log := old.LogTail(); err != nil || code != 1 || !strings.Contains(log, "taken the Redis store over") {
		t.Errorf("the overtaken daemon: exit code %d, %v\n%s", code, err, log)
	}
	s.must(old.Kill()) // it is gone; this forgets its exit code
	for _, st := range first.Log()[heard:] {
		if st.Kind == "presence" {
			t.Errorf("the overtaken daemon still showed %s", st.Raw)
		}
	}
	s.truth(before)
}
