package commands

import (
	"slices"
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// TestExplainAndViewAs names S12: both ask about the asker alone, for the address
// in the form, and answer in sentences and as data.
func TestExplainAndViewAs(t *testing.T) {
	d := has(engine.Inspection{})
	var asked []string
	d.explain = func(who engine.Principal, user, watcher presence.Addr) (engine.Explained, error) {
		asked = append(asked, who.Addr.String()+" "+user.String()+" "+watcher.String())
		e := engine.Explained{User: user, Watcher: watcher, Lang: "de"}
		e.View = presence.View{Container: 250, Availability: presence.Busy, Activity: presence.InAMeeting}
		e.Projection.Availability = presence.Busy
		e.Container = privacy.Decided{ID: 250, Base: presence.Colleagues, Sees: true, Tier: privacy.ReasonGroup, Match: privacy.Rule{Container: 250, Type: privacy.RuleGroup, Value: "Team"}}
		e.Categories = []privacy.Cell{{Name: "activity", Shown: true}, {Name: "mobilePhone", Cause: privacy.CellLevel}}
		return e, nil
	}
	s := newServer(d)
	e := ask(t, s, "en", payload("explain", "", "", "jid", "bob@example.org/x"))
	if want := "They are in the level Board, because they are in your contact group \"Team\"."; e.Status != "completed" || !strings.Contains(e.Note.Text, want) || !strings.Contains(e.Form.Instructions, want) {
		t.Errorf("explained: %q\nform: %q", e.Note.Text, e.Form.Instructions)
	}
	if got := rows(e.Form); !slices.Equal(got, []string{"what you are doing|yes", "your mobile phone|no"}) {
		t.Errorf("rows %q", got)
	}
	v := ask(t, s, "en", payload("view-as", "", "", "jid", "bob@example.org"))
	want := []string{"Exact number|6500|availability", "Symbol in the contact list|dnd|show", "Text|In einer Besprechung|status", "Activity|in-a-meeting|activity", "May interrupt you|false|interrupt"}
	if got := rows(v.Form); !slices.Equal(got, want) || v.Note.Type != "info" {
		t.Errorf("rows %q, want %q", got, want)
	}
	if line := "alice@example.org alice@example.org bob@example.org"; !slices.Equal(asked, []string{line, line}) {
		t.Errorf("asked %q", asked)
	}
}

func TestExplain_WhatCannotBeToldIsAnError(t *testing.T) {
	d := has(engine.Inspection{})
	d.explain = func(engine.Principal, presence.Addr, presence.Addr) (engine.Explained, error) {
		return engine.Explained{}, &engine.RefusedError{Kind: engine.Unavailable, Reason: "busy"}
	}
	for _, node := range []string{"explain", "view-as"} {
		for jid, want := range map[string]string{
			"bob@example.org": "That is not possible right now", "a@presence.example.org": "\"Whose view\": This address belongs to this service.",
			"bob": "\"Whose view\": \"bob\" is neither", "": "\"Whose view\": This is needed.",
		} {
			g := ask(t, newServer(d), "en", payload(node, "", "", "jid", jid))
			if g.Note.Type != "error" || !strings.HasPrefix(g.Note.Text, want) {
				t.Errorf("%s of %q: %s %q, want %q", node, jid, g.Note.Type, g.Note.Text, want)
			}
		}
	}
}

// rows joins the cells of each row of a result.
func rows(f *gotForm) []string {
	var out []string
	if f == nil {
		return nil
	}
	for _, it := range f.Items {
		var cells []string
		for _, fd := range it.Fields {
			cells = append(cells, fd.value())
		}
		out = append(out, strings.Join(cells, "|"))
	}
	return out
}

// TestWatchers_ListsAndRevokes: who waits first, then who has added her, then who
// else may look; and ends a subscription.
func TestWatchers_ListsAndRevokes(t *testing.T) {
	d := has(engine.Inspection{Watchers: []engine.Watcher{{JID: "bob@example.org"}, {JID: "fred@partner.example"}}})
	d.members = engine.Audience{Members: []engine.Member{
		{JID: "boss@example.org", Container: 300, Sees: true},
		{JID: "bob@example.org", Standing: roster.Accepted, Container: 200, Sees: true},
		{JID: "mallory@example.net", Container: 32000},
		{JID: "zed@nowhere.example", Standing: roster.Pending},
		{JID: "old@nowhere.example", Standing: roster.Refused},
		{JID: "shy@nowhere.example", Standing: roster.Withdrawn},
	}, Rules: []privacy.Rule{{Container: 200, Type: privacy.RuleGroup, Value: "Team"}}}
	s := newServer(d)
	g := ask(t, s, "en", payload("watchers", "", "", "action", "list"))
	want := []string{
		"zed@nowhere.example|has asked you|Default",
		"bob@example.org|has added you|Colleagues",
		"boss@example.org|may look|Workgroup",
		"mallory@example.net|sees nothing|Blocked",
		"shy@nowhere.example|has asked and taken it back|Default",
		"old@nowhere.example|has asked, you did not agree|Default",
		"Contacts in the group \"Team\"|rule|Colleagues",
	}
	if got := rows(g.Form); !slices.Equal(got, want) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.HasPrefix(g.Note.Text, "People: 6, rules about more people: 1.\nzed@nowhere.example – has asked you, level Default\n") {
		t.Errorf("told %q", g.Note.Text)
	}
	g = ask(t, s, "en", payload("watchers", "", ""))
	g = ask(t, s, "en", payload("watchers", g.Session, "next", "action", "revoke"))
	if got := g.Form.field(t, "watchers").choices(); !slices.Equal(got, []string{"bob@example.org", "fred@partner.example"}) {
		t.Errorf("choices %q", got)
	}
	g = ask(t, s, "en", payload("watchers", g.Session, "complete", "watchers", "Bob@example.org|fred@partner.example"))
	if got := describe(d.applied); g.Note.Text != "Ended for: 2." || got != "Revoke{Watcher:bob@example.org}; Revoke{Watcher:fred@partner.example}" {
		t.Errorf("%q, %s", g.Note.Text, got)
	}
}

func TestWatchers_Nobody(t *testing.T) {
	s := newServer(has(engine.Inspection{}))
	for action, want := range map[string]string{"list": "Nobody watches you here, and your rules let nobody look.", "revoke": "Nobody has added you here."} {
		if g := ask(t, s, "en", payload("watchers", "", "", "action", action)); g.Note.Text != want || g.Status != "completed" {
			t.Errorf("%s: %s %q", action, g.Status, g.Note.Text)
		}
	}
}

// TestWatchers_AThousandFit one reply, and it says how many there are.
func TestWatchers_AThousandFit(t *testing.T) {
	d := has(engine.Inspection{})
	for range 2000 {
		d.members.Members = append(d.members.Members, engine.Member{JID: strings.Repeat("w", 60) + "@example.org", Standing: roster.Accepted, Container: 200, Sees: true})
	}
	g := ask(t, newServer(d), "en", payload("watchers", "", "", "action", "list"))
	if n := len(g.Form.Items); n == 0 || n >= 2000 || !strings.HasPrefix(g.Form.Instructions, "The first ") || !strings.Contains(g.Form.Instructions, "of 2000 are listed.") {
		t.Errorf("%d rows, %.60q", len(g.Form.Items), g.Form.Instructions)
	}
}
