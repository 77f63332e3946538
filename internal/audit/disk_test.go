package audit

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// slow is a file whose writing takes until it is let go, or fails.
type slow struct {
	file
	gate <-chan struct{}
	full *atomic.Bool
}

var errFull = errors.New("no space left on device")

func (s slow) Write(b []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	if s.full.Load() {
		n, _ := s.file.Write(b[:len(b)/2]) // as a disk that becomes full
		return n, errFull
	}
	return s.file.Write(b)
}

// opening has the trail write to such a file.
func (w *world) opening(gate <-chan struct{}, full *atomic.Bool) {
	w.opener = func(path string) (file, int64, error) {
		f, size, err := openFile(path)
		return slow{f, gate, full}, size, err
	}
	w.stop()
	w.start()
}

// TestTrail_NobodyWaitsAndWhatIsLostIsCounted: while the disk does not answer,
// questions fill their part of the queue and are lost then; changes have room left.
func TestTrail_NobodyWaitsAndWhatIsLostIsCounted(t *testing.T) {
	trail(t, func(w *world) {
		letGo := make(chan struct{})
		w.opening(letGo, new(atomic.Bool))
		w.ask(bob, 200, alice) // the writer has this one
		users := make([]presence.Addr, 100)
		for i := range users {
			users[i] = presence.MustAddr(strings.Repeat("x", i+1) + "@example.org")
		}
		for range maxAsked/100 + 5 {
			w.ask(bob, 100, users...)
		}
		for range 10 {
			w.Noted(engine.Deed{Who: engine.Principal{Addr: alice, Way: engine.WayCommand}, What: "block", User: alice, About: "bob@example.org", Change: true})
		}
		if got, want := w.lost.Load(), int64(5*len(users)); got != want {
			w.Errorf("lost %d, want %d", got, want)
		}
		if got := w.metric("presenced_audit_entries_lost_total"); got != float64(w.lost.Load()) {
			w.Errorf("the metric says %v", got)
		}
		close(letGo)
		synctest.Wait()
		all := strings.Join(w.told(Filter{}), "\n")
		if n := strings.Count(all, `"what":"block"`); n != 10 {
			w.Errorf("%d changes are left, want all 10", n)
		}
		if !strings.Contains(all, `"what":"lost","who":"presenced","lost":`) || w.lost.Load() != 0 {
			w.Errorf("the trail does not say what it lost, %d are untold", w.lost.Load())
		}
	})
}

func TestTrail_AFullDiskCostsEntriesAndNothingElse(t *testing.T) {
	trail(t, func(w *world) {
		var full atomic.Bool
		w.opening(nil, &full)
		w.ask(bob, 200, alice)
		full.Store(true)
		w.ask(carol, 200, alice)
		if err := w.Healthy(); err == nil || !strings.Contains(err.Error(), "no space left on device; see that the disk of store.path has room") {
			w.Errorf("healthy: %v", err)
		}
		time.Sleep(time.Minute)
		w.ask(alice, 1, alice)
		full.Store(false)
		time.Sleep(2 * time.Minute) // by itself, with nothing to write
		if err := w.Healthy(); err != nil {
			w.Errorf("still %v", err)
		}
		w.ask(alice, 200, bob)
		w.expect(Filter{}, asked("bob", "alice", `,"level":200`), `{"what":"lost","who":"presenced","lost":2}`, asked("alice", "bob", `,"level":200`))
		if n := strings.Count(w.log.String(), "level=ERROR"); n != 1 || !strings.Contains(w.log.String(), "written again") {
			w.Errorf("the log says\n%s", w.log.String())
		}
	})
}

// counted counts how often a file was synced.
type counted struct {
	file
	syncs *atomic.Int32
}

func (c counted) Sync() error {
	c.syncs.Add(1)
	return c.file.Sync()
}

// TestTrail_IsSyncedWhileItIsWritten: entries that keep coming do not put it off.
func TestTrail_IsSyncedWhileItIsWritten(t *testing.T) {
	trail(t, func(w *world) {
		var syncs atomic.Int32
		w.opener = func(path string) (file, int64, error) {
			f, size, err := openFile(path)
			return counted{f, &syncs}, size, err
		}
		w.stop()
		w.start()
		for i := range 60 {
			w.ask(bob, presence.ContainerID(i), alice)
			time.Sleep(time.Second)
		}
		if n := syncs.Load(); n < 10 || n > 12 {
			w.Errorf("synced %d times in a minute, want each %s", n, syncEvery)
		}
		time.Sleep(time.Hour)
		if n := syncs.Load(); n > 13 {
			w.Errorf("synced %d times for nothing", n)
		}
	})
}

// TestTrail_ADayIsBounded: the last quarter of a day's file is for changes, and
// beyond it nothing is written until the next day.
func TestTrail_ADayIsBounded(t *testing.T) {
	trail(t, func(w *world) {
		var size atomic.Int64
		size.Store(maxDay/4*3 + 1)
		w.opener = func(path string) (file, int64, error) {
			f, _, err := openFile(path)
			return f, size.Load(), err
		}
		w.stop()
		w.start()
		change := func(about string) {
			w.Noted(engine.Deed{Who: engine.Principal{Addr: alice, Way: engine.WayCommand}, What: "block", User: alice, About: about, Change: true})
			synctest.Wait()
		}
		change("x.example")
		w.ask(bob, 200, alice)
		change("y.example")
		if got := w.told(Filter{User: alice}); len(got) != 2 || w.metric("presenced_audit_entries_lost_total") != 1 || w.Healthy() != nil {
			w.Errorf("%q, %v", got, w.Healthy())
		}
		size.Store(maxDay)
		w.stop()
		w.start()
		change("z.example")
		if err := w.Healthy(); !errors.Is(err, errFullDay) {
			w.Errorf("healthy: %v", err)
		}
		size.Store(0)
		time.Sleep(24 * time.Hour)
		w.ask(bob, 200, alice)
		if got := w.told(Filter{User: alice}); len(got) != 3 || w.Healthy() != nil {
			w.Errorf("the next day: %q, %v", got, w.Healthy())
		}
	})
}
