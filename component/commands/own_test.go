package commands

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// busy is a user who uses what few do, at midnight of 2000-01-01, a Saturday.
func busy() engine.Inspection {
	in := settled()
	day := func(d, h int) time.Time { return time.Date(2000, 1, d, h, 0, 0, 0, time.UTC) }
	in.Apps = []string{"Phones@example.net", "door@example.org"}
	in.Claims = []engine.ClaimLine{{ID: "x", App: "phones@example.net", Availability: presence.Busy, Activity: presence.OnThePhone, Expires: day(1, 1)}}
	in.Priority = []string{"boss@example.org"}
	in.Plans = []presence.Manual{{Availability: presence.DoNotDisturb, SetAt: day(1, 9), ExpiresAt: day(1, 10)}, {Availability: presence.Away, SetAt: day(2, 9)}}
	in.Timed = []engine.TimedRule{{Rule: privacy.Rule{Container: 300, Type: privacy.RuleUser, Value: "carol@example.org"}, Until: day(3, 0)}}
	in.States = []engine.State{
		{Name: "lunch", Availability: presence.BeRightBack, Activity: "lunch", Wording: &presence.Wording{ByLanguage: map[string]string{"en": "At lunch", "de": "Mittagspause"}}},
		{Name: "busy", Availability: presence.Away, Activity: "never"}, // has the name of one of ours
	}
	return in
}

