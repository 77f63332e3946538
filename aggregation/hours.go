package aggregation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are weekly working hours, local to whoever keeps them (S5.5). The zero
// value is none: then no hour is outside them.
type Hours struct{ spans []span }

// span is one period of each week, in minutes from the beginning of a day. An end
// at or before the start lies on the next day.
type span struct {
	day        time.Weekday
	start, end int
}

const (
	minutesOfDay = 24 * 60
	// maxSpans bounds the periods of one week: seven days with four each.
	maxSpans = 28
)

var dayNames = [7]string{"Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"}

// ErrHours is wrapped by every error about working hours that cannot be read.
var ErrHours = errors.New(`not working hours; write them like "Mo-Fr 09:00-17:30" or "Mo-Th 08:00-12:00,13:00-17:00; Fr 08:00-14:00"`)

// ParseHours reads working hours: days (Mo Tu We Th Fr Sa Su, alone, as a list or
// as a range), a blank, and periods from HH:MM to HH:MM, separated by commas;
// several such parts are separated by semicolons. 24:00 is the end of a day, and a
// period that ends at or before its start ends on the next day. Empty is none. The
// error wraps ErrHours.
func ParseHours(s string) (Hours, error) {
	var h Hours
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		days, periods, _ := strings.Cut(part, " ")
		on, err := parseDays(days)
		if err != nil {
			return Hours{}, err
		}
		for period := range strings.SplitSeq(periods, ",") {
			start, end, err := parsePeriod(strings.TrimSpace(period))
			if err != nil {
				return Hours{}, err
			}
			for _, d := range on {
				h.spans = append(h.spans, span{d, start, end})
			}
			if len(h.spans) > maxSpans {
				return Hours{}, fmt.Errorf("%w: at most %d periods in a week", ErrHours, maxSpans)
			}
		}
	}
	return h, nil
}

func parseDays(s string) ([]time.Weekday, error) {
	var days []time.Weekday
	for one := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(one, "-")
		from, okFrom := parseDay(first)
		to, okTo := from, true
		if isRange {
			to, okTo = parseDay(last)
		}
		if !okFrom || !okTo {
			return nil, fmt.Errorf("%w: %q names no days", ErrHours, one)
		}
		for d := from; ; d = (d + 1) % 7 {
			if slices.Contains(days, d) {
				return nil, fmt.Errorf("%w: %s stands there twice", ErrHours, dayNames[d])
			}
			days = append(days, d)
			if d == to {
				break
			}
		}
	}
	return days, nil
}

func parseDay(s string) (time.Weekday, bool) {
	for d, name := range dayNames {
		if strings.EqualFold(s, name) {
			return time.Weekday(d), true
		}
	}
	return 0, false
}

func parsePeriod(s string) (start, end int, err error) {
	from, to, isPeriod := strings.Cut(s, "-")
	start, okStart := parseClock(from)
	end, okEnd := parseClock(to)
	if !isPeriod || !okStart || !okEnd || start == minutesOfDay || end == 0 {
		return 0, 0, fmt.Errorf("%w: %q is no period of a day", ErrHours, s)
	}
	return start, end, nil
}

// parseClock reads HH:MM up to 24:00 as minutes.
func parseClock(s string) (minutes int, ok bool) {
	s = strings.TrimSpace(s)
	if s == "24:00" {
		return minutesOfDay, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil
}

// IsZero reports whether there are none.
func (h Hours) IsZero() bool { return len(h.spans) == 0 }

// Off reports whether now is outside the hours as they are kept in a zone, and the
// next instant at which that may change (Inputs.OffHours). It is
// exact across changes of the clocks: a period begins and ends at its local times.
func (h Hours) Off(now time.Time, zone *time.Location) (off bool, next time.Time) {
	if h.IsZero() {
		return false, time.Time{}
	}
	off = true
	year, month, day := now.In(zone).Date()
	// Yesterday's may not have ended; within a week everything has begun once.
	for ahead := -1; ahead <= 7; ahead++ {
		for _, s := range h.spans {
			from, to, ok := s.on(year, month, day+ahead, zone)
			if !ok {
				continue
			}
			if !now.Before(from) && now.Before(to) {
				off = false
			}
			next = nextEdge(nextEdge(next, from, now), to, now)
		}
	}
	return off, next
}

// on returns the beginning and end of the period on a date, which may lie beyond
// the month; ok is false where it is not that weekday's.
func (s span) on(year int, month time.Month, day int, zone *time.Location) (from, to time.Time, ok bool) {
	if time.Date(year, month, day, 12, 0, 0, 0, zone).Weekday() != s.day {
		return from, to, false
	}
	end := s.end
	if end <= s.start {
		end += minutesOfDay
	}
	return time.Date(year, month, day, 0, s.start, 0, 0, zone), time.Date(year, month, day, 0, end, 0, 0, zone), true
}

// nextEdge returns edge where it lies after now and before next, else next; a zero
// next is none.
func nextEdge(next, edge, now time.Time) time.Time {
	if edge.After(now) && (next.IsZero() || edge.Before(next)) {
		return edge
	}
	return next
}
