package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/presence"
)

const (
	pbx   = "pbx@phones.example"  // an app of the operator's
	robot = "robot@bots.example"  // one that alice may allow
	pest  = "pest@example.org"    // a colleague
	ghost = "ghost@example.org"   // nobody
	other = "alice@other.example" // of no served host
)

// claims makes a change as somebody else.
func (w *world) claims(who, user string, c Change) (Result, error) {
	w.Helper()
	return w.Apply(context.Background(), Principal{Addr: presence.MustAddr(who), JID: who}, jid(user), c)
}

func (w *world) listApps(apps ...string) {
	r := *w.rules()
	r.Enrolment.Apps = map[presence.Addr]bool{}
	for _, a := range apps {
		r.Enrolment.Apps[presence.MustAddr(a)] = true
	}
	w.Reload(&r)
	w.out.take()
}

// number is what alice's state is now.
func (w *world) number() string {
	w.Helper()
	in, err := w.Inspect(context.Background(), Principal{Operator: true}, presence.MustAddr(alice))
	if err != nil {
		w.Fatal(err)
	}
	v := w.Look(context.Background(), Principal{Operator: true}, []presence.Addr{presence.MustAddr(alice)})[0]
	return strings.TrimSpace(fmt.Sprintf("%d %s %d", v.Availability, v.Activity, len(in.Claims)))
}

func call1(id string) SetClaim {
	return SetClaim{ID: id, Availability: presence.Busy, Activity: presence.OnThePhone}
}

func TestClaim_ShowsUntilItsLeaseEndsAndThenExactlyWhatWasBefore(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, SetState{Availability: presence.BeRightBack})
		w.expect(to(bob, "12500 en"))
		w.apply(alice, ClearState{})
		w.expect(to(bob, "3500 en"))
		res, err := w.claims(alice, alice, call1("a"))
		if err != nil || !res.Until.Equal(time.Now().Add(5*time.Minute)) {
			t.Fatalf("%v, until %v", err, res.Until)
		}
		w.expect(to(bob, "6500 on-the-phone en"))
		higher := SetClaim{ID: "b", Availability: presence.InConference, Activity: presence.InAConf, Lease: 20 * time.Minute}
		if _, err := w.claims(alice, alice, higher); err != nil {
			t.Fatal(err)
		}
		w.expect(to(bob, "7000 in-a-conference en"))
		time.Sleep(10 * time.Minute) // the call is over unseen
		if got := w.number(); got != "7000 in-a-conference 1" {
			t.Errorf("after the call: %s", got)
		}
		w.expect()
		w.apply(alice, ReleaseClaim{ID: "b"})
		w.expect(to(bob, "3500 en"))
	})
}

func TestClaim_LeaseEndsByTheOwnersTimer(t *testing.T) {
	live(t, func(w *world) {
		w.watch(bob)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.apply(alice, call1("a"))
		w.expect(to(bob, "6500 on-the-phone en"))
		time.Sleep(4 * time.Minute)
		w.apply(alice, call1("a")) // refreshed
		time.Sleep(299 * time.Second)
		w.expect()
		time.Sleep(time.Second)
		w.expect(to(bob, "3500 en"))
		if got := w.number(); got != "3500  0" {
			t.Errorf("left: %s", got)
		}
	})
}

func TestClaim_OnlyWhoMay(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.listApps(pbx)
		refusals := map[string]bool{}
		for _, who := range []string{pest, robot, zed, bob} {
			for _, whom := range []string{alice, ghost, other} {
				for _, c := range []Change{call1("x"), ReleaseClaim{ID: "x"}} {
					_, err := w.claims(who, whom, c)
					if k, _ := KindOf(err); err == nil || k != NotAllowed {
						t.Errorf("%s for %s: %v", who, whom, err)
						continue
					}
					refusals[err.Error()] = true
				}
			}
		}
		if len(refusals) != 1 {
			t.Errorf("refused in more than one way: %v", refusals)
		}
		if _, err := w.claims(ghost, ghost, call1("x")); err == nil {
			t.Error("somebody not enrolled claimed for herself")
		}
		if got := w.number(); got != "3500  0" {
			t.Errorf("after refusals: %s", got)
		}
		w.apply(alice, AllowApp{JID: "Robot@bots.example/1"})
		if _, err := w.claims(robot, alice, call1("x")); err != nil {
			t.Errorf("an app she allowed: %v", err)
		}
		w.apply(alice, call1("x")) // the same id is another's
		if got := w.number(); got != "6500 on-the-phone 2" {
			t.Errorf("two of them: %s", got)
		}
		w.apply(alice, ReleaseClaim{ID: "x"})
		if got := w.number(); got != "6500 on-the-phone 1" {
			t.Errorf("hers released: %s", got)
		}
		w.apply(alice, DenyApp{JID: robot})
		if got := w.number(); got != "3500  0" {
			t.Errorf("the app denied: %s", got)
		}
		if _, err := w.claims(robot, alice, call1("x")); err == nil {
			t.Error("a denied app claims")
		}
	})
}

