package calendar

import (
	"bytes"
	"strings"
	"time"
	"unicode"
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// moment is a DATE or DATE-TIME as written: what a clock on the wall shows, as
// seconds since 1970 on that clock, and which clock.
type moment struct {
	sec  int64
	zone zoneID
	date bool
}

// civil returns the wall clock as a time, with UTC standing for no zone.
func civil(sec int64) time.Time { return time.Unix(sec, 0).UTC() }

// dayOf returns the number of the day since 1970.
func dayOf(sec int64) int64 {
	d := sec / day
	if sec%day < 0 {
		d--
	}
	return d
}

// digits reads exactly n digits.
func digits(b []byte, n int) (int, []byte, bool) {
	if len(b) < n {
		return 0, nil, false
	}
	v := 0
	for _, c := range b[:n] {
		if c < '0' || c > '9' {
			return 0, nil, false
		}
		v = v*10 + int(c-'0')
	}
	return v, b[n:], true
}

// parseDay reads 20260610, and 2026-06-10 as some programs write it. The year 1
// is what some write for "never"; rrule-go would take its first day for today.
func parseDay(b []byte) (sec int64, rest []byte, ok bool) {
	y, b, ok := digits(b, 4)
	dashed := ok && len(b) > 0 && b[0] == '-'
	if dashed {
		b = b[1:]
	}
	var m, d int
	if ok {
		m, b, ok = digits(b, 2)
	}
	if ok && dashed {
		if len(b) == 0 || b[0] != '-' {
			return 0, nil, false
		}
		b = b[1:]
	}
	if ok {
		d, b, ok = digits(b, 2)
	}
	if !ok || y < 2 || m < 1 || m > 12 || d < 1 {
		return 0, nil, false
	}
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	return t.Unix(), b, t.Day() == d
}

// parseClock reads 100000, 1000, or either with colons; 240000 is the midnight
// that ends the day, and a leap second the second after it.
func parseClock(b []byte) (sec int64, rest []byte, ok bool) {
	var parts [3]int
	for i := range parts {
		if i > 0 && len(b) > 0 && b[0] == ':' {
			b = b[1:]
		}
		v, more, ok := digits(b, 2)
		if !ok {
			if i < 2 {
				return 0, nil, false
			}
			break // no seconds
		}
		parts[i], b = v, more
	}
	h, m, s := parts[0], parts[1], parts[2]
	if h > 24 || m > 59 || s > 60 || (h == 24 && m+s > 0) {
		return 0, nil, false
	}
	return int64(h*hour + m*minute + s), b, true
}

// parseMoment reads a DATE or DATE-TIME (RFC 5545 §3.3.4, §3.3.5). The zone is
// the one of a TZID; a Z in the value goes before it.
func parseMoment(b []byte, zone zoneID) (moment, bool) {
	b = bytes.TrimSpace(b)
	sec, b, ok := parseDay(b)
	switch {
	case !ok:
		return moment{}, false
	case len(b) == 0:
		return moment{sec: sec, date: true}, true
	case b[0] != 'T' && b[0] != 't':
		return moment{}, false
	}
	clock, b, ok := parseClock(b[1:])
	if ok && len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		zone, b = utc, nil
	}
	return moment{sec: sec + clock, zone: zone}, ok && len(b) == 0
}

// asDate makes a DATE of what a VALUE=DATE announced.
func (m moment) asDate() moment { return moment{sec: dayOf(m.sec) * day, date: true} }

// length is how long something takes: days of the calendar, whatever the clocks
// do in them, then seconds (RFC 5545 §3.3.6).
type length struct{ days, seconds int64 }

// maxLength bounds each part of a length: ten thousand years.
const maxLength = 10_000 * 366 * day

// most is the longest this can be, in seconds.
func (l length) most() int64 { return max(0, l.days*day+l.seconds) + day }

// units are the letters of a DURATION: days or seconds each, and how many.
var units = map[byte]length{
	'W': {days: 7}, 'D': {days: 1}, 'H': {seconds: hour}, 'M': {seconds: minute}, 'S': {seconds: 1},
}

// parseLength reads a DURATION.
func parseLength(b []byte) (l length, ok bool) {
	b = bytes.ToUpper(bytes.TrimSpace(b))
	sign := int64(1)
	switch {
	case bytes.HasPrefix(b, []byte("-")):
		sign, b = -1, b[1:]
	case bytes.HasPrefix(b, []byte("+")):
		b = b[1:]
	}
	b, ok = bytes.CutPrefix(b, []byte("P"))
	if !ok || len(b) == 0 {
		return length{}, false
	}
	for len(b) > 0 {
		n, unit, rest, ok := cutPart(bytes.TrimPrefix(b, []byte("T")))
		if !ok {
			return length{}, false
		}
		l.days += sign * n * unit.days
		l.seconds += sign * n * unit.seconds
		b = rest
	}
	return l, max(l.days, -l.days) <= maxLength/day && max(l.seconds, -l.seconds) <= maxLength
}

// cutPart reads a number of at most nine digits and its unit.
func cutPart(b []byte) (n int64, unit length, rest []byte, ok bool) {
	i := 0
	for i < len(b) && i < 9 && '0' <= b[i] && b[i] <= '9' {
		n = n*10 + int64(b[i]-'0')
		i++
	}
	if i == 0 || i == len(b) {
		return 0, length{}, nil, false
	}
	unit, ok = units[b[i]]
	return n, unit, b[i+1:], ok
}

// parseOffset reads a UTC offset: +0100, -033000, +01:00, +1. It is in seconds
// and below a day.
func parseOffset(b []byte) (int64, bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 2 || (b[0] != '+' && b[0] != '-') {
		return 0, false
	}
	sign := int64(1)
	if b[0] == '-' {
		sign = -1
	}
	b = bytes.ReplaceAll(b[1:], []byte(":"), nil)
	if len(b)%2 == 1 {
		b = append([]byte("0"), b...)
	}
	sum := int64(0)
	for unit := int64(hour); len(b) > 0 && unit > 0; unit /= 60 {
		v, rest, ok := digits(b, 2)
		if !ok || (unit < hour && v > 59) {
			return 0, false
		}
		sum, b = sum+int64(v)*unit, rest
	}
	return sign * sum, len(b) == 0 && sum < day
}

// plain undoes the escapes of a TEXT (RFC 5545 §3.3.11) and makes one clean line
// of it, at most maxText bytes.
func plain(b []byte) string {
	if len(b) > 2*maxText {
		b = b[:2*maxText]
	}
	var s strings.Builder
	escaped := false
	for _, r := range strings.ToValidUTF8(string(b), "\ufffd") {
		switch {
		case escaped && (r == 'n' || r == 'N'):
			r = ' '
		case !escaped && r == '\\':
			escaped = true
			continue
		}
		escaped = false
		if unicode.IsControl(r) {
			r = ' '
		}
		if s.Len()+4 > maxText {
			break
		}
		s.WriteRune(r)
	}
	return strings.TrimSpace(s.String())
}

// cutEscaped cuts at the first comma that is not escaped.
func cutEscaped(b []byte) (one, rest []byte) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case ',':
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// address returns a calendar address without its scheme.
func address(b []byte) []byte {
	b = bytes.TrimSpace(b)
	if len(b) >= 7 && bytes.EqualFold(b[:7], []byte("mailto:")) {
		b = bytes.TrimSpace(b[7:])
	}
	return b
}
