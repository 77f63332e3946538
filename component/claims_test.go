package component

import (
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

const (
	aClaim   = "<claim xmlns='urn:presenced:1' id='call&lt;1' availability='6500' activity='on-the-phone'/>"
	aRelease = "<release xmlns='urn:presenced:1' id='call&lt;1'/>"
)

// claims are the changes the door was asked for.
func (d *fakeDoor) claims() (lines []string) {
	for _, e := range d.all() {
		if strings.HasPrefix(e, "apply ") {
			lines = append(lines, e)
		}
	}
	return lines
}

func TestClaim_GoesToTheEngine(t *testing.T) {
	until := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)
	const made = "<claim xmlns='urn:presenced:1' id='call&lt;1' expires='2026-11-22T15:00:00Z'/>"
	base := "{ID:call<1 Availability:6500 Activity:on-the-phone Lease:0s Resource:}"
	me := "apply bob@" + testHost + " for "
	for name, c := range map[string]struct{ to, payload, told, answer string }{
		"a mirror":          {mirrorA, aClaim, "alice@" + testHost + ": engine.SetClaim " + base, made},
		"another spelling":  {`alice\40` + testHost + "@" + testDomain, aClaim, "alice@" + testHost + ": engine.SetClaim " + base, made},
		"nobody's mirror":   {`x\40y\40z@` + testDomain, aClaim, nobody.String() + ": engine.SetClaim " + base, made},
		"herself":           {testDomain, aClaim, "bob@" + testHost + ": engine.SetClaim " + base, made},
		"somebody named":    {testDomain, strings.Replace(aClaim, " id", " jid='Alice@"+testHost+"' id", 1), "alice@" + testHost + ": engine.SetClaim " + base, made},
		"a mirror named":    {testDomain, strings.Replace(aClaim, " id", " jid='"+mirrorA+"' id", 1), "alice@" + testHost + ": engine.SetClaim " + base, made},
		"a lease":           {mirrorA, strings.Replace(aClaim, "/>", " lease='900'/>", 1), "alice@" + testHost + ": engine.SetClaim " + strings.Replace(base, "0s", "15m0s", 1), made},
		"bound to a device": {testDomain, strings.Replace(aClaim, "/>", " bound='true'/>", 1), "bob@" + testHost + ": engine.SetClaim " + strings.Replace(base, "Resource:", "Resource:r", 1), made},
		"release":           {mirrorA, aRelease, "alice@" + testHost + ": engine.ReleaseClaim {ID:call<1}", ""},
		"release her own":   {testDomain, aRelease, "bob@" + testHost + ": engine.ReleaseClaim {ID:call<1}", ""},
	} {
		d := newDesk(t)
		d.door.apply = func(engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
			return engine.Result{Until: until}, nil
		}
		if got, want := d.ask(t, iq("set", c.to, c.payload)), resultOf(c.to, c.answer); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
		if got := d.door.claims(); !slices.Equal(got, []string{me + c.told}) {
			t.Errorf("%s: the engine was told %q, want %q", name, got, me+c.told)
		}
	}
}

// TestClaim_RefusedAlike: who may not claim gets the same answer of every mirror,
// but for the address asked (S14).
func TestClaim_RefusedAlike(t *testing.T) {
	answers := map[string]bool{}
	for _, to := range []string{mirrorA, "ghost@" + testDomain, `x\40y\40z@` + testDomain} {
		for _, payload := range []string{aClaim, aRelease} {
			d := newDesk(t)
			d.door.apply = func(engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
				return engine.Result{}, &engine.RefusedError{Kind: engine.NotAllowed, Reason: "only who may"}
			}
			got := d.ask(t, iq("set", to, payload))
			if !strings.Contains(got, "<forbidden") {
				t.Errorf("%s: %s", to, got)
			}
			answers[strings.ReplaceAll(got, to, "")] = true
		}
	}
	if len(answers) != 1 {
		t.Errorf("told apart: %v", answers)
	}
}

func TestClaim_BadInput(t *testing.T) {
	for name, payload := range map[string]string{
		"no id":         "<claim xmlns='urn:presenced:1' availability='6500'/>",
		"no number":     "<claim xmlns='urn:presenced:1' id='x'/>",
		"words":         "<claim xmlns='urn:presenced:1' id='x' availability='busy'/>",
		"a huge number": "<claim xmlns='urn:presenced:1' id='x' availability='99999999999999999999'/>",
		"a long lease":  "<claim xmlns='urn:presenced:1' id='x' availability='6500' lease='65536'/>",
		"an odd lease":  "<claim xmlns='urn:presenced:1' id='x' availability='6500' lease='-1'/>",
		"bound, oddly":  "<claim xmlns='urn:presenced:1' id='x' availability='6500' bound='yes'/>",
		"no release":    "<release xmlns='urn:presenced:1'/>",
	} {
		d := newDesk(t)
		if got := d.ask(t, iq("set", mirrorA, payload)); !strings.Contains(got, "<error type='modify'><bad-request") {
			t.Errorf("%s: %s", name, got)
		}
		if got := d.door.claims(); len(got) > 0 {
			t.Errorf("%s: the engine was told %q", name, got)
		}
	}
	d := newDesk(t)
	if got, want := d.ask(t, iq("get", mirrorA, aClaim)), errorOf(mirrorA, "cancel", "service-unavailable"); got != want {
		t.Errorf("get: %s", got)
	}
}

func TestClaim_WhatTheEngineRefuses(t *testing.T) {
	for kind, want := range map[engine.ErrorKind]string{
		engine.Invalid: "<error type='modify'><bad-request", engine.NotEnrolled: "<error type='auth'><registration-required",
		engine.NotAllowed: "<error type='auth'><forbidden", engine.TooMany: "<error type='wait'><resource-constraint",
		engine.Unavailable: "<error type='wait'><resource-constraint",
	} {
		d := newDesk(t)
		d.door.apply = func(engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
			return engine.Result{}, &engine.RefusedError{Kind: kind, Reason: "why & what"}
		}
		got := d.ask(t, iq("set", testDomain, aClaim))
		if !strings.Contains(got, want) || !strings.Contains(got, "why &amp; what") {
			t.Errorf("%d: %s", kind, got)
		}
	}
}
