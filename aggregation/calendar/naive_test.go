package calendar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

// simple is a rule as the naive expander below understands it: it walks from day
// to day and asks RFC 5545 of each. Days are told at midnight UTC.
type simple struct {
	freq      string
	interval  int
	count     int
	until     time.Time // zero: none
	wkst      time.Weekday
	days      []time.Weekday
	nth       int // of each of days; 0: all
	months    []int
	monthDays []int
	position  int // BYSETPOS; 0: none
}

var short = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func (s simple) String() string {
	parts := []string{"FREQ=" + s.freq, fmt.Sprintf("INTERVAL=%d", s.interval), "WKST=" + short[s.wkst]}
	list := func(key string, n int, at func(int) string) {
		all := make([]string, n)
		for i := range all {
			all[i] = at(i)
		}
		if n > 0 {
			parts = append(parts, key+"="+strings.Join(all, ","))
		}
	}
	list("BYDAY", len(s.days), func(i int) string {
		if s.nth != 0 {
			return fmt.Sprint(s.nth) + short[s.days[i]]
		}
		return short[s.days[i]]
	})
	list("BYMONTH", len(s.months), func(i int) string { return fmt.Sprint(s.months[i]) })
	list("BYMONTHDAY", len(s.monthDays), func(i int) string { return fmt.Sprint(s.monthDays[i]) })
	if s.position != 0 {
		parts = append(parts, fmt.Sprintf("BYSETPOS=%d", s.position))
	}
	if s.count > 0 {
		parts = append(parts, fmt.Sprintf("COUNT=%d", s.count))
	}
	if !s.until.IsZero() {
		parts = append(parts, "UNTIL="+s.until.Format("20060102"))
	}
	return strings.Join(parts, ";")
}

// period numbers the years, months, weeks or days.
func (s simple) period(d time.Time) int {
	days := int(d.Unix() / 86400)
	switch s.freq {
	case "YEARLY":
		return d.Year()
	case "MONTHLY":
		return d.Year()*12 + int(d.Month())
	case "WEEKLY": // day 0 was a Thursday
		return (days + (int(time.Thursday)-int(s.wkst)+7)%7) / 7
	}
	return days
}

// names reports whether the rule names the day, without looking at periods.
func (s simple) names(d, start time.Time) bool {
	last := time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if len(s.months) > 0 && !slices.Contains(s.months, int(d.Month())) {
		return false
	}
	if len(s.monthDays) > 0 && !slices.Contains(s.monthDays, d.Day()) && !slices.Contains(s.monthDays, d.Day()-last-1) {
		return false
	}
	if len(s.days) > 0 && !slices.Contains(s.days, d.Weekday()) {
		return false
	}
	if s.nth > 0 && (d.Day()+6)/7 != s.nth || s.nth < 0 && (last-d.Day())/7+1 != -s.nth {
		return false
	}
	if len(s.days)+len(s.monthDays) == 0 {
		switch s.freq {
		case "YEARLY":
			return d.Day() == start.Day() && (len(s.months) > 0 || d.Month() == start.Month())
		case "MONTHLY":
			return d.Day() == start.Day()
		case "WEEKLY":
			return d.Weekday() == start.Weekday()
		}
	}
	return true
}

// naive returns the instances from start up to hi. The first one is start.
func (s simple) naive(start, hi time.Time) []time.Time {
	found := []time.Time{start}
	var set []time.Time
	first, current := s.period(start), -1
	flush := func() {
		if s.position > 0 && s.position <= len(set) {
			set = set[s.position-1 : s.position]
		} else if s.position < 0 && -s.position <= len(set) {
			set = set[len(set)+s.position : len(set)+s.position+1]
		} else if s.position != 0 {
			set = nil
		}
		for _, d := range set {
			if d.After(start) && d.Before(hi) && (s.until.IsZero() || !d.After(s.until)) && (s.count == 0 || len(found) < s.count) {
				found = append(found, d)
			}
		}
		set = nil
	}
	for d := start.AddDate(0, 0, -370); d.Before(hi.AddDate(0, 0, 370)); d = d.AddDate(0, 0, 1) {
		p := s.period(d)
		if p != current {
			flush()
			current = p
		}
		if p >= first && (p-first)%s.interval == 0 && s.names(d, start) {
			set = append(set, d)
		}
	}
	flush()
	return found
}

