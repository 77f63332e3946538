package engine

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

func hours(n float64) time.Time { return time.Now().Add(time.Duration(n * float64(time.Hour))) }

func TestPlan_BeginsAndEndsByItself(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, SetState{Availability: presence.BeRightBack})
		w.expect(to(bob, "12500 en"))
		w.apply(alice, PlanState{SetState: SetState{Availability: presence.DoNotDisturb, Expires: hours(3)}, Starts: hours(1)})
		w.apply(alice, PlanState{SetState: SetState{Availability: presence.Busy, Activity: presence.InAMeeting, Expires: hours(2.5)}, Starts: hours(2)})
		w.expect()
		for _, step := range []struct {
			after time.Duration
			want  string
		}{{time.Hour, "9500 en"}, {time.Hour, "6500 in-a-meeting en"}, {30 * time.Minute, "9500 en"}, {30 * time.Minute, "12500 en"}} {
			time.Sleep(step.after)
			w.expect(to(bob, step.want))
		}
		w.apply(alice, ClearState{})
		w.expect(to(bob, "3500 en"))
	})
}

func TestPlan_WhatSheDoesMeanwhileCounts(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.apply(alice, PlanState{SetState: SetState{Availability: presence.DoNotDisturb, Expires: hours(3)}, Starts: hours(1)})
		w.apply(alice, PlanState{SetState: SetState{Availability: presence.Away}, Starts: hours(10)})
		time.Sleep(90 * time.Minute)
		w.apply(alice, SetState{Availability: presence.Available})
		if got := w.number(); got != "3500  0" {
			t.Errorf("set meanwhile: %s", got)
		}
		w.apply(alice, ClearState{})
		if got := w.number(); got != "3500  0" {
			t.Errorf("what had begun is cleared, too: %s", got)
		}
		in, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice))
		if err != nil || len(in.Plans) != 1 || in.Plans[0].Availability != presence.Away {
			t.Fatalf("later ones stay: %+v %v", in.Plans, err)
		}
		w.apply(alice, CancelPlan{Starts: in.Plans[0].SetAt})
		time.Sleep(10 * time.Hour)
		if got := w.number(); got != "3500  0" {
			t.Errorf("cancelled: %s", got)
		}
		_, err = w.claims(alice, alice, CancelPlan{Starts: in.Plans[0].SetAt})
		if k, _ := KindOf(err); err == nil || k != NotFound {
			t.Errorf("cancelled twice: %v", err)
		}
	})
}

func TestPlan_OutlivesARestartEvenWithinIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		w.attach()
		w.apply(alice, Enable{})
		w.apply(alice, PlanState{SetState: SetState{Availability: presence.DoNotDisturb, Expires: hours(2)}, Starts: hours(1)})
		w.Stop(context.Background())
		time.Sleep(90 * time.Minute)
		again := build(t, w.store)
		defer again.Stop(context.Background())
		again.attach()
		again.device(alice+"/desk", Device{})
		if got := again.number(); got != "9500  0" {
			t.Errorf("within it: %s", got)
		}
		time.Sleep(30 * time.Minute)
		if got := again.number(); got != "3500  0" {
			t.Errorf("after it: %s", got)
		}
	})
}

func TestPlan_Bounds(t *testing.T) {
	live(t, func(w *world) {
		for name, c := range map[string]Change{
			"no number": PlanState{Starts: hours(1)}, "an odd word": PlanState{SetState: SetState{Availability: 6500, Activity: "x"}, Starts: hours(1)},
			"an end before it begins": PlanState{SetState: SetState{Availability: 6500, Expires: hours(1)}, Starts: hours(2)},
		} {
			if _, err := w.claims(alice, alice, c); err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
		for i := range maxPlans {
			w.apply(alice, PlanState{SetState: SetState{Availability: presence.Busy}, Starts: hours(float64(i + 1))})
		}
		_, err := w.claims(alice, alice, PlanState{SetState: SetState{Availability: presence.Busy}, Starts: hours(100)})
		if k, _ := KindOf(err); err == nil || k != TooMany {
			t.Errorf("one more: %v", err)
		}
		w.apply(alice, PlanState{SetState: SetState{Availability: presence.Away}, Starts: hours(1)}) // in place of the one there is
		docs := w.saved(alice)
		w.apply(alice, Erase{})
		if _, err := w.imports(alice, Import{Docs: docs}); err != nil {
			t.Errorf("imported: %v", err)
		}
		docs[DocPlans] = []byte(`{"v":1,"plans":[{"availability":1,"set_at":"2026-01-01T00:00:00Z"}]}`)
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err == nil {
			t.Error("a wrong plan is imported")
		}
	})
}

func userRule(who string, c presence.ContainerID) privacy.Rule {
	return privacy.Rule{Container: c, Type: privacy.RuleUser, Value: who}
}

func TestSetLevel_ForAWhileAndThenExactlyWhatWasBefore(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, PutRule{userRule(bob, presence.Workgroup)})
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetState{Availability: presence.Busy, Activity: presence.InAMeeting})
		w.out.take()
		before := w.saved(alice)
		w.apply(alice, SetLevel{Rule: userRule(bob, presence.External), Until: hours(1)})
		w.expect(to(bob, "6500 en"))
		w.apply(alice, SetLevel{Rule: userRule(bob, presence.Blocked), Until: hours(2)})
		w.expect(to(bob, "18500 en"))
		time.Sleep(time.Hour)
		w.expect()
		time.Sleep(time.Hour)
		w.expect(to(bob, "6500 in-a-meeting en"))
		if got := w.saved(alice); string(got[DocRules]) != string(before[DocRules]) {
			t.Errorf("left behind: %s\nwant %s", got[DocRules], before[DocRules])
		}
	})
}