var ownShots = []shot{
	{"a state of the operator", "set-state", []string{"state", "lunch", "for", "1h"}, "SetState{Availability:12500 Activity:lunch Expires:2000-01-01 01:00:00 +0000 UTC}", `info: You are now shown as "At lunch" until 01:00 UTC.`},
	{"ours goes first", "set-state", []string{"state", "busy"}, "SetState{Availability:6500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", `info: You are now shown as "Busy".`},
	{"for later", "set-state", []string{"state", "do-not-disturb", "from", "14:00", "for", "2h"}, "PlanState{SetState:{Availability:9500 Activity: Expires:2000-01-01 16:00:00 +0000 UTC} Starts:2000-01-01 14:00:00 +0000 UTC}", `info: You will be shown as "Do not disturb" from 14:00 UTC until 16:00 UTC.`},
	{"later and until", "set-state", []string{"state", "away", "from", "Monday 9am", "until", "noon"}, "PlanState{SetState:{Availability:15500 Activity: Expires:2000-01-03 12:00:00 +0000 UTC} Starts:2000-01-03 09:00:00 +0000 UTC}", `info: You will be shown as "Away" from 3 January, 09:00 UTC until 3 January, 12:00 UTC.`},
	{"later, as usual", "set-state", []string{"state", "away", "from", "2000-01-02"}, "PlanState{SetState:{Availability:15500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC} Starts:2000-01-02 00:00:00 +0000 UTC}", `info: You will be shown as "Away" from 2 January, 00:00 UTC on.`},
	{"from now", "set-state", []string{"state", "away", "from", "00:00"}, "SetState{Availability:15500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", `info: You are now shown as "Away".`},
	{"an end before it begins", "set-state", []string{"state", "away", "from", "2000-01-02", "until", "2000-01-01T12:00:00Z"}, "", `error: "Or until": The end lies before`},
	{"years from now", "set-state", []string{"state", "away", "from", "2002-01-01"}, "", `error: "Starting": This is more than a year away.`},
	{"in the past", "set-state", []string{"state", "away", "from", "1999-01-01"}, "", `error: "Starting": This lies in the past.`},
	{"clear now", "clear-state", []string{"clear", "now"}, "ClearState{}", "info: Your devices, calendar and apps decide again"},
	{"clear later", "clear-state", []string{"clear", "2000-01-01T09:00:00Z|2000-01-02T09:00:00Z"}, "CancelPlan{Starts:2000-01-01 09:00:00 +0000 UTC}; CancelPlan{Starts:2000-01-02 09:00:00 +0000 UTC}", "info: States for later that were cleared: 2."},
	{"clear what is not", "clear-state", []string{"clear", "2000-01-05T09:00:00Z"}, "", `error: "What to clear": There is no "2000-01-05T09:00:00Z" in the list`},

	{"a level for a while", "levels", []string{"action", "put", "container", "300", "type", "user", "value", "bob@example.org", "until", "Friday"}, "SetLevel{Rule:user bob@example.org -> 300 Until:2000-01-08 00:00:00 +0000 UTC}", "info: The rule is in force. bob@example.org: level Workgroup until 8 January, 00:00 UTC, and then as before."},
	{"a level until yesterday", "levels", []string{"action", "put", "container", "300", "type", "user", "value", "bob@example.org", "until", "1999-12-30"}, "", `error: "Until": This lies in the past.`},
	{"a level until some day", "levels", []string{"action", "put", "container", "300", "type", "user", "value", "bob@example.org", "until", "some day"}, "", `error: "Until": This is not a time.`},
	{"a level for a while ends", "levels", []string{"action", "remove", "rules", "300 user carol@example.org"}, "RemoveRule{Rule:user carol@example.org -> 300}", "info: Rules removed: 1."},

	{"the list of apps", "apps", []string{"action", "list"}, "", "info: Apps that may set your state: 2.\nPhones@example.net: says now \"On the phone\" until 01:00 UTC\ndoor@example.org: says nothing now"},
	{"allow an app", "apps", []string{"action", "add", "jid", " pbx@example.net "}, "AllowApp{JID:pbx@example.net}", "info: pbx@example.net may set your state from now on."},
	{"allow a domain's app", "apps", []string{"action", "add", "jid", "phones.example.net"}, "AllowApp{JID:phones.example.net}", "info: phones.example.net may"},
	{"allow a word", "apps", []string{"action", "add", "jid", "phones"}, "", `error: "Address of the app": "phones" is neither`},
	{"allow a mirror", "apps", []string{"action", "add", "jid", "bob@presence.example.org"}, "", `error: "Address of the app": This address belongs to this service.`},
	{"allow nothing", "apps", []string{"action", "add", "jid", ""}, "", `error: "Address of the app": This is needed.`},
	{"deny an app", "apps", []string{"action", "remove", "jids", "phones@example.net|PHONES@example.net"}, "DenyApp{JID:Phones@example.net}", "info: Apps that may set your state no longer: 1."},
	{"deny a stranger", "apps", []string{"action", "remove", "jids", "x@example.net"}, "", `error: "Apps": There is no "x@example.net" in the list`},
	{"who may interrupt", "interruptions", []string{"action", "list"}, "", "info: May interrupt you: 1.\nboss@example.org"},
	{"may interrupt", "interruptions", []string{"action", "add", "jid", "bob@example.org"}, "SetPriority{JID:bob@example.org On:true}", "info: bob@example.org may interrupt you from now on."},
	{"may not interrupt", "interruptions", []string{"action", "remove", "jids", "boss@example.org"}, "SetPriority{JID:boss@example.org On:false}", "info: Taken off the list: 1."},
	{"an unknown action", "interruptions", []string{"action", "explode"}, "", `error: "What to do": This is not one of the choices.`},

	{"a badge", "badge", []string{"on", "1"}, "SetBadge{On:true}", "info: Your badge is /badge/abc.svg on"},
	{"no badge", "badge", []string{"on", "0"}, "SetBadge{On:false}", "info: You have no badge now."},
	{"erase", "erase", []string{"confirm", "1"}, "Erase{}", "info: Done. Nothing is stored about you any more."},
	{"erase, not confirmed", "erase", []string{"confirm", "0"}, "", `error: "I want everything erased": Please confirm`},
}

func TestSubmit_Own(t *testing.T) {
	for _, c := range ownShots {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := has(busy())
				d.badge = "abc"
				g := ask(t, newServer(d), "en", payload(c.node, "", "execute", c.fields...))
				if got := describe(d.applied); got != c.changes {
					t.Errorf("applied %s\nwant    %s", got, c.changes)
				}
				if got := g.Note.Type + ": " + g.Note.Text; !strings.HasPrefix(got, c.note) {
					t.Errorf("note %s\nwant %s", got, c.note)
				}
			})
		})
	}
}

