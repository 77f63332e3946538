package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/presence"
)

// june is where most traps are set: Wednesday 10 June 2026 and the days around.
func june(t testing.TB) Options {
	return Options{
		From: time.Date(2026, 6, 7, 22, 0, 0, 0, time.UTC), To: time.Date(2026, 6, 14, 22, 0, 0, 0, time.UTC),
		Zone: location(t, "Europe/Berlin"), Locate: time.LoadLocation, Attendee: "alice@example.com",
	}
}

// wrap makes a calendar of the lines between BEGIN and END.
func wrap(lines string) []byte {
	return []byte("BEGIN:VCALENDAR\r\n" + strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\r\n") + "\r\nEND:VCALENDAR\r\n")
}

// event makes a calendar of one event.
func event(lines string) []byte {
	return wrap("BEGIN:VEVENT\n" + strings.TrimSpace(lines) + "\nEND:VEVENT")
}

// trap is a text and what Berlin's clocks show of it, as "Mon 10:00-11:00 busy".
type trap struct {
	name string
	text []byte
	want string
	warn string // a part of the only warning; empty: none
}

func run(t *testing.T, o Options, traps []trap) {
	t.Helper()
	for _, tt := range traps {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Read(tt.text, o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, told(s.Intervals(o.From, o.To), o.Zone)); diff != "" {
				t.Errorf("(-want +got)\n%s\n%s", diff, tt.text)
			}
			if (len(s.Warnings) > 0) != (tt.warn != "") || (tt.warn != "" && (len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], tt.warn))) {
				t.Errorf("warnings %q, want one with %q", s.Warnings, tt.warn)
			}
		})
	}
}

func told(intervals []Interval, zone *time.Location) string {
	var all []string
	for _, i := range intervals {
		from, to := i.Start.In(zone), i.End.In(zone)
		end := "15:04"
		if from.Day() != to.Day() {
			end = "Mon 15:04"
		}
		all = append(all, from.Format("Mon 15:04")+"-"+to.Format(end)+" "+i.Kind.String())
	}
	return strings.Join(all, ", ")
}

func TestRead_Lines(t *testing.T) {
	const at = "DTSTART:20260610T100000\nDURATION:PT1H\n"
	const busy = "Wed 10:00-11:00 busy"
	run(t, june(t), []trap{
		{"a line without a colon costs that line", event(at + "ORGANIZER;CN=Sixt SE"), busy, "line 5: cannot be read"},
		{"a quote never closed", event(at + "ORGANIZER;CN=\"Sixt:mailto:x@example.com"), busy, ""},
		{"a colon and a semicolon in quotes", event("DTSTART;X-P=\"a:b;TZID=UTC\":20260610T100000\nDURATION:PT1H"), busy, ""},
		{"carriage returns alone", []byte(strings.ReplaceAll(string(event(at)), "\r\n", "\r")), busy, ""},
		{"no end of line at the end", []byte(strings.TrimSpace(string(event(at)))), busy, ""},
		{"folded everywhere", event("DTST\n ART:2026\n\t0610T100\n  000\nDURATION:PT\n \n 1H"), "", "left out: its DTSTART"},
		{"folded within a name", event("DTST\n ART:2026\n\t0610T100\n 000\nDURATION:PT\n \n 1H"), busy, ""},
		{"bytes that are no text", event(at + "SUMMARY:\xff\xfe\x00"), busy, ""},
		{"an alarm that is never ended", event(at + "BEGIN:VALARM\nDURATION:PT5M"), busy, ""},
		{"an END too many", event(at + "END:VALARM"), busy, "which has not begun"},
		{"an event that is never ended", wrap("BEGIN:VEVENT\nUID:a\n" + at + "BEGIN:VEVENT\nUID:b\nDTSTART:20260611T100000\nDURATION:PT1H\nEND:VEVENT"),
			"Thu 10:00-11:00 busy", "VEVENT is never ended"},
		{"an event without a start", event("UID:x"), "", "it has no DTSTART"},
		{"a start that is none", event("UID:x\nDTSTART:today\nDURATION:PT1H"), "", `DTSTART "today" is no date`},
		{"a day that does not exist", event("UID:x\nDTSTART:20260631T100000\nDURATION:PT1H"), "", "is no date"},
		{"a duration that is none", event("UID:x\nDTSTART:20260610T100000\nDURATION:1H"), "", "DURATION cannot be read"},
		{"dashes and colons", event("DTSTART:2026-06-10T10:00:00\nDTEND:2026-06-10T11:00"), busy, ""},
		{"midnight at the end of the day", event("DTSTART:20260610T230000\nDTEND:20260610T240000"), "Wed 23:00-Thu 00:00 busy", ""},
		{"text after the calendar", append(event(at), "<!-- cached -->"...), busy, "outside of the calendar"},
		{"components nobody knows", wrap("BEGIN:X-NOTE\nBEGIN:VEVENT\n" + at + "END:VEVENT\nEND:X-NOTE"), "", ""},
	})
}