// TestClaim_AnAppOfTheOperatorsLearnsNothing: what it is told is the same for
// somebody who is not there (I2), however often it asks.
func TestClaim_AnAppOfTheOperatorsLearnsNothing(t *testing.T) {
	live(t, func(w *world) {
		w.listApps(pbx)
		w.device(alice+"/desk", Device{})
		w.apply(alice, Block{JID: pbx})
		for i := range maxClaimsEach + 5 {
			a, errA := w.claims(pbx, alice, call1(fmt.Sprint("call ", i)))
			g, errG := w.claims(pbx, ghost, call1(fmt.Sprint("call ", i)))
			if errA != nil || errG != nil || fmt.Sprint(a) != fmt.Sprint(g) {
				t.Fatalf("%d: %v %v, %v %v", i, a, errA, g, errG)
			}
		}
		if got, want := w.number(), fmt.Sprintf("6500 on-the-phone %d", maxClaimsEach); got != want {
			t.Errorf("kept %s, want %s", got, want)
		}
		w.listApps()
		if got := w.number(); got != "3500  0" {
			t.Errorf("no longer listed: %s", got)
		}
	})
}

func TestClaim_Refused(t *testing.T) {
	live(t, func(w *world) {
		w.device(alice+"/desk", Device{})
		w.apply(alice, AllowApp{JID: robot})
		for name, c := range map[string]struct {
			who, field string
			claim      SetClaim
		}{
			"no id":           {alice, "id", SetClaim{Availability: presence.Busy}},
			"a long id":       {alice, "id", SetClaim{ID: strings.Repeat("x", 257), Availability: presence.Busy}},
			"a wild id":       {alice, "id", SetClaim{ID: "x\x00", Availability: presence.Busy}},
			"no text":         {alice, "id", SetClaim{ID: "\xff", Availability: presence.Busy}},
			"no number":       {alice, "availability", SetClaim{ID: "x"}},
			"below the scale": {alice, "availability", SetClaim{ID: "x", Availability: 2999}},
			"offline":         {alice, "availability", SetClaim{ID: "x", Availability: presence.OfflineFrom}},
			"a short lease":   {alice, "lease", SetClaim{ID: "x", Availability: presence.Busy, Lease: time.Minute}},
			"a long lease":    {alice, "lease", SetClaim{ID: "x", Availability: presence.Busy, Lease: 5 * time.Hour}},
			"an odd word":     {alice, "activity", SetClaim{ID: "x", Availability: presence.Busy, Activity: "<b>"}},
			"no such device":  {alice, "resource", SetClaim{ID: "x", Availability: presence.Busy, Resource: "phone"}},
			"an app's device": {robot, "resource", SetClaim{ID: "x", Availability: presence.Busy, Resource: "desk"}},
		} {
			_, err := w.claims(c.who, alice, c.claim)
			if r, ok := errors.AsType[*RefusedError](err); !ok || r.Kind != Invalid || r.Field != c.field {
				t.Errorf("%s: %#v", name, err)
			}
		}
		for i := range maxClaimsEach {
			w.apply(alice, call1(fmt.Sprint(i)))
		}
		_, err := w.claims(alice, alice, call1("one more"))
		if k, _ := KindOf(err); err == nil || k != TooMany {
			t.Errorf("one more: %v", err)
		}
		w.apply(alice, call1("7")) // a refresh needs no room
	})
}

