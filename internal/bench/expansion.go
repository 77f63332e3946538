package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"
	"golang.org/x/sys/unix"

	"presenced/aggregation/calendar"
	"presenced/internal/testbed"
)

// expansionTurns is how often the two readers take turns in one run.
const expansionTurns = 5

// twoDays is the window of row 20: what the daemon asks for.
const twoDays = 48 * time.Hour

// span is one occurrence, in unix seconds.
type span struct{ start, end int64 }

// text is a calendar and what is asked of it.
type office struct {
	text     []byte
	zone     *time.Location
	from, to time.Time
}

// expansion measures row 20: the CPU time of reading a large calendar and expanding
// it for two days over that of the fastest library that gives the same answer, in
// turns; and what one reading takes.
func expansion(_ context.Context, l *lab) ([]figure, error) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return nil, err
	}
	from := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	o := office{text: testbed.OfficeCalendar(l.size.events), zone: zone, from: from, to: from.Add(twoDays)}
	if err := o.agree(); err != nil {
		return nil, err
	}
	var ratios, wall, memory []float64
	var beside []map[string]float64
	for range l.size.runs {
		ours, theirs, took, allocated, err := o.turns()
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, float64(ours)/float64(theirs))
		wall = append(wall, float64(took)/1e6)
		memory = append(memory, float64(allocated)/(1<<20))
		beside = append(beside, map[string]float64{
			"MB": float64(len(o.text)) / 1e6, "ms CPU": float64(ours) / 1e6 / expansionTurns, "ms CPU of go-ical": float64(theirs) / 1e6 / expansionTurns,
		})
	}
	g := goal{20, "CPU of 2.5 MB of iCalendar expanded for 48 h / that of emersion/go-ical", "ratio", atMost, 1, 0.5}
	w := goal{20, "one such reading", "ms", atMost, 100, none()}
	m := goal{20, "what it allocates", "MiB", atMost, 64, none()}
	return []figure{g.figure(ratios, medians(beside)), w.figure(wall, nil), m.figure(memory, nil)}, nil
}

// turns lets both read the calendar in turns. Each begins with no garbage of the
// other's, and its collector counts for it.
func (o *office) turns() (ours, theirs, took time.Duration, allocated uint64, err error) {
	for range expansionTurns {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		cpu, err := processSpent(func() error { _, err := o.ours(); return err })
		if err != nil {
			return 0, 0, 0, 0, err
		}
		took = max(took, time.Since(start))
		runtime.ReadMemStats(&after)
		allocated = max(allocated, after.TotalAlloc-before.TotalAlloc)
		ours += cpu
		runtime.GC()
		if cpu, err = processSpent(func() error { _, err := o.theirs(); return err }); err != nil {
			return 0, 0, 0, 0, err
		}
		theirs += cpu
	}
	return ours, theirs, took, allocated, nil
}

// agree is an error where the two do not say the same of the calendar.
func (o *office) agree() error {
	ours, err := o.ours()
	if err != nil {
		return err
	}
	theirs, err := o.theirs()
	switch {
	case err != nil:
		return fmt.Errorf("go-ical: %w", err)
	case len(ours) == 0:
		return errors.New("the calendar has nothing in the window")
	case !slices.Equal(ours, theirs):
		return fmt.Errorf("we find %d occurrences and go-ical %d others: there is nothing to compare", len(ours), len(theirs))
	}
	return nil
}

func (o *office) ours() ([]span, error) {
	s, err := calendar.Read(o.text, calendar.Options{
		From: o.from, To: o.to, Zone: o.zone, Locate: time.LoadLocation, Attendee: "person1@example.com",
	})
	if err != nil {
		return nil, err
	}
	var out []span
	for i := range s.Events {
		out = append(out, span{s.Events[i].Start.Unix(), s.Events[i].End.Unix()})
	}
	return sorted(out), nil
}

// theirs does with go-ical and rrule-go what its documentation says: occurrences of
// a series are asked for from one length before the window, others compared with it.
func (o *office) theirs() ([]span, error) {
	c, err := ical.NewDecoder(bytes.NewReader(o.text)).Decode()
	if err != nil {
		return nil, err
	}
	var out []span
	for _, e := range c.Events() {
		start, err := e.DateTimeStart(o.zone)
		if err != nil {
			return nil, err
		}
		end, err := e.DateTimeEnd(o.zone)
		if err != nil {
			return nil, err
		}
		set, err := e.RecurrenceSet(o.zone)
		if err != nil {
			return nil, err
		}
		length := end.Sub(start)
		starts := []time.Time{start}
		if set != nil {
			starts = set.Between(o.from.Add(-length), o.to, true)
		}
		for _, t := range starts {
			if t.Before(o.to) && t.Add(length).After(o.from) && !o.declined(&e) {
				out = append(out, span{t.Unix(), t.Add(length).Unix()})
			}
		}
	}
	return sorted(out), nil
}

// declined reports whether the owner of the calendar does not go.
func (o *office) declined(e *ical.Event) bool {
	for _, a := range e.Props.Values(ical.PropAttendee) {
		if strings.EqualFold(a.Value, "mailto:person1@example.com") && a.Params.Get("PARTSTAT") == "DECLINED" {
			return true
		}
	}
	return false
}

func sorted(s []span) []span {
	slices.SortFunc(s, func(a, b span) int {
		if a.start != b.start {
			return int(a.start - b.start)
		}
		return int(a.end - b.end)
	})
	return s
}

// processSpent measures the CPU time of this whole process while do runs, the
// garbage collector's threads included.
func processSpent(do func() error) (time.Duration, error) {
	var before, after unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &before); err != nil {
		return 0, fmt.Errorf("clock of the process: %w", err)
	}
	if err := do(); err != nil {
		return 0, err
	}
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &after); err != nil {
		return 0, fmt.Errorf("clock of the process: %w", err)
	}
	return time.Duration(after.Nano() - before.Nano()), nil
}
