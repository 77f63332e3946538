package commands

import (
	"slices"
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// fixedText is every line of text in a form.
func (f *gotForm) fixedText() string {
	var lines []string
	for _, fd := range f.Fields {
		if fd.Type == "fixed" {
			lines = append(lines, fd.Values...)
		}
	}
	return strings.Join(lines, "\n")
}

func TestRejectedForm_TellsWhyInItsInstructions(t *testing.T) {
	s := newServer(has(settled()))
	for _, lang := range []string{"en", "de"} {
		open := ask(t, s, lang, payload("block", "", "execute"))
		g := ask(t, s, lang, payload("block", open.Session, "complete", "jid", "bob"))
		if want := g.Note.Text + " " + open.Form.Instructions; g.Note.Text == "" || g.Form.Instructions != want {
			t.Errorf("%s: instructions %q, want %q", lang, g.Form.Instructions, want)
		}
		again := ask(t, s, lang, payload("block", open.Session, "complete", "jid", "@"))
		if want := again.Note.Text + " " + open.Form.Instructions; again.Form.Instructions != want || again.Note.Text == g.Note.Text {
			t.Errorf("%s, once more: instructions %q, want %q", lang, again.Form.Instructions, want)
		}
	}
}

func TestUnblock_AWordThatIsBlocked(t *testing.T) {
	d := has(engine.Inspection{Rules: []privacy.Rule{{Container: presence.Blocked, Type: privacy.RuleDomain, Value: "bob"}}})
	if g := ask(t, newServer(d), "en", payload("unblock", "", "", "jid", "bob")); describe(d.applied) != "Unblock{JID:bob}" {
		t.Errorf("%+v, applied %s", g, describe(d.applied))
	}
}

func TestBlock_AServedHostIsADomain(t *testing.T) {
	d := has(settled())
	s := New(d, Options{Domain: "presence.lan", Hosts: []string{"lan", "example.org"}})
	if g := ask(t, s, "de", payload("block", "", "", "jid", "lan")); describe(d.applied) != "Block{JID:lan}" || g.Note.Text != "Alle bei lan sehen Sie hier ab jetzt immer offline." {
		t.Errorf("%+v, applied %s", g, describe(d.applied))
	}
}

func TestLevels_ListIsToldInWords(t *testing.T) {
	for lang, want := range map[string]string{
		"en": `Rules: 7.
Everybody in my organisation: Colleagues (200)
Everybody in partner organisations: External (100)
Everybody at public services: Blocked (32000)
Contacts in the group "My  family": Friends and Family (400)
mallory@example.net: Blocked (32000)
Everybody at domains below spam.example: Blocked (32000)
Contacts where each sees the other: Board (250)`,
		"de": `Regeln: 7.
Alle in meiner Organisation: Kollegen (200)
Alle in Partnerorganisationen: Extern (100)
Alle bei öffentlichen Diensten: Blockiert (32000)
Kontakte in der Gruppe „My  family“: Freunde und Familie (400)
mallory@example.net: Blockiert (32000)
Alle bei Domains unterhalb von spam.example: Blockiert (32000)
Kontakte, bei denen jeder den anderen sieht: Board (250)`,
	} {
		if g := ask(t, newServer(has(settled())), lang, payload("levels", "", "", "action", "list")); g.Note.Text != want || !strings.HasSuffix(want, "\n"+g.Form.Instructions) {
			t.Errorf("got %s\nand in the form %s\nwant %s", g.Note.Text, g.Form.Instructions, want)
		}
	}
}

func TestFew(t *testing.T) {
	r := newServer(nil).run(t.Context(), jid(t, alice), "en")
	short := slices.Repeat([]string{"x"}, maxLines)
	long := strings.Repeat("x", maxWords)
	for _, c := range []struct {
		name        string
		lines, want []string
	}{
		{"none", nil, nil},
		{"as many as possible", short, short},
		{"one too many", append(short, "y"), append(short, "and 1 more")},
		{"a long line first", []string{long + long, "y", "z"}, []string{long + long, "and 2 more"}},
		{"a long line later", []string{"y", long, "z"}, []string{"y", "and 2 more"}},
		{"longer on the wire", []string{"y", strings.Repeat("<", maxWords/3)}, []string{"y", "and 1 more"}},
	} {
		if got := r.few(slices.Clip(c.lines)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestChoicesWithoutDefault_AreToldInWords(t *testing.T) {
	s := newServer(has(settled()))
	for _, c := range []struct {
		node   string
		fields []string
		want   []string
	}{
		{"unblock", nil, []string{"Whom you block: mallory@example.net", "*.spam.example – Everybody at domains below spam.example"}},
		{"levels", []string{"action", "remove"}, []string{
			"Your rules, with what to write for each:",
			"200 sameEnterprise – Everybody in my organisation: Colleagues (200)",
			"32000 user mallory@example.net – mallory@example.net: Blocked (32000)",
		}},
		{"requests", nil, []string{
			"Who has asked: Bob@example.net, carol@example.org",
			"approve-default: Yes, with the usual level",
			"approve-100: Yes, with the level External (100). Whether you are available, busy or away,",
			"approve-250: Yes, with the level Board (250). Your operator decides what is shown.",
			"refuse: No",
		}},
	} {
		g := ask(t, s, "en", payload(c.node, "", "execute", c.fields...))
		got := g.Form.fixedText()
		for _, want := range c.want {
			if !strings.Contains("\n"+got, "\n"+want) {
				t.Errorf("%s: %q is not said in\n%s", c.node, want, got)
			}
		}
		for _, fd := range g.Form.Fields {
			for _, o := range fd.Options {
				if !strings.Contains(got, o.Value) {
					t.Errorf("%s: %q can be chosen and is not told in\n%s", c.node, o.Value, got)
				}
			}
		}
	}
}

func TestLevels_EveryLevelIsExplainedWithItsNumber(t *testing.T) {
	g := ask(t, newServer(has(settled())), "en", payload("levels", "", "", "action", "put"))
	text := "\n" + g.Form.fixedText()
	for _, o := range g.Form.field(t, "container").Options {
		if !strings.Contains(o.Label, "("+o.Value+")") || !strings.Contains(text, "\n"+o.Label+": ") {
			t.Errorf("%s is called %q and not explained in%s", o.Value, o.Label, text)
		}
	}
	if want := "\nDefault (0): You look offline, as to strangers, and nothing else is shown."; !strings.Contains(text, want) {
		t.Errorf("%q is not said in%s", want, text)
	}
}

func TestNumbered_ALevelWithoutAName(t *testing.T) {
	s := New(nil, Options{Containers: []Container{{ID: 250}}})
	if got := s.run(t.Context(), jid(t, alice), "de").numbered(250); got != "Stufe 250" {
		t.Errorf("it is called %q", got)
	}
}

func TestSetState_DoesNotSayShownWhatIsNot(t *testing.T) {
	for _, advice := range []engine.Advice{engine.AdviceBeaten, engine.AdviceNoDevice} {
		for _, c := range []struct{ lang, want, not string }{
			{"en", `Your state is set to "Away". This ends by itself after 7 days. `, "now shown"},
			{"de", `Ihr Status ist auf „Abwesend“ gesetzt. Das endet nach 7 Tagen von selbst. `, "nun als"},
		} {
			g := ask(t, newServer(answering([]engine.Advice{advice}, nil)), c.lang, payload("set-state", "", "", "state", "away"))
			if !strings.HasPrefix(g.Note.Text, c.want) || strings.Contains(g.Note.Text, c.not) || g.Note.Type != "warn" {
				t.Errorf("%s, %s: %+v", advice, c.lang, g.Note)
			}
		}
		g := ask(t, newServer(answering([]engine.Advice{advice}, nil)), "en", payload("set-state", "", "", "state", "away", "until", "2999-01-01"))
		if want := `Your state is set to "Away" until 1 January 2999, 00:00 UTC.`; !strings.HasPrefix(g.Note.Text, want) {
			t.Errorf("%s, with an end: %+v", advice, g.Note)
		}
	}
}
