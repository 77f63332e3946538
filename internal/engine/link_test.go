package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
)

func TestNotLoaded_NothingIsSentAndProbesWait(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		contacts := w.out.rosters[alice]
		w.out.silent = true
		w.Detached(time.Now())
		w.attach()
		// The copy read before still serves; a new daemon has none.
		w2 := build(t, w.store)
		defer w2.Stop(context.Background())
		w2.out.silent = true
		w2.attach()
		w2.device(alice+"/desk", Device{Show: presence.ShowDND})
		w2.mirrorEvent(MirrorProbe, bob+"/x")
		w2.expect()
		w2.RosterRead(presence.MustAddr(alice), contacts, nil)
		w2.expect(to(bob, "9500 en"), bob+"/x <- "+mirror+": 9500 en")
	})
}

// TestS8_5_UnreadableRosterFailsClosed names S8.5.
func TestS8_5_UnreadableRosterFailsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		delete(w.out.rosters, alice)
		w.attach()
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		w.out.take()
		v := w.Look(context.Background(), Principal{Addr: presence.MustAddr(bob)}, []presence.Addr{presence.MustAddr(alice)})[0]
		if v.Availability != presence.Offline {
			t.Fatalf("bob sees %d while the roster cannot be read", v.Availability)
		}
		own := w.Look(context.Background(), Principal{Addr: presence.MustAddr(alice)}, []presence.Addr{presence.MustAddr(alice)})[0]
		if own.Availability != presence.Available {
			t.Fatalf("alice sees herself at %d", own.Availability)
		}
		w.out.mu.Lock()
		w.out.rosters[alice] = nil
		w.out.mu.Unlock()
		time.Sleep(2*rosterRetry + time.Second)
		v = w.Look(context.Background(), Principal{Addr: presence.MustAddr(bob)}, []presence.Addr{presence.MustAddr(alice)})[0]
		if v.Availability != presence.Available {
			t.Fatalf("bob, same enterprise, sees %d after the roster was read", v.Availability)
		}
	})
}

func TestReattach_SweepsStaleDevicesAndRepeatsWhatMayBeMissed(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.device(alice+"/phone", Device{Show: presence.ShowAway})
		w.expect(to(bob, "9500 en"))
		w.Detached(time.Now())
		w.device(alice+"/desk", Device{}) // while away nothing arrives; this is a late one
		w.expect()
		w.Attached(time.Now())
		w.HostReady(w.host)
		w.device(alice+"/phone", Device{Show: presence.ShowAway}) // the server's state: only the phone
		w.expect("settle example.org")
		w.HostSynced("example.org")
		w.expect(to(bob, "15500 en"))
	})
}

func TestReattach_ConfirmedUnavailableIsNotRepeated(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, boss)
		w.apply(alice, Block{JID: bob})
		w.device(alice+"/desk", Device{})
		w.out.take()
		time.Sleep(time.Second)
		w.Detached(time.Now())
		w.Attached(time.Now())
		w.HostReady(w.host)
		w.device(alice+"/desk", Device{})
		w.HostSynced("example.org")
		w.expect("settle example.org", to(boss, "3500 en"))
	})
}

func TestRestart_TellsWhoMayHaveComeMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		w := build(t, store)
		w.attach()
		w.apply(alice, Enable{})
		w.watch(bob, boss)
		w.apply(alice, Block{JID: boss})
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.Stop(context.Background())

		start := func() *world {
			n := build(t, store)
			n.Attached(time.Now())
			n.HostReady(n.host)
			n.device(alice+"/desk", Device{})
			n.HostSynced("example.org")
			return n
		}
		// Bob may have logged in while the daemon was away: he is told again, and
		// boss, who surely knows that alice is offline to him, is not.
		w = start()
		w.expect("settle example.org", to(bob, "3500 en"))
		if clean := store.presence[metaUser]; clean != nil {
			t.Fatalf("the mark of a clean end outlives the start: %q", clean)
		}
		// Another start without a clean end trusts nothing.
		crashed := start()
		crashed.expect("settle example.org", to(bob, "3500 en"), to(boss, "18500 en"))
		crashed.Stop(context.Background())
		w.Stop(context.Background())
	})
}

func TestReload_EnrolsWhomTheListNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		rules := testRules(t)
		rules.Enrolment = Enrolment{Mode: EnrolList, Users: map[presence.Addr]string{presence.MustAddr(alice): alice}}
		w.Reload(rules)
		w.out.take()
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect(to(bob, "9500 en"))
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(bob)}, jid(bob), Enable{})
		if k, ok := KindOf(err); !ok || k != NotAllowed {
			t.Fatalf("bob, who is not listed, enrols: %v", err)
		}
	})
}

// TestFarewell_NothingFollows: a subscription whose write completes after the
// farewell is not answered with a green dot.
func TestFarewell_NothingFollows(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.Farewell(context.Background())
		w.expect(to(bob, "18500 en"))
		w.mirrorEvent(MirrorSubscribe, boss)
		w.mirrorEvent(MirrorProbe, bob+"/x")
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		time.Sleep(lookWait + time.Second)
		w.expect()
	})
}

