package commands

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// saying is something alice writes, at midnight of 2000-01-01, a Saturday.
type saying struct{ words, changes, answer string }

const dnd = "SetState{Availability:9500 Activity: Expires:2000-01-01 "

var englishSayings = []saying{
	{"dnd 2h", dnd + "02:00:00 +0000 UTC}", `You are now shown as "Do not disturb" until 02:00 UTC.`},
	{"/DND for 90 min", dnd + "01:30:00 +0000 UTC}", ""},
	{"Do not disturb until 16:00", dnd + "16:00:00 +0000 UTC}", `You are now shown as "Do not disturb" until 16:00 UTC.`},
	{"do not disturb until 4pm.", dnd + "16:00:00 +0000 UTC}", ""},
	{"  dnd   16:00 ", dnd + "16:00:00 +0000 UTC}", ""},
	{"set-state dnd 2h", dnd + "02:00:00 +0000 UTC}", ""},
	{"I'm busy", "SetState{Availability:6500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", `You are now shown as "Busy".`},
	{"in a meeting till 3pm", "SetState{Availability:6500 Activity:in-a-meeting Expires:2000-01-01 15:00:00 +0000 UTC}", ""},
	{"lunch 45m", "SetState{Availability:12500 Activity:lunch Expires:2000-01-01 00:45:00 +0000 UTC}", `You are now shown as "At lunch" until`},
	{"at lunch until 13:00", "SetState{Availability:12500 Activity:lunch Expires:2000-01-01 13:00:00 +0000 UTC}", ""},
	{"dnd 14:00-16:00", "PlanState{SetState:{Availability:9500 Activity: Expires:2000-01-01 16:00:00 +0000 UTC} Starts:2000-01-01 14:00:00 +0000 UTC}", `You will be shown as "Do not disturb" from 14:00 UTC until 16:00 UTC.`},
	{"busy from Monday 9:00 to 11:00", "PlanState{SetState:{Availability:6500 Activity: Expires:2000-01-03 11:00:00 +0000 UTC} Starts:2000-01-03 09:00:00 +0000 UTC}", ""},
	{"away from 15:00 for 2h", "PlanState{SetState:{Availability:15500 Activity: Expires:2000-01-01 17:00:00 +0000 UTC} Starts:2000-01-01 15:00:00 +0000 UTC}", ""},
	{"invisible", "SetState{Availability:18500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", `You are now shown as "Offline".`},
	{"back", "SetState{Availability:3500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"dnd until the cows come home", "", `"Or until": This is not a time.`},
	{"dnd 25:00", "", `"Or until": This is not a time.`},
	{"status", "", "Right now you are: In a meeting."},
	{"clear", "ClearState{}", "Your devices, calendar"},
	{"note back at 3", "SetNote{Text:back at 3}", "Your note is set."},
	{"note", "", "Your note: Tea & <cake>"},
	{"Note: off", "SetNote{Text:}", "You have no note now."},
	{"note back", "SetNote{Text:back}", ""},
	{"ooo until Monday: Back on Tuesday", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:2000-01-04 00:00:00 +0000 UTC Note:Back on Tuesday}}", "Your out-of-office period is set until"},
	{"ooo on", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:0001-01-01 00:00:00 +0000 UTC Note:}}", ""},
	{"ooo from 2000-01-03 to 2000-01-05", "SetOutOfOffice{{Start:2000-01-03 00:00:00 +0000 UTC End:2000-01-06 00:00:00 +0000 UTC Note:}}", ""},
	{"ooo from Monday until Friday: Skiing", "SetOutOfOffice{{Start:2000-01-03 00:00:00 +0000 UTC End:2000-01-08 00:00:00 +0000 UTC Note:Skiing}}", "Your out-of-office period is set from 3 January"},
	{"level bob@example.net team until 1.2.", "SetLevel{Rule:user bob@example.net -> 300 Until:2000-02-02 00:00:00 +0000 UTC}", "The rule is in force."},
	{"dnd until 3.1.", "SetState{Availability:9500 Activity: Expires:2000-01-03 00:00:00 +0000 UTC}", "You are now shown as"},
	{"ooo off", "SetOutOfOffice{Period:<nil>}", "Your out-of-office period is over."},

	{"level bob@example.net team", "SetLevel{Rule:user bob@example.net -> 300 Until:0001-01-01 00:00:00 +0000 UTC}", "The rule is in force. bob@example.net: level Workgroup."},
	{"level bob@example.net Friends and Family until Friday", "SetLevel{Rule:user bob@example.net -> 400 Until:2000-01-08 00:00:00 +0000 UTC}", "The rule is in force. bob@example.net: level Friends and Family until 8 January, 00:00 UTC, and then as before."},
	{"level bob 300 for 2 hours", "SetLevel{Rule:user bob@example.net -> 300 Until:2000-01-01 02:00:00 +0000 UTC}", ""},
	{"level dave colleagues", "SetLevel{Rule:user dave@example.org -> 200 Until:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"level partner.example board", "SetLevel{Rule:domain partner.example -> 250 Until:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"level xmpp:bob@example.net blocked", "SetLevel{Rule:user bob@example.net -> 32000 Until:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"level bob@example.net president", "", "There is no such level. There are: Default (0), External (100)"},
	{"level bob@example.net team until yesterday", "", "This is not a time."},
	{"level bob@presence.example.org team", "", "This address belongs to this service."},
	{"level mallory off", "RemoveRule{Rule:user mallory@example.net -> 32000}", "Rules removed: 1."},
	{"level nobody@example.net off", "", "It already was so"},
	{"levels action=cells container=200 category=notePersonal shown=hide", "SetCell{Container:200 Category:notePersonal Choice:2}", "The level Colleagues no longer shows: your note."},
	{"levels", "", "Rules: 8."},
	{"block mallory@example.com", "Block{JID:mallory@example.com}", "mallory@example.com now always sees you offline here."},
	{"block example.com", "Block{JID:example.com}", "Everybody at example.com"},
	{"block", "", "block bob@example.org shows you as offline"},
	{"block alice", "", `"Address": You cannot block yourself.`},
	{"block @@", "", "This is not an address."},
	{"unblock mallory", "Unblock{JID:mallory@example.net}", "The block is gone."},
	{"requests", "", `These people would like to see you: Bob@example.net, carol@example.org. Answer "approve"`},
	{"approve bob", "Approve{Watcher:bob@example.net Container:0}", "Approved: 1."},
	{"yes carol team", "Approve{Watcher:carol@example.org Container:300}", ""},
	{"no, bob@example.net", "Refuse{Watcher:bob@example.net}", "Refused: 1."},
	{"approve dave", "", `"Who asks": There is no "dave@example.org" in the list`},
	{"privacy on", "SetPrivacyMode{On:true}", "From now on only"},
	{"privacy perhaps", "", "privacy on shows you"},
	{"interrupt boss2", "SetPriority{JID:boss2@example.org On:true}", "boss2@example.org may interrupt you"},
	{"interrupt off boss", "SetPriority{JID:boss@example.org On:false}", "Taken off"},
	{"interruptions", "", "May interrupt you: 1."},
	{"app pbx@example.net", "AllowApp{JID:pbx@example.net}", ""},
	{"app remove phones@example.net", "DenyApp{JID:Phones@example.net}", ""},
	{"apps", "", "Apps that may set your state: 2."},
	{"badge on", "SetBadge{On:true}", "Your badge is /badge/abc.svg"},
	{"badge off", "SetBadge{On:false}", ""},
	{"timezone Europe/Berlin", "SetProfile{Profile:{Timezone:Europe/Berlin Language: Hours: Location:}}", "Your profile is set."},
	{"language German", "SetProfile{Profile:{Timezone: Language:de Hours: Location:}}", ""},
	{"hours Mo-Fr 9 to 17", "SetProfile{Profile:{Timezone: Language: Hours:Mo-Fr 9:00-17:00 Location:}}", "Your profile is set."},
	{"location none", "SetProfile{Profile:{Timezone: Language: Hours: Location:}}", "Your profile is empty now."},
	{"enable", "", "It already was so"},
	{"disable", "Disable{}", "Done. From now on"},
	{"erase", "", "This erases everything"},
	{"erase yes", "Erase{}", "Done."},
	{"note text=x y z", "SetNote{Text:text=x y z}", ""},
	{"privacy-mode", "", "privacy on"},
	{"profile timezone=UTC location=My desk", "SetProfile{Profile:{Timezone:UTC Language: Hours: Location:My desk}}", ""},
	{"profile", "", "Please write: profile, with timezone, language, hours, location, each as name=value."},
	{"profile Berlin", "", `Please write the values for "profile"`},
	{"view-as jid=bob@example.net", "", ""},
	{"help", "", "dnd 2h · busy until 16:00"},
	{"Help!", "", "dnd 2h"},
	{"?", "", "dnd 2h"},
	{"help level", "", "level bob@example.org team puts"},
	{"set-state state=busy for=1h", "SetState{Availability:6500 Activity: Expires:2000-01-01 01:00:00 +0000 UTC}", ""},
	{"out-of-office on=1 end=Friday note=Back soon", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:2000-01-08 00:00:00 +0000 UTC Note:Back soon}}", ""},
	{"block jid=bob@example.net", "Block{JID:bob@example.net}", ""},
	{"block bob=x@example.net", "Block{JID:bob=x@example.net}", ""},
	{"note delete", "SetNote{Text:}", "You have no note now."},
	{"please set note: at the dentist", "SetNote{Text:at the dentist}", ""},
	{"please dnd 2h", dnd + "02:00:00 +0000 UTC}", ""},
	{"out of office until Friday: Skiing", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:2000-01-08 00:00:00 +0000 UTC Note:Skiing}}", ""},
	{"I'm on vacation until Friday", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:2000-01-08 00:00:00 +0000 UTC Note:}}", ""},
	{"dnd untill 16:00", dnd + "16:00:00 +0000 UTC}", ""},
	{"dnd 2h, please", dnd + "02:00:00 +0000 UTC}", ""},
	{"dnd please", "SetState{Availability:9500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"dnd until half past three", dnd + "03:30:00 +0000 UTC}", ""},
	{"on a call for 10 minutes", "SetState{Availability:6500 Activity:on-the-phone Expires:2000-01-01 00:10:00 +0000 UTC}", ""},
	{`note "back at 3"`, "SetNote{Text:back at 3}", ""},
	{`note "a" or "b"`, `SetNote{Text:"a" or "b"}`, ""},
	{"level *.example.com blocked", "SetLevel{Rule:domain *.example.com -> 32000 Until:0001-01-01 00:00:00 +0000 UTC}", "The rule is in force. Everybody"},
	{"level *.spam.example off", "RemoveRule{Rule:domain *.spam.example -> 32000}", "Rules removed: 1."},
	{"level *.a..b blocked", "", "Please write a domain such as"},
	{"timezone berlin", "SetProfile{Profile:{Timezone:Europe/Berlin Language: Hours: Location:}}", ""},
	{"timezone america/new york", "SetProfile{Profile:{Timezone:America/New_York Language: Hours: Location:}}", ""},
	{"timezone utc", "SetProfile{Profile:{Timezone:UTC Language: Hours: Location:}}", ""},
	{"timezone ../../etc/passwd", "SetProfile{Profile:{Timezone:../../etc/passwd Language: Hours: Location:}}", ""},
	{"hours Mon-Fri 9am-5:30 pm", "SetProfile{Profile:{Timezone: Language: Hours:Mo-Fr 9:00-17:30 Location:}}", ""},
	{"ooo from 3.1. until 2.1.", "", `"Until": The end lies before the start.`},
	{"busy from 3.1. until 2.1.", "", `"Or until": The end lies before the start.`},
	{"ooo from 20.12. until 3.1.", "SetOutOfOffice{{Start:2000-12-20 00:00:00 +0000 UTC End:2001-01-04 00:00:00 +0000 UTC Note:}}", ""},
	{"ooo from 20.12. until 15.2.", "SetOutOfOffice{{Start:2000-12-20 00:00:00 +0000 UTC End:2001-02-16 00:00:00 +0000 UTC Note:}}", ""},
	{"ooo from Monday for 200 days", "SetOutOfOffice{{Start:2000-01-03 00:00:00 +0000 UTC End:2000-07-21 00:00:00 +0000 UTC Note:}}", ""},
	{"level off", "", "level bob@example.org team puts"},
	{"help dnd", "", "Say what you are doing"},
	{"disable?", "", "disable shows you as offline"},
	{"clear?", "", "clear takes back"},
	{"busy?", "", "Say what you are doing"},
	{"status?", "", "Right now you are"},
	{"hepl", "", `I do not understand "hepl". Do you mean "help"?`},
	{"bussy until 16:00", "", `I do not understand "bussy". Do you mean "busy"?`},
	{"disabel", "", `I do not understand "disabel". Do you mean "disable"?`},
	{"nota", "", `I do not understand "nota". Do you mean "note"?`},
	{"nte", "", `I do not understand "nte". Write "help"`},
	{"thank you!", "", "You are welcome."},
	{"what can you do?", "", "dnd 2h"},
	{"good morning", "", "dnd 2h"},
	{"bob block", "Block{JID:bob@example.net}", ""},
	{"bob disable", "", `I do not understand "bob"`},
	{"please", "", `I do not understand "please".`},
	{strings.Repeat("please ", 280), "", `I do not understand "please".`},
	{"please please note", "", "Your note: Tea & <cake>"},
	{"please make me a sandwich", "", `I do not understand "make".`},
	{"   ", "", `Write "help"`},
	{"\x00\u200b", "", `Write "help"`},
	{strings.Repeat("dnd ", 1000), "", "That is too long for me."},
	{strings.Repeat("ü", 500), "", `I do not understand "` + strings.Repeat("ü", 40) + "…"},
}