// TestSetLevel_EndsWithoutTheStore: a level for a while ends in time even where the
// store refuses to be told.
func TestSetLevel_EndsWithoutTheStore(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, SetLevel{Rule: userRule(bob, presence.Blocked), Until: hours(1)})
		w.expect(to(bob, "18500 en"))
		w.store.mu.Lock()
		w.store.fail = ErrRefused
		w.store.mu.Unlock()
		time.Sleep(time.Hour)
		w.expect(to(bob, "3500 en"))
		time.Sleep(time.Hour)
		w.expect()
	})
}

// TestSetLevel_WhatSheSaysLaterCounts: a level for a while hides no later decision,
// a block least of all.
func TestSetLevel_WhatSheSaysLaterCounts(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, SetLevel{Rule: userRule(bob, presence.Friends), Until: hours(1)})
		w.apply(alice, Block{JID: bob})
		w.expect(to(bob, "18500 en"))
		w.apply(alice, Unblock{JID: bob})
		w.expect(to(bob, "3500 en"))
		w.apply(alice, SetLevel{Rule: userRule(bob, presence.Blocked), Until: hours(1)})
		w.expect(to(bob, "18500 en"))
		w.apply(alice, Unblock{JID: bob})
		w.expect(to(bob, "3500 en"))
		w.apply(alice, PutRule{userRule(bob, presence.Workgroup)})
		w.apply(alice, SetLevel{Rule: userRule(bob, presence.External)})
		if got := userRules(w); len(got) != 1 || got[0] != "user bob@example.org -> 100" {
			t.Errorf("in place of the others: %v", got)
		}
	})
}

