package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// view is what a watcher sees of alice now.
func (w *world) view(watcher string) presence.View {
	w.Helper()
	who := Principal{Addr: presence.MustAddr(watcher), JID: watcher}
	return w.Look(context.Background(), who, []presence.Addr{presence.MustAddr(alice)})[0]
}

func (w *world) refuses(c Change) *RefusedError {
	w.Helper()
	_, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(alice), JID: alice}, jid(alice), c)
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok {
		w.Fatalf("%+v: %v, want a refusal", c, err)
	}
	return refused
}

var hers = Profile{Timezone: "Europe/Berlin", Language: "de", Hours: "Mo-Fr 09:00-17:00", Location: "Room 4"}

func TestProfile_IsShownByContainerAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		w := build(t, store)
		w.attach()
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetProfile{hers})
		check := func(w *world) {
			t.Helper()
			for watcher, granted := range map[string]bool{alice: true, bob: true, fred: false, zed: false} {
				v := w.view(watcher)
				for f, want := range map[presence.Field]string{
					presence.FieldTimezone: "Europe/Berlin", presence.FieldWorkingHours: "Mo-Fr 09:00-17:00", presence.FieldLocation: "Room 4",
				} {
					if !granted {
						want = ""
					}
					if v.Text[f] != want {
						t.Errorf("%s sees %s %q, want %q", watcher, f, v.Text[f], want)
					}
				}
			}
			got, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice))
			if err != nil || got.Profile != hers || got.Timezone != "Europe/Berlin" {
				t.Errorf("inspected %+v %q, %v", got.Profile, got.Timezone, err)
			}
		}
		check(w)
		if r := w.apply(alice, SetProfile{hers}); len(r.Advice) != 1 || r.Advice[0] != AdviceNothing {
			t.Errorf("the same again: %v", r.Advice)
		}
		w.Stop(context.Background())

		w = build(t, store)
		defer w.Stop(context.Background())
		w.attach()
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		check(w)
		w.apply(alice, SetProfile{})
		if doc := store.docs[alice][DocProfile]; doc != nil {
			t.Errorf("an empty profile is stored: %s", doc)
		}
		if v := w.view(bob); v.Text[presence.FieldTimezone] != "" || v.Text[presence.FieldLocation] != "" {
			t.Errorf("a profile that was taken back is shown: %+v", v)
		}
	})
}

func TestProfile_RefusesWithTheField(t *testing.T) {
	live(t, func(w *world) {
		for _, tt := range []struct {
			p     Profile
			field string
		}{
			{Profile{Timezone: "Mars/Olympus"}, "timezone"}, {Profile{Timezone: "Local"}, "timezone"}, {Profile{Timezone: "../../etc/passwd"}, "timezone"},
			{Profile{Language: "tlh"}, "language"}, {Profile{Hours: "nine to five"}, "hours"}, {Profile{Hours: strings.Repeat("Mo 09:00-10:00; ", 20)}, "hours"},
			{Profile{Location: strings.Repeat("x", 257)}, "location"}, {Profile{Location: "two\nlines"}, "location"}, {Profile{Location: "a\x00"}, "location"},
		} {
			if got := w.refuses(SetProfile{tt.p}); got.Kind != Invalid || got.Field != tt.field || !strings.Contains(got.Reason, " ") {
				t.Errorf("%+v: %+v, want field %s", tt.p, got, tt.field)
			}
		}
		w.store.fail = ErrRefused
		if got := w.refuses(SetProfile{hers}); got.Kind != Unavailable {
			t.Errorf("a store that refuses: %+v", got)
		}
		w.store.fail = nil
		if got, _ := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice)); got.Profile != (Profile{}) {
			t.Errorf("a refused profile is in force: %+v", got.Profile)
		}
	})
}

