package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// userRules are alice's rules that name somebody.
func userRules(w *world) []string {
	w.Helper()
	in, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice))
	if err != nil {
		w.Fatal(err)
	}
	var out []string
	for _, r := range in.Rules {
		if r.Type == privacy.RuleUser {
			out = append(out, r.String())
		}
	}
	return out
}

// reread gives alice another roster and waits until it was read.
func (w *world) reread(contacts ...presence.Contact) {
	w.set(func() { w.out.rosters[alice] = contacts })
	time.Sleep(61 * time.Second)
	synctest.Wait()
}

func contactOf(jid string, groups ...string) presence.Contact {
	return presence.Contact{Addr: presence.MustAddr(jid), Subscription: presence.SubBoth, Groups: groups}
}

// TestS2_5_OnlyRulesThatLowerGo: a block, and whatever would show more without it,
// stays when its contact leaves; one that showed him more goes.
func TestS2_5_OnlyRulesThatLowerGo(t *testing.T) {
	live(t, func(w *world) {
		put := func(id presence.ContainerID, jid string) {
			w.apply(alice, PutRule{Rule: privacy.Rule{Container: id, Type: privacy.RuleUser, Value: jid}})
		}
		put(presence.Friends, boss)
		put(presence.Blocked, fred)
		put(presence.External, bob)
		w.device(alice+"/desk", Device{})
		w.reread(contactOf("carol@example.org"))
		if got, want := userRules(w), []string{"user fred@partner.example -> 32000", "user bob@example.org -> 100"}; !slices.Equal(got, want) {
			t.Errorf("left are %q, want %q", got, want)
		}
		if v := w.view(fred); v.Availability != presence.Offline {
			t.Errorf("fred, blocked and no contact any more, sees %d", v.Availability)
		}
	})
}

// TestS2_5_ARosterEmptyInOneReadLosesNoRule: nor does what comes after the fault.
func TestS2_5_ARosterEmptyInOneReadLosesNoRule(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleUser, Value: fred}})
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		full := w.out.rosters[alice]
		w.reread()
		if got := userRules(w); len(got) != 1 {
			t.Fatalf("after an empty reading: %q", got)
		}
		w.reread(full[:1]...) // she fills it again, one by one
		if got := userRules(w); len(got) != 1 {
			t.Fatalf("after the first contact came back: %q", got)
		}
		w.reread(full...)
		if got := userRules(w); len(got) != 1 {
			t.Fatalf("after the roster came back: %q", got)
		}
		w.reread(full[:2]...)
		if got := userRules(w); len(got) != 0 {
			t.Fatalf("fred left a roster that is not empty, and %q stayed", got)
		}
	})
}

// TestS2_5_ARefusedRemovalIsTriedAgain: the store may be away at that moment.
func TestS2_5_ARefusedRemovalIsTriedAgain(t *testing.T) {
	for name, back := range map[string]bool{"fred stays away": false, "fred is back": true} {
		t.Run(name, func(t *testing.T) {
			live(t, func(w *world) {
				w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleUser, Value: fred}})
				w.device(alice+"/desk", Device{})
				synctest.Wait()
				full := w.out.rosters[alice]
				refuse := func(err error) {
					w.store.mu.Lock()
					defer w.store.mu.Unlock()
					w.store.fail = err
				}
				refuse(errors.Join(ErrRefused, errors.New("disk full")))
				w.reread(full[:2]...)
				w.reread(full[:1]...)
				if got := userRules(w); len(got) != 1 {
					t.Fatalf("%q is in force, and the store refused it", got)
				}
				refuse(nil)
				next, want := full[:1], 0
				if back {
					next, want = full, 1
				}
				w.reread(next...)
				w.reread(next...)
				if got := userRules(w); len(got) != want {
					t.Fatalf("%q after the store was back, want %d", got, want)
				}
			})
		})
	}
}

