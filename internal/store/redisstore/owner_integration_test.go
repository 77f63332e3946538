//go:build integration

package redisstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

func TestOwner_SecondIsTurnedAwayWhileTheFirstRenews(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	first := at{server: alone(r), path: t.TempDir(), tune: quick}
	w, m := first.attach(t), newModel()
	defer func() { shut(t, w) }()
	host, _ := os.Hostname()
	second := at{server: alone(r), path: t.TempDir(), tune: quick}
	for range 2 {
		began := time.Now()
		_, err := second.tryAttach(t)
		if !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), "; stop that one") {
			t.Errorf("second Attach: got %v, want ErrInUse, who it is and what to do", err)
		}
		if d := time.Since(began); d > 3*quick.lease {
			t.Errorf("the second was told after %v", d)
		}
	}
	m.fill(t, w, 10)
	m.held(t, w, true)
}

// crashed is an owner whose lease nobody gave back.
func crashed(t *testing.T, r *testbed.Redis, path string, m *model) {
	t.Helper()
	p := testbed.RunProxy(t, r.Addr)
	a := at{server: Server{Addrs: []string{p.Addr}}, path: path, tune: quick}
	w := a.attach(t)
	m.fill(t, w, 30)
	p.Set(testbed.ProxyReset)
	shut(t, w)
}

func TestOwner_CrashedElsewhereIsWaitedFor(t *testing.T) {
	r, m := testbed.RunRedis(t, testbed.RedisOptions{}), newModel()
	crashed(t, r, t.TempDir(), m)
	began := time.Now()
	a := at{server: alone(r), path: t.TempDir(), tune: quick}
	w := a.attach(t)
	if d := time.Since(began); d < quick.lease/4 || d > 2*quick.lease {
		t.Errorf("taken over after %v, want about %v", d, quick.lease)
	}
	m.held(t, w, true)
	shut(t, w)
}

func TestOwner_CrashedHereIsFollowedAtOnce(t *testing.T) {
	r, m := testbed.RunRedis(t, testbed.RedisOptions{}), newModel()
	tn := quick
	tn.lease = time.Hour
	path := t.TempDir()
	crashed(t, r, path, m)
	began := time.Now()
	w := at{server: alone(r), path: path, tune: tn}.attach(t)
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("followed after %v", d)
	}
	m.held(t, w, true)
	shut(t, w)
}

// TestOwner_OvertakenChangesNothing pauses an owner with requests under way until
// another one took over, and lets it go on.
func TestOwner_OvertakenChangesNothing(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	p := testbed.RunProxy(t, r.Addr)
	tn := quick
	tn.answer = time.Minute // it does not notice
	a := at{server: Server{Addrs: []string{p.Addr}}, path: t.TempDir(), tune: tn}
	w, m := a.attach(t), newModel()
	defer func() { shut(t, w) }()
	w.SetSource(m.source)
	m.fill(t, w, 50)
	p.Set(testbed.ProxyHold)
	answer := m.save(t, w, engine.Write{User: "base1@x", Docs: map[string][]byte{"note": []byte("overtaken")}})
	m.show(w, "base1@x", "overtaken")

	other, m2 := at{server: alone(r), path: t.TempDir(), tune: quick}.attach(t), newModel()
	defer func() { shut(t, other) }()
	m2.fill(t, other, 50)
	p.Set(testbed.ProxyPass)
	select {
	case <-w.Lost():
	case <-time.After(10 * time.Second):
		t.Fatal("the overtaken owner did not notice")
	}
	if err := <-answer; !errors.Is(err, engine.ErrInUse) {
		t.Errorf("the write under way: got %v, want it refused for ErrInUse", err)
	}
	for range 5 {
		m.show(w, "base2@x", "overtaken")
		if err := <-m.save(t, w, engine.Write{User: "base2@x", Erase: true}); !errors.Is(err, engine.ErrInUse) {
			t.Errorf("Save: got %v, want it refused for ErrInUse", err)
		}
	}
	if err := w.Healthy(); !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), "; stop one of the two") {
		t.Errorf("Healthy: got %v, want ErrInUse and what to do", err)
	}
	flush(t, w)
	m2.held(t, other, true)
	must(t, other.Healthy())
}