// TestProfile_LinksInTheLocation names S9: the policy for notes.
func TestProfile_LinksInTheLocation(t *testing.T) {
	live(t, func(w *world) {
		rules := *testRules(t)
		rules.System.Operator.Links.Mode = privacy.LinksBlock
		w.Reload(&rules)
		if got := w.refuses(SetProfile{Profile{Location: "http://example.org/room"}}); got.Field != "location" {
			t.Errorf("got %+v", got)
		}
		again := *testRules(t)
		again.System.Operator.Links.Mode = privacy.LinksNeutralise
		w.Reload(&again)
		r := w.apply(alice, SetProfile{Profile{Location: "http://example.org/room"}})
		if len(r.Advice) != 1 || r.Advice[0] != AdviceNeutralised {
			t.Errorf("advice %v", r.Advice)
		}
	})
}

// TestProfile_OffWork names S5.5: away outside working hours is told as off work,
// from the edge on, and only where the token is granted.
func TestProfile_OffWork(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{IdleSince: time.Now().Add(-time.Hour)})
		w.expect(to(bob, "15500 en"), to(fred, "15500 en"))
		// The bubble's clock begins on Saturday at midnight in UTC: 01:00 in Berlin.
		w.apply(alice, SetProfile{Profile{Timezone: "Europe/Berlin", Hours: "Sa 00:00-10:00; Mo 09:00-17:00"}})
		w.expect()
		time.Sleep(9*time.Hour - time.Second) // within a bubble: to one second before the edge
		w.expect()
		time.Sleep(2 * time.Second)
		w.expect(to(bob, "15500 off-work en"))
		time.Sleep(47 * time.Hour) // Monday 09:00 in Berlin
		w.expect(to(bob, "15500 en"))
		w.apply(alice, SetProfile{})
		w.expect()
	})
}

// TestProfile_DirectoryAndZoneOfTheOperator: the operator's word counts where both
// say something, and a reload counts at once.
func TestProfile_DirectoryAndZoneOfTheOperator(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		base := &presence.Profile{PhotoSource: presence.DirectoryPhoto}
		base.Text[presence.FieldName], base.Text[presence.FieldPhoto], base.Text[presence.FieldHomePhone] = "Alice Adams", "beef", "12"
		rules := testRules(t)
		rules.Zone = berlin
		rules.Directory = func(a presence.Addr) *presence.Profile {
			if a == presence.MustAddr(alice) {
				return base
			}
			return nil
		}
		w.Reload(rules)
		synctest.Wait()
		v := w.view(bob)
		if v.Text[presence.FieldName] != "Alice Adams" || v.Text[presence.FieldPhoto] != "beef" || v.Text[presence.FieldHomePhone] != "" || v.Text[presence.FieldTimezone] != "Europe/Berlin" {
			t.Errorf("bob sees %+v", v.Text)
		}
		w.apply(alice, SetProfile{Profile{Timezone: "Asia/Tokyo"}})
		if v := w.view(bob); v.Text[presence.FieldTimezone] != "Asia/Tokyo" || v.Text[presence.FieldName] != "Alice Adams" {
			t.Errorf("bob sees %+v", v.Text)
		}
		if base.Text[presence.FieldTimezone] != "" {
			t.Error("the directory was changed")
		}
		w.Reload(testRules(t))
		synctest.Wait()
		if v := w.view(bob); v.Text[presence.FieldName] != "" || v.Text[presence.FieldTimezone] != "Asia/Tokyo" {
			t.Errorf("after the directory went, bob sees %+v", v.Text)
		}
	})
}

// TestProfile_ChangesNothingForWhoMayNotSeeIt names I1: nothing leaves for a
// container that shows none of it.
func TestProfile_ChangesNothingForWhoMayNotSeeIt(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob, fred)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, Block{JID: bob})
		w.out.take()
		before, unknown := w.view(bob), w.Look(context.Background(), Principal{Addr: presence.MustAddr(bob), JID: bob}, []presence.Addr{presence.MustAddr("nobody@example.org")})[0]
		w.apply(alice, SetProfile{hers})
		w.expect()
		after := w.view(bob)
		unknown.Container, before.Container, after.Container = 0, 0, 0
		if after != before || after != unknown {
			t.Errorf("a blocked watcher sees %+v, before %+v, of nobody %+v", after, before, unknown)
		}
	})
}
