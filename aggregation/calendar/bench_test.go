package calendar

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// twoDays is the window the daemon asks for.
func twoDays(t testing.TB) Options {
	from := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	return Options{From: from, To: from.Add(48 * time.Hour), Zone: location(t, "Europe/Berlin"),
		Locate: time.LoadLocation, Attendee: "person1@example.com"}
}

// BenchmarkRead_Office is 2.5 MB and 3060 events: 100 ms and 64 MiB are the
// limits.
func BenchmarkRead_Office(b *testing.B) {
	text, o := testbed.OfficeCalendar(3060), twoDays(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Read(text, o)
		if err != nil || len(s.Events) == 0 || len(s.Warnings) > 0 {
			b.Fatal(len(s.Events), s.Warnings, err)
		}
	}
}

// TestRead_OfficeStaysSmall holds the memory of the benchmark's calendar: what
// is allocated bounds what is live.
func TestRead_OfficeStaysSmall(t *testing.T) {
	text, o := testbed.OfficeCalendar(3060), twoDays(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := Read(text, o)
	runtime.ReadMemStats(&after)
	if err != nil || len(s.Events) == 0 {
		t.Fatalf("%d events, %v", len(s.Events), err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 64<<20 {
		t.Errorf("reading %d bytes allocated %d, more than 64 MiB", len(text), got)
	}
}

// hostile are texts that ask for more than they may have.
func hostile() map[string][]byte {
	calendar := func(events ...string) []byte {
		return []byte("BEGIN:VCALENDAR\n" + strings.Join(events, "") + "END:VCALENDAR\n")
	}
	event := func(lines string) string {
		return "BEGIN:VEVENT\nUID:x\nDTSTART:19000101T100000Z\nDURATION:PT1H\n" + lines + "\nEND:VEVENT\n"
	}
	many := func(n int, lines string) []byte {
		return calendar(strings.Repeat(strings.Replace(event(lines), "UID:x\n", "", 1), n))
	}
	every := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprint(i)
		}
		return strings.Join(all, ",")
	}
	dates := strings.Repeat("20260610T100000Z,", 100_000)
	return map[string][]byte{
		"daily, never":           many(5000, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
		"weekly, never":          many(5000, "RRULE:FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30"),
		"monthly, never":         many(5000, "RRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"),
		"yearly, never":          many(5000, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
		"hourly, never":          many(5000, "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"),
		"minutely, never":        many(5000, "RRULE:FREQ=MINUTELY;COUNT=3;BYMONTH=2;BYMONTHDAY=30"),
		"never, counted":         many(5000, "RRULE:FREQ=DAILY;COUNT=9;BYMONTH=2;BYMONTHDAY=30"),
		"hours stepped over":     many(500, "RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=3"),
		"minutes stepped over":   many(500, "RRULE:FREQ=MINUTELY;INTERVAL=60;COUNT=9;BYMINUTE=3"),
		"every minute":           many(500, "RRULE:FREQ=MINUTELY;COUNT=100000000"),
		"every minute by parts":  many(500, "RRULE:FREQ=DAILY;BYHOUR="+every(24)+";BYMINUTE="+every(60)),
		"every second":           many(500, "RRULE:FREQ=SECONDLY"),
		"every second by parts":  many(500, "RRULE:FREQ=DAILY;BYHOUR="+every(24)+";BYMINUTE="+every(60)+";BYSECOND="+every(60)),
		"counted from long ago":  many(500, "RRULE:FREQ=DAILY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;COUNT=1000000"),
		"yearly, all parts":      many(500, "RRULE:FREQ=YEARLY;BYMONTHDAY=31;BYYEARDAY="+every(367)[2:]+";BYWEEKNO="+every(54)[2:]),
		"exceptions":             calendar(event("RRULE:FREQ=DAILY\n" + strings.Repeat("EXDATE:"+dates+"\n", 10))),
		"extra dates":            calendar(event("RDATE:" + dates)),
		"rules":                  calendar(event(strings.Repeat("RRULE:FREQ=DAILY;COUNT=99999\n", 10_000))),
		"folds":                  calendar(event("SUMMARY:" + strings.Repeat("\n x", 1_000_000))),
		"one line":               calendar(event("SUMMARY:" + strings.Repeat("x", 8<<20))),
		"overrides":              calendar(event("RRULE:FREQ=DAILY"), strings.Repeat(event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260610T100000Z"), 5000)),
		"long events":            calendar(strings.Repeat(strings.Replace(event("RRULE:FREQ=HOURLY\nDURATION:P99999D"), "DURATION:PT1H\n", "", 1), 50)),
		"zones":                  calendar(zonesOf(5000)),
		"attendees":              calendar(event(strings.Repeat("ATTENDEE;CN=x:mailto:x@example.com\n", 200_000))),
		"empty events":           calendar(strings.Repeat("BEGIN:VEVENT\nEND:VEVENT\n", 300_000)),
		"small events":           calendar(strings.Repeat("BEGIN:VEVENT\nDTSTART:20261124\nEND:VEVENT\n", 200_000)),
		"availability":           calendar("BEGIN:VAVAILABILITY\n" + strings.Repeat("BEGIN:AVAILABLE\nUID:y\nDTSTART:20261124T100000\nDURATION:PT1M\nRRULE:FREQ=HOURLY\nEND:AVAILABLE\n", 5000) + "END:VAVAILABILITY\n"),
		"availabilities":         calendar(strings.Repeat("BEGIN:VAVAILABILITY\nDTSTART:20261124T000000Z\nDURATION:PT1M\nEND:VAVAILABILITY\n", 40_000)),
		"carriage returns alone": bytes.ReplaceAll(many(20_000, "SUMMARY:x"), []byte("\n"), []byte("\r")),
	}
}

func zonesOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "BEGIN:VTIMEZONE\nTZID:z%d\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"+
			"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=z%d:20261124T100000\nDURATION:PT1H\nEND:VEVENT\n", i, i)
	}
	return b.String()
}

// TestRead_BoundsWhatATextMayCost: the limits are far above the times seen, so
// that a busy machine does not fail it, and far below what no bound would cost.
func TestRead_BoundsWhatATextMayCost(t *testing.T) {
	o := twoDays(t)
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			s, err := Read(text, o)
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			got := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes: %v, %d MiB, %d events, %d warnings", len(text), took, got>>20, len(s.Events), len(s.Warnings))
			if took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if got > 256<<20 {
				t.Errorf("allocated %d MiB", got>>20)
			}
		})
	}
}
