package engine

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// explains asks as alice why a watcher sees her so.
func (w *world) explains(watcher string) Explained {
	w.Helper()
	e, err := w.Explain(context.Background(), Principal{Addr: presence.MustAddr(alice)}, presence.MustAddr(alice), presence.MustAddr(watcher))
	if err != nil {
		w.Fatal(err)
	}
	return e
}

func (w *world) audienceOf(user string) Audience {
	w.Helper()
	a, err := w.Audience(context.Background(), Principal{Addr: presence.MustAddr(user)}, presence.MustAddr(user))
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// TestS12_NothingOfTheWatcherIsExplained names I1 and I3: what alice is told does
// not depend on what a watcher of hers does, keeps or hides, nor on whether his
// server knows him.
func TestS12_NothingOfTheWatcherIsExplained(t *testing.T) {
	play := func(also func(w *world)) (told []any) {
		synctest.Test(t, func(t *testing.T) {
			w := build(t, newMemory())
			defer w.Stop(context.Background())
			w.attach()
			w.apply(alice, Enable{})
			w.watch(bob)
			also(w)
			w.out.take()
			time.Sleep(time.Minute)
			for _, show := range []presence.Show{presence.ShowNone, presence.ShowDND} {
				w.device(alice+"/desk", Device{Show: show})
				told = append(told, w.explains(bob), w.explains(zed), w.audienceOf(alice))
			}
		})
		return told
	}
	plain := play(func(*world) {})
	for name, also := range map[string]func(w *world){
		"he is enrolled and online": func(w *world) {
			w.apply(bob, Enable{})
			w.device(bob+"/phone", Device{Show: presence.ShowAway})
		},
		"he blocks her and hides": func(w *world) {
			w.apply(bob, Enable{})
			w.apply(bob, Block{JID: alice})
			w.apply(bob, SetPrivacyMode{On: true})
			w.apply(bob, SetState{Availability: presence.Offline})
		},
		"his server bounces what she sends": func(w *world) { w.mirrorEvent(MirrorError, bob+"/x") },
		"he refuses and subscribes back": func(w *world) {
			w.mirrorEvent(MirrorUnsubscribed, bob)
			w.mirrorEvent(MirrorAvailable, bob+"/x")
			w.mirrorEvent(MirrorProbe, bob+"/x")
		},
	} {
		if got := play(also); !reflect.DeepEqual(got, plain) {
			t.Errorf("%s, and alice is told\n%+v\ninstead of\n%+v", name, got, plain)
		}
	}
}

// TestS12_ForHerAndTheOperatorOnly: nobody else learns so much as whether she is
// enrolled.
func TestS12_ForHerAndTheOperatorOnly(t *testing.T) {
	live(t, func(w *world) {
		for _, of := range []string{alice, "nobody@example.org"} {
			a, asker := presence.MustAddr(of), Principal{Addr: presence.MustAddr(bob)}
			_, errE := w.Explain(context.Background(), asker, a, asker.Addr)
			_, errA := w.Audience(context.Background(), asker, a)
			for _, err := range []error{errE, errA} {
				if k, ok := KindOf(err); !ok || k != NotAllowed || err.Error() != "only the user herself and the operator may do that" {
					t.Errorf("bob asks about %s and is told %v", of, err)
				}
			}
		}
		if _, err := w.Explain(context.Background(), Principal{Operator: true}, presence.MustAddr(alice), presence.MustAddr(bob)); err != nil {
			t.Error(err)
		}
	})
}

// TestS12_HeldBackIsToldAndShown: while nothing may be sent, view-as shows what a
// watcher gets then, for the operator too, and the explanation says why.
func TestS12_HeldBackIsToldAndShown(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		if e := w.explains(bob); e.Hold != HoldNone || e.View.Availability != presence.Available || !e.Native {
			t.Errorf("attached: %+v", e)
		}
		w.host.Roster, w.host.Hidden = false, true
		w.HostReady(w.host)
		w.HostSynced(w.host.Name)
		if e := w.explains(bob); !e.NoRoster || !e.NoLists {
			t.Errorf("what cannot be read: %+v", e)
		}
		w.Detached(time.Now())
		e := w.explains(bob)
		if e.Hold != HoldLink || e.View != emptyView() || e.Projection.Availability != presence.Available {
			t.Errorf("detached: %+v", e)
		}
		as := w.Look(context.Background(), Principal{Operator: true, Addr: presence.MustAddr(bob)}, []presence.Addr{presence.MustAddr(alice)})
		if as[0] != emptyView() {
			t.Errorf("the operator looks as bob and sees %+v", as[0])
		}
		if own := w.explains(alice); own.View.Availability != presence.Available {
			t.Errorf("to herself %+v", own.View)
		}
	})
}

// TestAudience_AllowedSubscribedAndAsked: each once, with where he stands.
func TestAudience_AllowedSubscribedAndAsked(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, zed)
		w.apply(alice, PutRule{Rule: privacy.Rule{Container: presence.Friends, Type: privacy.RuleUser, Value: fred}})
		w.apply(alice, Block{JID: "mallory@nowhere.example"})
		a := w.audienceOf(alice)
		got := map[string]Member{}
		for _, m := range a.Members {
			if _, twice := got[m.JID]; twice {
				t.Errorf("%s is listed twice", m.JID)
			}
			got[m.JID] = m
		}
		for jid, want := range map[string]Member{
			bob:                       {Standing: roster.Accepted, Container: presence.Colleagues, Sees: true, Reason: privacy.ReasonContact},
			zed:                       {Standing: roster.Pending, Reason: privacy.ReasonDefault},
			boss:                      {Container: presence.Colleagues, Sees: true, Reason: privacy.ReasonContact},
			fred:                      {Container: presence.Friends, Sees: true, Reason: privacy.ReasonUser},
			"mallory@nowhere.example": {Container: presence.Blocked, Reason: privacy.ReasonUser},
		} {
			want.JID, want.Addr = jid, presence.MustAddr(jid)
			if got[jid] != want {
				t.Errorf("%s: %+v, want %+v", jid, got[jid], want)
			}
		}
		if len(got) != 5 || len(a.Rules) != len(privacy.Bootstrap()) {
			t.Errorf("%d members, rules %v", len(got), a.Rules)
		}
	})
}