func TestRead_WhatCannotBeTrusted(t *testing.T) {
	tests := []struct {
		name, text string
		want       error
	}{
		{"nothing", "", ErrNotCalendar},
		{"blanks", " \r\n\r\n", ErrNotCalendar},
		{"a page", "<html>\n<body>BEGIN:VEVENT</body>", ErrNotCalendar},
		{"an event alone", "BEGIN:VEVENT\nDTSTART:20260610\nEND:VEVENT\n", ErrNotCalendar},
		{"cut in a calendar", "BEGIN:VCALENDAR\nVERSION:2.0\n", ErrTruncated},
		{"cut in the last line", "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALEND", ErrTruncated},
		{"cut in the second calendar", "BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\n", ErrTruncated},
		{"cut and followed by another", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nBEGIN:VCALENDAR\nEND:VCALENDAR\n", ErrTruncated},
		{"nested without end", "BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:X\n", 1000), ErrTooLarge},
		{"larger than may be", strings.Repeat("x", MaxSize+1), ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if s, err := Read([]byte(tt.text), june(t)); !errors.Is(err, tt.want) || len(s.Events) > 0 {
				t.Errorf("got %v and %d events, want %v", err, len(s.Events), tt.want)
			}
		})
	}
	o := june(t)
	o.To = o.From
	if _, err := Read(event("DTSTART:20260610"), o); err == nil {
		t.Error("an empty window was taken")
	}
}

func TestRead_Zones(t *testing.T) {
	at := func(tzid string) []byte {
		return event("DTSTART;TZID=" + tzid + ":20260610T100000\nDURATION:PT1H")
	}
	const own = `
BEGIN:VTIMEZONE
TZID:%
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+0500
TZOFFSETTO:+0400
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T000000
TZOFFSETFROM:+0400
TZOFFSETTO:+0500
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=%:20260610T100000
DURATION:PT1H
END:VEVENT`
	define := func(tzid string) []byte { return wrap(strings.ReplaceAll(own, "%", tzid)) }
	run(t, june(t), []trap{
		{"IANA", at("America/New_York"), "Wed 16:00-17:00 busy", ""},
		{"an old name", at("Asia/Calcutta"), "Wed 06:30-07:30 busy", ""},
		{"UTC by name", at("UTC"), "Wed 12:00-13:00 busy", ""},
		{"Windows", at("Eastern Standard Time"), "Wed 16:00-17:00 busy", ""},
		{"Windows in another case", at("EASTERN standard TIME"), "Wed 16:00-17:00 busy", ""},
		{"a path", at("/freeassociation.sourceforge.net/Tzfile/America/New_York"), "Wed 16:00-17:00 busy", ""},
		{"a longer path", at("/mozilla.org/20050126_1/America/Argentina/Buenos_Aires"), "Wed 15:00-16:00 busy", ""},
		{"an offset", at("GMT+0100"), "Wed 11:00-12:00 busy", ""},
		{"an offset with a colon", at("\"UTC-05:30\""), "Wed 17:30-18:30 busy", ""},
		{"an offset with a city", at("\"(UTC+03:00) Kuwait, Riyadh\""), "Wed 09:00-10:00 busy", ""},
		{"Exchange's UTC, with a colon and no quotes", at("tzone://Microsoft/Utc"), "Wed 12:00-13:00 busy", ""},
		{"Exchange's own, defined", define("tzone://Microsoft/Custom"), "Wed 07:00-08:00 busy", ""},
		{"Exchange's own, not defined", at("tzone://Microsoft/Custom"), "Wed 10:00-11:00 busy", "is unknown"},
		{"an offset with a city, a colon and no quotes", at("(UTC+03:00) Kuwait, Riyadh"), "Wed 09:00-10:00 busy", ""},
		{"a clock with colons", event("DTSTART;TZID=America/New_York:2026-06-10T10:00:00\nDURATION:PT1H"), "Wed 16:00-17:00 busy", ""},
		{"defined", define("Customized Time Zone"), "Wed 07:00-08:00 busy", ""},
		{"defined, but known", define("Europe/Berlin"), "Wed 10:00-11:00 busy", ""},
		{"defined, with an escape", define(`Away\, far`), "Wed 07:00-08:00 busy", ""},
		{"the machine's", at("Local"), "Wed 10:00-11:00 busy", `time zone "Local" is unknown`},
		{"unknown", at("Middle/Earth"), "Wed 10:00-11:00 busy", `time zone "Middle/Earth" is unknown`},
		{"a way out", at("../../etc/passwd"), "Wed 10:00-11:00 busy", "is unknown"},
		{"Z goes before TZID", event("DTSTART;TZID=America/New_York:20260610T100000Z\nDURATION:PT1H"), "Wed 12:00-13:00 busy", ""},
		{"ends in another zone", event("DTSTART;TZID=America/New_York:20260610T100000\nDTEND;TZID=Europe/London:20260610T160000"), "Wed 16:00-17:00 busy", ""},
	})
	o := june(t)
	o.Locate = nil
	run(t, o, []trap{
		{"only what the text defines", define("Europe/Paris"), "Wed 07:00-08:00 busy", ""},
		{"and the user's", at("Europe/Paris"), "Wed 10:00-11:00 busy", "is unknown"},
	})
}

