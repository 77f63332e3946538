//go:build integration

package redisstore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// prepared is a store with some content, closed again.
func prepared(t *testing.T, alone bool) (r *testbed.Redis, a at, m *model) {
	t.Helper()
	r = testbed.RunRedis(t, testbed.RedisOptions{})
	a = at{server: Server{Addrs: []string{r.Addr}}, path: t.TempDir(), tune: quick, alone: alone}
	w := a.attach(t)
	m = newModel()
	m.fill(t, w, 200)
	if !alone {
		eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
	}
	shut(t, w)
	return r, a, m
}

// reattached wants a start to work and everything to be there.
func reattached(t *testing.T, a at, m *model, withPresence bool) {
	t.Helper()
	w := a.attach(t)
	defer func() { shut(t, w) }()
	m.held(t, w, withPresence)
	if err := <-m.save(t, w, engine.Write{User: "new@x", Docs: map[string][]byte{"note": []byte("1")}}); err != nil {
		t.Errorf("Save after the start: %v", err)
	}
	if err := w.Healthy(); err != nil {
		t.Errorf("Healthy: %v", err)
	}
	eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
}

func TestAttach_Again(t *testing.T) {
	for _, alone := range []bool{false, true} {
		_, a, m := prepared(t, alone)
		reattached(t, a, m, true)
		reattached(t, a, m, false)
	}
}

// TestAttach_Adopts starts beside a Redis of which nothing is known here.
func TestAttach_Adopts(t *testing.T) {
	r, a, m := prepared(t, false)
	a.path = t.TempDir()
	reattached(t, a, m, true)
	command(t, r, "FLUSHALL") // and the copy that was made is complete
	reattached(t, a, m, false)

	command(t, r, "FLUSHALL")
	other := at{server: a.server, path: t.TempDir(), tune: quick}
	shut(t, other.attach(t))
	if _, err := a.tryAttach(t); !errors.Is(err, ErrForeign) {
		t.Errorf("Attach to another installation's Redis: got %v, want ErrForeign", err)
	}
}

func TestAttach_AdoptedIsCopiedAtOnce(t *testing.T) {
	r, a, m := prepared(t, false)
	a.path = t.TempDir()
	w := a.attach(t)
	eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
	shut(t, w)
	must(t, r.Wipe())
	must(t, r.Start(t.Context()))
	reattached(t, a, m, false)
}

func TestAttach_EmptiedIsRefilledFromTheCopy(t *testing.T) {
	r, a, m := prepared(t, false)
	command(t, r, "FLUSHALL")
	reattached(t, a, m, false)
	command(t, r, "DEL", "test:{11}:f")
	reattached(t, a, m, false)
}

func TestAttach_EmptiedWithoutCopyIsLost(t *testing.T) {
	r, a, _ := prepared(t, true)
	command(t, r, "FLUSHALL")
	for range 2 {
		if _, err := a.tryAttach(t); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "--start-empty") {
			t.Fatalf("Attach: got %v, want ErrLost with what to do", err)
		}
	}
	a.empty = true
	w := a.attach(t)
	newModel().held(t, w, true)
	m := newModel()
	m.fill(t, w, 20)
	shut(t, w)
	reattached(t, a, m, true) // nothing is lost, so nothing is started empty
	a.empty = false
	reattached(t, a, m, false)
}

func TestAttach_OneTagLostWithoutCopy(t *testing.T) {
	r, a, m := prepared(t, true)
	command(t, r, "DEL", "test:{11}:f")
	if _, err := a.tryAttach(t); !errors.Is(err, ErrLost) {
		t.Fatalf("Attach: got %v, want ErrLost", err)
	}
	a.empty = true
	for user := range m.docs {
		if tagOf(user) == 11 {
			delete(m.docs, user)
			delete(m.presence, user)
		}
	}
	reattached(t, a, m, true)
}

func TestAttach_CopyRemoved(t *testing.T) {
	r, a, m := prepared(t, false)
	must(t, os.RemoveAll(filepath.Join(a.path, "copy")))
	w := a.attach(t)
	eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
	shut(t, w)
	command(t, r, "FLUSHALL")
	reattached(t, a, m, false)
}

