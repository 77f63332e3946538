//go:build integration

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/engine"
)

// quick is a tuning under which faults are noticed and over in a moment.
var quick = tuning{
	queue: defaults.queue, lease: time.Second, renewEvery: 100 * time.Millisecond, probeEvery: 20 * time.Millisecond,
	answer: 400 * time.Millisecond, markEvery: 20 * time.Millisecond, copyEvery: time.Millisecond,
}

// model stands for the daemon: a change is in force once the store acknowledged
// it. What the model holds is what the store must hold.
type model struct {
	mu       sync.Mutex // guards the maps
	docs     map[string]map[string]string
	presence map[string]string

	acked, refused atomic.Int64
}

func newModel() *model {
	return &model{docs: make(map[string]map[string]string), presence: make(map[string]string)}
}

// save hands w over; the channel gets the answer after it is in force.
func (m *model) save(t *testing.T, s engine.Store, w engine.Write) <-chan error {
	t.Helper()
	answer := make(chan error, 1)
	var calls atomic.Int32
	s.Save(w, func(err error) {
		if calls.Add(1) > 1 {
			t.Errorf("the callback of %q was called twice", w.User)
			return
		}
		switch {
		case err == nil:
			m.acked.Add(1)
			m.apply(w)
		case errors.Is(err, engine.ErrRefused):
			m.refused.Add(1)
		default:
			t.Errorf("Save: got %v, want nil or an error wrapping ErrRefused", err)
		}
		answer <- err
	})
	return answer
}

func (m *model) apply(w engine.Write) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w.Erase {
		delete(m.docs, w.User)
		delete(m.presence, w.User)
	}
	for name, doc := range w.Docs {
		if doc == nil {
			delete(m.docs[w.User], name)
			continue
		}
		if m.docs[w.User] == nil {
			m.docs[w.User] = make(map[string]string)
		}
		m.docs[w.User][name] = string(doc)
	}
	if len(m.docs[w.User]) == 0 {
		delete(m.docs, w.User)
	}
}

func (m *model) show(s engine.Store, user, presence string) {
	m.mu.Lock()
	m.presence[user] = presence
	m.mu.Unlock()
	s.SavePresence(user, []byte(presence))
}

// source is the model as a Source.
func (m *model) source(_ context.Context, each func(engine.Saved) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for user, docs := range m.docs {
		saved := engine.Saved{User: user, Docs: make(map[string][]byte)}
		for name, doc := range docs {
			saved.Docs[name] = []byte(doc)
		}
		if p, ok := m.presence[user]; ok {
			saved.Presence = []byte(p)
		}
		if err := each(saved); err != nil {
			return err
		}
	}
	for user, p := range m.presence {
		if m.docs[user] == nil {
			if err := each(engine.Saved{User: user, Presence: []byte(p)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// held wants s to hold what the model holds, presence only if asked.
func (m *model) held(t *testing.T, s engine.Store, withPresence bool) {
	t.Helper()
	docs, presence := make(map[string]map[string]string), make(map[string]string)
	err := s.Load(t.Context(), func(saved engine.Saved) error {
		for name, doc := range saved.Docs {
			if docs[saved.User] == nil {
				docs[saved.User] = make(map[string]string)
			}
			docs[saved.User][name] = string(doc)
		}
		if saved.Presence != nil {
			presence[saved.User] = string(saved.Presence)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Load: %v", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := cmp.Diff(m.docs, docs); d != "" {
		t.Errorf("the settings differ (-acknowledged +stored):\n%.2000s", d)
	}
	if d := cmp.Diff(m.presence, presence); d != "" && withPresence {
		t.Errorf("the presence differs (-handed over +stored):\n%.2000s", d)
	}
}

// fill stores some users and waits.
func (m *model) fill(t *testing.T, s engine.Store, users int) {
	t.Helper()
	for i := range users {
		user := fmt.Sprintf("base%d@x", i)
		m.save(t, s, engine.Write{User: user, Docs: map[string][]byte{"rules": []byte(user), "note": []byte("1")}})
		m.show(s, user, user)
	}
	flush(t, s)
	if n := m.refused.Load(); n > 0 {
		t.Fatalf("%d of %d writes were refused before there was a fault", n, users)
	}
}

// traffic is several goroutines that save until stop is called, and go on over
// refusals.
func (m *model) traffic(t *testing.T, s engine.Store) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var workers sync.WaitGroup
	for w := range 12 {
		workers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := <-m.save(t, s, randomWrite(w, i)); err != nil {
					_ = pause(ctx, time.Millisecond)
				}
				m.show(s, fmt.Sprintf("shown%d.%d@x", w, i%20), fmt.Sprint(i))
			}
		})
	}
	return sync.OnceFunc(func() { cancel(); workers.Wait() })
}

// randomWrite changes one of a few users of worker w; no value comes twice.
func randomWrite(w, i int) engine.Write {
	write := engine.Write{User: fmt.Sprintf("w%d.%d@x", w, rand.N(15)), Docs: map[string][]byte{}}
	for _, name := range []string{"rules", "subs", "note"} {
		switch rand.N(4) {
		case 0:
			write.Docs[name] = nil
		case 1:
		default:
			write.Docs[name] = fmt.Appendf(nil, "%d.%d", w, i)
		}
	}
	write.Erase = rand.N(8) == 0
	return write
}

func flush(t *testing.T, s engine.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func shut(t *testing.T, s engine.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// healthy waits until the store says so.
func healthy(t *testing.T, s engine.Store) {
	t.Helper()
	var last error
	defer func() {
		if t.Failed() {
			t.Logf("Healthy said last: %v", last)
		}
	}()
	eventually(t, "the store is healthy again", func() bool { last = s.Healthy(); return last == nil })
}

// goesOn waits until changes are taken again.
func (m *model) goesOn(t *testing.T) {
	t.Helper()
	acked := m.acked.Load()
	eventually(t, "changes are taken again", func() bool { return m.acked.Load() > acked+50 })
}

// survives wants w to hold what the model holds, now and after a restart.
func (m *model) survives(t *testing.T, a at, w whole, withPresence bool) {
	t.Helper()
	healthy(t, w)
	flush(t, w)
	m.held(t, w, withPresence)
	shut(t, w)
	w = a.attach(t)
	m.held(t, w, withPresence)
	shut(t, w)
	t.Logf("%d acknowledged, %d refused", m.acked.Load(), m.refused.Load())
}
