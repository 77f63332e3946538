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

func concurrentUse(t *testing.T, open Opener) {
	s := start(t, open)
	const workers, writes = 16, 60
	var wg sync.WaitGroup
	for u := range workers {
		wg.Go(func() { saveOften(t, s, fmt.Sprintf("u%d@x", u), writes) })
	}
	for range 4 {
		wg.Go(func() { loadOften(t, s) })
	}
	wg.Wait()
	flush(t, s)
	var want []engine.Saved
	for u := range workers {
		want = append(want, engine.Saved{User: fmt.Sprintf("u%d@x", u), Docs: docs("rules", "59", "subs", "59"), Presence: []byte("59")})
	}
	holds(t, s, want...)
}

// saveOften writes the numbers below writes, the same one into all of a user.
func saveOften(t *testing.T, s engine.Store, user string, writes int) {
	t.Helper()
	for i := range writes {
		n := fmt.Sprint(i)
		s.SavePresence(user, []byte(n))
		if err := save(t, s, engine.Write{User: user, Docs: docs("rules", n, "subs", n)}); err != nil {
			t.Errorf("Save: %v", err)
		}
		if err := s.Healthy(); err != nil {
			t.Errorf("Healthy: %v", err)
		}
	}
}

// loadOften looks for users that are halves of two writes.
func loadOften(t *testing.T, s engine.Store) {
	t.Helper()
	for range 10 {
		flush(t, s)
		for user, u := range load(t, s) {
			if string(u.Docs["rules"]) != string(u.Docs["subs"]) {
				t.Errorf("%s: rules %q, subs %q are of different writes", user, u.Docs["rules"], u.Docs["subs"])
			}
		}
	}
}

func flushWaits(t *testing.T, open Opener) {
	s := start(t, open)
	flush(t, s) // nothing to do
	const writes = 500
	var answered atomic.Int32
	for i := range writes {
		s.Save(engine.Write{User: fmt.Sprintf("u%d@x", i), Docs: docs("note", "1")}, func(err error) {
			if err != nil {
				t.Errorf("Save: %v", err)
			}
			answered.Add(1)
		})
	}
	s.SavePresence("u0@x", []byte("p"))
	flush(t, s)
	if n := answered.Load(); n != writes {
		t.Errorf("Flush returned after %d answers, want %d", n, writes)
	}
	got := load(t, s)
	if len(got) != writes || string(got["u0@x"].Presence) != "p" {
		t.Errorf("after Flush: %d users, presence %q; want %d and %q", len(got), got["u0@x"].Presence, writes, "p")
	}
}

func flushEndsWithContext(t *testing.T, open Opener) {
	s := start(t, open)
	release := make(chan struct{})
	s.Save(engine.Write{User: "a@x", Docs: docs("note", "1")}, func(error) { <-release })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.Flush(ctx)
	close(release)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush with an unanswered write: got %v, want %v", err, context.DeadlineExceeded)
	}
	flush(t, s)
}

func closing(t *testing.T, open Opener) {
	s := open(t)
	mustSave(t, s, engine.Write{User: "a@x", Docs: docs("note", "kept")})
	stop(t, s)
	stop(t, s)
	if err := save(t, s, engine.Write{User: "a@x", Docs: docs("note", "late")}); !errors.Is(err, engine.ErrRefused) {
		t.Errorf("Save after Close: got %v, want an error wrapping ErrRefused", err)
	}
	s.SavePresence("a@x", []byte("late"))
	flush(t, s)
	if err := s.Load(t.Context(), func(engine.Saved) error { return nil }); err == nil {
		t.Error("Load after Close: got nil, want an error")
	}
	holds(t, start(t, open), engine.Saved{User: "a@x", Docs: docs("note", "kept")})
}

// closeStores closes while others save: whatever was answered with nil is there,
// whatever was refused is not, and everything is answered when Close returns.
func closeStores(t *testing.T, open Opener) {
	s := open(t)
	const users, writes = 8, 100
	var stored [users]atomic.Int32
	var answered, calls atomic.Int32
	var wg sync.WaitGroup
	for u := range users {
		wg.Go(func() {
			for i := 1; i <= writes; i++ {
				calls.Add(1)
				s.Save(engine.Write{User: fmt.Sprintf("u%d@x", u), Docs: docs("note", fmt.Sprint(i))}, func(err error) {
					switch {
					case err == nil:
						stored[u].Store(int32(i))
					case !errors.Is(err, engine.ErrRefused):
						t.Errorf("got %v, want an error wrapping ErrRefused", err)
					}
					answered.Add(1)
				})
			}
		})
	}
	stop(t, s)
	wg.Wait()
	for deadline := time.Now().Add(patience); answered.Load() < calls.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d writes were answered", answered.Load(), calls.Load())
		}
	}
	got := load(t, start(t, open))
	for u := range users {
		note, want := "", ""
		if doc := got[fmt.Sprintf("u%d@x", u)].Docs["note"]; doc != nil {
			note = string(doc)
		}
		if n := stored[u].Load(); n > 0 {
			want = fmt.Sprint(n)
		}
		if note != want {
			t.Errorf("user %d: %q is stored, the last acknowledged is %q", u, note, want)
		}
	}
}

func reopen(t *testing.T, open Opener) {
	s := open(t)
	a := engine.Saved{User: "a@x", Docs: docs("rules", "1", "note", ""), Presence: []byte{1, 0, 2}}
	b := engine.Saved{User: "b@x", Presence: []byte("only presence")}
	mustSave(t, s, engine.Write{User: a.User, Docs: a.Docs})
	s.SavePresence(a.User, a.Presence)
	s.SavePresence(b.User, b.Presence)
	stop(t, s) // without a Flush
	s = open(t)
	holds(t, s, a, b)
	mustSave(t, s, engine.Write{User: b.User, Erase: true})
	stop(t, s)
	holds(t, start(t, open), a)
}
