package commands

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// settled is a user who uses everything.
func settled() engine.Inspection {
	return engine.Inspection{
		Manual:      &presence.Manual{Availability: 6600, Activity: presence.InAMeeting},
		Note:        "Tea & <cake>",
		OutOfOffice: &presence.OutOfOffice{Start: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), Note: "Skiing"},
		PrivacyMode: true,
		Rules: append(privacy.Bootstrap(),
			privacy.Rule{Container: 400, Type: privacy.RuleGroup, Value: "My  family"},
			privacy.Rule{Container: 32000, Type: privacy.RuleUser, Value: "mallory@example.net"},
			privacy.Rule{Container: 32000, Type: privacy.RuleDomain, Value: "*.spam.example"},
			privacy.Rule{Container: 250, Type: privacy.RuleSubscription, Value: "both"}),
		Requests: []engine.Watcher{{JID: "Bob@example.net"}, {JID: "carol@example.org"}},
	}
}

// shot is one command in one shot, as bots send it, at midnight of 2000-01-01.
type shot struct {
	name    string
	node    string
	fields  []string
	changes string
	note    string // type: start of the text
}

var plainShots = []shot{
	{"enable", "enable", []string{"confirm", "true"}, "Enable{}", "info: Done. Whoever adds alice@presence.example.org"},
	{"enable, not confirmed", "enable", []string{"confirm", "0"}, "", "error: \"I have read this"},
	{"enable, empty form", "enable", []string{}, "", "error: \"I have read this"},
	{"disable", "disable", nil, "Disable{}", "info: Done. From now on"},
	{"clear-state", "clear-state", nil, "ClearState{}", "info: Your devices"},
}

var stateShots = []shot{
	{"busy", "set-state", []string{"state", "busy"}, "SetState{Availability:6500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", `info: You are now shown as "Busy". This ends by itself after 24 hours.`},
	{"away for an hour", "set-state", []string{"state", "away", "for", "1h"}, "SetState{Availability:15500 Activity: Expires:2000-01-01 01:00:00 +0000 UTC}", `info: You are now shown as "Away" until 01:00 UTC.`},
	{"offline until tomorrow", "set-state", []string{"state", "appear-offline", "for", "until-tomorrow"}, "SetState{Availability:18500 Activity: Expires:2000-01-02 00:00:00 +0000 UTC}", `info: You are now shown as "Offline" until 2 January, 00:00 UTC.`},
	{"meeting until a time", "set-state", []string{"state", "in-a-meeting", "until", " 15:00 ", "for", "1h"}, "SetState{Availability:6500 Activity:in-a-meeting Expires:2000-01-01 15:00:00 +0000 UTC}", `info: You are now shown as "In a meeting" until 15:00 UTC.`},
	{"until with a zone", "set-state", []string{"state", "away", "until", "2000-01-01T15:00:00+02:00"}, "SetState{Availability:15500 Activity: Expires:2000-01-01 13:00:00 +0000 UTC}", `info: You are now shown as "Away" until 13:00 UTC.`},
	{"a number with an activity", "set-state", []string{"availability", "9100", "activity", "in-presentation"}, "SetState{Availability:9100 Activity:in-presentation Expires:0001-01-01 00:00:00 +0000 UTC}", `info: You are now shown as "Giving a presentation". This ends by itself after 24`},
	{"a number beats the choice", "set-state", []string{"state", "in-a-meeting", "availability", "3000", "activity", "none"}, "SetState{Availability:3000 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", `info: You are now shown as "Available". This ends by itself after 7 days.`},
	{"no state", "set-state", []string{"for", "1h"}, "", `error: "Show me as": This is needed.`},
	{"unknown state", "set-state", []string{"state", "asleep"}, "", `error: "Show me as": This is not one of the choices. Please use one of: available, busy,`},
	{"number out of range", "set-state", []string{"availability", "2999"}, "", `error: "Exact number (for experts)": Please write a whole number from 3000 to 18999.`},
	{"no number", "set-state", []string{"availability", "0x1000"}, "", `error: "Exact number`},
	{"past", "set-state", []string{"state", "busy", "until", "1999-12-31"}, "", `error: "Or until": This lies in the past.`},
	{"nonsense time", "set-state", []string{"state", "busy", "until", "25:00"}, "", `error: "Or until": This is not a time.`},
}