var germanSayings = []saying{
	{"nicht stören 2h", dnd + "02:00:00 +0000 UTC}", "Sie werden nun als „Bitte nicht stören“ gezeigt, bis 02:00 Uhr (UTC)."},
	{"Bitte nicht stören bis 16 Uhr", dnd + "16:00:00 +0000 UTC}", ""},
	{"ich bin beschäftigt für 2 Stunden", "SetState{Availability:6500 Activity: Expires:2000-01-01 02:00:00 +0000 UTC}", ""},
	{"Mittagspause bis 13:00", "SetState{Availability:12500 Activity:lunch Expires:2000-01-01 13:00:00 +0000 UTC}", "Sie werden nun als „Mittagspause“ gezeigt"},
	{"Feierabend", "SetState{Availability:15500 Activity:off-work Expires:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"notiz um 3 zurück", "SetNote{Text:um 3 zurück}", "Ihre Notiz ist gesetzt."},
	{"urlaub bis Montag: Dienstag wieder da", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:2000-01-04 00:00:00 +0000 UTC Note:Dienstag wieder da}}", ""},
	{"stufe bob@example.net Freunde bis morgen", "SetLevel{Rule:user bob@example.net -> 400 Until:2000-01-03 00:00:00 +0000 UTC}", "Die Regel gilt. bob@example.net: Stufe Freunde und Familie bis 3. Januar, 00:00 Uhr (UTC), danach wie zuvor."},
	{"ort keine", "SetProfile{Profile:{Timezone: Language: Hours: Location:}}", "Ihr Profil ist jetzt leer."},
	{"arbeitszeit Mo-Do 9-17 Uhr", "SetProfile{Profile:{Timezone: Language: Hours:Mo-Th 9:00-17:00 Location:}}", ""},
	{"ja bob", "Approve{Watcher:bob@example.net Container:0}", "Zugestimmt: 1."},
	{"nein carol", "Refuse{Watcher:carol@example.org}", "Abgelehnt: 1."},
	{"privat an", "SetPrivacyMode{On:true}", ""},
	{"stören aus boss", "SetPriority{JID:boss@example.org On:false}", ""},
	{"notiz löschen", "SetNote{Text:}", "Sie haben jetzt keine Notiz."},
	{"setze Notiz: beim Zahnarzt", "SetNote{Text:beim Zahnarzt}", ""},
	{"bitte notiz weg", "SetNote{Text:}", ""},
	{"ich bin im Urlaub bis Freitag: Skifahren", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:2000-01-08 00:00:00 +0000 UTC Note:Skifahren}}", ""},
	{"urlaub vom 3.1. bis 5.1.", "SetOutOfOffice{{Start:2000-01-03 00:00:00 +0000 UTC End:2000-01-06 00:00:00 +0000 UTC Note:}}", ""},
	{"nicht im Büro bis 5.1.", "SetOutOfOffice{{Start:0001-01-01 00:00:00 +0000 UTC End:2000-01-06 00:00:00 +0000 UTC Note:}}", ""},
	{"nicht stören 2 Stunden lang", dnd + "02:00:00 +0000 UTC}", ""},
	{"mallory@example.com blockieren", "Block{JID:mallory@example.com}", ""},
	{"bob ablehnen", "Refuse{Watcher:bob@example.net}", ""},
	{"nicht stören bitte", "SetState{Availability:9500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"nicht stören bis halb vier", dnd + "03:30:00 +0000 UTC}", ""},
	{"beschäftigt bis drei Uhr", "SetState{Availability:6500 Activity: Expires:2000-01-01 03:00:00 +0000 UTC}", ""},
	{"bin in einer Besprechung bis 15 Uhr", "SetState{Availability:6500 Activity:in-a-meeting Expires:2000-01-01 15:00:00 +0000 UTC}", ""},
	{"bin gleich zurück", "SetState{Availability:12500 Activity: Expires:0001-01-01 00:00:00 +0000 UTC}", ""},
	{"hilfe nicht stören", "", "Sagen Sie, was Sie tun"},
	{"abmelden?", "", "abmelden zeigt Sie hier"},
	{"hlife", "", "Ich verstehe „hlife“ nicht. Meinen Sie „hilfe“?"},
	{"danke", "", "Gern geschehen."},
	{"Guten Tag", "", "nicht stören 2h"},
	{"hilfe", "", "nicht stören 2h · beschäftigt bis 16:00"},
	{"hilfe stufe", "", "stufe bob@example.org team ordnet"},
	{"mach mir ein Brot", "", "Ich verstehe „mach“ nicht."},
}

