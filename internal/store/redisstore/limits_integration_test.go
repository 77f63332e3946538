//go:build integration

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
	"presenced/internal/testbed"
)

// TestSave_StalledIsBoundedAndNeverBlocks floods a store whose Redis is frozen.
func TestSave_StalledIsBoundedAndNeverBlocks(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	tn := quick
	tn.answer = 700 * time.Millisecond
	tn.queue.Writes, tn.queue.Bytes = 500, 1<<20
	tn.queue.Presence, tn.queue.PresenceBytes = 1000, 1<<20
	w, m := at{server: alone(r), path: t.TempDir(), tune: tn}.attach(t), newModel()
	defer func() { shut(t, w) }()
	w.SetSource(m.source)
	m.fill(t, w, 50)
	must(t, r.Stall())
	before := heap()
	var full, other, calls atomic.Int64
	const writes = 20_000
	var longest time.Duration
	began := time.Now()
	for i := range writes {
		at := time.Now()
		w.Save(engine.Write{User: fmt.Sprintf("u%d@x", i), Docs: map[string][]byte{"note": make([]byte, 1000)}}, func(err error) {
			switch calls.Add(1); {
			case errors.Is(err, queue.ErrFull):
				full.Add(1)
			case errors.Is(err, engine.ErrRefused):
				other.Add(1)
			default:
				t.Errorf("a frozen Redis acknowledged something: %v", err)
			}
		})
		w.SavePresence(fmt.Sprintf("u%d@x", i), make([]byte, 1000))
		longest = max(longest, time.Since(at))
	}
	if d := time.Since(began); d > tn.answer || longest > time.Second {
		t.Errorf("handing %d writes over took %v, one of them %v", writes, d, longest)
	}
	eventually(t, "most are refused at once", func() bool { return full.Load() > writes/2 })
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	eventually(t, "the rest is refused when the stall is noticed", func() bool { return calls.Load() == writes })
	must(t, r.Resume())
	healthy(t, w)
	m.fillAgain(t, w)
	m.held(t, w, false)
	t.Logf("%d refused for the full queue, %d for the stall", full.Load(), other.Load())
}

// fillAgain wants one more change to be stored.
func (m *model) fillAgain(t *testing.T, s engine.Store) {
	t.Helper()
	must(t, <-m.save(t, s, engine.Write{User: "again@x", Docs: map[string][]byte{"note": []byte("1")}}))
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

func TestClose_EndsWithContextWhileStalled(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	w, m := at{server: alone(r), path: t.TempDir(), tune: quick}.attach(t), newModel()
	m.fill(t, w, 10)
	must(t, r.Stall())
	answer := m.save(t, w, engine.Write{User: "base1@x", Erase: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush: got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := w.Store.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := <-answer; !errors.Is(err, engine.ErrRefused) {
		t.Errorf("the write under way: got %v, want it refused", err)
	}
	shut(t, w) // the writer gives up by itself
	must(t, r.Resume())
}

// TestLoad_EmptiedMeanwhile empties Redis before and in the middle of a Load: a user
// must never be taken for one without settings.
func TestLoad_EmptiedMeanwhile(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	a := at{server: alone(r), path: t.TempDir(), tune: quick}
	w, m := a.attach(t), newModel()
	m.fill(t, w, 2*loadBatch)
	eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
	shut(t, w)
	for _, when := range []int{0, 1, loadBatch + 100, loadBatch + loadBatch/2} {
		w := a.attach(t)
		if when == 0 {
			command(t, r, "FLUSHALL")
		}
		calls, seen := 0, make(map[string]bool)
		must(t, w.Load(t.Context(), func(saved engine.Saved) error {
			if calls++; calls == when {
				command(t, r, "FLUSHALL")
			}
			if len(saved.Docs) != len(m.docs[saved.User]) {
				t.Errorf("%s came with %d documents", saved.User, len(saved.Docs))
			}
			if seen[saved.User] {
				t.Errorf("%s came twice", saved.User)
			}
			seen[saved.User] = true
			return nil
		}))
		if len(seen) != 2*loadBatch {
			t.Errorf("emptied at user %d: %d users came, want %d", when, len(seen), 2*loadBatch)
		}
		shut(t, w)
	}
}
