//go:build integration

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// fakeCopy is a Copy in memory that decides about a save a moment later, as a disk
// does, and may refuse it.
type fakeCopy struct {
	refuse  atomic.Pointer[func(engine.Write) bool]
	healthy atomic.Pointer[error]
	queue   chan func()
	running sync.WaitGroup

	mu    sync.Mutex // guards state
	state map[string]map[string][]byte
}

var errDisk = errors.New("the disk refuses")

func newFakeCopy(t *testing.T) *fakeCopy {
	t.Helper()
	c := &fakeCopy{queue: make(chan func(), 1<<16), state: make(map[string]map[string][]byte)}
	c.running.Go(func() {
		for do := range c.queue {
			do()
		}
	})
	t.Cleanup(func() { close(c.queue); c.running.Wait() })
	return c
}

func (c *fakeCopy) Load(_ context.Context, each func(engine.Saved) error) error {
	for user, docs := range c.snapshot() {
		if err := each(engine.Saved{User: user, Docs: docs}); err != nil {
			return err
		}
	}
	return nil
}

func (c *fakeCopy) Save(w engine.Write, done func(error)) {
	w.Docs = maps.Clone(w.Docs)
	c.queue <- func() {
		if refuse := c.refuse.Load(); refuse != nil && (*refuse)(w) {
			done(fmt.Errorf("%w: %w", engine.ErrRefused, errDisk))
			return
		}
		c.mu.Lock()
		docs := maps.Clone(c.state[w.User])
		if w.Erase || docs == nil {
			docs = make(map[string][]byte)
		}
		for name, doc := range w.Docs {
			if docs[name] = doc; doc == nil {
				delete(docs, name)
			}
		}
		if c.state[w.User] = docs; len(docs) == 0 {
			delete(c.state, w.User)
		}
		c.mu.Unlock()
		done(nil)
	}
}

func (c *fakeCopy) Flush(ctx context.Context) error {
	passed := make(chan struct{})
	c.queue <- func() { close(passed) }
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *fakeCopy) Healthy() error {
	if err := c.healthy.Load(); err != nil {
		return *err
	}
	return nil
}

// snapshot is what a crash would leave.
func (c *fakeCopy) snapshot() map[string]map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.state) // the values are replaced, never changed
}

// users are the snapshot's settings.
func (c *fakeCopy) users() map[string]map[string]string {
	out := make(map[string]map[string]string)
	for user, docs := range c.snapshot() {
		if user == safetyUser {
			continue
		}
		out[user] = make(map[string]string)
		for name, doc := range docs {
			out[user][name] = string(doc)
		}
	}
	return out
}

// attachWith attaches a store with a copy of the test's.
func (a at) attachWith(t *testing.T, c Copy) *Store {
	t.Helper()
	o := a.options()
	o.Copy = c
	s, err := newStore(o, quick, current)
	must(t, err)
	must(t, s.Attach(t.Context()))
	return s
}

func TestCopy_FollowsWritesAndErasures(t *testing.T) {
	r, m := testbed.RunRedis(t, testbed.RedisOptions{}), newModel()
	c := newFakeCopy(t)
	s := at{server: alone(r), path: t.TempDir()}.attachWith(t, c)
	stop := m.traffic(t, s)
	eventually(t, "some load", func() bool { return m.acked.Load() > 2000 })
	stop()
	shut(t, s)
	if d := cmp.Diff(m.docs, c.users()); d != "" {
		t.Errorf("the copy differs (-acknowledged +copied):\n%.2000s", d)
	}
	for tag := range s.safety.stale {
		if s.safety.stale[tag].Load() {
			t.Errorf("tag %d of the copy is behind although nothing was refused", tag)
		}
	}
}

