package calendar

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// FuzzRead holds what must be true of any text: no panic, the same answer twice,
// bounded and ordered output, and a text that is cut off is not trusted.
func FuzzRead(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(ics(f, v.File), v.From.Unix(), uint16(v.To.Sub(v.From).Hours()))
	}
	for _, rule := range []string{
		"FREQ=YEARLY;BYWEEKNO=-1,53,1;BYDAY=SU;WKST=WE", "FREQ=MONTHLY;BYDAY=-5MO,5SU;BYSETPOS=-1",
		"FREQ=HOURLY;INTERVAL=5;BYMINUTE=1,2;BYHOUR=3", "FREQ=YEARLY;BYYEARDAY=-366,366;COUNT=4", "FREQ=MINUTELY;UNTIL=20260611T000000Z",
	} {
		f.Add(event("DTSTART;TZID=W. Europe Standard Time:20250610T100000\nDURATION:PT1H\nRRULE:"+rule+"\nEXDATE;VALUE=DATE:20260610"), int64(1781042400), uint16(48))
	}
	berlin := location(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text []byte, from int64, hours uint16) {
		start := time.Unix(min(max(from, -1<<35), 1<<36), 0).UTC()
		o := Options{From: start, To: start.Add(time.Duration(hours%9000+1) * time.Hour), Zone: berlin, Locate: time.LoadLocation, Attendee: "alice@example.com"}
		s, err := Read(text, o)
		if again, err2 := Read(text, o); !reflect.DeepEqual(s, again) || (err == nil) != (err2 == nil) {
			t.Fatal("two answers to one text")
		}
		if err != nil {
			return
		}
		if len(s.Events) > maxOccurrences || len(s.OffHours) > maxOccurrences || len(s.Warnings) > maxWarnings+1 {
			t.Fatalf("%d events, %d off hours, %d warnings", len(s.Events), len(s.OffHours), len(s.Warnings))
		}
		for i, e := range s.Events {
			if !e.Start.Before(e.End) || !e.Start.Before(o.To.Add(time.Second)) || !e.End.After(o.From) {
				t.Fatalf("%v to %v does not touch the window", e.Start, e.End)
			}
			if i > 0 && e.Start.Before(s.Events[i-1].Start) {
				t.Fatal("not in order")
			}
			if len(e.Subject) > maxText || strings.ContainsAny(e.Subject, "\r\n\x00") {
				t.Fatalf("subject %q", e.Subject)
			}
		}
		if slices.ContainsFunc(s.Intervals(o.From, o.To), func(i Interval) bool { return i.Start.Before(o.From) || i.End.After(o.To) }) {
			t.Fatal("not clipped")
		}
		cut := strings.TrimRight(string(text), "\r\n\t ")
		if end := "end:vcalendar"; strings.HasSuffix(strings.ToLower(cut), end) && strings.Count(strings.ToLower(cut), "vcalendar") == 2 {
			if _, err := Read([]byte(cut[:len(cut)-4]), o); err == nil {
				t.Fatal("a text that is cut off was trusted")
			}
		}
	})
}

// FuzzRule tries rules alone, where most of the risk is: rrule-go is not ours.
func FuzzRule(f *testing.F) {
	f.Add("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", uint32(800_000_000), uint16(400))
	f.Add("FREQ=MONTHLY;BYDAY=5MO,-5TU,WE;BYMONTHDAY=-31;BYSETPOS=366", uint32(0), uint16(4000))
	f.Add("FREQ=WEEKLY;BYDAY=1SU;WKST=SU;INTERVAL=53;COUNT=2", uint32(1_700_000_000), uint16(9))
	f.Fuzz(func(t *testing.T, text string, start uint32, days uint16) {
		r, wrong := parseRule([]byte(text))
		if wrong != "" {
			return
		}
		begin := int64(start)
		w := &work{left: maxWork / 10}
		lo, hi := begin+int64(days)*day/2, begin+int64(days)*day
		last, n := begin-1, 0
		w.expand(r, begin, never, lo, hi, func(sec int64) {
			if sec <= last || sec < lo || sec >= hi {
				t.Fatalf("%q: %d after %d, in [%d, %d)", text, sec, last, lo, hi)
			}
			last = sec
			n++
		})
		if n > maxSteps+1 {
			t.Fatalf("%q: %d instances", text, n)
		}
	})
}