func TestAttach_MarkerRemoved(t *testing.T) {
	r, a, m := prepared(t, false)
	must(t, os.Remove(filepath.Join(a.path, markerName)))
	eventually(t, "the lease ended", func() bool { return command(t, r, "EXISTS", "test:{meta}:lease") == ":0" })
	reattached(t, a, m, true)
	must(t, os.Remove(filepath.Join(a.path, markerName)))
	command(t, r, "FLUSHALL")
	reattached(t, a, m, false)
}

func TestAttach_MarkerDamaged(t *testing.T) {
	_, a, m := prepared(t, false)
	path := filepath.Join(a.path, markerName)
	good, err := os.ReadFile(path)
	must(t, err)
	for _, text := range []string{"", "{", "{}", string(good[:len(good)/2]), `{"instance":"x","sequences":[-1]}`} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := a.tryAttach(t); err == nil || !strings.Contains(err.Error(), "is damaged; restore it") {
			t.Errorf("marker %.20q: got %v, want it called damaged", text, err)
		}
	}
	must(t, os.WriteFile(path, good, 0o600))
	reattached(t, a, m, true)
}

// TestAttach_RedisBehind restores an older state of Redis.
func TestAttach_RedisBehind(t *testing.T) {
	for _, alone := range []bool{false, true} {
		t.Run(fmt.Sprintf("alone=%t", alone), func(t *testing.T) {
			r, a, m := prepared(t, alone)
			older := snapshot(t, r)
			w := a.attach(t)
			for i := range 20 {
				if err := <-m.save(t, w, engine.Write{User: fmt.Sprintf("base%d@x", i), Erase: true}); err != nil {
					t.Fatal(err)
				}
			}
			shut(t, w)
			must(t, r.Wipe())
			must(t, os.CopyFS(filepath.Join(r.Dir, "appendonlydir"), os.DirFS(older)))
			must(t, r.Start(t.Context()))
			if !alone {
				reattached(t, a, m, false)
			} else if _, err := a.tryAttach(t); !errors.Is(err, ErrLost) {
				t.Errorf("Attach to an older state: got %v, want ErrLost", err)
			}
		})
	}
}

// TestAttach_CrashDuringRefill cuts a refill at many places; the next start must
// find out.
func TestAttach_CrashDuringRefill(t *testing.T) {
	r, a, m := prepared(t, false)
	p := testbed.RunProxy(t, r.Addr)
	cut := a
	cut.server = Server{Addrs: []string{p.Addr}}
	worked := 0
	for bytes := int64(0); bytes < 40_000; bytes += 1300 {
		command(t, r, "FLUSHALL")
		p.Set(testbed.ProxyPass)
		p.CutAfter(bytes)
		w, err := cut.tryAttach(t)
		if err == nil {
			worked++
			_ = w.Close(t.Context())
		}
		p.CutAfter(-1)
		w = a.attach(t)
		m.held(t, w, false)
		shut(t, w)
		if t.Failed() {
			t.Fatalf("after a cut behind %d bytes", bytes)
		}
	}
	if worked > 25 {
		t.Errorf("only %d of 31 refills were cut", 31-worked)
	}
}

func TestAttach_NewerSchema(t *testing.T) {
	r, a, _ := prepared(t, false)
	command(t, r, "HSET", "test:{meta}:meta", "schema", "2")
	if _, err := a.tryAttach(t); !errors.Is(err, engine.ErrNewerSchema) || !strings.Contains(err.Error(), "; install that version") {
		t.Errorf("Attach: got %v, want ErrNewerSchema with what to do", err)
	}
	command(t, r, "HSET", "test:{meta}:meta", "schema", "one")
	if _, err := a.tryAttach(t); err == nil || !strings.Contains(err.Error(), "; choose another store.prefix") {
		t.Errorf("Attach to a foreign key: got %v, want to be told of the prefix", err)
	}
}

