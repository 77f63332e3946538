package commands

import (
	"slices"
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// promised are the commands there have to be: as forms, in a chat, and with words
// in every language.
const promised = "enable disable set-state clear-state note out-of-office profile levels block unblock privacy-mode " +
	"requests calendar view-as explain watchers export erase interruptions apps badge"

// verbsOf are the ways to say a command.
func verbsOf(node string) []verb {
	return slices.DeleteFunc(slices.Clone(verbs), func(v verb) bool { return v.node != node })
}

func TestEveryCommand_HasItsFormAndItsWords(t *testing.T) {
	nodes := strings.Fields(promised)
	for _, c := range table {
		if !slices.Contains(nodes, c.node) {
			t.Errorf("%s is not among those this test knows", c.node)
		}
	}
	for _, node := range nodes {
		if find(node) == nil {
			t.Errorf("there is no command %s", node)
			continue
		}
		said := verbsOf(node)
		if len(said) == 0 {
			t.Errorf("%s cannot be said", node)
			continue
		}
		for _, lang := range text.Languages() {
			if name := text.T(lang, find(node).name); name == string(find(node).name) {
				t.Errorf("%s has no name in %s", node, lang)
			}
			// The first that has the command's own name, or else the first, answers.
			if help := chat(t, has(busy()), lang, "help "+node); help != text.T(lang, said[0].usage) || help == string(said[0].usage) {
				t.Errorf("help about %s in %s is %q", node, lang, help)
			}
			for _, v := range said {
				if !leads(t, lang, text.T(lang, v.usage), node) {
					t.Errorf("what help says in %s about %s (%v) holds no word that leads there: %s", lang, node, v.words, text.T(lang, v.usage))
				}
			}
		}
	}
}

// TestHelp_NamesEveryCommand in each language: what stands between the dots can be
// said as it stands, and together they lead to every command.
func TestHelp_NamesEveryCommand(t *testing.T) {
	for _, lang := range text.Languages() {
		told := text.T(lang, "chat.help")
		for node := range strings.FieldsSeq(promised) {
			if node != "enable" && !leads(t, lang, told, node) {
				t.Errorf("%s: help does not lead to %s:\n%s", lang, node, told)
			}
		}
		if !leads(t, lang, text.T(lang, "chat.help.stranger"), "enable") {
			t.Errorf("%s: who is not enabled is not told how to begin", lang)
		}
		for line := range strings.SplitSeq(told, "\n") {
			for one := range strings.SplitSeq(line, " · ") {
				d := has(busy())
				d.stored = map[string][]byte{"note": []byte(`{"v":1}`)}
				if got := chatWith(t, shelved(d, &shelf{keeps: true}), lang, one); strings.HasPrefix(got, text.T(lang, "chat.unknown", strings.Fields(one)[0])[:12]) {
					t.Errorf("%s: help says %q, which is answered %q", lang, one, got)
				}
			}
		}
	}
}

// leads reports whether some word of a text, said first, comes to a command.
func leads(t *testing.T, lang, told, node string) bool {
	t.Helper()
	r := newServer(has(busy())).run(t.Context(), jid(t, alice), lang)
	r.look()
	words := strings.Fields(told)
	for i := range words {
		first, rest := firstWord(clean(strings.Join(words[i:], " ")))
		if j := slices.IndexFunc(verbs, func(v verb) bool { return slices.Contains(v.words, first) }); j >= 0 && verbs[j].node == node {
			return true
		}
		if _, _, ok := r.stateSaid(first + " " + rest); ok && node == "set-state" {
			return true
		}
	}
	return false
}

// opened is a form, and the action that led to it; empty: the first one.
type opened struct {
	*gotForm
	action string
}

// pagesOf are all forms of a command that a user comes to by choosing an action.
func pagesOf(t *testing.T, s *Server, lang, node string) []opened {
	t.Helper()
	first := ask(t, s, lang, payload(node, "", "execute"))
	if first.Form == nil || first.Status != statusExecuting {
		return nil
	}
	all := []opened{{first.Form, ""}}
	for _, f := range first.Form.Fields {
		if f.Var != "action" {
			continue
		}
		for _, action := range f.choices() {
			if second := ask(t, s, lang, payload(node, "", "execute", "action", action)); second.Status == statusExecuting {
				all = append(all, opened{second.Form, action})
			}
		}
	}
	return all
}

// TestEveryForm_CanBeFilledIn: each form of each command has a title and says what
// it is about, each field is named and explained, in every language in its own
// words, and a choice of one has a default or is required.
func TestEveryForm_CanBeFilledIn(t *testing.T) {
	in := busy()
	in.Calendars, in.SiteCalendars = hers.Calendars, hers.SiteCalendars
	in.Watchers = []engine.Watcher{{JID: "bob@example.org"}}
	in.Requests = append(in.Requests, engine.Watcher{JID: "dan@example.org"})
	in.Plans = []presence.Manual{{Availability: presence.Away, SetAt: in.OutOfOffice.Start.AddDate(70, 0, 0)}}
	d := has(in)
	d.stored = map[string][]byte{"note": []byte(`{"v":1}`)}
	asked := map[string]int{}
	for _, c := range table {
		english, german := pagesOf(t, shelved(d, &shelf{keeps: true}), "en", c.node), pagesOf(t, shelved(d, &shelf{keeps: true}), "de", c.node)
		if len(english) != len(german) {
			t.Fatalf("%s has %d forms in English and %d in German", c.node, len(english), len(german))
		}
		for i, f := range english {
			asked[c.node]++
			readable(t, c.node, f.gotForm)
			readable(t, c.node, german[i].gotForm)
			if f.Title == german[i].Title || f.Instructions == german[i].Instructions {
				t.Errorf("%s, form %d: in both languages %q, %q", c.node, i, f.Title, f.Instructions)
			}
			for j, fd := range f.Fields {
				if fd.Type != "fixed" && fd.Desc == german[i].Fields[j].Desc {
					t.Errorf("%s, %s: explained in both languages by %q", c.node, fd.Var, fd.Desc)
				}
			}
		}
	}
	for _, c := range table {
		if len(c.pages) > 0 && asked[c.node] == 0 && c.node != "export" { // what is stored of her fits
			t.Errorf("no form of %s was seen", c.node)
		}
	}
}

func readable(t *testing.T, node string, f *gotForm) {
	t.Helper()
	if f.Title == "" || f.Instructions == "" {
		t.Errorf("%s: a form without a title or without a word about it: %+v", node, f)
	}
	for i := range f.Fields {
		fd := &f.Fields[i]
		switch {
		case fd.Type == "fixed":
			continue
		case fd.Var == "" || fd.Label == "" || fd.Desc == "":
			t.Errorf("%s: the field %+v is not named or not explained", node, fd)
		case fd.Type == "list-single" && len(fd.Values) == 0 && fd.Required == nil,
			fd.Type == "boolean" && len(fd.Values) != 1:
			t.Errorf("%s: %s has no default", node, fd.Var)
		}
		for _, o := range fd.Options {
			if o.Label == "" || o.Value == "" {
				t.Errorf("%s: %s has the choice %q, %q", node, fd.Var, o.Label, o.Value)
			}
		}
	}
}
