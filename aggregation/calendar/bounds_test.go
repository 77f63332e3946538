package calendar

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// warned reports whether one of the warnings has the text in it.
func warned(s Schedule, text string) bool {
	return strings.Contains(strings.Join(s.Warnings, "\n"), text)
}

// many makes a text of n parts.
func many(n int, part func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(part(i))
	}
	return b.String()
}

// TestRead_MadeToBeSlow: what costs more than its length is bounded by more than that.
// Each of these took seconds, and a file ten times as long minutes.
func TestRead_MadeToBeSlow(t *testing.T) {
	at := func(i int) string {
		return time.Date(2026, 6, 10, 0, 0, i, 0, time.UTC).Format("20060102T150405Z")
	}
	one := func(i int, more string) string {
		return "BEGIN:VEVENT\nUID:u\n" + more + "DTSTART:" + at(i) + "\nDURATION:PT1S\nEND:VEVENT\n"
	}
	positions := many(366, func(i int) string { return fmt.Sprintf("%d,%d,", i+1, -i-1) })
	for name, tt := range map[string]struct {
		text []byte
		warn string
	}{
		"many events of one UID, and many overrides": {
			wrap(many(3000, func(i int) string { return one(i, "") }) + many(3000, func(i int) string { return one(i, "RECURRENCE-ID:"+at(i)+"\n") })),
			"too much work",
		},
		"every position of a year that has none": {
			event("UID:x\nDTSTART:20200610T100000\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYSETPOS=" + strings.TrimSuffix(positions, ",")),
			"it names too many positions",
		},
		"every second of every hour of a day that never comes": {
			event("UID:x\nDTSTART:20200610T100000\nDURATION:PT1H\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;BYSECOND=0,1,2,3,4;BYMINUTE=" +
				strings.TrimSuffix(many(60, func(i int) string { return fmt.Sprintf("%d,", i) }), ",")),
			"it names too many times of day",
		},
		"hours upon hours": {
			wrap(many(2*maxAvailability, func(i int) string {
				return "BEGIN:VAVAILABILITY\nDTSTART:" + at(2*i) + "\nDTEND:" + at(2*i+1) + "\nEND:VAVAILABILITY\n"
			})),
			"availabilities that are read",
		},
	} {
		s, err := Read(tt.text, june(t))
		if err != nil || !warned(s, tt.warn) {
			t.Errorf("%s: %v, warnings %.300q; want one with %q", name, err, s.Warnings, tt.warn)
		}
	}
}

// TestRead_PositionsCost: what a rule with positions is tested against is counted, so
// that a calendar full of them ends as others do.
func TestRead_PositionsCost(t *testing.T) {
	some := strings.TrimSuffix(many(maxPositions, func(i int) string { return fmt.Sprintf("%d,", i+1) }), ",")
	s, err := Read(wrap(many(20, func(i int) string {
		return fmt.Sprintf("BEGIN:VEVENT\nUID:%d\nDTSTART:20200610T100000\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYSETPOS=%s\nEND:VEVENT\n", i, some)
	})), june(t))
	if err != nil || !warned(s, "too much work") {
		t.Errorf("%v, %q", err, s.Warnings)
	}
}

// TestRead_Messages: invitations come as files too, and what is called off there, or
// only answered, is no meeting.
func TestRead_Messages(t *testing.T) {
	in := func(method, lines string) string {
		return "BEGIN:VCALENDAR\nMETHOD:" + method + "\nBEGIN:VEVENT\nUID:u\n" + strings.TrimSpace(lines) + "\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	text := func(all ...string) []byte { return []byte(strings.ReplaceAll(strings.Join(all, ""), "\n", "\r\n")) }
	const meeting, wednesday = "DTSTAMP:20260601T000000Z\nDTSTART:20260610T100000\nDURATION:PT1H", "Wed 10:00-11:00 busy"
	const daily = meeting + "\nRRULE:FREQ=DAILY;COUNT=2"
	const moved = "RECURRENCE-ID:20260611T100000\nDTSTART:20260611T150000\nDURATION:PT1H"
	const later = "DTSTAMP:20260602T000000Z\n"
	run(t, june(t), []trap{
		{"published", text(in("PUBLISH", meeting)), wednesday, ""},
		{"asked for", text(in("REQUEST", meeting)), wednesday, ""},
		{"called off", text(in("CANCEL", meeting)), "", ""},
		{"called off later", text(in("REQUEST", meeting), in("cancel", "SEQUENCE:1\n"+later+"DTSTART:20260610T100000\nDURATION:PT1H")), "", ""},
		{"called off without a time", text(in("REQUEST", meeting), in("CANCEL", "SEQUENCE:1\n"+later)), "", ""},
		{"one called off", text(in("REQUEST", daily), in("CANCEL", "SEQUENCE:1\n"+later+"RECURRENCE-ID:20260611T100000")), wednesday, ""},
		{"all called off, with one that was moved before", text(in("REQUEST", daily), in("REQUEST", moved), in("CANCEL", "SEQUENCE:1\n"+later)), "", ""},
		{"the next calendar is another", text(in("CANCEL", "DTSTART:20260611T100000\nDURATION:PT1H"), strings.ReplaceAll(in("PUBLISH", meeting), "UID:u", "UID:v")), wednesday, ""},
		{"an answer", text(in("REQUEST", meeting), in("REPLY", "DTSTART:20260611T100000\nDURATION:PT1H")), wednesday, "a REPLY"},
		{"another time proposed", text(in("REQUEST", meeting), in("COUNTER", "SEQUENCE:1\nDTSTART:20260611T100000\nDURATION:PT1H")), wednesday, "a COUNTER"},
		{"free/busy times answered", text("BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VFREEBUSY\nFREEBUSY:20260610T080000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR\n"), wednesday, ""},
		{"an older name of an offset", event("DTSTART;TZID=\"(GMT+03.00) Kuwait\":20260610T100000\nDURATION:PT1H"), "Wed 09:00-10:00 busy", ""},
	})
}

// TestRead_PrivateStaysPrivate, where a text says both, and in the series: what is not
// said of one instance is as it is of all.
func TestRead_PrivateStaysPrivate(t *testing.T) {
	const series = "BEGIN:VEVENT\nUID:u\nCLASS:PRIVATE\nDTSTART:20260610T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\n"
	moved := func(more string) string {
		return series + "BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20260611T100000\nDTSTART:20260611T150000\nDURATION:PT1H\n" + more + "END:VEVENT"
	}
	for name, tt := range map[string]struct {
		lines string
		last  bool
	}{
		"said twice":       {"BEGIN:VEVENT\nCLASS:PRIVATE\nCLASS:PUBLIC\nDTSTART:20260610T100000\nDURATION:PT1H\nEND:VEVENT", true},
		"of all":           {moved(""), true},
		"of all but one":   {moved("CLASS:PUBLIC\n"), false},
		"of the following": {strings.Replace(moved(""), "RECURRENCE-ID:", "RECURRENCE-ID;RANGE=THISANDFUTURE:", 1), true},
	} {
		s, err := Read(wrap(tt.lines), june(t))
		if err != nil || len(s.Events) == 0 {
			t.Fatal(err, s)
		}
		if got := s.Events[len(s.Events)-1].Private; got != tt.last {
			t.Errorf("%s: the last one is private: %v", name, got)
		}
	}
}