var noteShots = []shot{
	{"note", "note", []string{"text", "  Grüße & <b> "}, "SetNote{Text:Grüße & <b>}", "info: Your note is set."},
	{"note removed", "note", []string{"text", ""}, "SetNote{Text:}", "info: You have no note now."},
	{"note of 256", "note", []string{"text", strings.Repeat("ü", 256)}, "SetNote{Text:" + strings.Repeat("ü", 256) + "}", "info: "},
	{"note of 257", "note", []string{"text", strings.Repeat("ü", 257)}, "", `error: "Your note": This has 257 characters, and at most 256`},
	{"two notes", "note", []string{"text", "a|b"}, "", `error: "Your note": Only one value`},
	{"note field twice", "note", []string{"text", "a", "text", "b"}, "", `error: "Your note": This was sent more than once.`},
}

var officeShots = []shot{
	{"out of office", "out-of-office", []string{"on", "1", "note", "Skiing"}, "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:0001-01-01 00:00:00 +0000 UTC Note:Skiing}}", `info: Your out-of-office period is set until you end it. While you are away or offline in that time, people whose level allows it see "Out of office" and your note.`},
	{"out of office, dates", "out-of-office", []string{"on", "true", "start", "2000-02-01", "end", "2000-02-03"}, "SetOutOfOffice{{Start:2000-02-01 00:00:00 +0000 UTC End:2000-02-04 00:00:00 +0000 UTC Note:}}", `info: Your out-of-office period is set from 1 February, 00:00 UTC until 4 February, 00:00 UTC. While you are away or offline in that time, people whose level allows it see "Out of office".`},
	{"out of office, as people say it", "out-of-office", []string{"on", "1", "start", "Monday 9:00", "end", "until Friday"}, "SetOutOfOffice{{Start:2000-01-03 09:00:00 +0000 UTC End:2000-01-08 00:00:00 +0000 UTC Note:}}", `info: Your out-of-office period is set from 3 January, 09:00 UTC until 8 January, 00:00 UTC.`},
	{"out of office, a length", "out-of-office", []string{"on", "1", "start", "tomorrow 9:00", "end", "2h"}, "SetOutOfOffice{{Start:2000-01-02 09:00:00 +0000 UTC End:2000-01-02 11:00:00 +0000 UTC Note:}}", "info: Your"},
	{"out of office, a clock", "out-of-office", []string{"on", "1", "start", "1999-12-30", "end", "until 16:00"}, "SetOutOfOffice{{Start:1999-12-30 00:00:00 +0000 UTC End:2000-01-01 16:00:00 +0000 UTC Note:}}", "info: Your"},
	{"back", "out-of-office", []string{"on", "false", "end", "rubbish"}, "SetOutOfOffice{Period:<nil>}", "info: Your out-of-office period is over."},
	{"out of office, wrong order", "out-of-office", []string{"on", "1", "start", "2000-02-03", "end", "2000-02-01"}, "", `error: "Until": The end lies before`},
	{"out of office, two faults", "out-of-office", []string{"on", "1", "start", "soon", "end", "1999-01-01"}, "", `error: "From": This is not a time. Please write one such as 16:00, 2h, Friday, tomorrow 9:00 or 2026-12-01. "Until": This lies in the past.`},
	{"out of office, neither", "out-of-office", []string{"on", "perhaps"}, "", `error: "I am or will be out of office": Please write true or false.`},
}