func TestRead_ClocksChange(t *testing.T) {
	o := june(t)
	week := func(month time.Month, d int) Options {
		o.From = time.Date(2026, month, d, 0, 0, 0, 0, o.Zone)
		o.To = o.From.AddDate(0, 0, 7)
		return o
	}
	run(t, week(time.March, 23), []trap{
		{"in the gap: the offset before it", event("DTSTART:20260329T023000\nDURATION:PT30M"), "Sun 03:30-04:00 busy", ""},
		{"over the gap, exactly", event("DTSTART:20260328T230000\nDTEND:20260329T060000"), "Sat 23:00-Sun 06:00 busy", ""},
		{"over the gap, as long as always", event("DTSTART:20260321T220000\nDTEND:20260322T060000\nRRULE:FREQ=WEEKLY"), "Sat 22:00-Sun 07:00 busy", ""},
		{"a day is from midnight to midnight", event("DTSTART;VALUE=DATE:20260329\nDURATION:P1D"), "Sun 00:00-Mon 00:00 busy", ""},
		{"24 hours are not", event("DTSTART;VALUE=DATE:20260329\nDURATION:PT23H"), "Sun 00:00-Mon 00:00 busy", ""},
		{"weeks are days", event("DTSTART:20260323T100000\nDURATION:P1W"), "Mon 10:00-Mon 00:00 busy", ""},
		{"until an instant in summer time", event("DTSTART;TZID=Europe/Berlin:20260327T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260329T070000Z"),
			"Fri 09:00-10:00 busy, Sat 09:00-10:00 busy, Sun 09:00-10:00 busy", ""},
	})
	run(t, week(time.October, 19), []trap{
		{"twice: the first", event("DTSTART:20261025T023000\nDURATION:PT1H"), "Sun 02:30-02:30 busy", ""},
		{"the later one can be told in UTC", event("DTSTART:20261025T013000Z\nDURATION:PT1H"), "Sun 02:30-03:30 busy", ""},
	})
}

