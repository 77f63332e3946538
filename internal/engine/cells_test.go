package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// TestS3_ACellCountsAtOnceAndAfterARestart, for subscribers and for who asks, and
// the table is in force again when she takes it back.
func TestS3_ACellCountsAtOnceAndAfterARestart(t *testing.T) {
	store := newMemory()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, store)
		w.attach()
		w.apply(alice, Enable{})
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetNote{"Room 412"})
		w.out.take()
		w.apply(alice, SetCell{Container: 200, Category: "notePersonal", Choice: CellHidden})
		w.expect(to(bob, "3500 en"))
		w.apply(alice, SetCell{Container: 100, Category: "notePersonal", Choice: CellShown})
		w.expect(to(fred, "3500 Room 412 en"))
		if v := w.ofUser(alice); v.Text[presence.FieldNotePersonal] != "" {
			t.Errorf("bob asks and gets %q", v.Text[presence.FieldNotePersonal])
		}
		if r := w.apply(alice, SetCell{Container: 200, Category: "notePersonal", Choice: CellHidden}); !slices.Equal(r.Advice, []Advice{AdviceNothing}) {
			t.Errorf("the same again: %v", r.Advice)
		}
		w.Stop(context.Background())
	})
	synctest.Test(t, func(t *testing.T) {
		w := build(t, store)
		defer w.Stop(context.Background())
		w.attach()
		w.device(alice+"/desk", Device{})
		w.out.take()
		if v := w.ofUser(alice); v.Text[presence.FieldNotePersonal] != "" || v.Availability != presence.Available {
			t.Errorf("after a restart bob gets %+v", v)
		}
		w.apply(alice, SetCell{Container: 200, Category: "notePersonal", Choice: CellByTable})
		w.expect(to(bob, "3500 Room 412 en"))
		w.apply(alice, SetCell{Container: 100, Category: "notePersonal", Choice: CellByTable})
		w.expect(to(fred, "3500 en"))
		if docs := w.saved(alice); docs[DocCells] != nil {
			t.Errorf("nothing is changed any more, and stored is %s", docs[DocCells])
		}
		if r := w.apply(alice, SetCell{Container: 100, Category: "notePersonal", Choice: CellByTable}); !slices.Equal(r.Advice, []Advice{AdviceNothing}) {
			t.Errorf("taken back twice: %v", r.Advice)
		}
	})
}

// TestS3_ALevelWithoutTheStateIsOffline, and nothing that happens is told there.
func TestS3_ALevelWithoutTheStateIsOffline(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, SetCell{Container: 200, Category: "state", Choice: CellHidden})
		w.expect(to(bob, "18500 en"))
		w.apply(alice, SetState{Availability: 6500})
		w.expect(to(fred, "6500 en"))
		a, err := w.Audience(context.Background(), root, presence.MustAddr(alice))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range a.Members {
			if m.Sees != (m.Container == presence.External) {
				t.Errorf("%s in %d sees something: %v", m.JID, m.Container, m.Sees)
			}
		}
	})
}

// TestS3_ACeilingThatComesLaterWins: policies are asked at each projection, not when
// a cell is set.
func TestS3_ACeilingThatComesLaterWins(t *testing.T) {
	live(t, func(w *world) {
		withhold := func(o *privacy.Operator) { o.Withheld, _ = privacy.ParseWithheld([]string{"notePersonal 100"}) }
		w.Reload(policies(t, map[string]func(*privacy.Operator){"strict": withhold}))
		w.watch(fred)
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetNote{"Room 412"})
		w.out.take()
		if r := w.apply(alice, SetCell{Container: 100, Category: "notePersonal", Choice: CellShown}); len(r.Advice) != 0 {
			t.Errorf("nothing is in the way: %v", r.Advice)
		}
		w.expect(to(fred, "3500 Room 412 en"))
		w.grant("strict", alice, "", true)
		w.expect(to(fred, "3500 en"))
		w.grant("strict", alice, "", false)
		w.expect(to(fred, "3500 Room 412 en"))
		r := policies(t, nil)
		withhold(&r.System.Operator)
		w.Reload(r)
		w.expect(to(fred, "3500 en"))
		w.apply(alice, SetCell{Container: 100, Category: "notePersonal", Choice: CellByTable})
		if r := w.apply(alice, SetCell{Container: 100, Category: "notePersonal", Choice: CellShown}); !slices.Equal(r.Advice, []Advice{AdviceCeiling}) {
			t.Errorf("the operator is in the way: %v", r.Advice)
		}
		w.expect()
	})
}

// TestS3_FollowersAreToldOfACell as subscribers are.
func TestS3_FollowersAreToldOfACell(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetNote{"Room 412"})
		var heard []string
		f, err := w.Follow(Principal{Addr: presence.MustAddr(bob)}, presence.MustAddr(alice), func(v *presence.View) { heard = append(heard, v.Text[presence.FieldNotePersonal]) })
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		synctest.Wait()
		w.apply(alice, SetCell{Container: 200, Category: "notePersonal", Choice: CellHidden})
		w.apply(alice, SetCell{Container: 200, Category: "notePersonal", Choice: CellByTable})
		synctest.Wait()
		if want := []string{"Room 412", "", "Room 412"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
	})
}

func TestS3_WhatIsNoCellIsRefused(t *testing.T) {
	live(t, func(w *world) {
		for _, c := range []SetCell{
			{Container: 0, Category: "state", Choice: CellShown}, {Container: 32000, Category: "location", Choice: CellShown},
			{Container: 1, Category: "location", Choice: CellHidden}, {Container: 777, Category: "location", Choice: CellHidden},
			{Container: 200, Category: "shoeSize", Choice: CellHidden}, {Container: 200, Category: "capabilities", Choice: CellHidden},
		} {
			_, err := w.claims(alice, alice, c)
			if r, ok := errors.AsType[*RefusedError](err); !ok || r.Kind != Invalid || r.Field != "category" {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if _, err := w.claims(bob, alice, SetCell{Container: 200, Category: "location", Choice: CellShown}); err == nil {
			t.Error("bob changes what alice shows")
		}
	})
}

// TestSettings_OwnCellsCostNothingToOthers: who changed no cell has what everybody
// has.
func TestSettings_OwnCellsCostNothingToOthers(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, SetCell{Container: 200, Category: "location", Choice: CellHidden})
		w.apply(alice, SetCell{Container: 200, Category: "location", Choice: CellByTable})
		s := w.shardOf(presence.MustAddr(alice))
		same, ok := call(context.Background(), s, func(time.Time) bool {
			return s.users[presence.MustAddr(alice)].set.choices == &nothingChosen
		})
		if !ok || !same {
			t.Error("choices of her own are kept for nothing")
		}
	})
}

// TestI3_ADocumentOfANewerVersionIsNotPassedOver: what is not understood may be what
// hides something, as these cells were to versions before them.
func TestI3_ADocumentOfANewerVersionIsNotPassedOver(t *testing.T) {
	for name, want := range map[string]error{"cells-of-tomorrow": ErrNewerSchema, DocCells: nil, DocEgress: nil, DocProvision: nil} {
		_, err := readSettings(map[string][]byte{
			DocEnrol: []byte(`{"v":1,"enabled":true,"jid":"` + alice + `"}`), name: []byte(`{"v":1}`),
		})
		if !errors.Is(err, want) {
			t.Errorf("document %s: %v, want %v", name, err, want)
		}
	}
}
