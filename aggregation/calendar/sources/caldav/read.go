package caldav

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/internal/presence"
)

const (
	// maxEvents bounds the occurrences of one user's calendars together.
	maxEvents = 20_000
	// readTime is how long the objects of one user may take to expand. Each has
	// bounds of its own, but there may be thousands, all made to be slow.
	readTime = 5 * time.Second
	maxName  = 80 // of an object in a warning
)

// merged is a schedule made of many.
type merged struct {
	calendar.Schedule
	read, failed int
	last         error // of a text that failed
	until        time.Time
}

// text adds a text; what it is called is for a warning.
func (m *merged) text(v *visit, host, name, text string) error {
	if m.until.IsZero() {
		m.until = time.Now().Add(readTime)
	}
	if time.Now().After(m.until) {
		return &sources.Fault{
			Kind: sources.TooLarge, Err: fmt.Errorf("%s: the calendars take too long to expand", host),
			Remedy: "look for events that recur without sense",
		}
	}
	m.read++
	s, err := v.s.reader.Read(host, []byte(text), v.w, v.box)
	if err != nil {
		m.failed, m.last = m.failed+1, err
		v.warn(name + " cannot be read and is left out")
		return nil //nolint:nilerr // it is one of many
	}
	for _, w := range s.Warnings {
		v.warn(name + ": " + w)
	}
	if room := maxEvents - len(m.Events); len(s.Events) > room {
		v.warn("there are more events than are kept")
		s.Events = s.Events[:room]
	}
	m.Events = append(m.Events, s.Events...)
	return nil
}

// done returns the schedule, unless nothing of it could be read.
func (m *merged) done(v *visit) (calendar.Schedule, error) {
	if m.read > 0 && m.failed == m.read {
		return calendar.Schedule{}, m.last
	}
	slices.SortStableFunc(m.Events, func(a, b presence.Event) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End))
	})
	m.Warnings = v.warnings
	return m.Schedule, nil
}

// events reads the calendars of a listing. hashed gets every text where their
// marks do not tell whether something changed.
func (v *visit) events(ctx context.Context, l *listing, hashed func(href, text string)) (calendar.Schedule, error) {
	var m merged
	closed := l.denied
	var why error
	for _, c := range l.calendars {
		texts, err := v.objects(ctx, c)
		switch kind := sources.KindOf(err); {
		case err != nil && (kind == sources.Forbidden || kind == sources.Gone):
			closed, why = closed+1, err
			v.warn("a calendar may not be read, or is gone")
			continue
		case err != nil:
			return calendar.Schedule{}, err
		}
		for _, href := range slices.Sorted(maps.Keys(texts)) {
			if err := ctx.Err(); err != nil {
				return calendar.Schedule{}, ended(l.host, err)
			}
			hashed(href, texts[href])
			if err := m.text(v, l.host, named(href), texts[href]); err != nil {
				return calendar.Schedule{}, err
			}
		}
	}
	if closed > 0 && closed == l.denied+len(l.calendars) {
		if why == nil {
			why = inside(l.host, 403)
		}
		return calendar.Schedule{}, why
	}
	s, err := m.done(v)
	if err == nil {
		s.OffHours = v.offHours(l)
		s.Warnings = v.warnings
	}
	return s, err
}

// named is what an object is called in a warning: the last part of its name,
// which most servers make of the UID.
func named(href string) string {
	name := path.Base(placeOf(href))
	if len(name) > maxName {
		name = name[:maxName]
	}
	return fmt.Sprintf("object %q", name)
}

// offHours reads the hours that a listing tells of: the first that can be read.
func (v *visit) offHours(l *listing) []presence.Event {
	for _, text := range l.hours {
		s, err := v.s.reader.Read(l.host, []byte(text), v.w, v.box)
		if err != nil {
			v.warn("the availability cannot be read and is left out")
			continue
		}
		return s.OffHours
	}
	return nil
}

// ended is the fault of a context that ran out.
func ended(host string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", host, err)
	}
	return &sources.Fault{Kind: sources.Unreachable, Err: fmt.Errorf("%s: %w", host, err), Remedy: "the calendars took too long: see how large they are and how fast the server is"}
}
