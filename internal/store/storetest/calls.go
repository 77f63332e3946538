package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/engine"
)

func orderPerUser(t *testing.T, open Opener) {
	s := start(t, open)
	const users, writes = 10, 200
	for i := range writes {
		for u := range users {
			w := engine.Write{User: fmt.Sprintf("u%d@x", u), Docs: docs("note", fmt.Sprint(i))}
			if i%7 == 3 {
				w.Erase = true
			}
			w.Docs[fmt.Sprintf("d%d", i%7)] = []byte("x")
			s.Save(w, func(err error) {
				if err != nil {
					t.Errorf("Save: %v", err)
				}
			})
		}
	}
	flush(t, s)
	var want []engine.Saved
	for u := range users { // the last erasure is write 199, which is 3 modulo 7
		want = append(want, engine.Saved{User: fmt.Sprintf("u%d@x", u), Docs: docs("note", "199", "d3", "x")})
	}
	holds(t, s, want...)
}

// writeIsAtomic reads while one user's documents change together.
func writeIsAtomic(t *testing.T, open Opener) {
	s := start(t, open)
	mustSave(t, s, engine.Write{User: "a@x", Docs: docs("rules", "0", "subs", "0")})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 1; i <= 300; i++ {
			n := fmt.Sprint(i)
			w := engine.Write{User: "a@x", Erase: i%3 == 0, Docs: docs("rules", n, "subs", n)}
			if err := save(t, s, w); err != nil {
				t.Errorf("Save: %v", err)
			}
		}
	})
	for running, done := true, waitFor(&writer); running; {
		select {
		case <-done:
			running = false // and look once more
		default:
		}
		got := load(t, s)["a@x"].Docs
		if len(got) != 2 || string(got["rules"]) != string(got["subs"]) {
			t.Errorf("half of a write is visible: rules %q, subs %q", got["rules"], got["subs"])
			running = false
		}
	}
	writer.Wait()
}

func waitFor(wg *sync.WaitGroup) <-chan struct{} {
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	return done
}

func doneExactlyOnce(t *testing.T, open Opener) {
	s := start(t, open)
	const writes = 2000
	var calls [writes]atomic.Int32
	for i := range writes {
		s.Save(engine.Write{User: fmt.Sprintf("u%d@x", i%50), Docs: docs("note", "1")}, func(err error) {
			calls[i].Add(1)
			if err != nil && !errors.Is(err, engine.ErrRefused) {
				t.Errorf("write %d: got %v, want nil or an error wrapping ErrRefused", i, err)
			}
		})
	}
	flush(t, s)
	stop(t, s)
	for i := range calls {
		if n := calls[i].Load(); n != 1 {
			t.Fatalf("done of write %d was called %d times, want once", i, n)
		}
	}
}

func doneMaySave(t *testing.T, open Opener) {
	s := start(t, open)
	answer := make(chan error, 1)
	var held sync.Mutex // done on the caller's goroutine would wait here for ever
	held.Lock()
	s.Save(engine.Write{User: "a@x", Docs: docs("note", "1")}, func(err error) {
		held.Lock()
		defer held.Unlock()
		s.SavePresence("a@x", []byte("p"))
		s.Save(engine.Write{User: "a@x", Docs: docs("note", "2")}, func(err2 error) { answer <- errors.Join(err, err2) })
	})
	held.Unlock()
	select {
	case err := <-answer:
		if err != nil {
			t.Fatalf("Save: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("a callback that saves got no answer")
	}
	flush(t, s)
	holds(t, s, engine.Saved{User: "a@x", Docs: docs("note", "2"), Presence: []byte("p")})
}

func reuseBuffers(t *testing.T, open Opener) {
	s := start(t, open)
	answer := make(chan error, 1)
	w := engine.Write{User: "a@x", Docs: docs("note", "right", "oof", "right")}
	p := []byte("right")
	s.Save(w, func(err error) { answer <- err })
	s.SavePresence("a@x", p)
	copy(w.Docs["note"], "wrong")
	delete(w.Docs, "oof")
	w.Docs["rules"] = []byte("wrong")
	copy(p, "wrong")
	flush(t, s)
	if err := <-answer; err != nil {
		t.Fatalf("Save: %v", err)
	}
	holds(t, s, engine.Saved{User: "a@x", Docs: docs("note", "right", "oof", "right"), Presence: []byte("right")})
}

// fill stores n users and returns when they are durable.
func fill(t *testing.T, s engine.Store, n int) {
	t.Helper()
	for i := range n {
		s.Save(engine.Write{User: fmt.Sprintf("u%d@x", i), Docs: docs("note", "1", "oof", "2")}, func(err error) {
			if err != nil {
				t.Errorf("Save: %v", err)
			}
		})
	}
	flush(t, s)
}

func loadEndsOnError(t *testing.T, open Opener) {
	s := start(t, open)
	fill(t, s, 2000)
	if n := len(load(t, s)); n != 2000 {
		t.Fatalf("Load gave %d users, want 2000", n)
	}
	enough, calls := errors.New("enough"), 0
	err := s.Load(t.Context(), func(engine.Saved) error {
		if calls++; calls == 700 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || calls != 700 {
		t.Errorf("Load: got %v after %d calls, want %v after 700", err, calls, enough)
	}
}

func loadEndsWithContext(t *testing.T, open Opener) {
	s := start(t, open)
	fill(t, s, 2000)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := s.Load(ctx, func(engine.Saved) error {
		calls++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || calls == 2000 {
		t.Errorf("Load: got %v after %d calls, want %v before all 2000", err, calls, context.Canceled)
	}
}

// loadedSlices changes and grows what Load gave; neighbours and the store must
// not notice.
func loadedSlices(t *testing.T, open Opener) {
	s := start(t, open)
	mustSave(t, s, engine.Write{User: "a@x", Docs: docs("note", "11", "oof", "22")})
	s.SavePresence("a@x", []byte("33"))
	flush(t, s)
	want := engine.Saved{User: "a@x", Docs: docs("note", "11", "oof", "22"), Presence: []byte("33")}
	u := load(t, s)["a@x"]
	for name, doc := range u.Docs {
		doc[0] = 'X'
		_ = append(doc, "overwrites"...)
		if got := u.Docs[name][1]; got != want.Docs[name][1] {
			t.Errorf("%s: appending to a neighbour changed it", name)
		}
	}
	_ = append(u.Presence, "overwrites"...)
	for name, doc := range u.Docs {
		if doc[1] != want.Docs[name][1] {
			t.Errorf("%s: got %q, appending to a neighbour changed it", name, doc)
		}
	}
	holds(t, s, want)
}
