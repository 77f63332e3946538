package commands

import (
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// changed is a user who changed cells of two levels.
func changed() engine.Inspection {
	in := settled()
	in.Cells = []privacy.OwnCell{
		{Container: presence.Colleagues, Category: "notePersonal"}, {Container: presence.Colleagues, Category: "mobilePhone", Shown: true},
		{Container: 250, Category: "location"},
	}
	return in
}

// TestLevels_TellWhatSheChanged: wherever it is said what a level shows, and in the
// list of rules.
func TestLevels_TellWhatSheChanged(t *testing.T) {
	const colleagues, board = "By your choice also: your mobile phone. By your choice not: your note.", "By your choice not: where you are."
	s := newServer(has(changed()))
	for _, c := range []struct {
		node   string
		fields []string
	}{{"levels", []string{"action", "put"}}, {"levels", []string{"action", "cells"}}, {"requests", nil}} {
		g := ask(t, s, "en", payload(c.node, "", "", c.fields...))
		var told []string
		for _, f := range g.Form.Fields {
			told = append(told, f.Values...)
		}
		if all := strings.Join(told, "\n"); !strings.Contains(all, colleagues) || !strings.Contains(all, board) {
			t.Errorf("%s %v says\n%s", c.node, c.fields, all)
		}
	}
	for node, want := range map[string]bool{"note": true, "profile": true, "out-of-office": false} {
		if g := ask(t, s, "en", payload(node, "", "")); strings.HasSuffix(g.Form.Instructions, " Board: "+board) != want {
			t.Errorf("%s says %q", node, g.Form.Instructions)
		}
	}
	g := ask(t, s, "en", payload("levels", "", "", "action", "list"))
	if !strings.HasSuffix(g.Note.Text, "\nColleagues: "+colleagues+"\nBoard: "+board) {
		t.Errorf("listed %q", g.Note.Text)
	}
	bare := changed()
	bare.Rules = nil
	g = ask(t, newServer(has(bare)), "de", payload("levels", "", "", "action", "list"))
	if !strings.HasSuffix(g.Note.Text, "\nKollegen: Nach Ihrer Wahl auch: Ihr Mobiltelefon. Nach Ihrer Wahl nicht: Ihre Notiz.\nBoard: Nach Ihrer Wahl nicht: wo Sie sind.") {
		t.Errorf("without rules: %q", g.Note.Text)
	}
}

// TestLevels_SayWhenTheOperatorIsInTheWay: the choice is kept, and what came of it
// is told.
func TestLevels_SayWhenTheOperatorIsInTheWay(t *testing.T) {
	d := has(settled())
	d.apply = func(engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
		return engine.Result{Advice: []engine.Advice{engine.AdviceCeiling}}, nil
	}
	g := ask(t, newServer(d), "en", payload("levels", "", "", "action", "cells", "container", "100", "category", "lastActive", "shown", "show"))
	if want := "The level External now shows: when you were last active. Your operator does not allow that at present, so it is not shown."; g.Note.Text != want || g.Note.Type != "warn" {
		t.Errorf("%s: %q", g.Note.Type, g.Note.Text)
	}
}