var levelsShots = []shot{
	{"list", "levels", []string{"action", "list"}, "", "info: Rules: 7."},
	{"put", "levels", []string{"action", "put", "container", "300", "type", "user", "value", "Bob@Example.net"}, "PutRule{Rule:user Bob@Example.net -> 300}", "info: The rule is in force. Bob@Example.net: level Workgroup."},
	{"put, own level", "levels", []string{"action", "put", "container", "250", "type", "sameEnterprise"}, "PutRule{Rule:sameEnterprise -> 250}", "info: The rule is in force. Everybody in my organisation: level Board."},
	{"put, no value", "levels", []string{"action", "put", "container", "300", "type", "user"}, "", `error: "Which": Please write the whole address`},
	{"put, domain for a person", "levels", []string{"action", "put", "container", "300", "type", "user", "value", "example.org"}, "", `error: "Which": Please write the whole address`},
	{"put, a word for a person", "levels", []string{"action", "put", "container", "300", "type", "user", "value", "bob"}, "", `error: "Which": Please write the whole address of one person, like bob@example.org.`},
	{"put, a word for a domain", "levels", []string{"action", "put", "container", "32000", "type", "domain", "value", "bob"}, "", `error: "Which": Please write a domain`},
	{"put, all below a word", "levels", []string{"action", "put", "container", "32000", "type", "domain", "value", "*.lan"}, "PutRule{Rule:domain *.lan -> 32000}", "info: The rule is in force. Everybody at domains below lan: level Blocked."},
	{"put, unknown level", "levels", []string{"action", "put", "container", "301", "type", "user", "value", "b@example.org"}, "", `error: "Level": This is not one of the choices`},
	{"put, a value too many", "levels", []string{"action", "put", "container", "100", "type", "federated", "value", "x"}, "", `error: "Which": This kind of rule needs nothing here.`},
	{"put, bad domain", "levels", []string{"action", "put", "container", "100", "type", "domain", "value", "a.*.org"}, "", `error: "Which": Please write a domain`},
	{"put, our own domain", "levels", []string{"action", "put", "container", "100", "type", "domain", "value", "PRESENCE.example.org"}, "", `error: "Which": This address belongs`},
	{"put, bad direction", "levels", []string{"action", "put", "container", "100", "type", "subscription", "value", "remove"}, "", `error: "Which": Please write none, to`},
	{"put, no group", "levels", []string{"action", "put", "container", "100", "type", "group"}, "", `error: "Which": Please write the name of a group`},
	{"remove", "levels", []string{"action", "remove", "rules", "400 group My  family|100 federated"}, "RemoveRule{Rule:federated -> 100}; RemoveRule{Rule:group My  family -> 400}", "info: Rules removed: 2."},
	{"remove what is not there", "levels", []string{"action", "remove", "rules", "400 group x"}, "", `error: "Rules to remove": There is no "400 group x" in the list`},
	{"hide a note", "levels", []string{"action", "cells", "container", "200", "category", "notePersonal", "shown", "hide"}, "SetCell{Container:200 Category:notePersonal Choice:2}", "info: The level Colleagues no longer shows: your note."},
	{"show a phone", "levels", []string{"action", "cells", "container", "250", "category", "mobilePhone", "shown", "show"}, "SetCell{Container:250 Category:mobilePhone Choice:1}", "info: The level Board now shows: your mobile phone."},
	{"as usual", "levels", []string{"action", "cells", "container", "100", "category", "state", "shown", "table"}, "SetCell{Container:100 Category:state Choice:0}", "info: In the level External it is again as usual: whether you are available."},
	{"a cell of strangers", "levels", []string{"action", "cells", "container", "0", "category", "notePersonal", "shown", "show"}, "", `error: "Level": This is not one of the choices`},
	{"no cell", "levels", []string{"action", "cells", "container", "200", "category", "capabilities", "shown", "hide"}, "", `error: "What": This is not one of the choices`},
	{"a cell, no choice", "levels", []string{"action", "cells", "container", "200", "category", "photo", "shown", ""}, "", `error: "Show it": This is needed.`},
	{"remove nothing", "levels", []string{"action", "remove", "rules", ""}, "", `error: "Rules to remove": This is needed.`},
}

var blockShots = []shot{
	{"block", "block", []string{"jid", " mallory@example.net/x "}, "Block{JID:mallory@example.net/x}", "info: mallory@example.net now always sees you offline here."},
	{"block a domain", "block", []string{"jid", "example.net"}, "Block{JID:example.net}", "info: Everybody at example.net now always sees you offline here."},
	{"block a word", "block", []string{"jid", "bob"}, "", `error: "Address": "bob" is neither an address nor a domain. Please write the whole address, like bob@example.org, or a domain, like example.org.`},
	{"block a word with a resource", "block", []string{"jid", "bob/phone"}, "", `error: "Address": "bob/phone" is neither`},
	{"block an address of numbers", "block", []string{"jid", "[::1]"}, "Block{JID:[::1]}", "info: Everybody at [::1] now"},
	{"block nobody", "block", []string{"jid", "@"}, "", `error: "Address": This is not an address.`},
	{"block oneself", "block", []string{"jid", "Alice@example.org"}, "", `error: "Address": You cannot block yourself.`},
	{"block a mirror", "block", []string{"jid", "bob@presence.example.org"}, "", `error: "Address": This address belongs to this service.`},
	{"unblock, other spelling", "unblock", []string{"jid", "Mallory@Example.NET|mallory@example.net"}, "Unblock{JID:mallory@example.net}", "info: The block is gone."},
	{"unblock a word", "unblock", []string{"jid", "mallory"}, "", `error: "Blocked": "mallory" is neither an address nor a domain.`},
	{"unblock a stranger", "unblock", []string{"jid", "x@example.net"}, "", `error: "Blocked": There is no "x@example.net" in the list`},
}