func TestAdopt_TriesAgainUntilItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		rules := testRules(t)
		rules.Enrolment.Mode = EnrolAll
		w.Reload(rules)
		w.attach()
		w.store.fail = ErrRefused
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		synctest.Wait()
		w.store.mu.Lock()
		w.store.fail = nil
		w.store.mu.Unlock()
		time.Sleep(2 * enrolRetry)
		w.watch(bob)
		v := w.Look(context.Background(), Principal{Addr: presence.MustAddr(bob)}, []presence.Addr{presence.MustAddr(alice)})[0]
		if v.Availability != presence.DoNotDisturb {
			t.Fatalf("bob sees %d of a user who was seen while the store was full", v.Availability)
		}
	})
}

// TestI1_AStrangersProbeNeverWaits names I1 and I2: while an enrolled user is
// being loaded, or her settings are being written, a stranger's probe of her is
// answered as one of nobody is, at the same instant.
func TestI1_AStrangersProbeNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		w.apply(alice, Enable{})
		w.mirrorEvent(MirrorSubscribe, zed) // who is now pending
		w.out.take()
		w.Detached(time.Now())
		w.Attached(time.Now()) // and nothing is known of the host yet
		w.Mirror(Mirror{Kind: MirrorProbe, Presentity: presence.MustAddr("nobody@example.org"), Spelling: mirror, Watcher: jid(zed + "/x")})
		w.expect(zed + "/x <- " + mirror + ": unsubscribed")
		for _, lang := range []string{"", "de"} {
			w.Mirror(Mirror{Kind: MirrorProbe, Presentity: presence.MustAddr(alice), Spelling: mirror, Watcher: jid(zed + "/x"), Lang: lang})
			w.expect(zed + "/x <- " + mirror + ": unsubscribed")
		}
	})
}

// TestI1_AStrangersQueryNeverWaits names I1 and I2: whoever S13.2 does not admit
// is answered about an enrolled user who is being loaded as about nobody, at
// once; whom her rules admit waits for the truth (S8.5).
func TestI1_AStrangersQueryNeverWaits(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.out.take()
		w.Detached(time.Now())
		w.Attached(time.Now())
		ask := func(who, whom string) (presence.Availability, time.Duration) {
			start := time.Now()
			v := w.Look(context.Background(), Principal{Addr: presence.MustAddr(who)}, []presence.Addr{presence.MustAddr(whom)})[0]
			return v.Availability, time.Since(start)
		}
		for _, whom := range []string{alice, "nobody@example.org"} {
			if a, waited := ask(zed, whom); a != presence.Offline || waited != 0 {
				t.Errorf("zed is told %d of %s after %v, want offline at once", a, whom, waited)
			}
		}
		go func() {
			time.Sleep(3 * time.Second)
			w.HostReady(w.host)
			w.device(alice+"/desk", Device{Show: presence.ShowDND})
			w.HostSynced("example.org")
		}()
		if a, waited := ask(bob, alice); a != presence.DoNotDisturb || waited < 3*time.Second {
			t.Errorf("bob is told %d after %v, want the truth once it is known", a, waited)
		}
	})
}

// TestErase_NothingQueuedBehindItComesBack: what waited for the erasure is refused,
// and nothing of it is in the store.
func TestErase_NothingQueuedBehindItComesBack(t *testing.T) {
	live(t, func(w *world) {
		a := presence.MustAddr(alice)
		s := w.shardOf(a)
		who := Principal{Addr: a, JID: alice}
		answers := make(chan error, 3)
		answer := func(_ Result, err error) { answers <- err }
		s.box.must(func(now time.Time) {
			s.apply(who, jid(alice), Erase{}, now, answer)
			s.apply(who, jid(alice), SetNote{Text: "back"}, now, answer)
			s.apply(who, jid(alice), Enable{}, now, answer)
		})
		synctest.Wait()
		if err := <-answers; err != nil {
			t.Errorf("erase: %v", err)
		}
		for _, what := range []string{"note", "enable"} {
			if err := <-answers; err == nil {
				t.Errorf("%s behind an erasure was acknowledged", what)
			}
		}
		if docs := w.store.docs[a.Key()]; len(docs) > 0 {
			t.Errorf("stored after the erasure: %q", docs)
		}
	})
}

// TestS13_AnEmptyStoreEndsNoSubscription: while nobody is enrolled, or after
// settings were lost, a watcher nobody remembers gets no answer; else he is told.
func TestS13_AnEmptyStoreEndsNoSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		w.mirrorEvent(MirrorProbe, bob)
		w.expect()
		w.apply(alice, Enable{})
		w.out.take()
		w.mirrorEvent(MirrorProbe, bob)
		w.expect(to(bob, "unsubscribed"))
		w.opt.Forgetful = true
		w.mirrorEvent(MirrorProbe, bob)
		w.expect()
	})
}
