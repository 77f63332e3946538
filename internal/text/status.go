package text

import (
	"time"

	"presenced/internal/presence"
)

// Status returns the status text a watcher reads (RFC 6121 §4.7.2.2): the
// out-of-office note while the token is out-of-office, else the personal note,
// else the activity with its end, each only where the view grants it; else
// nothing. It reads the clock only for a view with an end time, to tell whether
// that lies on another day.
func Status(lang string, v *presence.View) string {
	if note := noteOf(v); note != "" {
		return note
	}
	if v.Until.IsZero() {
		return Worded(lang, v.Activity, v.Wording)
	}
	return StatusAt(lang, v, time.Now())
}

// StatusAt is Status as it reads at now.
func StatusAt(lang string, v *presence.View, now time.Time) string {
	if note := noteOf(v); note != "" {
		return note
	}
	activity := Worded(lang, v.Activity, v.Wording)
	if activity == "" || v.Until.IsZero() {
		return activity
	}
	return T(lang, "status.until", activity, Moment(lang, v.Until, now, zoneOf(v)))
}

func noteOf(v *presence.View) string {
	if v.Activity == presence.OutOfOfficeA {
		if note := v.Text[presence.FieldNoteOOF]; note != "" {
			return note
		}
	}
	return v.Text[presence.FieldNotePersonal]
}

// zoneOf returns the presentity's zone where the watcher may see it, else nil (S3).
func zoneOf(v *presence.View) *time.Location {
	name := v.Text[presence.FieldTimezone]
	if !v.Zone || name == "" {
		return nil
	}
	return Zone(name)
}

// Moment tells an instant to the minute in a zone: the time of day, with the
// date when that is not now's. A nil zone is UTC, which is then named.
func Moment(lang string, t, now time.Time, zone *time.Location) string {
	clock := phrase{"15:04", "15:04 Uhr"}
	if zone == nil {
		zone = time.UTC
		clock = phrase{"15:04 UTC", "15:04 Uhr (UTC)"}
	}
	t, now = t.In(zone), now.In(zone)
	told := t.Format(clock.in(lang))
	year, month, day := t.Date()
	thisYear, thisMonth, today := now.Date()
	switch {
	case year == thisYear && month == thisMonth && day == today:
		return told
	case year == thisYear:
		return T(lang, "status.date", day, months[month-1].in(lang), told)
	}
	return T(lang, "status.dateyear", day, months[month-1].in(lang), year, told)
}

var months = [12]phrase{
	{"January", "Januar"}, {"February", "Februar"}, {"March", "März"}, {"April", "April"},
	{"May", "Mai"}, {"June", "Juni"}, {"July", "Juli"}, {"August", "August"},
	{"September", "September"}, {"October", "Oktober"}, {"November", "November"}, {"December", "Dezember"},
}