func chat(t *testing.T, d *fakeDoor, lang, words string) string {
	t.Helper()
	answer, ok := newServer(d).Chat(t.Context(), jid(t, alice), lang, words)
	if !ok || answer == "" || !utf8.ValidString(answer) || len(answer) > maxAnswer+3 {
		t.Fatalf("%q is answered %q (%v)", words, answer, ok)
	}
	return answer
}

func TestChat_Sayings(t *testing.T) {
	for lang, sayings := range map[string][]saying{"en": englishSayings, "de": germanSayings} {
		for _, c := range sayings {
			synctest.Test(t, func(t *testing.T) {
				in := busy()
				in.Availability, in.Activity, in.Plans = presence.Busy, presence.InAMeeting, nil
				d := has(in)
				d.badge = "abc"
				answer := chat(t, d, lang, c.words)
				if got := describe(d.applied); got != c.changes {
					t.Errorf("%.60q applied %s\nwant %s\n(%s)", c.words, got, c.changes, answer)
				}
				if !strings.HasPrefix(answer, c.answer) {
					t.Errorf("%.60q is answered %q, want %q", c.words, answer, c.answer)
				}
			})
		}
	}
}

func TestChat_AsksWhichOfSeveral(t *testing.T) {
	in := settled()
	in.Watchers = []engine.Watcher{{JID: "bob@example.org"}}
	d := has(in) // and Bob@example.net asks
	if got := chat(t, d, "en", "block bob"); got != `Which "bob": bob@example.net, bob@example.org?` || len(d.applied) != 0 {
		t.Errorf("%q, %v", got, describe(d.applied))
	}
	s := New(has(settled()), Options{Domain: "presence.example.org", Hosts: []string{"example.org", "example.net"}})
	if got, _ := s.Chat(t.Context(), jid(t, alice), "en", "block dave"); !strings.HasPrefix(got, `"dave" is neither an address nor a domain.`) {
		t.Errorf("with several hosts: %q", got)
	}
}

