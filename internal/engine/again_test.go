package engine

import (
	"testing"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// contacts replaces alice's roster on her server.
func (w *world) contacts(c ...presence.Contact) {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.rosters[alice] = c
}

func contact(jid string, sub presence.Subscription, groups ...string) presence.Contact {
	return presence.Contact{Addr: presence.MustAddr(jid), Subscription: sub, Groups: groups}
}

// TestS8_8_RosterIsReadAgain: within privacy.refresh, with every request for a
// subscription, and after every command of hers; never for who is offline.
func TestS8_8_RosterIsReadAgain(t *testing.T) {
	family := PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleGroup, Value: "Family"}}
	for name, c := range map[string]struct {
		online bool
		by     func(w *world)
		want   presence.ContainerID
	}{
		"nothing":             {true, func(*world) {}, presence.Colleagues},
		"a refresh":           {true, func(*world) { time.Sleep(time.Minute + time.Second) }, presence.Friends},
		"another's request":   {true, func(w *world) { w.mirrorEvent(MirrorSubscribe, zed) }, presence.Friends},
		"a login":             {false, func(w *world) { w.device(alice+"/desk", Device{}) }, presence.Friends},
		"a command":           {true, func(w *world) { w.apply(alice, SetNote{Text: "x"}) }, presence.Friends},
		"a command, offline":  {false, func(w *world) { w.apply(alice, SetNote{Text: "x"}) }, presence.Colleagues},
		"a probe":             {true, func(w *world) { w.mirrorEvent(MirrorProbe, bob+"/x") }, presence.Colleagues},
		"her device, changed": {true, func(w *world) { w.device(alice+"/desk", Device{Show: presence.ShowDND}) }, presence.Colleagues},
	} {
		t.Run(name, func(t *testing.T) {
			live(t, func(w *world) {
				w.apply(alice, family)
				if c.online {
					w.device(alice+"/desk", Device{})
				}
				w.watch(bob)
				time.Sleep(2 * time.Second)
				w.contacts(contact(bob, presence.SubBoth, "Family"))
				c.by(w)
				w.out.take()
				if got := w.explains(bob); got.Container.ID != c.want {
					t.Errorf("bob is in %d, want %d", got.Container.ID, c.want)
				}
			})
		})
	}
}

// TestS8_8_RulesActAtOnce: what she sets here does not wait for anything.
func TestS8_8_RulesActAtOnce(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.apply(alice, Block{JID: bob})
		w.expect(to(bob, "18500 en"))
	})
}

// TestS10_ToOtherServersOneIdleChangeInThirtySeconds: fred's server hears of
// thresholds crossed at most every 30 s, bob's within 5 s; what she does herself
// reaches both at once.
func TestS10_ToOtherServersOneIdleChangeInThirtySeconds(t *testing.T) {
	live(t, func(w *world) {
		rules := *w.rules()
		rules.System.Aggregation.IdleAfter, rules.System.Aggregation.AwayAfter = 20*time.Second, 30*time.Second
		w.Reload(&rules)
		w.device(alice+"/desk", Device{})
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{IdleSince: time.Now()})
		w.expect()
		time.Sleep(25*time.Second + time.Millisecond)
		w.expect(to(bob, "5000 en"), to(fred, "5000 en"))
		time.Sleep(10 * time.Second)
		w.expect(to(bob, "15500 en"))
		time.Sleep(20 * time.Second)
		w.expect(to(fred, "15500 en"))
		w.device(alice+"/desk", Device{})
		w.expect(to(bob, "3500 en"), to(fred, "3500 en"))
	})
}

// TestS8_6_ComesBackWithWhatIsTrueNow: hidden watchers hear nothing of what
// changes meanwhile, and afterwards the present state once.
func TestS8_6_ComesBackWithWhatIsTrueNow(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.apply(alice, Block{JID: bob})
		w.expect(to(bob, "18500 en"))
		w.device(alice+"/desk", Device{Show: presence.ShowAway})
		w.apply(alice, SetNote{Text: "secret"})
		w.expect()
		w.device(alice+"/desk", Device{Show: presence.ShowDND})
		w.apply(alice, Unblock{JID: bob})
		w.expect(to(bob, "9500 secret en"))
	})
}

// TestS13_0_HerselfIsApproved, whatever her rules say.
func TestS13_0_HerselfIsApproved(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, SetPrivacyMode{On: true})
		w.device(alice+"/desk", Device{})
		w.mirrorEvent(MirrorSubscribe, alice)
		w.expect(to(alice, "subscribed"), to(alice, "3500 en"))
	})
}

// TestS13_1_AcceptedIsSubscribedAgain, hidden or not.
func TestS13_1_AcceptedIsSubscribedAgain(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.watch(bob)
		w.apply(alice, Block{JID: bob})
		w.out.take()
		w.mirrorEvent(MirrorSubscribe, bob)
		w.expect(to(bob, "subscribed"), to(bob, "18500 en"))
	})
}