// anyRule draws rules with every part that RFC 5545 has, most of them nonsense.
func anyRule(t *rapid.T) string {
	parts := []string{"FREQ=" + rapid.SampledFrom([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"}).Draw(t, "freq")}
	list := func(key string, lo, hi int, signed bool) {
		if rapid.IntRange(0, 3).Draw(t, key) > 0 {
			return
		}
		if signed {
			lo = -hi
		}
		numbers := rapid.SliceOfN(rapid.IntRange(lo, hi).Filter(func(n int) bool { return n != 0 || !signed }), 1, 5).Draw(t, key)
		parts = append(parts, key+"="+strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ","), "[]"))
	}
	list("BYMONTH", 1, 12, false)
	list("BYMONTHDAY", 1, 31, true)
	list("BYYEARDAY", 1, 366, true)
	list("BYWEEKNO", 1, 53, true)
	list("BYHOUR", 0, 23, false)
	list("BYMINUTE", 0, 59, false)
	list("BYSECOND", 0, 59, false)
	list("BYSETPOS", 1, 20, true)
	if rapid.Bool().Draw(t, "byday") {
		days := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			day := rapid.SampledFrom(weekdays[:]).Draw(t, "day")
			if n := rapid.IntRange(-53, 53).Draw(t, "nth"); rapid.Bool().Draw(t, "numbered") && n != 0 {
				return fmt.Sprint(n) + day
			}
			return day
		}), 1, 4).Draw(t, "days")
		parts = append(parts, "BYDAY="+strings.Join(days, ","))
	}
	parts = append(parts, fmt.Sprintf("INTERVAL=%d", rapid.SampledFrom([]int{1, 1, 2, 5, 24, 60, 400}).Draw(t, "interval")),
		"WKST="+rapid.SampledFrom(weekdays[:]).Draw(t, "wkst"))
	if rapid.Bool().Draw(t, "counted") || parts[0] == "FREQ=MINUTELY" {
		parts = append(parts, fmt.Sprintf("COUNT=%d", rapid.IntRange(1, 2000).Draw(t, "count")))
	}
	return strings.Join(parts, ";")
}

// TestExpand_JumpingAheadChangesNothing: a window far from the start holds what
// counting all the way finds in it, whatever the rule.
func TestExpand_JumpingAheadChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyRule(t)
		r, wrong := parseRule([]byte(text))
		if wrong != "" {
			return
		}
		start := rapid.Int64Range(-1_000_000_000, 1_500_000_000).Draw(t, "start")
		lo := start + rapid.Int64Range(-10*day, 1500*day).Draw(t, "lo")
		hi := lo + rapid.Int64Range(1, 20*day).Draw(t, "window")
		expand := func(lo int64) (found []int64, wrong string) {
			w := &work{left: 50 * maxWork}
			wrong = w.expand(r, start, never, lo, hi, func(sec int64) { found = append(found, sec) })
			return found, wrong
		}
		got, wrong := expand(lo)
		all, wrongAll := expand(start)
		if wrong != "" || wrongAll != "" {
			return // too many steps from the start: nothing to compare with
		}
		want := slices.DeleteFunc(all, func(sec int64) bool { return sec < lo })
		if !slices.Equal(got, want) {
			t.Fatalf("%s from %s in [%s, %s):\ngot  %d\nwant %d", text, civil(start), civil(lo), civil(hi), got, want)
		}
		if !slices.IsSorted(got) {
			t.Fatalf("%s: not ascending: %d", text, got)
		}
	})
}