// TestCopy_IsMadeAnewAfterItRefused: erasures it missed are made up for, too.
func TestCopy_IsMadeAnewAfterItRefused(t *testing.T) {
	r, m := testbed.RunRedis(t, testbed.RedisOptions{}), newModel()
	c := newFakeCopy(t)
	s := at{server: alone(r), path: t.TempDir()}.attachWith(t, c)
	defer func() { shut(t, s) }()
	m.fill(t, s, 200)
	stop := m.traffic(t, s)
	defer stop()
	for range 3 {
		err, all := errDisk, func(engine.Write) bool { return true }
		c.healthy.Store(&err)
		c.refuse.Store(&all)
		for i := range 100 {
			m.save(t, s, engine.Write{User: fmt.Sprintf("base%d@x", rand.N(200)), Erase: i%2 == 0})
		}
		flush(t, s)
		eventually(t, "the copy is behind", s.safety.behind)
		c.refuse.Store(nil)
		c.healthy.Store(nil)
		nap(t, 20*time.Millisecond)
	}
	stop()
	flush(t, s)
	eventually(t, "the copy is complete", func() bool { return !s.safety.behind() })
	must(t, c.Flush(t.Context()))
	eventually(t, "the copy is what was acknowledged", func() bool { return cmp.Equal(m.docs, c.users()) })
}

// TestCopy_NeverSaysTooMuch takes what a crash would leave of the copy at a random
// instant, while its disk refuses now and then, and loses Redis: each tag is then
// complete, or known to be lost.
func TestCopy_NeverSaysTooMuch(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	complete, lost := 0, 0
	// Where the instant falls is chance: at most twenty times as often, until both
	// were seen often enough.
	most, enough := 20*rounds(12, 200), 4*rounds(12, 200)
	for round := 0; round < most && (round < rounds(12, 200) || min(complete, lost) < enough); round++ {
		command(t, r, "FLUSHALL")
		a, m, c := at{server: alone(r), path: t.TempDir()}, newModel(), newFakeCopy(t)
		s := a.attachWith(t, c)
		m.fill(t, s, 300)
		sometimes := func(w engine.Write) bool { return w.User != safetyUser && rand.N(100) == 0 }
		c.refuse.Store(&sometimes)
		stop := m.traffic(t, s)
		nap(t, rand.N(60*time.Millisecond))
		if round%2 == 0 {
			stop()
		}
		left := newFakeCopy(t)
		left.state = c.snapshot()
		stop()
		flush(t, s)
		eventually(t, "the marker is written", func() bool { return s.marksAll(t, r) })
		shut(t, s)
		command(t, r, "FLUSHALL")
		a.empty = true
		s = a.attachWith(t, left)
		got, want := byTag(t, s), tagsOf(m.docs)
		for tag := range tags {
			switch {
			case cmp.Equal(got[tag], want[tag]):
				complete++
			case len(got[tag]) == 0:
				lost++
			default:
				t.Errorf("tag %d (-acknowledged +left):\n%.1000s", tag, cmp.Diff(want[tag], got[tag]))
			}
		}
		shut(t, s)
		if t.Failed() {
			return
		}
	}
	if min(complete, lost) < enough {
		t.Errorf("%d tags were complete and %d lost: nothing was tried", complete, lost)
	}
}

// rounds is how often something random is tried, without and with PRESENCED_LONG=1.
func rounds(short, long int) int {
	if longTests() {
		return long
	}
	return short
}

// marksAll reports whether the marker counts all that Redis counts.
func (s *Store) marksAll(t *testing.T, r *testbed.Redis) bool {
	t.Helper()
	probe := Store{opt: s.opt}
	must(t, probe.readMarker())
	for tag := range tags {
		text := command(t, r, "GET", s.keys.fence[tag])
		if probe.marker.Sequences[tag] != parseFence(text).sequence {
			return false
		}
	}
	return true
}

func tagsOf(docs map[string]map[string]string) (of [tags]map[string]map[string]string) {
	for tag := range of {
		of[tag] = make(map[string]map[string]string)
	}
	for user, d := range docs {
		of[tagOf(user)][user] = d
	}
	return of
}

// byTag is what a store holds.
func byTag(t *testing.T, s *Store) [tags]map[string]map[string]string {
	t.Helper()
	docs := make(map[string]map[string]string)
	must(t, s.Load(t.Context(), func(saved engine.Saved) error {
		if len(saved.Docs) > 0 {
			docs[saved.User] = make(map[string]string)
		}
		for name, doc := range saved.Docs {
			docs[saved.User][name] = string(doc)
		}
		return nil
	}))
	return tagsOf(docs)
}
