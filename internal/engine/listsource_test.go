package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// database is a source that answers when the story says so.
type database struct {
	*world
	open atomic.Int64 // questions without an answer
	away atomic.Bool  // every question fails at once
}

// source puts a new database in force by a reload.
func (w *world) source() *database {
	d := &database{world: w}
	rules := *w.rules()
	rules.ListSources = map[string]ListReader{"example.org": &source{d.asked}}
	w.Reload(&rules)
	synctest.Wait()
	return d
}

func (d *database) asked(user presence.Addr) {
	if d.away.Load() {
		d.ListsRead(user, Lists{}, errors.New("away"))
	} else {
		d.open.Add(1)
	}
}

// fails every question from here on.
func (d *database) fails() {
	d.away.Store(true)
	d.answers(errors.New("away"))
}

// answers every question there is, and those that an answer leads to.
func (d *database) answers(err error, blocked ...string) {
	synctest.Wait()
	for d.open.Load() > 0 {
		d.open.Add(-1)
		d.ListsRead(presence.MustAddr(alice), Lists{Block: &privacy.BlockList{JIDs: append([]string{}, blocked...)}}, err)
		synctest.Wait()
	}
}

// withSource runs a story on a host whose lists only a database holds. Alice is
// online, and her lists are asked for.
func withSource(t *testing.T, story func(w *world, d *database)) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.host.Hidden = true
		d := w.source()
		w.attach()
		w.apply(alice, Enable{})
		d.answers(nil)
		w.watch(bob, boss)
		d.answers(nil)
		w.out.take()
		w.device(alice+"/desk", Device{})
		story(w, d)
	})
}

// TestS11_AnotherSourceIsAskedAtOnce and what was read of the first stays in force
// until it has answered: a reload opens nothing.
func TestS11_AnotherSourceIsAskedAtOnce(t *testing.T) {
	withSource(t, func(w *world, d *database) {
		d.answers(nil, bob)
		w.expect(to(boss, "3500 en"))
		next := w.source()
		if n := next.open.Load(); n != 1 {
			t.Fatalf("the new source was asked %d times, want once", n)
		}
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect() // not before the new one has answered
		next.answers(nil, boss)
		w.expect(to(bob, "9500 en"), to(boss, "18500 en"))
	})
}

// TestS11_AnotherSourceThatFailsOpensNothing.
func TestS11_AnotherSourceThatFailsOpensNothing(t *testing.T) {
	withSource(t, func(w *world, d *database) {
		d.answers(nil, bob)
		w.expect(to(boss, "3500 en"))
		w.source().answers(errors.New("away"))
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect(to(boss, "9500 en"))
	})
}

// TestS11_TheSameSourceIsNotAsked by a reload of something else.
func TestS11_TheSameSourceIsNotAsked(t *testing.T) {
	withSource(t, func(w *world, d *database) {
		d.answers(nil, bob)
		rules := *w.rules()
		w.Reload(&rules)
		w.expect(to(boss, "3500 en"))
		if n := d.open.Load(); n != 0 {
			t.Errorf("asked %d times", n)
		}
	})
}

// TestS11_WithoutASourceListsStayInForce, and the host counts as one whose lists
// nobody reads.
func TestS11_WithoutASourceListsStayInForce(t *testing.T) {
	withSource(t, func(w *world, d *database) {
		d.answers(nil, bob)
		w.expect(to(boss, "3500 en"))
		rules := *w.rules()
		rules.ListSources = nil
		w.Reload(&rules)
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect(to(boss, "9500 en"))
		if n := w.hidden.count(); n != 1 {
			t.Errorf("%d hosts whose lists cannot be read, want 1", n)
		}
		strict := rules
		strict.RequireLists = true
		w.Reload(&strict)
		w.expect(to(boss, "18500 en"))
	})
}

// TestS8_5_AnAnswerFromBeforeTheAttachOpensNothing: it may be of before a block.
func TestS8_5_AnAnswerFromBeforeTheAttachOpensNothing(t *testing.T) {
	withSource(t, func(w *world, d *database) {
		d.answers(nil)
		w.expect(to(bob, "3500 en"), to(boss, "3500 en"))
		time.Sleep(time.Minute) // a refresh is under way
		w.Detached(time.Now())
		w.Attached(time.Now())
		d.answers(nil)
		w.HostReady(w.host)
		w.device(alice+"/desk", Device{})
		w.HostSynced(w.host.Name)
		w.expect("settle example.org")
		if n := d.open.Load(); n == 0 {
			t.Error("not asked since the attach")
		}
		d.answers(nil, bob)
		w.expect(to(bob, "18500 en"), to(boss, "3500 en"))
	})
}

// TestS11_OnlyTimeOnlineMakesListsStale: neither a week offline nor a restart does,
// a day online in all does.
func TestS11_OnlyTimeOnlineMakesListsStale(t *testing.T) {
	withSource(t, func(w *world, d *database) {
		d.answers(nil, bob)
		w.expect(to(boss, "3500 en"))
		d.fails()
		time.Sleep(23 * time.Hour)
		w.device(alice+"/desk", Device{Gone: true})
		w.expect(to(boss, "18500 en"))
		time.Sleep(7 * 24 * time.Hour)
		w.device(alice+"/desk", Device{})
		w.expect(to(boss, "3500 en"))
		time.Sleep(2 * time.Hour)
		w.expect(to(boss, "18500 en"))
		w.Stop(context.Background())

		again := build(t, w.store)
		defer again.Stop(context.Background())
		again.source().fails()
		again.attach()
		again.device(alice+"/desk", Device{})
		again.expect(to(boss, "3500 en"))
	})
}
