package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
)

// badge gives alice one and returns its handle.
func (w *world) badge() string {
	w.Helper()
	w.apply(alice, SetBadge{On: true})
	h, err := w.BadgeOf(context.Background(), Principal{Addr: presence.MustAddr(alice)}, presence.MustAddr(alice))
	if err != nil || len(h) != 26 {
		w.Fatalf("handle %q, %v", h, err)
	}
	return h
}

func (w *world) shown(handle string) presence.View {
	return w.Badge(context.Background(), handle)
}

func (w *world) followBadge(handle string) *ear {
	w.Helper()
	r := &ear{start: time.Now()}
	if _, err := w.FollowBadge(handle, r.hear); err != nil {
		w.Fatal(err)
	}
	return r
}

func TestBadge_ShowsTheClassAndNothingElse(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		h := w.badge()
		w.apply(alice, SetNote{Text: "Room 412"})
		w.apply(alice, SetState{Availability: presence.InConference, Activity: presence.InAConf})
		if got, want := w.shown(h), (presence.View{Container: presence.External, Availability: presence.Busy}); !sameView(&got, &want) {
			t.Errorf("shown %+v", got)
		}
		if again := w.apply(alice, SetBadge{On: true}); len(again.Advice) != 1 || w.shown(h).Availability != presence.Busy {
			t.Error("turned on twice it is another badge")
		}
	})
}

func TestBadge_WhatHidesHerFromEverybodyHidesIt(t *testing.T) {
	for name, hide := range map[string]func(w *world){
		"off":     func(w *world) { w.apply(alice, SetBadge{}) },
		"disable": func(w *world) { w.apply(alice, Disable{}) }, "erase": func(w *world) { w.apply(alice, Erase{}) },
		"appear offline": func(w *world) { w.apply(alice, SetState{Availability: presence.Offline}) },
		"gone":           func(w *world) { w.device(alice+"/desk", Device{Gone: true}) },
		"a wall": func(w *world) {
			r := *w.rules()
			r.Walls = []Wall{{Users: []presence.Addr{presence.MustAddr(alice)}, HiddenFrom: []string{"*"}}}
			w.Reload(&r)
		},
		"lists are required": func(w *world) {
			r := *w.rules()
			r.RequireLists = true
			w.Reload(&r)
			w.host.Hidden = true
			w.HostReady(w.host)
			w.HostSynced(w.host.Name)
		},
		"link lost": func(w *world) { w.Detached(time.Now()) },
	} {
		live(t, func(w *world) {
			w.device(alice+"/desk", Device{Show: presence.ShowNone})
			h := w.badge()
			r := w.followBadge(h)
			r.expect(t, "at first", "3500")
			hide(w)
			synctest.Wait()
			got, want := w.shown(h), w.shown("nobodysbadgenobodysbadge22")
			if !sameView(&got, &want) || got.Show() != presence.ShowUnavailable {
				t.Errorf("%s: shown %+v, nobody's %+v", name, got, want)
			}
			time.Sleep(lookWait + time.Second)
			r.expect(t, name, offlineLine)
		})
	}
}

func TestBadge_IsStoredExportedAndGoneWithItsHandle(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		h := w.badge()
		saved, err := w.ExportUser(context.Background(), presence.MustAddr(alice))
		if err != nil || string(saved.Docs[DocBadge]) != string(w.store.docs[alice][DocBadge]) || saved.Docs[DocBadge] == nil {
			t.Errorf("exported %s, stored %s, %v", saved.Docs[DocBadge], w.store.docs[alice][DocBadge], err)
		}
		next := build(t, w.store)
		defer next.Stop(context.Background())
		next.attach()
		next.device(alice+"/desk", Device{Show: presence.ShowNone})
		synctest.Wait()
		if got := next.shown(h); got.Availability != presence.Available {
			t.Errorf("after a restart %+v", got)
		}
		next.apply(alice, SetBadge{})
		if other := next.badge(); other == h || next.shown(h).Availability != presence.Offline || next.shown(other).Availability != presence.Available {
			t.Error("an old handle shows something")
		}
	})
}

func TestBadge_FollowersAreToldOfClassesOnly(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{Show: presence.ShowNone})
		r, nobodys := w.followBadge(w.badge()), w.followBadge("nobodysbadgenobodysbadge22")
		r.expect(t, "at first", "3500")
		w.apply(alice, SetNote{Text: "x"})
		w.apply(alice, Block{JID: bob})
		r.expect(t, "hidden changes")
		w.device(alice+"/desk", Device{Show: presence.ShowAway})
		r.expect(t, "away", "15500")
		nobodys.expect(t, "nobody's", offlineLine)
	})
}