var decisionShots = []shot{
	{"approve", "requests", []string{"requests", "bob@example.net", "decision", "approve-default"}, "Approve{Watcher:bob@example.net Container:0}", "info: Approved: 1."},
	{"approve both", "requests", []string{"requests", "bob@example.net|carol@example.org", "decision", "approve-400"}, "Approve{Watcher:bob@example.net Container:400}; Approve{Watcher:carol@example.org Container:400}", "info: Approved: 2."},
	{"refuse", "requests", []string{"requests", "carol@example.org", "decision", "refuse"}, "Refuse{Watcher:carol@example.org}", "info: Refused: 1. They are not told."},
	{"approve into the block", "requests", []string{"requests", "carol@example.org", "decision", "approve-32000"}, "", `error: "Your answer": This is not one`},
	{"privacy mode", "privacy-mode", []string{"on", "1"}, "SetPrivacyMode{On:true}", "info: From now on only your contacts"},
	{"privacy mode off", "privacy-mode", []string{"on", "0"}, "SetPrivacyMode{On:false}", "info: From now on all your rules"},
}

func TestSubmit(t *testing.T) {
	for _, c := range slices.Concat(plainShots, stateShots, noteShots, officeShots, levelsShots, blockShots, decisionShots) {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := has(settled())
				g := ask(t, newServer(d), "en", payload(c.node, "", "execute", c.fields...))
				if got := describe(d.applied); got != c.changes {
					t.Errorf("applied %s\nwant    %s", got, c.changes)
				}
				if got := g.Note.Type + ": " + g.Note.Text; !strings.HasPrefix(got, c.note) {
					t.Errorf("note %s\nwant %s", got, c.note)
				}
				status := statusCompleted
				if g.Note.Type == "error" {
					status = statusExecuting
					if g.Form == nil {
						t.Error("a rejected form does not come back")
					}
				}
				if g.Status != status || g.Session == "" || g.Node != c.node {
					t.Errorf("status %q session %q node %q", g.Status, g.Session, g.Node)
				}
			})
		})
	}
}

func TestFirstForm(t *testing.T) {
	for _, c := range []struct {
		node, actions string
		defaults      map[string]string
	}{
		{"enable", "execute=complete complete", map[string]string{"confirm": "0"}},
		{"set-state", "execute=complete complete", map[string]string{"state": "in-a-meeting", "for": "default", "from": "", "until": "", "activity": "none", "availability": ""}},
		{"note", "execute=complete complete", map[string]string{"text": "Tea & <cake>"}},
		{"out-of-office", "execute=complete complete", map[string]string{"on": "1", "start": "2026-12-24T00:00:00Z", "end": "", "note": "Skiing"}},
		{"levels", "execute=next next", map[string]string{"action": "list"}},
		{"block", "execute=complete complete", map[string]string{"jid": ""}},
		{"unblock", "execute=complete complete", map[string]string{"jid": ""}},
		{"requests", "execute=complete complete", map[string]string{"requests": "", "decision": ""}},
		{"privacy-mode", "execute=complete complete", map[string]string{"on": "1"}},
	} {
		d := has(settled())
		for _, lang := range []string{"en", "de"} {
			g := ask(t, newServer(d), lang, payload(c.node, "", ""))
			if g.Status != statusExecuting || g.Session == "" || g.actions() != c.actions || g.Lang != lang || g.Note.Text != "" {
				t.Errorf("%s: %+v, actions %s", c.node, g, g.actions())
			}
			asked := 0
			for _, f := range g.Form.Fields {
				if f.Type == "fixed" {
					continue
				}
				asked++
				want, known := c.defaults[f.Var]
				if !known || f.value() != want || f.Label == "" || f.Desc == "" {
					t.Errorf("%s: field %+v, want the default %q", c.node, f, want)
				}
				if v := f.value(); f.Type == "list-single" && v != "" && !strings.Contains("|"+strings.Join(f.choices(), "|")+"|", "|"+v+"|") {
					t.Errorf("%s: the default of %s is none of its choices", c.node, f.Var)
				}
			}
			if g.Form.Type != "form" || g.Form.Title == "" || g.Form.Instructions == "" || asked != len(c.defaults) {
				t.Errorf("%s: form %+v", c.node, g.Form)
			}
		}
		if len(d.applied) != 0 {
			t.Errorf("%s: looking applied %s", c.node, describe(d.applied))
		}
	}
}

