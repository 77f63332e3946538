package calendar

import "time"

// WholeDays reports whether [start, end) is one or more whole days in zone: what
// all-day events look like in interfaces that do not say which events are. nil is
// UTC.
func WholeDays(start, end time.Time, zone *time.Location) bool {
	if zone == nil {
		zone = time.UTC
	}
	return start.Before(end) && midnight(start.In(zone)) && midnight(end.In(zone))
}

// midnight reports whether t is the first instant of its day. In some zones the
// clocks skip midnight itself on one day of the year.
func midnight(t time.Time) bool {
	y, m, d := t.Date()
	first := time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	if first.Day() != d { // skipped: the day begins where the gap ends
		return t.Add(-time.Nanosecond).Day() != d
	}
	return t.Equal(first)
}