func TestRead_Kinds(t *testing.T) {
	at := func(lines string) []byte { return event("DTSTART:20260610T100000\nDURATION:PT1H\n" + lines) }
	const busy, tentative = "Wed 10:00-11:00 busy", "Wed 10:00-11:00 tentative"
	run(t, june(t), []trap{
		{"working elsewhere is exported as transparent", at("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"), "Wed 10:00-11:00 working_elsewhere", ""},
		{"a status nobody knows", at("TRANSP:TRANSPARENT\nX-MICROSOFT-CDO-BUSYSTATUS:HOLIDAY"), "", ""},
		{"cancelled and busy", at("STATUS:CANCELLED\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY"), "", ""},
		{"declined and busy", at("ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.com\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY"), "", ""},
		{"delegated", at("ATTENDEE;PARTSTAT=DELEGATED:mailto:alice@example.com"), "", ""},
		{"the address in EMAIL", at("ATTENDEE;PARTSTAT=DECLINED;EMAIL=alice@example.com:/principals/7/"), "", ""},
		{"somebody else declined", at("ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com"), busy, ""},
		{"not answered", at("ORGANIZER:mailto:bob@example.com\nATTENDEE;PARTSTAT=needs-action:mailto:alice@example.com"), tentative, ""},
		{"not answered by who invited", at("ORGANIZER:mailto:alice@example.com\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.com"), busy, ""},
		{"tentative, and accepted", at("STATUS:TENTATIVE\nATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.com"), tentative, ""},
		{"a day that ends when it begins", event("DTSTART;VALUE=DATE:20260610\nDTEND;VALUE=DATE:20260610"), "Wed 00:00-Thu 00:00 busy", ""},
		{"a day that ends before", event("DTSTART;VALUE=DATE:20260610\nDTEND;VALUE=DATE:20260609"), "", ""},
		{"a negative duration", event("DTSTART:20260610T100000\nDURATION:-PT1H"), "", ""},
	})
}

func TestRead_EventCarriesWhatAggregationAsks(t *testing.T) {
	o := june(t)
	text := event(`UID:x
DTSTART:20260610T100000
DTEND:20260610T110000
SUMMARY:Plans\, old\nand \\ new\x
LOCATION:Room 4
CATEGORIES:Blue\, dark,Focus
CATEGORIES:Third
CLASS:CONFIDENTIAL
TRANSP:TRANSPARENT
STATUS:CANCELLED
X-MICROSOFT-CDO-ALLDAYEVENT:TRUE
ORGANIZER:mailto:bob@example.com
ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.com
ATTENDEE;CUTYPE=ROOM:mailto:room@example.com`)
	s, err := Read(text, o)
	if err != nil {
		t.Fatal(err)
	}
	want := []presence.Event{{
		Start: time.Date(2026, 6, 10, 8, 0, 0, 0, time.UTC), End: time.Date(2026, 6, 10, 9, 0, 0, 0, time.UTC),
		Kind:    presence.EventTentative, // declined: nobody asks
		Subject: `Plans, old and \ newx`, Location: "Room 4",
		Categories: []string{"Blue, dark", "Focus", "Third"},
		Private:    true, AllDay: true, Cancelled: true, Declined: true, Transparent: true, Attendees: true,
	}}
	if diff := cmp.Diff(want, s.Events); diff != "" {
		t.Error(diff)
	}
}

func TestRead_WhoIsThere(t *testing.T) {
	tests := []struct {
		name, lines string
		want        bool
	}{
		{"nobody", "SUMMARY:Focus", false},
		{"herself", "ORGANIZER:mailto:alice@example.com\nATTENDEE:mailto:alice@example.com", false},
		{"herself and a room", "ATTENDEE:mailto:alice@example.com\nATTENDEE;CUTYPE=ROOM:mailto:r@example.com", false},
		{"another", "ATTENDEE:mailto:bob@example.com", true},
		{"invited by another", "ORGANIZER:mailto:bob@example.com\nATTENDEE:mailto:alice@example.com", true},
		{"in a calendar of another", "ORGANIZER:mailto:bob@example.com", false},
	}
	for _, tt := range tests {
		s, err := Read(event("DTSTART:20260610T100000\nDURATION:PT1H\n"+tt.lines), june(t))
		if err != nil || len(s.Events) != 1 || s.Events[0].Attendees != tt.want {
			t.Errorf("%s: got %+v, %v; want attendees %v", tt.name, s.Events, err, tt.want)
		}
	}
}

func TestRead_WarningsKeepSubjectsSecret(t *testing.T) {
	s, err := Read(event("UID:x\nSUMMARY:Merger\nDTSTART:soon\nwith Merger and Co\nDESCRIPTION;Merger\nRRULE:FREQ=SECONDLY"), june(t))
	if err != nil || len(s.Warnings) < 3 {
		t.Fatalf("%q, %v; want three warnings at least", s.Warnings, err)
	}
	for _, w := range s.Warnings {
		if strings.Contains(w, "Merger") {
			t.Errorf("%q tells what the event is about", w)
		}
	}
}