func TestFirstForm_ValidatesAndRequires(t *testing.T) {
	s := newServer(has(settled()))
	g := ask(t, s, "en", payload("out-of-office", "", "execute"))
	for _, name := range [...]string{"start", "end"} { // a client would not let her write "Friday"
		if v := g.Form.field(t, name).Validate; v != nil {
			t.Errorf("%s has %+v", name, v)
		}
	}
	if g.Form.field(t, "on").Required == nil || g.Form.field(t, "note").Required != nil {
		t.Error("on is required and note is not")
	}
	g = ask(t, s, "en", payload("set-state", "", "execute"))
	if v := g.Form.field(t, "availability").Validate; v == nil || v.Datatype != "xs:integer" {
		t.Errorf("availability has %+v", v)
	}
	if f := ask(t, s, "en", payload("block", "", "execute")).Form.field(t, "jid"); f.Type != "jid-single" {
		t.Errorf("block asks for a %s", f.Type)
	}
}

func TestEnable_TellsWhoSeesWhat(t *testing.T) {
	g := ask(t, newServer(stranger()), "en", payload("enable", "", "execute"))
	var all []string
	for _, f := range g.Form.Fields {
		all = append(all, f.Values...)
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"Colleagues: ", "External: ", "Workgroup: ", "Friends and Family: ", "Blocked: ", "Anybody else sees nothing."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not said in\n%s", want, text)
		}
	}
}

func TestEnable_NamesTheMirror(t *testing.T) {
	for _, c := range []struct {
		from  string
		hosts []string
		want  string
	}{
		{"alice@example.org", []string{"example.org"}, "alice@presence.example.org"},
		{"alice@example.org", []string{"example.org", "example.net"}, `alice\40example.org@presence.example.org`},
		{`d\27artagnan@example.org`, []string{"example.org"}, `d\27artagnan@presence.example.org`},
		{`a\40b@example.org`, []string{"example.org"}, `a\5c40b\40example.org@presence.example.org`},
	} {
		s := New(stranger(), Options{Domain: "presence.example.org", Hosts: c.hosts})
		r := s.run(t.Context(), jid(t, c.from), "")
		if got := r.mirror(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.from, got, c.want)
		}
	}
}

func TestNotEnabled_OnlyEnableWorks(t *testing.T) {
	notLoaded := has(engine.Inspection{})
	notLoaded.inspect = func(engine.Principal, presence.Addr) (engine.Inspection, error) { return engine.Inspection{}, nil }
	for _, d := range []*fakeDoor{stranger(), notLoaded} {
		s := newServer(d)
		for _, item := range s.Items("") {
			g := ask(t, s, "", payload(item.Node, "", "execute", "on", "1", "text", "x", "state", "busy", "jid", "b@example.org"))
			switch item.Node {
			case "enable":
				continue
			case "erase": // whoever has stopped may still have everything erased
				if g.Form.field(t, "confirm") == nil {
					t.Errorf("erase: %+v", g)
				}
				continue
			}
			if g.Status != statusCompleted || g.Note.Type != "error" || !strings.Contains(g.Note.Text, `(enable)`) || g.Form != nil {
				t.Errorf("%s: %+v", item.Node, g)
			}
		}
		if len(d.applied) != 0 {
			t.Errorf("applied %s", describe(d.applied))
		}
		if g := ask(t, s, "", payload("enable", "", "", "confirm", "1")); g.Status != statusCompleted || describe(d.applied) != "Enable{}" {
			t.Errorf("enable: %+v, applied %s", g, describe(d.applied))
		}
	}
}