func TestClaim_BoundToADeviceDiesWithIt(t *testing.T) {
	for name, gone := range map[string]Device{"it goes": {Gone: true, User: jid(alice + "/phone")}, "all go": {Gone: true, User: jid(alice)}} {
		t.Run(name, func(t *testing.T) {
			live(t, func(w *world) {
				w.device(alice+"/phone", Device{})
				w.apply(alice, SetClaim{ID: "x", Availability: presence.Busy, Resource: "phone"})
				w.apply(alice, SetClaim{ID: "y", Availability: 6100})
				if got := w.number(); got != "6500  2" {
					t.Errorf("before: %s", got)
				}
				w.Device(gone)
				w.device(alice+"/phone", Device{}) // and comes again
				if got := w.number(); got != "6100  1" {
					t.Errorf("after: %s", got)
				}
			})
		})
	}
}

func TestClaim_OutlivesAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		w := build(t, store)
		w.attach()
		w.apply(alice, Enable{})
		w.device(alice+"/desk", Device{})
		w.apply(alice, AllowApp{JID: robot})
		if _, err := w.claims(robot, alice, SetClaim{ID: "x", Availability: presence.InConference, Activity: presence.InAConf, Lease: time.Hour}); err != nil {
			t.Fatal(err)
		}
		w.apply(alice, call1("short"))
		time.Sleep(time.Second) // the store has it; now the process is killed
		kept := newMemory()
		store.mu.Lock()
		for user, p := range store.presence {
			kept.presence[user] = append([]byte(nil), p...)
		}
		maps.Copy(kept.docs, store.docs)
		store.mu.Unlock()
		w.Stop(context.Background())
		time.Sleep(30 * time.Minute)
		again := build(t, kept)
		defer again.Stop(context.Background())
		again.attach()
		again.device(alice+"/desk", Device{})
		if got := again.number(); got != "7000 in-a-conference 1" {
			t.Errorf("after the start: %s", got)
		}
		saved, err := again.ExportUser(context.Background(), presence.MustAddr(alice))
		if err != nil || saved.Presence[0] != savedWithClaims || !json.Valid(saved.Docs[DocApps]) {
			t.Errorf("a refill would not keep it: %v %v", saved, err)
		}
		time.Sleep(31 * time.Minute)
		if got := again.number(); got != "3500  0" {
			t.Errorf("after its lease: %s", got)
		}
	})
}

func TestClaim_DisablingAndErasingEndThem(t *testing.T) {
	for name, end := range map[string]Change{"disable": Disable{}, "erase": Erase{}} {
		t.Run(name, func(t *testing.T) {
			live(t, func(w *world) {
				w.device(alice+"/desk", Device{})
				w.apply(alice, SetClaim{ID: "x", Availability: presence.Busy, Lease: time.Hour})
				time.Sleep(time.Second)
				w.apply(alice, end)
				time.Sleep(time.Second)
				w.store.mu.Lock()
				p := w.store.presence[presence.MustAddr(alice).Key()]
				w.store.mu.Unlock()
				if p != nil {
					t.Errorf("stored: %q", p)
				}
				w.apply(alice, Enable{})
				w.device(alice+"/desk", Device{})
				if got := w.number(); got != "3500  0" {
					t.Errorf("enabled again: %s", got)
				}
			})
		})
	}
}

func TestApps_Bounds(t *testing.T) {
	live(t, func(w *world) {
		for _, bad := range []string{"", "@", alice, "x@presence.example.org", "presence.example.org"} {
			if _, err := w.claims(alice, alice, AllowApp{JID: bad}); err == nil {
				t.Errorf("%q is allowed", bad)
			}
		}
		if _, err := w.claims(alice, alice, DenyApp{JID: robot}); err == nil {
			t.Error("denied although never allowed")
		}
		for i := range maxApps {
			w.apply(alice, AllowApp{JID: fmt.Sprintf("app%d@bots.example", i)})
		}
		_, err := w.claims(alice, alice, AllowApp{JID: robot})
		if k, _ := KindOf(err); err == nil || k != TooMany {
			t.Errorf("one more: %v", err)
		}
		docs := w.saved(alice)
		docs[DocApps] = []byte(`{"v":1,"apps":["@"]}`)
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err == nil {
			t.Error("an app without an address is imported")
		}
		docs[DocApps] = []byte(`{"v":1,"apps":["` + robot + `"]}`)
		if _, err := w.imports(alice, Import{Docs: docs, Replace: true}); err != nil {
			t.Error(err)
		}
		if _, err := w.claims(robot, alice, call1("x")); err != nil {
			t.Errorf("an imported app: %v", err)
		}
	})
}