// TestAttach_Migrates goes through a schema that is injected, with a crash after
// its first half.
func TestAttach_Migrates(t *testing.T) {
	r, a, m := prepared(t, true)
	crash := errors.New("crash")
	runs := 0
	two := schema{version: 2, migrations: map[uint32]func(context.Context, *Store) error{
		1: func(ctx context.Context, s *Store) error {
			if runs++; runs == 1 {
				_ = s.client.Set(ctx, "test:half", "1", 0).Err()
				return crash
			}
			return s.client.Set(ctx, "test:migrated", "1", 0).Err()
		},
	}}
	attach := func(sch schema) (*Store, error) {
		s, err := newStore(a.options(), quick, sch)
		must(t, err)
		return s, s.Attach(t.Context())
	}
	s, err := attach(schema{version: 3})
	if !errors.Is(err, errNoMigration) {
		t.Errorf("Attach without a migration: got %v, want %v", err, errNoMigration)
	}
	shut(t, s)
	if s, err = attach(two); !errors.Is(err, crash) {
		t.Errorf("Attach: got %v, want the crash", err)
	}
	shut(t, s)
	if s, err = attach(two); err != nil {
		t.Fatal(err)
	}
	m.held(t, s, true)
	shut(t, s)
	if command(t, r, "HGET", "test:{meta}:meta", "schema") != "2" || command(t, r, "GET", "test:migrated") != "1" {
		t.Error("the schema is not 2")
	}
	info, err := os.Stat(filepath.Join(a.path, "redis-schema1.bak"))
	must(t, err)
	text, err := os.ReadFile(filepath.Join(a.path, info.Name()))
	must(t, err)
	if lines := strings.Count(string(text), "\n"); lines < 200+64 || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has %d keys and mode %v; want all and 0600", lines, info.Mode())
	}
	if half := base64.StdEncoding.EncodeToString([]byte("test:half")); strings.Contains(string(text), half) {
		t.Error("the copy was made anew of what the interrupted migration left behind")
	}
	three := schema{version: 3, migrations: map[uint32]func(context.Context, *Store) error{
		2: func(context.Context, *Store) error { return nil },
	}}
	s, err = attach(three)
	must(t, err)
	shut(t, s)
	if _, err := os.Stat(filepath.Join(a.path, "redis-schema2.bak")); err != nil {
		t.Errorf("the next migration is not copied: %v", err)
	}
	if _, err := a.tryAttach(t); !errors.Is(err, engine.ErrNewerSchema) {
		t.Errorf("the older version: got %v, want ErrNewerSchema", err)
	}
}

func TestAttach_RedisAway(t *testing.T) {
	r, a, m := prepared(t, false)
	must(t, r.Kill())
	w := a.open(t)
	defer func() { shut(t, w) }()
	if err := w.Attach(t.Context()); err == nil || !strings.Contains(err.Error(), "; start it, or correct store.redis") {
		t.Errorf("Attach: got %v, want to be told what to do", err)
	}
	if err := <-m.save(t, w, engine.Write{User: "a@x"}); !errors.Is(err, engine.ErrRefused) {
		t.Errorf("Save: got %v, want it refused", err)
	}
	if err := w.Load(t.Context(), func(engine.Saved) error { return nil }); err == nil {
		t.Error("Load before Attach: got nil, want an error")
	}
	must(t, r.Start(t.Context()))
	must(t, w.Attach(t.Context())) // again, on the same store
	m.held(t, w, true)
}

func TestAttach_EndsWithContext(t *testing.T) {
	r, a, _ := prepared(t, false)
	must(t, r.Stall())
	w := a.open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := w.Attach(ctx); err == nil || time.Since(began) > 2*time.Second {
		t.Errorf("Attach to a stalled Redis: %v after %v", err, time.Since(began))
	}
	must(t, r.Resume())
	shut(t, w)
}

// TestAttach_EvictedUsersComeBack: a single user that is gone shows in no fence.
func TestAttach_EvictedUsersComeBack(t *testing.T) {
	r, a, m := prepared(t, false)
	keys := newLayout("test:")
	for i := range 7 {
		user := fmt.Sprintf("base%d@x", i)
		command(t, r, "DEL", keys.userKey(tagOf(user), user))
		if i > 4 { // and one of her two documents is written again
			command(t, r, "HSET", keys.userKey(tagOf(user), user), "note", "1")
		}
	}
	reattached(t, a, m, false)
}

func TestAttach_AdoptedKnowsItsStore(t *testing.T) {
	r, a, _ := prepared(t, false)
	a.path = t.TempDir()
	shut(t, a.attach(t))
	command(t, r, "FLUSHALL")
	shut(t, at{server: a.server, path: t.TempDir(), tune: quick}.attach(t))
	if _, err := a.tryAttach(t); !errors.Is(err, ErrForeign) {
		t.Errorf("Attach to another installation's Redis: got %v, want ErrForeign", err)
	}
}