func TestOwn_InGerman(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(has(busy()))
		for _, c := range []struct {
			node string
			in   []string
			want string
		}{
			{"set-state", []string{"state", "lunch", "from", "Montag 9 Uhr", "until", "Montag 10:30"}, "Sie werden von 3. Januar, 09:00 Uhr (UTC) bis 3. Januar, 10:30 Uhr (UTC) als „Mittagspause“ gezeigt."},
			{"apps", []string{"action", "list"}, "Apps, die Ihren Status setzen dürfen: 2.\nPhones@example.net: meldet jetzt „Am Telefon“ bis 01:00 Uhr (UTC)"},
			{"interruptions", []string{"action", "add", "jid", "bob@example.org"}, "bob@example.org darf Sie ab jetzt stören."},
			{"levels", []string{"action", "put", "container", "300", "type", "user", "value", "bob@example.org", "until", "morgen"}, "Die Regel gilt. bob@example.org: Stufe Arbeitsgruppe bis 3. Januar, 00:00 Uhr (UTC), danach wie zuvor."},
			{"levels", []string{"action", "list"}, "Regeln: 8.\n"},
			{"erase", []string{"confirm", "1"}, "Erledigt. Über Sie ist nichts mehr gespeichert."},
		} {
			if g := ask(t, s, "de", payload(c.node, "", "execute", c.in...)); !strings.HasPrefix(g.Note.Text, c.want) {
				t.Errorf("%s: %q", c.node, g.Note.Text)
			}
		}
	})
}

func TestOwn_Forms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := has(busy())
		s := newServer(d)
		for _, lang := range []string{"en", "de"} {
			clear := ask(t, s, lang, payload("clear-state", "", "execute"))
			if got := clear.Form.field(t, "clear"); got.value() != "now" || len(got.Options) != 3 {
				t.Errorf("clear-state asks %+v", got)
			}
			states := ask(t, s, lang, payload("set-state", "", "execute")).Form.field(t, "state")
			if got := strings.Join(states.choices(), " "); !strings.HasSuffix(got, " appear-offline lunch") {
				t.Errorf("states: %s", got)
			}
			if last := states.Options[len(states.Options)-1].Label; last != map[string]string{"en": "At lunch", "de": "Mittagspause"}[lang] {
				t.Errorf("lunch reads %q", last)
			}
			if g := ask(t, s, lang, payload("badge", "", "execute")); g.Form.field(t, "on").value() != "0" || g.Form.Instructions == "" {
				t.Errorf("badge: %+v", g.Form)
			}
			for _, node := range []string{"apps", "interruptions"} {
				first := ask(t, s, lang, payload(node, "", "execute"))
				if first.actions() != "execute=next next" || first.Form.Instructions == "" {
					t.Errorf("%s: %+v", node, first)
				}
				second := ask(t, s, lang, payload(node, first.Session, "next", "action", "remove"))
				if second.actions() != "execute=complete prev complete" || len(second.Form.field(t, "jids").Options) == 0 {
					t.Errorf("%s: %+v", node, second)
				}
			}
			rows := ask(t, s, lang, payload("levels", "", "execute", "action", "list")).Form.Items
			if last := rows[len(rows)-1].Fields; len(last) != 4 || last[3].value() != "2000-01-03T00:00:00Z" {
				t.Errorf("the last rule: %+v", last)
			}
		}
		if len(d.applied) != 0 {
			t.Errorf("looking applied %s", describe(d.applied))
		}
	})
}

func TestOwn_EmptyLists(t *testing.T) {
	s := newServer(has(engine.Inspection{}))
	for _, node := range []string{"apps", "interruptions"} {
		for _, action := range []string{"list", "remove"} {
			if g := ask(t, s, "en", payload(node, "", "execute", "action", action)); g.Status != statusCompleted || g.Note.Type != "info" || g.Note.Text == "" {
				t.Errorf("%s %s: %+v", node, action, g)
			}
		}
	}
}

