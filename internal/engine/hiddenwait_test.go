package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
)

// notAtOnce asks on every way as somebody who is shown alice offline, and returns
// the ways on which the answer took time or was another one.
func (w *world) notAtOnce(watcher string) (late []string) {
	w.Helper()
	w.out.take()
	for name, kind := range map[string]MirrorKind{"probe": MirrorProbe, "subscribe": MirrorSubscribe} {
		want := []string{to(watcher, "18500 en")}
		if kind == MirrorSubscribe {
			want = append([]string{to(watcher, "subscribed")}, want...)
		}
		w.mirrorEvent(kind, watcher)
		if got := w.out.take(); !slices.Equal(got, want) {
			late = append(late, name)
		}
	}
	who := Principal{Addr: presence.MustAddr(watcher), JID: watcher}
	began := time.Now()
	w.Look(context.Background(), who, []presence.Addr{presence.MustAddr(alice)})
	if time.Since(began) != 0 {
		late = append(late, "look")
	}
	told := make(chan struct{}, 8)
	f, err := w.Follow(who, presence.MustAddr(alice), func(*presence.View) { told <- struct{}{} })
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	synctest.Wait()
	select {
	case <-told:
	default:
		late = append(late, "follow")
	}
	return late
}

// TestI1_ALoginIsNotToldByAWait: who is shown her offline whatever she does is not
// made to wait while her lists are read at her login: nobody waits for somebody offline.
func TestI1_ALoginIsNotToldByAWait(t *testing.T) {
	for name, hide := range map[string]func(w *world){
		"blocked":         func(w *world) { w.apply(alice, Block{JID: bob}) },
		"appears offline": func(w *world) { w.apply(alice, SetState{Availability: presence.Offline}) },
	} {
		t.Run(name, func(t *testing.T) {
			withLists(t, func(w *world, s *server) {
				w.watch(bob)
				hide(w)
				w.device(alice+"/desk", Device{}) // once online, so that all lists are known
				w.device(alice+"/desk", Device{Gone: true})
				w.out.take()
				answers := w.out.lists
				w.set(func() { w.out.lists = nil }) // her server takes its time
				if late := w.notAtOnce(bob); len(late) > 0 {
					t.Errorf("while she is offline late or another answer: %v", late)
				}
				w.device(alice+"/desk", Device{})
				if late := w.notAtOnce(bob); len(late) > 0 {
					t.Errorf("while her lists are read late or another answer: %v", late)
				}
				w.set(func() { w.out.lists = answers })
			})
		})
	}
}

// TestI1_AWaitForListsStays for whoever may be shown something, and while nothing is
// known of her server (S8.5).
func TestI1_AWaitForListsStays(t *testing.T) {
	withLists(t, func(w *world, s *server) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.device(alice+"/desk", Device{Gone: true})
		w.out.take()
		w.set(func() { w.out.lists = nil })
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.mirrorEvent(MirrorProbe, bob)
		w.expect()
		w.ListsRead(presence.MustAddr(alice), s.lists, errors.New("no answer"))
		w.expect(to(bob, "3500 en"), to(bob, "3500 en"))
		w.Detached(time.Now())
		w.Attached(time.Now())
		w.apply(alice, Block{JID: bob})
		w.out.take()
		w.mirrorEvent(MirrorProbe, bob)
		w.expect()
	})
}

// TestI1_AWriteIsNotToldByAWait: that something of hers is being stored delays no
// answer to who is shown nothing.
func TestI1_AWriteIsNotToldByAWait(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.apply(alice, Block{JID: bob})
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		slow := &slowStore{memory: w.store}
		w.opt.Store = slow
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.apply(alice, SetNote{Text: "hello"})
		}()
		synctest.Wait()
		defer func() {
			slow.answer(nil)
			<-done
		}()
		if late := w.notAtOnce(bob); len(late) > 0 {
			t.Errorf("late or another answer: %v", late)
		}
		w.Mirror(Mirror{Kind: MirrorProbe, Presentity: presence.MustAddr(alice), Spelling: mirror, Watcher: jid(bob), Lang: "de"})
		w.expect(to(bob, "18500 de"))
	})
}

// TestI1_AnAcceptanceDoesNotWaitForLists: how many lists are read, and whether any,
// depends on whether she is online; who is admitted and shown nothing is answered
// without them.
func TestI1_AnAcceptanceDoesNotWaitForLists(t *testing.T) {
	for name, online := range map[string]bool{"offline": false, "online": true} {
		t.Run(name, func(t *testing.T) {
			withLists(t, func(w *world, s *server) {
				w.apply(alice, Block{JID: bob})
				w.device(alice+"/desk", Device{})
				if w.out.take(); !online {
					w.device(alice+"/desk", Device{Gone: true})
					w.out.take()
				}
				w.set(func() { w.out.lists = nil }) // her server takes its time
				w.mirrorEvent(MirrorSubscribe, bob)
				w.expect(to(bob, "subscribed"), to(bob, "18500 en"))
				w.mirrorEvent(MirrorSubscribe, zed) // he is not admitted: whether she is asked depends on them
				w.expect()
				s.lists.Block.JIDs = []string{zed}
				w.ListsRead(presence.MustAddr(alice), s.lists, nil)
				w.expect()
			})
		})
	}
}

// TestI1_AnAttachTellsHiddenWatchersAlike: who may have missed something is told again
// after an attach that she is offline; with her lists still to be read, too.
func TestI1_AnAttachTellsHiddenWatchersAlike(t *testing.T) {
	for name, online := range map[string]bool{"offline": false, "online": true} {
		t.Run(name, func(t *testing.T) {
			withLists(t, func(w *world, s *server) {
				w.watch(bob, boss)
				w.device(alice+"/desk", Device{})
				w.out.take()
				w.Detached(time.Time{})
				w.apply(alice, Block{JID: bob})
				w.set(func() { w.out.lists = nil }) // her server takes its time
				w.Attached(time.Now())
				w.HostReady(w.host)
				if online {
					w.device(alice+"/desk", Device{})
				}
				w.out.take()
				w.HostSynced(w.host.Name)
				want := []string{to(bob, "18500 en")}
				if !online {
					want = append(want, to(boss, "18500 en"))
				}
				w.expect(want...)
			})
		})
	}
}

// TestS13_WhoLeavesAndComesBackIsAnsweredInThatOrder, while the first is being stored.
func TestS13_WhoLeavesAndComesBackIsAnsweredInThatOrder(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		slow := &slowStore{memory: w.store}
		w.opt.Store = slow
		w.mirrorEvent(MirrorUnsubscribe, bob)
		w.mirrorEvent(MirrorSubscribe, bob)
		w.expect()
		slow.answer(nil)
		synctest.Wait()
		slow.answer(nil)
		w.expect(to(bob, "subscribed"), to(bob, "18500 en"))
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"))
		w.mirrorEvent(MirrorUnsubscribe, bob)
		synctest.Wait()
		slow.answer(ErrRefused)
		w.mirrorEvent(MirrorSubscribe, bob) // it was not stored: he is subscribed as before
		w.expect(to(bob, "subscribed"), to(bob, "3500 en"))
	})
}
