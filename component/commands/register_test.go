package commands

import (
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

func query(inner string) []byte {
	return []byte("<query xmlns='jabber:iq:register'>" + inner + "</query>")
}

func TestRegister_Get(t *testing.T) {
	for _, c := range []struct {
		door       *fakeDoor
		registered bool
		text       string
	}{
		{stranger(), false, "Register to let this service show others"},
		{has(engine.Inspection{}), true, "You are registered."},
	} {
		out, serr, handled := newServer(c.door).IQ(t.Context(), jid(t, alice), "get", "en", query(""))
		wellFormed(t, out)
		if s := string(out); serr != nil || !handled || strings.Contains(s, "<registered/>") != c.registered || !strings.Contains(s, "<instructions>"+c.text) {
			t.Errorf("%s, %v", s, serr)
		}
		// Gajim takes a query without a form, or without FORM_TYPE in it, for a mistake.
		form := "<field type='hidden' var='FORM_TYPE'><value>jabber:iq:register</value></field></x></query>"
		if s := string(out); !strings.HasSuffix(s, form) || strings.Count(s, c.text) != 2 {
			t.Errorf("%s: the form is missing", s)
		}
	}
}

func TestRegister_Set(t *testing.T) {
	cancel := strings.Replace(submit("x", "y"), "submit", "cancel", 1)
	for _, c := range []struct{ name, inner, changes, condition string }{
		{"empty", "", "Enable{}", ""},
		{"legacy fields", "<username>x</username><password>y</password>", "Enable{}", ""},
		{"form", submit("FORM_TYPE", "jabber:iq:register"), "Enable{}", ""},
		{"canceled form", cancel, "", ""},
		{"remove", "<remove/>", "Disable{}", ""},
		{"remove and more", "<remove/><username/>", "", "bad-request"},
		{"remove and a form", "<remove/>" + submit(), "", "bad-request"},
		{"two removes", "<remove/><remove/>", "", "bad-request"},
		{"two forms", submit() + submit(), "", "bad-request"},
		{"remove of another namespace", "<remove xmlns='urn:x'/>", "Enable{}", ""},
	} {
		d := has(settled())
		out, serr, handled := newServer(d).IQ(t.Context(), jid(t, alice), "set", "", query(c.inner))
		condition := ""
		if serr != nil {
			condition = serr.Condition
			wellFormed(t, inError(serr))
		}
		if !handled || out != nil || condition != c.condition || describe(d.applied) != c.changes {
			t.Errorf("%s: %s, %v, applied %s", c.name, out, serr, describe(d.applied))
		}
	}
}

func TestRegister_Refusals(t *testing.T) {
	for kind, want := range map[engine.ErrorKind]string{
		engine.NotEnrolled: "auth registration-required",
		engine.NotAllowed:  "cancel not-allowed",
		engine.Unavailable: "wait resource-constraint",
		engine.TooMany:     "wait resource-constraint",
		engine.Invalid:     "modify not-acceptable",
	} {
		d := stranger()
		d.apply = func(engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
			return engine.Result{}, &engine.RefusedError{Kind: kind, Reason: "no"}
		}
		e := askError(t, newServer(d), alice, "set", query("<remove/>"))
		if got := e.Type + " " + e.Condition; got != want || e.Text == "" {
			t.Errorf("%d: got %s %q, want %s", kind, got, e.Text, want)
		}
	}
	if e := askError(t, newServer(stranger()), alice, "set", []byte("<query xmlns='jabber:iq:register'><remove>")); e.Condition != "bad-request" {
		t.Errorf("cut off: %v", e)
	}
}