func TestExport_IsOneDocumentInParts(t *testing.T) {
	d := has(settled())
	d.stored = map[string][]byte{"note": []byte(`{"v":1,"text":"Tea & <cake>"}`), "rules": []byte(`{"v":1,"rules":[]}`)}
	s := newServer(d)
	g := ask(t, s, "en", payload("export", "", "execute"))
	if g.Status != statusCompleted || g.Form.Type != "result" {
		t.Fatalf("%+v", g)
	}
	var out struct {
		JID      string
		Settings map[string]any
	}
	if err := json.Unmarshal([]byte(strings.Join(g.Form.field(t, "settings").Values, "\n")), &out); err != nil || out.JID != "alice@example.org" || len(out.Settings) != 2 {
		t.Errorf("%v: %+v", err, out)
	}

	var rules []string
	for i := range 3000 {
		rules = append(rules, fmt.Sprintf(`{"container":200,"type":"user","value":"<user%d@example.org>"}`, i))
	}
	d.stored["rules"] = []byte(`{"v":1,"rules":[` + strings.Join(rules, ",") + `]}`)
	first := ask(t, s, "de", payload("export", "", "execute"))
	parts := first.Form.field(t, "part").choices()
	if first.Status != statusExecuting || len(parts) < 3 {
		t.Fatalf("%+v", first)
	}
	var lines []string
	for _, part := range parts {
		p := payload("export", "", "execute", "part", part)
		raw, serr, _ := s.IQ(t.Context(), jid(t, alice), "set", "en", p)
		if serr != nil || len(raw) > 60<<10 {
			t.Fatalf("part %s has %d bytes, %v", part, len(raw), serr)
		}
		lines = append(lines, ask(t, s, "en", p).Form.field(t, "settings").Values...)
	}
	if err := json.Unmarshal([]byte(strings.Join(lines, "\n")), &out); err != nil || len(out.Settings["rules"].(map[string]any)["rules"].([]any)) != 3000 {
		t.Errorf("the parts together: %v", err)
	}
	if g := ask(t, s, "en", payload("export", "", "execute", "part", "99")); g.Status != statusExecuting || g.Note.Type != "error" {
		t.Errorf("a part there is not: %+v", g)
	}
}

