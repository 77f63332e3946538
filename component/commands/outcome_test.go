package commands

import (
	"errors"
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

func answering(advice []engine.Advice, err error) *fakeDoor {
	d := has(settled())
	d.apply = func(engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
		return engine.Result{Advice: advice}, err
	}
	return d
}

func TestAdvice_IsToldInWords(t *testing.T) {
	for _, a := range []engine.Advice{
		engine.AdviceLink, engine.AdviceNeutralised, engine.AdviceConsent, engine.AdviceNativeBlock,
		engine.AdviceNoDevice, engine.AdviceBeaten, engine.AdviceOutranked, engine.AdviceRosterNeeded,
	} {
		for _, lang := range []string{"en", "de"} {
			g := ask(t, newServer(answering([]engine.Advice{a, a}, nil)), lang, payload("note", "", "", "text", "x"))
			plain := ask(t, newServer(has(settled())), lang, payload("note", "", "", "text", "x"))
			more := strings.TrimPrefix(g.Note.Text, plain.Note.Text+" ")
			if g.Note.Type != "warn" || more == g.Note.Text || len(more) < 20 || strings.Contains(more, string(a)+":") {
				t.Errorf("%s, %s: %+v", a, lang, g.Note)
			}
		}
	}
}

func TestAdvice_Nothing(t *testing.T) {
	g := ask(t, newServer(answering([]engine.Advice{engine.AdviceNothing}, nil)), "en", payload("enable", "", "", "confirm", "1"))
	if g.Note.Type != "info" || g.Note.Text != "It already was so; nothing had to be changed." {
		t.Errorf("%+v", g.Note)
	}
}

func TestRefusal(t *testing.T) {
	refusal := func(k engine.ErrorKind, field string) error {
		return &engine.RefusedError{Kind: k, Field: field, Reason: "try something else"}
	}
	for _, c := range []struct {
		name   string
		err    error
		node   string
		fields []string
		status string
		note   string
	}{
		{"links", refusal(engine.Invalid, "note"), "note", []string{"text", "http://x"}, statusExecuting, `"Your note": Links are not allowed here.`},
		{"rule", refusal(engine.Invalid, "value"), "levels", []string{"action", "put", "container", "200", "type", "user", "value", "x@example.net"}, statusExecuting, `"Which": This was not accepted: try something else`},
		{"roster", refusal(engine.Invalid, "value"), "levels", []string{"action", "put", "container", "200", "type", "group", "value", "T"}, statusExecuting, `"Which": Your contact list cannot be read here`},
		{"request gone", refusal(engine.NotFound, "watcher"), "requests", []string{"requests", "bob@example.net", "decision", "refuse"}, statusCompleted, "That no longer exists."},
		{"level gone", refusal(engine.Invalid, "container"), "requests", []string{"requests", "bob@example.net", "decision", "approve-400"}, statusExecuting, `"Your answer": This was not accepted`},
		{"store away", refusal(engine.Unavailable, ""), "note", []string{"text", "x"}, statusExecuting, "That is not possible right now."},
		{"store away, no form", refusal(engine.Unavailable, ""), "disable", nil, statusCompleted, "That is not possible right now."},
		{"closed", refusal(engine.NotAllowed, ""), "enable", []string{"confirm", "1"}, statusCompleted, "This is not open to you."},
		{"full", refusal(engine.TooMany, ""), "block", []string{"jid", "x@example.net"}, statusCompleted, "There are too many already."},
		{"disabled meanwhile", refusal(engine.NotEnrolled, ""), "note", []string{"text", "x"}, statusCompleted, "Nothing is shown about you yet."},
		{"whole change", refusal(engine.Invalid, ""), "clear-state", nil, statusCompleted, "This was not accepted: try something else"},
		{"bug", errors.New("secret detail"), "clear-state", nil, statusCompleted, "Something went wrong here."},
	} {
		g := ask(t, newServer(answering(nil, c.err)), "en", payload(c.node, "", "", c.fields...))
		if g.Status != c.status || g.Note.Type != "error" || !strings.HasPrefix(g.Note.Text, c.note) || (g.Form != nil) != (c.status == statusExecuting) {
			t.Errorf("%s: %+v", c.name, g)
		}
	}
}

func TestRefusal_AfterSomeWereDone(t *testing.T) {
	d := has(settled())
	d.apply = func(_ engine.Principal, _ presence.JID, c engine.Change) (engine.Result, error) {
		if len(d.applied) == 1 {
			return engine.Result{}, &engine.RefusedError{Kind: engine.Unavailable}
		}
		return engine.Result{}, nil
	}
	g := ask(t, newServer(d), "en", payload("requests", "", "", "requests", "bob@example.net|carol@example.org", "decision", "refuse"))
	if g.Note.Type != "error" || g.Note.Text != "1 of 2 were done. Then: That is not possible right now. Please try again in a moment." {
		t.Errorf("%+v", g.Note)
	}
}

func TestInspect_Unavailable(t *testing.T) {
	d := &fakeDoor{inspect: func(engine.Principal, presence.Addr) (engine.Inspection, error) {
		return engine.Inspection{}, &engine.RefusedError{Kind: engine.Unavailable}
	}}
	for _, node := range []string{"enable", "note"} {
		if g := ask(t, newServer(d), "en", payload(node, "", "execute")); g.Status != statusCompleted || g.Note.Type != "error" || g.Form != nil {
			t.Errorf("%s: %+v", node, g)
		}
	}
	if e := askError(t, newServer(d), alice, "get", []byte("<query xmlns='jabber:iq:register'/>")); e.Condition != "resource-constraint" || e.Type != "wait" {
		t.Errorf("registration: %v", e)
	}
}