// TestOwner_KeepsAnOlderRedis: a replica that was behind even the owner's start is
// promoted; it may remember a predecessor's lease.
func TestOwner_KeepsAnOlderRedis(t *testing.T) {
	for _, c := range []struct{ name, lease string }{
		{"without a lease", ""}, {"with its own", "own"}, {"with a predecessor's", "other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, a, m := prepared(t, false)
			a.path = t.TempDir() // somebody else took over since
			switch c.lease {
			case "own":
				a := a
				shut(t, a.attach(t))
				s := a.open(t)
				must(t, s.readMarker())
				command(t, r, "SET", "test:{meta}:lease", `"`+s.owner()+`"`, "PX", "60000")
				shut(t, s)
			case "other":
				command(t, r, "SET", "test:{meta}:lease", "somebody", "PX", "3000")
			}
			older := snapshot(t, r)
			command(t, r, "DEL", "test:{meta}:lease")
			w := a.attach(t)
			defer func() { shut(t, w) }()
			w.SetSource(m.source)
			for range 5 {
				m.fill(t, w, 40)
				m.save(t, w, engine.Write{User: "base3@x", Erase: true})
			}
			flush(t, w)
			must(t, r.Wipe())
			must(t, os.CopyFS(filepath.Join(r.Dir, "appendonlydir"), os.DirFS(older)))
			must(t, r.Start(t.Context()))
			eventually(t, "changes are taken again", func() bool {
				return <-m.save(t, w, engine.Write{User: "base4@x", Erase: true}) == nil
			})
			m.held(t, w, true)
			select {
			case <-w.Lost():
				t.Error("the owner believes that it was overtaken")
			default:
			}
		})
	}
}

// snapshot copies the data of r as they are now; r runs again afterwards.
func snapshot(t *testing.T, r *testbed.Redis) (dir string) {
	t.Helper()
	must(t, r.Stop())
	dir = t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join(r.Dir, "appendonlydir"))))
	must(t, r.Start(t.Context()))
	return dir
}

// TestOwner_StandbyDoesNotStartOnAnEmptiedRedis: who waits for an owner looks at the
// lease more often than the owner does; an emptied Redis is the owner's to fill.
func TestOwner_StandbyDoesNotStartOnAnEmptiedRedis(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	p := testbed.RunProxy(t, r.Addr)
	tn := quick
	tn.renewEvery = 600 * time.Millisecond
	w, m := at{server: Server{Addrs: []string{p.Addr}}, path: t.TempDir(), tune: tn}.attach(t), newModel()
	w.SetSource(m.source)
	m.fill(t, w, 100)
	standby := at{server: alone(r), path: t.TempDir(), tune: quick}.open(t)
	defer func() { shut(t, standby) }()
	if err := standby.Attach(t.Context()); !errors.Is(err, engine.ErrInUse) {
		t.Fatalf("Attach: got %v, want ErrInUse", err)
	}
	attached := make(chan error)
	go func() {
		err := standby.Attach(t.Context())
		for ; err != nil && t.Context().Err() == nil; err = standby.Attach(t.Context()) {
			_ = pause(t.Context(), time.Millisecond)
		}
		attached <- err
	}()
	for range 3 {
		command(t, r, "FLUSHALL")
		nap(t, 2*tn.renewEvery)
		m.held(t, w, true)
	}
	select {
	case <-w.Lost():
		t.Error("the owner was overtaken")
	default:
	}
	p.Set(testbed.ProxyReset)
	shut(t, w)
	must(t, <-attached)
	m.held(t, standby, true)
}
