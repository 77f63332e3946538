package commands

import "time"

// The forms in which people write an instant. All but the first are local.
var instants = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02T15:04",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04",
}

// parseWhen reads an xs:dateTime (XEP-0082), the same without its zone, a date,
// or a time of day, which is the next one at or after now; what has no zone is in
// the given one, nil being UTC. A date alone is its first instant or, as an end,
// its last. It also takes what people say: "3pm", "Friday", "tomorrow 9:00", "2h".
func parseWhen(s string, now time.Time, zone *time.Location, end bool) (t time.Time, ok bool) {
	zone = orUTC(zone)
	for _, layout := range instants {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.UTC(), true
		}
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		if end {
			t = t.AddDate(0, 0, 1)
		}
		return t.UTC(), true
	}
	if clock, err := time.Parse("15:04", s); err == nil {
		return nextClock(clock.Hour(), clock.Minute(), now, zone), true
	}
	return said(s, now, zone, end)
}

// nextClock is the next such time of day at or after now.
func nextClock(hour, minute int, now time.Time, zone *time.Location) time.Time {
	year, month, day := now.In(zone).Date()
	t := time.Date(year, month, day, hour, minute, 0, 0, zone)
	if t.Before(now) {
		t = time.Date(year, month, day+1, hour, minute, 0, 0, zone)
	}
	return t.UTC()
}

func orUTC(zone *time.Location) *time.Location {
	if zone == nil {
		return time.UTC
	}
	return zone
}

// endWhen reads the end of what begins at start: "Friday" is the one after it. A date
// that is past by then is not the one of the year after.
func endWhen(s string, start, now time.Time, zone *time.Location, end bool) (time.Time, bool) {
	const halfYear = 183 * 24 * time.Hour
	t, ok := parseWhen(s, start, zone, end)
	if early, _ := parseWhen(s, now, zone, end); ok && t.Sub(start) > halfYear && !early.After(start) {
		return early, true // which is refused
	}
	return t, ok
}

// localWhen writes an instant as she reads it, in her zone, and as it is read again.
func (r *run) localWhen(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(orUTC(r.zone())).Format(time.RFC3339)
}

// writeWhen writes an instant as forms carry it (XEP-0082), empty for none.
func writeWhen(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
