package commands

import "time"

// The forms in which people write an instant. All but the first are UTC.
var instants = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02T15:04",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04",
}

// parseWhen reads an xs:dateTime (XEP-0082), the same without its zone, a date,
// or a time of day, which is the next one at or after now; what has no zone is
// UTC. A date alone is its first instant or, as an end, its last.
func parseWhen(s string, now time.Time, end bool) (t time.Time, ok bool) {
	for _, layout := range instants {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		if end {
			t = t.AddDate(0, 0, 1)
		}
		return t, true
	}
	clock, err := time.Parse("15:04", s)
	if err != nil {
		return time.Time{}, false
	}
	year, month, day := now.UTC().Date()
	t = time.Date(year, month, day, clock.Hour(), clock.Minute(), 0, 0, time.UTC)
	if t.Before(now) {
		t = t.AddDate(0, 0, 1)
	}
	return t, true
}

// writeWhen writes an instant as forms carry it (XEP-0082), empty for none.
func writeWhen(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