func TestChat_OfSomebodyNotEnabled(t *testing.T) {
	for words, want := range map[string]string{
		"help": "Nothing is shown about you yet.", "dnd 2h": "Nothing is shown about you yet.", "level bob@example.net team": "Nothing is shown about you yet.",
		"enable": "Your contacts and your organisation will see", "note x": "Nothing is shown", "gibberish": "I do not understand",
	} {
		d := stranger()
		if got := chat(t, d, "en", words); !strings.HasPrefix(got, want) || len(d.applied) != 0 {
			t.Errorf("%q: %q, applied %s", words, got, describe(d.applied))
		}
	}
	d := stranger()
	if got := chat(t, d, "en", "enable yes"); !strings.HasPrefix(got, "Done.") || describe(d.applied) != "Enable{}" {
		t.Errorf("%q, applied %s", got, describe(d.applied))
	}
	if got := chat(t, d, "de", "anmelden ja"); !strings.HasPrefix(got, "Erledigt.") {
		t.Errorf("%q", got)
	}
}

func TestChat_HerOwnLanguageGoesFirst(t *testing.T) {
	in := settled()
	in.Profile.Language = "de"
	s := newServer(has(in))
	if got, _ := s.Chat(t.Context(), jid(t, alice), "en", "hello"); !strings.HasPrefix(got, "nicht stören") {
		t.Errorf("%q", got)
	}
	if got, ok := s.Encrypted(t.Context(), jid(t, alice), "en"); !ok || !strings.HasPrefix(got, "Verschlüsselte Nachrichten") {
		t.Errorf("%q", got)
	}
}

