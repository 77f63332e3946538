package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
	"presenced/privacy"
)

func TestSubscribe_AdmittedGetsSubscribedThenProjection(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.out.take()
		w.mirrorEvent(MirrorSubscribe, bob)
		got := w.out.take()
		want := []string{to(bob, "subscribed"), to(bob, "9500 en")}
		if !slices.Equal(got, want) {
			t.Fatalf("left %q, want %q", got, want)
		}
		w.mirrorEvent(MirrorSubscribe, bob) // S13.1: again, hidden or not
		if got := w.out.take(); !slices.Equal(got, want) {
			t.Fatalf("the second time left %q, want %q", got, want)
		}
	})
}

func TestDevice_OneDifferenceOnePresence(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"), to(fred, "3500 en"))
		w.device(alice+"/desk", Device{})                          // the same again
		w.device(alice+"/phone", Device{Priority: -1})             // never counts
		w.device(alice+"/desk", Device{Priority: 7})               // no container sees it
		w.device(alice+"/tablet", Device{Show: presence.ShowAway}) // loses
		w.expect()
		w.device(alice+"/desk", Device{Show: presence.ShowChat, Priority: 7})
		w.expect(to(bob, "3500 free-for-chat en")) // fred is shown no token
		w.device(alice+"/desk", Device{Gone: true})
		w.expect(to(bob, "15500 en"), to(fred, "15500 en"))
		w.device(alice, Device{Gone: true})
		w.expect(to(bob, "18500 en"), to(fred, "18500 en"))
	})
}

// TestS10_FiveAtOnceThenOneEveryTwoSeconds names S10.
func TestS10_FiveAtOnceThenOneEveryTwoSeconds(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		shows := []presence.Show{presence.ShowNone, presence.ShowDND}
		for i := range 20 {
			w.device(alice+"/desk", Device{Show: shows[i%2]})
			synctest.Wait()
		}
		if got := w.out.take(); len(got) != 5 {
			t.Fatalf("%d at once, want 5: %q", len(got), got)
		}
		w.device(alice+"/desk", Device{Show: presence.ShowDND, Status: "latest"})
		w.expect()
		time.Sleep(2100 * time.Millisecond)
		w.expect(to(bob, "9500 latest en"))
		time.Sleep(time.Minute)
		w.expect()
	})
}

// TestI1_PaceIsPerProjection: changes fred cannot see cost him no budget.
func TestI1_PaceIsPerProjection(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{})
		w.out.take()
		for i := range 12 {
			w.device(alice+"/desk", Device{Status: strings.Repeat("x", i+1)})
			synctest.Wait()
		}
		w.out.take()
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect(to(fred, "9500 en"))
	})
}

// TestS8_6_HiddenGetsOneUnavailableThenSilence names S8.6.
func TestS8_6_HiddenGetsOneUnavailableThenSilence(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, boss)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, Block{JID: bob})
		w.expect(to(bob, "18500 en"))
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect(to(boss, "9500 en"))
		w.mirrorEvent(MirrorProbe, bob+"/x") // the subscription stays
		w.expect(bob + "/x <- " + mirror + ": 18500 en")
		w.apply(alice, Unblock{JID: bob})
		w.expect(to(bob, "9500 en"))
	})
}

// TestS13_3_StrangerIsSilenceAndOneRequest names S13.3 and S13.4.
func TestS13_3_StrangerIsSilenceAndOneRequest(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.mirrorEvent(MirrorSubscribe, zed)
		w.expect("notify " + alice)
		w.mirrorEvent(MirrorSubscribe, zed)
		w.expect()
		w.mirrorEvent(MirrorProbe, zed+"/x")
		w.expect(zed + "/x <- " + mirror + ": unsubscribed")
		w.apply(alice, Approve{Watcher: presence.MustAddr(zed)})
		w.expect(to(zed, "subscribed"), to(zed, "3500 en"))
		w.apply(alice, Revoke{Watcher: presence.MustAddr(zed)})
		w.expect(to(zed, "18500 en"), to(zed, "unsubscribed"))
	})
}

func TestS13_4_RefusalIsSilence(t *testing.T) {
	live(t, func(w *world) {
		w.mirrorEvent(MirrorSubscribe, zed)
		w.out.take()
		w.apply(alice, Refuse{Watcher: presence.MustAddr(zed)})
		w.expect()
		w.mirrorEvent(MirrorSubscribe, zed)
		w.expect()
	})
}

// TestI2_UnknownIsHiddenIsOffline names I2 for probes and readings.
func TestI2_UnknownIsHiddenIsOffline(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.out.take()
		nobody := presence.MustAddr("nobody@example.org")
		w.Mirror(Mirror{Kind: MirrorProbe, Presentity: nobody, Spelling: mirror, Watcher: jid(zed + "/x")})
		unknown := w.out.take()
		w.mirrorEvent(MirrorProbe, zed+"/x")
		if got := w.out.take(); !slices.Equal(got, unknown) {
			t.Fatalf("a probe of an enrolled user gives %q, of nobody %q", got, unknown)
		}
		w.apply(alice, Block{JID: bob})
		views := w.Look(context.Background(), Principal{Addr: presence.MustAddr(bob)}, []presence.Addr{presence.MustAddr(alice), nobody})
		views[0].Container, views[1].Container = 0, 0
		if views[0] != views[1] {
			t.Fatalf("hidden %+v, unknown %+v", views[0], views[1])
		}
	})
}