func TestNothingToAsk(t *testing.T) {
	for node, want := range map[string]string{
		"unblock":  "You have blocked nobody.",
		"requests": "Nobody is waiting for an answer.",
	} {
		if g := ask(t, newServer(has(engine.Inspection{})), "en", payload(node, "", "execute")); g.Status != statusCompleted || g.Note.Text != want {
			t.Errorf("%s: %+v", node, g)
		}
	}
	for _, action := range []string{"list", "remove"} {
		if g := ask(t, newServer(has(engine.Inspection{})), "en", payload("levels", "", "execute", "action", action)); g.Status != statusCompleted || !strings.HasPrefix(g.Note.Text, "You have no rules.") {
			t.Errorf("%s: %+v", action, g)
		}
	}
}

func TestLevels_ListIsData(t *testing.T) {
	g := ask(t, newServer(has(settled())), "en", payload("levels", "", "execute", "action", "list"))
	var rows []string
	for _, item := range g.Form.Items {
		var row []string
		for i, f := range item.Fields {
			if f.Var != g.Form.Reported[i].Var {
				t.Errorf("column %d holds %s", i, f.Var)
			}
			row = append(row, f.value())
		}
		rows = append(rows, strings.Join(row, " / "))
	}
	want := `Everybody in my organisation / Colleagues / 200 sameEnterprise
Everybody in partner organisations / External / 100 federated
Everybody at public services / Blocked / 32000 publicCloud
Contacts in the group "My  family" / Friends and Family / 400 group My  family
mallory@example.net / Blocked / 32000 user mallory@example.net
Everybody at domains below spam.example / Blocked / 32000 domain *.spam.example
Contacts where each sees the other / Board / 250 subscription both`
	if got := strings.Join(rows, "\n"); g.Form.Type != "result" || got != want {
		t.Errorf("got %s\n%s\nwant\n%s", g.Form.Type, got, want)
	}
}

// TestDialogs_EndWithoutTables: Gajim never ends a dialog whose result holds a table.
// Who fills forms in reads the rows as lines, or in the note where that has them all.
func TestDialogs_EndWithoutTables(t *testing.T) {
	many := settled()
	for i := range 2 * maxLines {
		many.Rules = append(many.Rules, privacy.Rule{Container: 400, Type: privacy.RuleGroup, Value: itoa(i)})
	}
	s := newServer(has(many))
	open := ask(t, s, "en", payload("levels", "", "execute"))
	g := ask(t, s, "en", payload("levels", open.Session, "next", "action", "list"))
	if g.Status != statusCompleted || g.Form == nil || len(g.Form.Reported)+len(g.Form.Items) > 0 || g.Form.Instructions != "" {
		t.Fatalf("%+v", g)
	}
	if n := len(g.Form.Fields); n != len(many.Rules) || g.Form.Fields[0].value() != "Everybody in my organisation: Colleagues (200)" {
		t.Errorf("%d lines: %+v", n, g.Form.Fields)
	}
	s = newServer(has(settled()))
	open = ask(t, s, "en", payload("levels", "", "execute"))
	g = ask(t, s, "en", payload("levels", open.Session, "next", "action", "list"))
	if g.Status != statusCompleted || g.Form != nil || !strings.Contains(g.Note.Text, "Everybody at domains below spam.example: Blocked") {
		t.Errorf("a short list: %+v", g)
	}
}

func TestLevels_LongListsAreCut(t *testing.T) {
	in := engine.Inspection{}
	for range 4096 {
		in.Rules = append(in.Rules, privacy.Rule{Container: 400, Type: privacy.RuleGroup, Value: strings.Repeat("<&>", 300) + itoa(len(in.Rules))})
	}
	s := newServer(has(in))
	for _, action := range []string{"list", "remove"} {
		out, _, _ := s.IQ(t.Context(), jid(t, alice), "set", "en", payload("levels", "", "execute", "action", action))
		if len(out) > 128<<10 || !strings.Contains(string(out), "of 4096 are listed") {
			t.Errorf("%s: %d bytes", action, len(out))
		}
		wellFormed(t, out)
	}
}
