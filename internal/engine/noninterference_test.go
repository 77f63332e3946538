package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/aggregation"
	"presenced/internal/presence"
)

// What the proof in package component found, one test each. fred is at another
// company, in External: of idleness he is told with a delay that is his own.

// idling has alice idle in a moment.
func idling(w *world) {
	w.watch(fred)
	w.device(alice+"/desk", Device{IdleSince: time.Now()})
	w.out.take()
	time.Sleep(aggregation.Default().IdleAfter)
}

// TestI1_WhatIsHeldIsNotReleasedByAHiddenChange: neither a change that fred cannot
// see nor one that concerns others brings what waits for him earlier.
func TestI1_WhatIsHeldIsNotReleasedByAHiddenChange(t *testing.T) {
	for name, act := range map[string]func(w *world){
		"nothing":            func(*world) {},
		"a note":             func(w *world) { w.apply(alice, SetNote{Text: "x"}) },
		"somebody's block":   func(w *world) { w.apply(alice, Block{JID: zed}) },
		"a device's status":  func(w *world) { w.device(alice+"/bot", Device{Priority: -1, Status: "x"}) },
		"somebody's request": func(w *world) { w.mirrorEvent(MirrorSubscribe, zed) },
	} {
		live(t, func(w *world) {
			idling(w)
			act(w)
			early := w.out.take()
			if slices.ContainsFunc(early, func(line string) bool { return strings.HasPrefix(line, fred) }) {
				w.Errorf("%s: at once came %q", name, early)
			}
			time.Sleep(idleSpread)
			if late := w.out.take(); !slices.Contains(late, to(fred, "5000 en")) {
				w.Errorf("%s: then came %q", name, late)
			}
		})
	}
}

// TestI1_HowIdlenessIsToldDependsOnTheProjection: that she is off work is hidden
// from fred, and so it must not show in when he is told that she is away.
func TestI1_HowIdlenessIsToldDependsOnTheProjection(t *testing.T) {
	var when []time.Duration
	for _, hours := range []string{"", "Mo-Fr 01:00-01:01"} {
		live(t, func(w *world) {
			w.apply(alice, SetProfile{Profile: Profile{Hours: hours}})
			idling(w)
			start := time.Now()
			for range 1000 {
				time.Sleep(time.Second)
				if lines := w.out.take(); slices.Contains(lines, to(fred, "15500 en")) {
					when = append(when, time.Since(start))
					return
				}
			}
			w.Fatal("he is never told")
		})
	}
	if when[0] != when[1] {
		t.Errorf("told after %s, and after %s when she is off work", when[0], when[1])
	}
}

// TestI1_WhoIsHeardAgainIsToldAtOnce: what was missed while a pair was silent comes
// with the probe that ends the silence, not with whatever happens next.
func TestI1_WhoIsHeardAgainIsToldAtOnce(t *testing.T) {
	live(t, func(w *world) {
		w.watch(fred)
		w.device(alice+"/desk", Device{})
		w.out.take()
		w.mirrorEvent(MirrorError, fred)
		w.Mirror(Mirror{Kind: MirrorProbe, Presentity: presence.MustAddr(alice), Spelling: mirror, Watcher: jid(fred + "/x")})
		w.expect(to(fred+"/x", "3500 en"), to(fred, "3500 en"))
		w.apply(alice, SetNote{Text: "not for him"})
		w.expect()
	})
}

// TestI1_ATieOfDevicesDoesNotShowInTheDelay: one device is away by hand and one by
// idleness, and which of them wins goes by when the first has spoken, in words that
// fred may not see. When he is told does not.
func TestI1_ATieOfDevicesDoesNotShowInTheDelay(t *testing.T) {
	var when []time.Duration
	for _, speaks := range []bool{false, true} {
		live(t, func(w *world) {
			w.watch(fred)
			w.device(alice+"/phone", Device{Show: presence.ShowAway})
			time.Sleep(time.Minute)
			w.device(alice+"/desk", Device{IdleSince: time.Now()})
			time.Sleep(time.Minute)
			if speaks {
				w.device(alice+"/phone", Device{Show: presence.ShowAway, Status: "not for him"})
			}
			w.out.take()
			start := time.Now()
			for range 12000 {
				time.Sleep(100 * time.Millisecond)
				if lines := w.out.take(); slices.Contains(lines, to(fred, "15500 en")) {
					when = append(when, time.Since(start))
					return
				}
			}
			w.Fatal("he is never told")
		})
	}
	if when[0] != when[1] {
		t.Errorf("told after %s, and after %s when the other device has spoken", when[0], when[1])
	}
}