func TestSetLevel_Refused(t *testing.T) {
	live(t, func(w *world) {
		for name, c := range map[string]SetLevel{
			"the past":      {Rule: userRule(bob, presence.External), Until: hours(-1)},
			"now":           {Rule: userRule(bob, presence.External), Until: time.Now()},
			"years":         {Rule: userRule(bob, presence.External), Until: hours(24 * 400)},
			"no container":  {Rule: userRule(bob, 7)},
			"no person":     {Rule: userRule("@", presence.External)},
			"our own":       {Rule: userRule("x@presence.example.org", presence.External)},
			"a group of no": {Rule: privacy.Rule{Container: presence.External, Type: privacy.RuleGroup}},
		} {
			_, err := w.claims(alice, alice, c)
			if k, _ := KindOf(err); err == nil || k != Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestSetLevel_OutlivesARestartAndAnImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		w.attach()
		w.apply(alice, Enable{})
		w.apply(alice, SetLevel{Rule: userRule(bob, presence.Blocked), Until: hours(1)})
		w.Stop(context.Background())
		again := build(t, w.store)
		defer again.Stop(context.Background())
		again.attach()
		place := func() presence.ContainerID {
			x, err := again.Explain(context.Background(), Principal{Operator: true}, presence.MustAddr(alice), presence.MustAddr(bob))
			if err != nil {
				t.Fatal(err)
			}
			return x.Container.ID
		}
		if place() != presence.Blocked {
			t.Errorf("after a restart: %d", place())
		}
		docs := again.saved(alice)
		if !json.Valid(docs[DocRules]) {
			t.Fatal(string(docs[DocRules]))
		}
		again.apply(alice, Erase{})
		if _, err := again.imports(alice, Import{Docs: docs}); err != nil || place() != presence.Blocked {
			t.Errorf("after an import: %v", err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if place() != presence.Colleagues {
			t.Errorf("after its time: %d", place())
		}
	})
}

// TestSetLevel_GoesWithTheContact: what a rule for a while stands before goes too,
// where it would raise who was removed (S2.5).
func TestSetLevel_GoesWithTheContact(t *testing.T) {
	live(t, func(w *world) {
		w.apply(alice, PutRule{userRule(fred, presence.Friends)})
		w.apply(alice, SetLevel{Rule: userRule(fred, presence.Workgroup), Until: hours(1)})
		w.out.mu.Lock()
		w.out.rosters[alice] = w.out.rosters[alice][:2] // fred is gone
		w.out.mu.Unlock()
		w.device(alice+"/desk", Device{})
		synctest.Wait()
		time.Sleep(2 * time.Hour)
		x, err := w.Explain(context.Background(), Principal{Operator: true}, presence.MustAddr(alice), presence.MustAddr(fred))
		if err != nil || x.Container.ID != presence.External || len(userRules(w)) != 0 {
			t.Errorf("%+v, rules %v, %v", x.Container, userRules(w), err)
		}
	})
}

func (w *world) mayInterrupt(who string) bool {
	w.Helper()
	v := w.Look(context.Background(), Principal{Addr: presence.MustAddr(who)}, []presence.Addr{presence.MustAddr(alice)})[0]
	x, err := w.Explain(context.Background(), Principal{Operator: true}, presence.MustAddr(alice), presence.MustAddr(who))
	if err != nil || x.Projection.Interrupt != v.Interrupt {
		w.Errorf("explained as %v, shown %v (%v)", x.Projection.Interrupt, v.Interrupt, err)
	}
	return v.Interrupt
}

func TestS7_PriorityListMayInterruptDoNotDisturbAndNothingElse(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.apply(alice, SetState{Availability: presence.DoNotDisturb})
		heard := []bool{}
		f, err := w.Follow(Principal{Addr: presence.MustAddr(bob)}, presence.MustAddr(alice), func(v *presence.View) { heard = append(heard, v.Interrupt) })
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if w.mayInterrupt(bob) || w.mayInterrupt(fred) {
			t.Error("somebody may already")
		}
		w.apply(alice, SetPriority{JID: "BOB@example.org", On: true})
		if !w.mayInterrupt(bob) || w.mayInterrupt(fred) {
			t.Error("bob may, fred may not")
		}
		w.apply(alice, SetState{Availability: presence.Offline})
		if w.mayInterrupt(bob) {
			t.Error("she appears offline")
		}
		w.apply(alice, SetState{Availability: presence.DoNotDisturb})
		w.apply(alice, SetPriority{JID: zed, On: true})
		if w.mayInterrupt(zed) {
			t.Error("a stranger sees nothing, on the list or not")
		}
		w.apply(alice, Block{JID: bob})
		if w.mayInterrupt(bob) {
			t.Error("bob is blocked")
		}
		w.apply(alice, Unblock{JID: bob})
		w.apply(alice, SetPriority{JID: bob})
		if w.mayInterrupt(bob) {
			t.Error("bob is off the list")
		}
		synctest.Wait()
		if len(heard) < 2 || heard[0] || !heard[1] {
			t.Errorf("a follower heard %v", heard)
		}
		if r := w.apply(alice, SetPriority{JID: bob}); len(r.Advice) != 1 {
			t.Error("off the list twice")
		}
		for _, bad := range []string{"", "@", alice, "example.org", "x@presence.example.org"} {
			_, err := w.claims(alice, alice, SetPriority{JID: bad, On: true})
			if r, ok := errors.AsType[*RefusedError](err); !ok || r.Kind != Invalid {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

// lunch is a state of the operator's.
func lunch() State {
	return State{Name: "lunch", Availability: presence.BeRightBack, Activity: "lunch",
		Wording: &presence.Wording{ByLanguage: map[string]string{"en": "At lunch", "de": "Mittagspause"}}}
}

func TestStates_OfTheOperator(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		if _, err := w.claims(alice, alice, SetState{Availability: presence.BeRightBack, Activity: "lunch"}); err == nil {
			t.Error("an undeclared activity is accepted")
		}
		r := *w.rules()
		r.States = []State{lunch()}
		r.System.Operator.Wordings = map[presence.Activity]*presence.Wording{"lunch": lunch().Wording}
		w.Reload(&r)
		w.out.take()
		w.apply(alice, SetState{Availability: presence.BeRightBack, Activity: "lunch"})
		w.expect(to(bob, "12500 lunch en"))
		why, err := w.Explain(context.Background(), Principal{Addr: presence.MustAddr(alice)}, presence.MustAddr(alice), presence.MustAddr(bob))
		if err != nil || why.Wordings["lunch"] == nil {
			t.Errorf("an explanation knows the names %v (%v)", why.Wordings, err)
		}
		for who, want := range map[string]string{bob: "Mittagspause", fred: "", zed: ""} {
			v := w.Look(context.Background(), Principal{Addr: presence.MustAddr(who)}, []presence.Addr{presence.MustAddr(alice)})[0]
			if got := text.Status("de-AT", &v); got != want {
				t.Errorf("%s reads %q, want %q", who, got, want)
			}
			if want == "" && v.Wording != nil {
				t.Errorf("%s is given words that were not granted", who)
			}
		}
	})
}