// TestS2_6_WithoutTheRosterNewRulesAreRefused, and those there are fail closed for
// whom no user rule decides.
func TestS2_6_WithoutTheRosterNewRulesAreRefused(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Blocked, Type: privacy.RuleGroup, Value: "Team"}})
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Workgroup, Type: privacy.RuleUser, Value: boss}})
		w.device(alice+"/desk", Device{})
		w.watch(boss, "carol@example.org")
		if v := w.view("carol@example.org"); v.Availability != presence.Available {
			t.Fatalf("carol, in no group, sees %d while the roster can be read", v.Availability)
		}
		w.host.Roster = false
		w.HostReady(w.host)
		w.expect(to("carol@example.org", "18500 en"), "settle example.org")
		for watcher, want := range map[string]presence.Availability{
			"carol@example.org": presence.Offline, bob: presence.Offline, boss: presence.Available, alice: presence.Available,
		} {
			if v := w.view(watcher); v.Availability != want {
				t.Errorf("%s sees %d while the roster cannot be read, want %d", watcher, v.Availability, want)
			}
		}
		for typ, value := range map[privacy.RuleType]string{privacy.RuleGroup: "Family", privacy.RuleSubscription: "both"} {
			_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice)}, jid(alice),
				PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: typ, Value: value}})
			if k, ok := KindOf(err); !ok || k != Invalid || !strings.Contains(err.Error(), "read this roster") || !strings.Contains(err.Error(), "name users or domains") {
				t.Errorf("a new %s rule: %v, want a refusal with the reason and what to do", typ, err)
			}
		}
		w.host.Roster = true
		w.HostReady(w.host)
		w.expect(to("carol@example.org", "3500 en"), "settle example.org")
	})
}

// TestS2_7_OneAddressOneWatcher: however an address is spelled, in the stream, in a
// command or by the operator, it is the same watcher.
func TestS2_7_OneAddressOneWatcher(t *testing.T) {
	const plain, spelled, third = "strasse@bücher.example", "STRAßE@BÜCHER.example", "Ｓtrasse@xn--bcher-kva.example"
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Workgroup, Type: privacy.RuleUser, Value: spelled}})
		w.mirrorEvent(MirrorSubscribe, plain)
		w.expect(to(plain, "subscribed"), to(plain, "3500 en"))
		w.mirrorEvent(MirrorSubscribe, third)
		in, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice))
		if err != nil || len(in.Watchers) != 1 || in.Watchers[0].Container != presence.Workgroup {
			t.Fatalf("watchers %+v, %v; want one in 300", in.Watchers, err)
		}
		w.out.take()
		w.apply(alice, Block{JID: third})
		if v := w.view(plain); v.Availability != presence.Offline {
			t.Errorf("blocked in another spelling he sees %d", v.Availability)
		}
		w.apply(alice, Unblock{JID: spelled})
		w.apply(alice, Block{JID: "xn--bcher-kva.example"})
		w.apply(alice, RemoveRule{Rule: privacy.Rule{Container: presence.Workgroup, Type: privacy.RuleUser, Value: third}})
		if v := w.view(spelled); v.Availability != presence.Offline {
			t.Errorf("of a blocked domain he sees %d", v.Availability)
		}
		w.apply(alice, Unblock{JID: "Bücher.EXAMPLE"})
		if got := userRules(w); len(got) != 0 {
			t.Errorf("left are %q", got)
		}
		w.out.take()
	})
}

// TestS2_7_MirrorsAreNobody: an address of the component's own domain is never a
// watcher, a contact or what a rule names. (What such an address sends ends in the
// component.)
func TestS2_7_MirrorsAreNobody(t *testing.T) {
	const other = `bob\40example.org@presence.example.org`
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleDomain, Value: "*.example.org"}})
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleGroup, Value: "Team"}})
		w.reread(contactOf(other, "Team"), contactOf(bob, "Team"))
		if v := w.view(other); v != emptyView() {
			t.Errorf("a mirror sees %+v", v)
		}
		for _, c := range []Change{
			PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleUser, Value: other}},
			PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleDomain, Value: "Presence.Example.org"}},
			Block{JID: other},
		} {
			if _, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice)}, jid(alice), c); err == nil || !strings.Contains(err.Error(), "own domain") {
				t.Errorf("%+v: %v, want a refusal that names the component's own domain", c, err)
			}
		}
	})
}
