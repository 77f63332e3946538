package calendar

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"presenced/internal/presence"
)

// Options say what of a calendar is wanted, and whose it is.
type Options struct {
	// From and To are the window, [From, To). What touches it is returned whole.
	From, To time.Time
	// Zone is the user's: of floating times and all-day events. nil: UTC.
	Zone *time.Location
	// Locate finds a zone of the IANA database, as time.LoadLocation does. nil:
	// only zones that the text itself defines are known.
	Locate func(name string) (*time.Location, error)
	// Attendee is the user's address, with or without "mailto:". Her answer to an
	// invitation counts; empty: nobody's does.
	Attendee string
}

// Schedule is what a calendar says about a window.
type Schedule struct {
	// Events are the occurrences by start, then end. Those that are cancelled,
	// declined or transparent are among them, marked as such (S6.2). Free/busy
	// times (VFREEBUSY) are events without a subject.
	Events []presence.Event
	// OffHours are the times outside the hours of a VAVAILABILITY. They are no
	// events: somebody whose day is over is not out of office.
	OffHours []presence.Event
	// Warnings tell what was left out or read in doubt, each a sentence with its
	// line where there is one. They name events by UID, never by subject.
	Warnings []string
}

// errWindow is returned for a window that is empty.
var errWindow = errors.New("the window ends before it begins")

// Read returns what the text says about the window. The error wraps
// ErrNotCalendar, ErrTruncated or ErrTooLarge where the text cannot be trusted;
// what was known before is then better than anything in it.
func Read(text []byte, o Options) (Schedule, error) {
	if !o.From.Before(o.To) {
		return Schedule{}, errWindow
	}
	if len(text) > MaxSize {
		return Schedule{}, fmt.Errorf("%w: more than %d MiB", ErrTooLarge, MaxSize>>20)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	w := &warnings{seen: map[string]bool{}}
	z := &zones{
		user: place{o.Zone}, locate: o.Locate, ids: map[string]zoneID{}, defined: map[string]*component{},
		from: o.From.Unix(), to: o.To.Add(time.Second - 1).Unix(), work: &work{left: maxWork}, warnings: w,
	}
	r := &reader{lines: newLines(text), zones: z, warnings: w, attendee: address([]byte(o.Attendee))}
	if err := r.read(); err != nil {
		return Schedule{}, err
	}
	for _, c := range r.doc.zones {
		name := unescaped(c.tzid)
		if _, doubled := z.defined[name]; !doubled && name != "" {
			z.defined[name] = c
		}
	}
	e := &expander{zones: z, warnings: w, from: z.from, to: z.to}
	e.events(r.doc.events)
	e.freeBusy(r.doc.freeBusy)
	s := Schedule{Events: e.result()}
	s.OffHours = e.offHours(r.doc.availability)
	s.Warnings = w.list()
	return s, nil
}

// Intervals merges everything the schedule shows in [from, to), off hours too.
func (s *Schedule) Intervals(from, to time.Time) []Interval {
	return Merge(slices.Concat(s.Events, s.OffHours), from, to)
}

// warnings are collected, each once, until there are maxWarnings.
type warnings struct {
	texts []string
	seen  map[string]bool
	more  int
}

// add warns of a line; 0 is none.
func (w *warnings) add(line int, text string) {
	if line > 0 {
		text = "line " + strconv.Itoa(line) + ": " + text
	}
	if w.seen[text] {
		return
	}
	if len(w.texts) >= maxWarnings {
		w.more++
		return
	}
	w.seen[text] = true
	w.texts = append(w.texts, text)
}

func (w *warnings) list() []string {
	if w.more > 0 {
		return append(w.texts, "and "+strconv.Itoa(w.more)+" more")
	}
	return w.texts
}