func TestChat_NobodyElse(t *testing.T) {
	s := newServer(has(settled()))
	for _, from := range []string{"mallory@example.net/x", "example.org", "presence.example.org"} {
		if got, ok := s.Chat(t.Context(), jid(t, from), "en", "help"); ok || got != "" {
			t.Errorf("%s: %q", from, got)
		}
		if got, ok := s.Encrypted(t.Context(), jid(t, from), "en"); ok || got != "" {
			t.Errorf("%s: %q", from, got)
		}
	}
}

// TestChat_OpensNoForms: what is said leaves nothing behind.
func TestChat_OpensNoForms(t *testing.T) {
	s := newServer(has(settled()))
	for _, words := range []string{"profile", "set-state", "dnd until soon", "levels action=put", "view", "erase"} {
		if _, ok := s.Chat(t.Context(), jid(t, alice), "en", words); !ok {
			t.Errorf("%q is not answered", words)
		}
	}
	if n := len(s.sessions.byID); n != 0 {
		t.Errorf("%d forms are open", n)
	}
}

// TestChat_EveryCommand: each can be said by its own name.
func TestChat_EveryCommand(t *testing.T) {
	for _, c := range table {
		d := has(busy())
		d.stored = map[string][]byte{"note": []byte(`{"v":1}`)}
		if got := chat(t, d, "en", c.node); strings.HasPrefix(got, "I do not understand") || strings.Contains(got, "chat.") {
			t.Errorf("%s: %q", c.node, got)
		}
	}
	d := has(settled())
	d.stored = map[string][]byte{"rules": []byte(`{"v":1,"x":"` + strings.Repeat("x", 9000) + `"}`)}
	if got := chat(t, d, "en", "export"); !strings.HasPrefix(got, "That is too much for a chat.") {
		t.Errorf("a long export: %.100q", got)
	}
}

func FuzzChat(f *testing.F) {
	for _, c := range append(englishSayings, germanSayings...) {
		f.Add("de", c.words)
	}
	for _, v := range verbs {
		f.Add("en", v.words[0]+" bob@example.org until = - : x=y\x00")
	}
	f.Fuzz(func(t *testing.T, lang, words string) {
		in := busy()
		for i := range 30 {
			in.Timed = append(in.Timed, engine.TimedRule{Rule: privacy.Rule{Container: 100, Type: privacy.RuleUser, Value: fmt.Sprintf("u%d@example.net", i)}, Until: time.Now().Add(time.Hour)})
		}
		answer, ok := newServer(has(in)).Chat(t.Context(), jid(t, alice), lang, words)
		if !ok || answer == "" || len(answer) > maxAnswer+3 {
			t.Fatalf("%q is answered %q", words, answer)
		}
		if utf8.ValidString(words) && !utf8.ValidString(answer) {
			t.Fatalf("%q is answered %q", words, answer)
		}
	})
}