func genSimple(t *rapid.T, start time.Time) simple {
	s := simple{
		freq:     rapid.SampledFrom([]string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}).Draw(t, "freq"),
		interval: rapid.SampledFrom([]int{1, 1, 2, 3, 5, 13}).Draw(t, "interval"),
		wkst:     time.Weekday(rapid.IntRange(0, 6).Draw(t, "wkst")),
	}
	if rapid.Bool().Draw(t, "days") {
		days := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 4, rapid.ID[int]).Draw(t, "byday")
		for _, d := range days {
			s.days = append(s.days, time.Weekday(d))
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "months") == 0 {
		s.months = rapid.SliceOfNDistinct(rapid.IntRange(1, 12), 1, 4, rapid.ID[int]).Draw(t, "bymonth")
	}
	if s.freq == "MONTHLY" || s.freq == "YEARLY" {
		if rapid.IntRange(0, 2).Draw(t, "monthdays") == 0 {
			s.monthDays = rapid.SliceOfNDistinct(rapid.IntRange(-31, 31).Filter(func(n int) bool { return n != 0 }), 1, 4, rapid.ID[int]).Draw(t, "bymonthday")
		}
		if len(s.days) > 0 && (s.freq == "MONTHLY" || len(s.months) > 0) {
			s.nth = rapid.IntRange(-5, 5).Draw(t, "nth")
		}
	}
	if s.freq != "DAILY" && rapid.IntRange(0, 2).Draw(t, "setpos") == 0 {
		s.position = rapid.SampledFrom([]int{1, 2, 3, -1, -2}).Draw(t, "position")
	}
	switch rapid.IntRange(0, 2).Draw(t, "end") {
	case 0:
		s.count = rapid.IntRange(1, 400).Draw(t, "count")
	case 1:
		s.until = start.AddDate(0, 0, rapid.IntRange(-5, 4000).Draw(t, "until"))
	}
	return s
}

// TestExpand_AgreesWithWalkingFromDayToDay compares days in a window of a few
// months, years after the start as well, so that jumping ahead is tried.
func TestExpand_AgreesWithWalkingFromDayToDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 1500).Draw(t, "start"))
		s := genSimple(t, start)
		lo := start.AddDate(0, 0, rapid.IntRange(-100, 4000).Draw(t, "lo"))
		hi := lo.AddDate(0, 0, rapid.IntRange(1, 900).Draw(t, "window"))
		var want []string
		for _, d := range s.naive(start, hi) {
			if !d.Before(lo) && d.Before(hi) {
				want = append(want, d.Format("2006-01-02"))
			}
		}
		text := event("DTSTART;VALUE=DATE:" + start.Format("20060102") + "\nRRULE:" + s.String())
		got, err := Read(text, Options{From: lo, To: hi})
		if err != nil || len(got.Warnings) > 0 {
			t.Fatalf("%v %q", err, got.Warnings)
		}
		var days []string
		for _, e := range got.Events {
			days = append(days, e.Start.Format("2006-01-02"))
		}
		if !slices.Equal(days, want) {
			t.Fatalf("from %s, %s, in [%s, %s)\ngot  %v\nwant %v", start.Format("2006-01-02"), s, lo.Format("2006-01-02"), hi.Format("2006-01-02"), days, want)
		}
	})
}

// TestInstant_IsWhatTheClockShows holds the way from wall to instant to the way
// back, for every zone change of some years.
func TestInstant_IsWhatTheClockShows(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		z := place{loc}
		at := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC).Unix() + rapid.Int64Range(0, 20*365*24*4).Draw(t, "quarter")*900
		wall := shown(at, z)
		got := instant(wall, z)
		if shown(got, z) != wall {
			t.Fatalf("%s: %s is read as %s", name, civil(wall), civil(got))
		}
		if got > at {
			t.Fatalf("%s: %s is read as %s, but it was shown before, at %s", name, civil(wall), civil(got), civil(at))
		}
	})
}

// TestMerge_IsTheFirstKindAtEachInstant compares Merge with asking at every
// minute.
func TestMerge_IsTheFirstKindAtEachInstant(t *testing.T) {
	from := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		events := genEvents(t, from)
		to := from.Add(60 * time.Minute)
		merged := Merge(events, from, to)
		for i := range 60 {
			now := from.Add(time.Duration(i) * time.Minute)
			want := -1
			for _, e := range events {
				if now.Before(e.Start) || !now.Before(e.End) || e.Cancelled || e.Declined || e.Transparent {
					continue
				}
				if rank := slices.Index(precedence[:], e.Kind); rank >= 0 && (want < 0 || rank < want) {
					want = rank
				}
			}
			got := -1
			for k, m := range merged {
				if k > 0 && (m.Start.Before(merged[k-1].End) || m.Start.Equal(merged[k-1].End) && m.Kind == merged[k-1].Kind) {
					t.Fatalf("%v and %v overlap or should be one", merged[k-1], m)
				}
				if !now.Before(m.Start) && now.Before(m.End) {
					got = slices.Index(precedence[:], m.Kind)
				}
			}
			if got != want {
				t.Fatalf("minute %d: got rank %d, want %d of %v", i, got, want, merged)
			}
		}
	})
}

// genEvents draws events that overlap, are empty or do not count.
func genEvents(t *rapid.T, from time.Time) []presence.Event {
	events := make([]presence.Event, rapid.IntRange(0, 8).Draw(t, "events"))
	for i := range events {
		start := rapid.IntRange(-20, 70).Draw(t, "start")
		events[i] = presence.Event{
			Start:       from.Add(time.Duration(start) * time.Minute),
			End:         from.Add(time.Duration(start+rapid.IntRange(-2, 40).Draw(t, "length")) * time.Minute),
			Kind:        presence.EventKind(rapid.IntRange(0, 5).Draw(t, "kind")),
			Cancelled:   rapid.IntRange(0, 9).Draw(t, "cancelled") == 0,
			Declined:    rapid.IntRange(0, 9).Draw(t, "declined") == 0,
			Transparent: rapid.IntRange(0, 9).Draw(t, "transparent") == 0,
		}
	}
	return events
}