func TestStoreRefusal_ChangesNothing(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.store.fail = ErrRefused
		_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice)}, jid(alice), SetState{Availability: presence.Busy})
		if k, ok := KindOf(err); !ok || k != Unavailable || !errors.Is(err, ErrRefused) {
			t.Fatalf("got %v, want a refusal of kind Unavailable", err)
		}
		w.expect()
		w.store.fail = nil
		w.apply(alice, SetState{Availability: presence.Busy})
		w.expect(to(bob, "6500 en"))
	})
}

// TestS10_IdleChangesComeWithinFiveSeconds names S10.
func TestS10_IdleChangesComeWithinFiveSeconds(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{IdleSince: time.Now()})
		w.expect(to(bob, "3500 en"))
		time.Sleep(299 * time.Second)
		w.expect()
		time.Sleep(6100 * time.Millisecond)
		w.expect(to(bob, "5000 en"))
	})
}

func TestDisable_IsSilentAndKeepsSubscriptions(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, Disable{})
		w.expect(to(bob, "18500 en"))
		w.mirrorEvent(MirrorProbe, bob+"/x")
		w.expect(bob + "/x <- " + mirror + ": 18500 en")
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect()
		w.apply(alice, Enable{})
		w.out.take()
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect(to(bob, "9500 en"))
	})
}

func TestErase_EndsEverySubscriptionAlike(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, boss)
		w.device(alice+"/desk", Device{})
		w.apply(alice, Block{JID: bob})
		w.out.take()
		w.apply(alice, Erase{})
		got := w.out.take()
		for _, who := range []string{bob, boss} {
			if !slices.Contains(got, to(who, "unsubscribed")) {
				t.Errorf("%s was not told: %q", who, got)
			}
		}
		w.mirrorEvent(MirrorProbe, bob+"/x")
		w.expect(bob + "/x <- " + mirror + ": unsubscribed")
	})
}

// TestS2_5_RuleGoesWithTheContact names S2.5.
func TestS2_5_RuleGoesWithTheContact(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleUser, Value: fred}})
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		w.out.mu.Lock()
		w.out.rosters[alice] = w.out.rosters[alice][:2]
		w.out.mu.Unlock()
		time.Sleep(61 * time.Second)
		in, err := w.Inspect(context.Background(), Principal{Addr: presence.MustAddr(alice)}, presence.MustAddr(alice))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range in.Rules {
			if r.Type == privacy.RuleUser {
				t.Fatalf("the rule %v stayed after fred left the roster", r)
			}
		}
	})
}

func TestSetState_SaysWhatGoesFirst(t *testing.T) {
	live(t, func(w *world) {
		if r := w.apply(alice, SetState{Availability: presence.Busy}); !slices.Contains(r.Advice, AdviceNoDevice) {
			t.Errorf("without a device: %q", r.Advice)
		}
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		if r := w.apply(alice, SetState{Availability: presence.Busy, Activity: presence.InAMeeting}); !slices.Equal(r.Advice, []Advice{AdviceBeaten}) {
			t.Errorf("below a device's do not disturb: %q", r.Advice)
		}
		w.device(alice+"/desk", Device{IdleSince: time.Now().Add(-time.Hour)})
		if r := w.apply(alice, SetState{Availability: presence.Busy}); len(r.Advice) != 0 {
			t.Errorf("busy while idle is what she asked for: %q", r.Advice)
		}
	})
}

// TestS8_0_WallsNameUsersAndDomains names S8.0.
func TestS8_0_WallsNameUsersAndDomains(t *testing.T) {
	r := testRules(t)
	r.Walls = []Wall{
		{Users: []presence.Addr{presence.MustAddr(alice)}, HiddenFrom: []string{bob}},
		{Users: []presence.Addr{presence.MustAddr("example.org")}, HiddenFrom: []string{"*"}},
		{Users: []presence.Addr{presence.MustAddr("partner.example")}, HiddenFrom: []string{zed}},
	}
	if got := r.wallsOf(presence.MustAddr(alice)); !slices.Equal(got, []string{bob, "*"}) {
		t.Errorf("alice is hidden from %q", got)
	}
	if got := r.wallsOf(presence.MustAddr(bob)); !slices.Equal(got, []string{"*"}) {
		t.Errorf("bob is hidden from %q", got)
	}
}

func TestDevice_TenThousandResourcesAreBounded(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		for i := range 10000 {
			w.device(fmt.Sprintf("%s/r%d", alice, i), Device{Show: presence.ShowAway})
		}
		w.out.take()
		in, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice))
		if err != nil || in.Devices > aggregation.MaxResources {
			t.Fatalf("%d devices are kept (%v), want at most %d", in.Devices, err, aggregation.MaxResources)
		}
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.expect(to(bob, "9500 en"))
	})
}
