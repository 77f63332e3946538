package boltstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
)

// faulty opens a store whose commits go through fault first. The writer takes
// nothing before the first call, so the fault is in place.
func faulty(t *testing.T, tn tuning, fault func(commit func() error) error) *Store {
	t.Helper()
	s, err := openWith(Options{Dir: t.TempDir()}, tn, current, func(s *Store) {
		s.update = func(fn func(*bolt.Tx) error) error {
			return fault(func() error { return s.db.Update(fn) })
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCommit_FailedAfterItShowedIsTakenBack: when the sync of the meta page
// fails, bbolt reports an error although readers see the change.
func TestCommit_FailedAfterItShowedIsTakenBack(t *testing.T) {
	tn := defaults
	tn.probeEvery = 5 * time.Millisecond
	var failing atomic.Bool
	s := faulty(t, tn, func(commit func() error) error {
		if err := commit(); err != nil || !failing.Load() {
			return err
		}
		return fmt.Errorf("sync: %w", syscall.EIO)
	})
	defer shut(t, s)
	if err := save(s, "a@x", "note", "kept", "oof", "kept"); err != nil {
		t.Fatal(err)
	}
	s.SavePresence("a@x", []byte("kept"))
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	failing.Store(true)
	for range 3 {
		if err := save(s, "a@x", "note", "refused", "rules", "refused"); !errors.Is(err, engine.ErrRefused) || !errors.Is(err, syscall.EIO) {
			t.Fatalf("Save: got %v, want it refused for EIO", err)
		}
	}
	answer := make(chan error, 1)
	s.Save(engine.Write{User: "a@x", Erase: true}, func(err error) { answer <- err })
	if err := <-answer; !errors.Is(err, engine.ErrRefused) {
		t.Fatalf("erasure: got %v, want it refused", err)
	}
	failing.Store(false)
	eventually(t, "recovery", func() bool { return s.Healthy() == nil })
	a := loadAll(t, s)["a@x"]
	if len(a.Docs) != 2 || string(a.Docs["note"]) != "kept" || string(a.Docs["oof"]) != "kept" || string(a.Presence) != "kept" {
		t.Errorf("after refused changes: %q, presence %q; want what was there before", a.Docs, a.Presence)
	}
	if err := save(s, "a@x", "note", "new"); err != nil || string(loadAll(t, s)["a@x"].Docs["note"]) != "new" {
		t.Errorf("after the recovery: %v, %q", err, loadAll(t, s))
	}
}

func TestCommit_PresenceDoesNotCostSettings(t *testing.T) {
	var commits atomic.Int32
	tn := defaults
	tn.queue.PresenceEvery = time.Hour
	tn.probeEvery = time.Hour
	s := faulty(t, tn, func(commit func() error) error {
		if commits.Add(1) == 1 {
			return syscall.ENOSPC // settings and presence together
		}
		return commit()
	})
	defer shut(t, s)
	s.SavePresence("a@x", []byte("p"))
	if err := save(s, "b@x", "note", "1"); err != nil {
		t.Errorf("Save: %v, want the settings stored without the presence", err)
	}
	if got := loadAll(t, s); got["a@x"].Presence != nil || s.Healthy() == nil {
		t.Errorf("presence %q is stored, Healthy is %v; want neither", got["a@x"].Presence, s.Healthy())
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := loadAll(t, s); string(got["a@x"].Presence) != "p" || s.Healthy() != nil {
		t.Errorf("after Flush: presence %q, Healthy %v", got["a@x"].Presence, s.Healthy())
	}
}

func TestCommit_PanicStopsWritingAndLetsGo(t *testing.T) {
	var after atomic.Int32
	broken := false
	s := faulty(t, defaults, func(commit func() error) error {
		if broken {
			after.Add(1)
		}
		broken = true
		panic("page 7 already freed")
	})
	for range 2 {
		if err := save(s, "a@x", "note", "1"); !errors.Is(err, engine.ErrRefused) || !strings.Contains(err.Error(), "; restart presenced") {
			t.Errorf("Save: got %v, want it refused with a hint", err)
		}
	}
	if s.Healthy() == nil || after.Load() != 0 {
		t.Errorf("Healthy is %v after damage, %d commits were tried; want an error and none", s.Healthy(), after.Load())
	}
	if err := s.Close(t.Context()); err == nil {
		t.Error("Close after damage: got nil, want an error")
	}
	shut(t, mustOpen(t, s.dir)) // the lock is gone
}

// blocked is a store whose disk hangs until release is called.
func blocked(t *testing.T, tn tuning) (s *Store, entered <-chan struct{}, release func()) {
	t.Helper()
	in, gate := make(chan struct{}, 100), make(chan struct{})
	s = faulty(t, tn, func(commit func() error) error {
		in <- struct{}{}
		<-gate
		return commit()
	})
	release = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(func() { release(); <-s.stopped })
	t.Cleanup(func() { s.Close(canceled()) })
	return s, in, release
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestSave_FullQueueRefusesWithoutBlocking(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit func(*tuning)
	}{
		{"count", func(tn *tuning) { tn.queue.Writes = 10 }},
		{"bytes", func(tn *tuning) { tn.queue.Bytes = 10 * 2000 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tn := defaults
			c.limit(&tn)
			s, _, release := blocked(t, tn)
			answers := make(chan error, 100)
			for i := range 50 {
				w := engine.Write{User: fmt.Sprint("u", i), Docs: map[string][]byte{"note": make([]byte, 1800)}}
				s.Save(w, func(err error) { answers <- err })
			}
			refused := 0
			for len(answers) < 40 && refused < 40 { // refusals do not wait for the disk
				if err := <-answers; !errors.Is(err, engine.ErrRefused) || !errors.Is(err, queue.ErrFull) {
					t.Fatalf("got %v, want it refused because of the full queue", err)
				}
				refused++
			}
			release()
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			for len(answers) > 0 {
				if err := <-answers; err != nil {
					refused++
				}
			}
			if got := len(loadAll(t, s)); got != 10 || refused != 40 {
				t.Errorf("%d stored, %d refused; want 10 and 40", got, refused)
			}
			if err := save(s, "later", "note", "1"); err != nil {
				t.Errorf("when the queue is empty again: %v", err)
			}
		})
	}
}

func TestSavePresence_IsBounded(t *testing.T) {
	tn := defaults
	tn.queue.Presence = 10
	s, entered, release := blocked(t, tn)
	s.Save(engine.Write{User: "a@x"}, func(error) {})
	<-entered
	for i := range 1000 {
		s.SavePresence(fmt.Sprint("u", i), []byte("p"))
	}
	release()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(loadAll(t, s)); got != 10 {
		t.Errorf("%d users' presence is stored, want the 10 that fit", got)
	}
}

func TestHealthy_TellsOfAHangingDisk(t *testing.T) {
	tn := defaults
	tn.stallAfter = time.Millisecond
	s, entered, release := blocked(t, tn)
	s.Save(engine.Write{User: "a@x"}, func(error) {})
	<-entered
	eventually(t, "Healthy tells of the hanging write", func() bool {
		err := s.Healthy()
		return err != nil && strings.Contains(err.Error(), "; look whether the disk hangs")
	})
	release()
	eventually(t, "health", func() bool { return s.Healthy() == nil })
}

func TestClose_GivesUpOnAHangingDisk(t *testing.T) {
	s, entered, release := blocked(t, defaults)
	answers := make(chan error, 2)
	s.Save(engine.Write{User: "a@x", Docs: map[string][]byte{"note": {1}}}, func(err error) { answers <- err })
	<-entered
	s.Save(engine.Write{User: "b@x", Docs: map[string][]byte{"note": {1}}}, func(err error) { answers <- err })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: got %v, want %v", err, context.DeadlineExceeded)
	}
	release()
	shut(t, s)
	if err := <-answers; err != nil {
		t.Errorf("the write the disk took: got %v, want nil", err)
	}
	if err := <-answers; !errors.Is(err, ErrClosed) || !errors.Is(err, engine.ErrRefused) {
		t.Errorf("the write behind it: got %v, want it refused by the close", err)
	}
	s = mustOpen(t, s.dir)
	defer shut(t, s)
	if got := loadAll(t, s); len(got) != 1 || got["a@x"].Docs == nil {
		t.Errorf("stored: %v, want a@x alone", got)
	}
}

func TestLoad_CallbackMayWaitForTheStore(t *testing.T) {
	s := openTuned(t, t.TempDir(), defaults)
	for i := range 3 {
		if err := save(s, fmt.Sprint("u", i), "note", "1"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := s.Load(ctx, func(u engine.Saved) error {
		s.Save(engine.Write{User: u.User, Docs: map[string][]byte{"cals": make([]byte, 1<<20)}}, func(error) {})
		return s.Flush(ctx) // the file and its mapping grow
	})
	if err != nil {
		t.Errorf("Load: %v", err)
	}
}
