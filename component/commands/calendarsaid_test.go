package commands

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// chatWith writes to a server as alice.
func chatWith(t *testing.T, s *Server, lang, words string) string {
	t.Helper()
	answer, ok := s.Chat(t.Context(), jid(t, alice), lang, words)
	if !ok || answer == "" {
		t.Fatalf("%q is answered %q (%v)", words, answer, ok)
	}
	return answer
}

func added(url, name string) string {
	return describe([]engine.Change{engine.AddCalendar{Name: name, Kind: "ics", Access: engine.CalendarAccess{URL: url}}})
}

func TestChat_Calendar(t *testing.T) {
	const list = "Calendars: 3.\n1. Work (CalDAV), last read 22 November"
	for _, c := range []struct{ lang, words, changes, answer string }{
		{"en", "calendar", "", list},
		{"en", "Calendars?", "", list},
		{"en", "calendar list", "", list},
		{"en", "calendar add https://cal.example.net/Me.ics", added("https://cal.example.net/Me.ics", "cal.example.net"), `The calendar "cal.example.net" is added. It can be read. Meetings in the next two days: 1, the first from`},
		{"en", "calendar add <https://cal.example.net/Me.ics>, My work.", added("https://cal.example.net/Me.ics", "My work"), `The calendar "My work" is added.`},
		{"en", "calendar webcal://cal.example.net/Me.ics", added("https://cal.example.net/Me.ics", "cal.example.net"), ""},
		{"en", "calendar add cal.example.net/Me.ics", added("https://cal.example.net/Me.ics", "cal.example.net"), ""},
		{"en", "calendar add", "", "calendar lists your calendars; calendar add https://"},
		{"en", "calendar add https://me:secret@cal.example.net/", "", `"Address": This is not the address of a calendar. It begins with https://, holds no password`},
		{"en", "calendar add /etc/passwd", "", `"Address": This is not the address`},
		{"en", "calendar test 2", "", "It can be read."},
		{"en", "calendar test", "", "Which one? Please say its number or its name:\n1. Work (CalDAV)"},
		{"en", "calendar remove 1", "RemoveCalendar{ID:aaaa}", "Calendars removed: 1."},
		{"en", "calendar remove #2.", "RemoveCalendar{ID:bbbb}", ""},
		{"en", "calendar remove home", "RemoveCalendar{ID:bbbb}", ""},
		{"en", "calendar remove", "", "Which one?"},
		{"en", "calendar remove 3", "", "Which one?"},
		{"en", "calendar remove 99999999999999999999", "", "Which one?"},
		{"en", "calendar off", "SetSiteCalendars{On:false}", "The calendar of your organisation is not used.\nThose you added yourself still count; \"calendar remove\" with the number takes one away:\n1. Work"},
		{"en", "calendar on", "SetSiteCalendars{On:true}", "The calendar of your organisation is used from its next reading on."},
		{"en", "calendar please", "", "calendar lists your calendars;"},
		{"de", "kalender", "", "Kalender: 3.\n1. Work (CalDAV), zuletzt gelesen 22. November"},
		{"de", "kalender neu https://cal.example.net/Me.ics Arbeit", added("https://cal.example.net/Me.ics", "Arbeit"), "Der Kalender „Arbeit“ ist hinzugefügt. Er ist lesbar. Besprechungen in den nächsten zwei Tagen: 1,"},
		{"de", "kalender entfernen work", "RemoveCalendar{ID:aaaa}", "Entfernte Kalender: 1."},
		{"de", "kalender aus", "SetSiteCalendars{On:false}", "Der Kalender Ihrer Organisation wird nicht verwendet.\nDie selbst hinzugefügten zählen weiter;"},
		{"de", "kalender bitte", "", "kalender zeigt Ihre Kalender; kalender neu https://"},
	} {
		d, s := has(hers), &shelf{keeps: true}
		s.trial.Meetings = []presence.Event{{Start: time.Now().Add(time.Hour), End: time.Now().Add(2 * time.Hour)}}
		answer := chatWith(t, shelved(d, s), c.lang, c.words)
		if got := describe(d.applied); got != c.changes || !strings.HasPrefix(answer, c.answer) {
			t.Errorf("%q applied %s\nwant %s\nand is answered %s\nwant %s", c.words, got, c.changes, answer, c.answer)
		}
	}
}

func TestChat_CalendarOfNone(t *testing.T) {
	none := func(s *shelf, words string) string {
		return chatWith(t, shelved(has(engine.Inspection{}), s), "en", words)
	}
	for _, words := range []string{"calendar", "calendar remove 1", "calendar test"} {
		if got := none(&shelf{keeps: true}, words); got != `You have added no calendar. Write "calendar add" and its address to add one.` {
			t.Errorf("%s: %q", words, got)
		}
		if got := none(&shelf{}, words); got != "You have added no calendar." {
			t.Errorf("%s, where none can be added: %q", words, got)
		}
	}
	if got := none(&shelf{}, "calendar add https://cal.example.net/"); !strings.Contains(got, "ask your operator to set calendar.key_file") {
		t.Errorf("without a key: %q", got)
	}
	if got := none(&shelf{keeps: true}, "calendar off"); strings.Contains(got, "\n") {
		t.Errorf("off, with none of her own: %q", got)
	}
}

// TestChat_CalendarWithAPassword: a chat never asks for one.
func TestChat_CalendarWithAPassword(t *testing.T) {
	for lang, want := range map[string]string{"en": "Please do not write them here", "de": "Bitte nicht hier schreiben"} {
		d := has(engine.Inspection{})
		got := chatWith(t, shelved(d, &shelf{keeps: true, trial: Trial{Fault: "error.calendar.unauthorized"}}), lang, "calendar add https://cal.example.net/")
		if !strings.Contains(got, want) || len(d.applied) != 0 {
			t.Errorf("%s: %q, applied %s", lang, got, describe(d.applied))
		}
	}
}

// TestChat_ManyCalendarsAreCut: an answer stays an answer.
func TestChat_ManyCalendarsAreCut(t *testing.T) {
	var in engine.Inspection
	for i := range 200 {
		in.Calendars = append(in.Calendars, engine.CalendarSummary{ID: fmt.Sprint("id", i), Name: strings.Repeat("ü", 64), Kind: engine.CalendarICS})
	}
	if got := chatWith(t, shelved(has(in), &shelf{keeps: true}), "en", "calendar remove x"); len(got) > maxAnswer+3 {
		t.Errorf("%d bytes", len(got))
	}
}