func TestParseWhen_AsPeopleSayIt(t *testing.T) {
	now := time.Date(2026, 11, 25, 14, 30, 0, 0, time.UTC) // a Wednesday
	for said, want := range map[string]string{
		"15:00": "25 15:00", "14:00": "26 14:00", "3pm": "25 15:00", "3 PM": "25 15:00", "at 3": "25 15:00", "at 2": "26 02:00",
		"3:15 am": "26 03:15", "12am": "26 00:00", "12 pm": "26 12:00", "15 Uhr": "25 15:00", "um 15.30 Uhr": "25 15:30", "15h": "26 05:30",
		"noon": "26 12:00", "Mitternacht": "26 00:00", "until 16:00": "25 16:00", "bis 16 Uhr": "25 16:00", "18": "25 18:00",
		"tomorrow": "26 00:00", "morgen": "26 00:00", "tomorrow at 9": "26 09:00", "übermorgen 8:15": "27 08:15", "heute 18 Uhr": "25 18:00",
		"Friday": "27 00:00", "fri": "27 00:00", "Fr": "27 00:00", "Freitag 9 Uhr": "27 09:00", "next friday": "27 00:00", "am Montag": "30 00:00", "So": "29 00:00", "sa 10:00": "28 10:00", "Sonnabend": "28 00:00",
		"Wednesday": "25 00:00", "2h": "25 16:30", "for 90 minutes": "25 16:00", "1h30m": "25 16:00", "1 hour and 15 min": "25 15:45",
		"an hour": "25 15:30", "half an hour": "25 15:00", "2 Stunden": "25 16:30", "in 3 Tagen": "28 14:30", "eine Woche": "02 14:30",
		"2026-11-25T15:00:00+02:00": "25 13:00", "2026-11-27": "27 00:00",
		"bis 1.12.": "01 00:00", "1. 12.": "01 00:00", "1.12.2026": "01 00:00", "24.12.26 18 Uhr": "24 18:00", "25.11.": "25 00:00", "24.11.": "24 00:00",
		"1 December": "01 00:00", "until 1st of December": "01 00:00", "December 1, 2026": "01 00:00", "dec 1 at 9:00": "01 09:00", "1. Dezember um 9 Uhr": "01 09:00", "3. März": "03 00:00", "may 3": "03 00:00",
		"28.2.": "28 00:00", "Friday, 9:00": "27 09:00", "15:00.": "25 15:00", "1.12.2026.": "01 00:00", "Di, 1.12., 9 Uhr": "01 09:00", "bis zum 1.12. 18:00": "01 18:00",
	} {
		got, ok := parseWhen(said, now, nil, false)
		if !ok || got.Format("02 15:04") != want {
			t.Errorf("%q is %s (%v), want %s", said, got.Format("02 15:04"), ok, want)
		}
	}
	for _, bad := range []string{"", "soon", "bald", "25:00", "13pm", "0pm", "9:75", "at", "until", "morgen abend", "friday soon", "h", "2x", "9999999h", "-2h", "0m", strings.Repeat("1h", 40), "5 0", "2026-13-01", "31.2.", "1.13.", "0.1.", "29.2.2027", "1.12.1", "December", "32 December", "1 December 26 9:00 x", "dec 1 dec", "\x00"} {
		if got, ok := parseWhen(bad, now, nil, false); ok {
			t.Errorf("%q is %s", bad, got)
		}
	}
	if got, ok := parseWhen("Friday", now, nil, true); !ok || got.Format("02 15:04") != "28 00:00" {
		t.Errorf("until Friday is until %s", got)
	}
	for said, want := range map[string]string{"halb vier": "25 15:30", "halb 3": "25 14:30", "halb zwei": "26 01:30", "half past three": "25 15:30", "halb eins": "26 00:30", "at three": "25 15:00", "um drei Uhr": "26 03:00", "tomorrow half past 9": "26 09:30", "Freitag halb zehn": "27 09:30"} {
		if got, ok := parseWhen(said, now, nil, false); !ok || got.Format("02 15:04") != want {
			t.Errorf("%q is %s (%v), want %s", said, got.Format("02 15:04"), ok, want)
		}
	}
	for _, bad := range []string{"halb", "halb vierzig", "half past", "halb 13", "halb 0"} {
		if got, ok := parseWhen(bad, now, nil, false); ok {
			t.Errorf("%q is %s", bad, got)
		}
	}
	for said, want := range map[string]string{"24.11.": "2027-11-25", "25.11.": "2026-11-26", "1.12.": "2026-12-02", "3 March": "2027-03-04", "3.3.2028": "2028-03-04"} {
		if got, ok := parseWhen(said, now, nil, true); !ok || got.Format(time.DateOnly) != want {
			t.Errorf("until %s is until %s", said, got)
		}
	}
	if got, ok := parseWhen("today", now, nil, true); !ok || got.Format("02 15:04") != "26 00:00" {
		t.Errorf("until today's end is %s", got)
	}
}

// TestExport_PartThatIsNot: what is told is the part that is shown.
func TestExport_PartThatIsNot(t *testing.T) {
	d := has(settled())
	d.stored = map[string][]byte{"note": []byte(`{"v":1}`)}
	for _, part := range []string{"2", "-1", "x", "99999999999999999999"} {
		if g := ask(t, newServer(d), "en", payload("export", "", "execute", "part", part)); !strings.Contains(g.Note.Text, "(part 1 of 1)") {
			t.Errorf("part %s: %q", part, g.Note.Text)
		}
	}
}
