package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"presenced/aggregation/calendar"
	"presenced/internal/engine"
)

// The meetings of row 19: 20 intervals, so close together that some edges can be
// waited for, and further apart than the pace of a projection (S10).
const (
	agendaMeetings = 20
	agendaEvery    = 30 * time.Second
	agendaLasts    = agendaEvery / 2
	// agendaAfter is how long after a site is made the first of them begins.
	agendaAfter = 20 * time.Second
	// agendaSource is the name of the calendar source.
	agendaSource = "groupware"
)

// agenda is one calendar that everybody has.
type agenda struct {
	first time.Time // start of the first meeting
	path  string    // the file the source reads
}

// newAgenda writes the calendar into a directory.
func newAgenda(dir string, now time.Time) (*agenda, error) {
	a := &agenda{first: now.Add(agendaAfter).Truncate(time.Second), path: filepath.Join(dir, "calendar.ics")}
	return a, os.WriteFile(a.path, a.text(), 0o600)
}

// text is the calendar in iCalendar.
func (a *agenda) text() []byte {
	const stamp = "20060102T150405Z"
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//presenced//bench//EN\r\n")
	for i := range agendaMeetings {
		start := a.first.Add(time.Duration(i) * agendaEvery).UTC()
		fmt.Fprintf(&b, "BEGIN:VEVENT\r\nUID:m%d@example.org\r\nDTSTAMP:%s\r\nDTSTART:%s\r\nDTEND:%s\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\n",
			i, start.Format(stamp), start.Format(stamp), start.Add(agendaLasts).Format(stamp))
	}
	b.WriteString("END:VCALENDAR\r\n")
	return []byte(b.String())
}

// section is [calendar] of the configuration. Each calendar has been read when the
// daemon starts and is read again at its own instant within the longest interval
// there is, so that a few are while edges are measured.
func (a *agenda) section() map[string]any {
	return map[string]any{
		"poll_interval": "480m",
		"sources":       []any{map[string]any{"name": agendaSource, "kind": "ics", "url": a.path}},
	}
}

// documents are what a daemon that read the calendar a moment ago has stored of
// everybody; none for no calendar.
func (a *agenda) documents() (map[string][]byte, error) {
	if a == nil {
		return nil, nil
	}
	now := time.Now()
	reach := now.Add(48 * time.Hour)
	s, err := calendar.Read(a.text(), calendar.Options{From: now.Add(-time.Hour), To: reach})
	if err != nil {
		return nil, err
	}
	if len(s.Events) != agendaMeetings {
		return nil, fmt.Errorf("the calendar has %d meetings, not %d", len(s.Events), agendaMeetings)
	}
	doc, err := json.Marshal(map[string]any{"v": 1, "calendars": []any{map[string]any{
		"id": engine.SiteCalendar(agendaSource), "fetched": now.Unix(), "reach": reach.Unix(), "events": []byte(calendar.Pack(s.Events)),
	}}})
	return map[string][]byte{engine.DocSchedule: doc}, err
}

// edge returns the first instant after t at which a meeting begins or ends.
func (a *agenda) edge(t time.Time) (time.Time, error) {
	n := max(0, t.Sub(a.first)/agendaLasts+1)
	if t.Before(a.first) {
		n = 0
	}
	if n >= 2*agendaMeetings {
		return t, errors.New("the last meeting is over: the site took too long")
	}
	return a.first.Add(n * agendaLasts), nil
}

// meetings measures row 19: everybody's meeting begins, and ends, at one instant.
func meetings(ctx context.Context, l *lab) (_ []figure, err error) {
	dir, err := os.MkdirTemp("", "bench-calendar-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p := plan{users: l.size.meeting, watchers: l.size.watchers, pool: l.size.meeting, stored: true, on: measuredOn}
	if p.agenda, err = newAgenda(dir, time.Now()); err != nil {
		return nil, err
	}
	s, err := l.open(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var late, last []float64
	var also []map[string]float64
	for range l.size.runs {
		n, took, beside, err := s.meet(ctx)
		if err != nil {
			return nil, errors.Join(err, s.diagnosis(ctx))
		}
		late, last, also = append(late, n), append(last, took), append(also, beside)
	}
	g := goal{19, fmt.Sprintf("edges fired more than 1 s after their instant, %d users with a meeting at one instant", s.users), "edges", exactly, 0, none()}
	h := goal{19, "from that instant to the last of its presences", "s", atMost, 5, none()}
	return []figure{g.figure(late, nil), h.figure(last, medians(also))}, s.healthy(ctx)
}

// meet waits for the next edge and what comes of it. The status of everybody still is
// the number of the settling, and notes go before activities: by it the presences of
// an edge are told apart.
func (s *site) meet(ctx context.Context) (late, last float64, also map[string]float64, err error) {
	at, err := s.agenda.edge(time.Now().Add(time.Second))
	if err != nil {
		return 0, 0, nil, err
	}
	s.meter.expect(s.number-s.users+1, s.users, s.watchers)
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	if err := pause(ctx, time.Until(at)-time.Second/2); err != nil {
		return 0, 0, nil, err
	}
	busy, err := used()
	if err != nil {
		return 0, 0, nil, err
	}
	cpu, err := spent(s.daemon.PID(), func() error { return s.meter.all(ctx, time.Until(at)+answerLimit) })
	if err != nil {
		return 0, 0, nil, err
	}
	busier, err := used()
	if err != nil {
		return 0, 0, nil, err
	}
	after, err := s.metrics(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	if n := after["presenced_timers_total"] - before["presenced_timers_total"]; n < float64(s.users) {
		return 0, 0, nil, fmt.Errorf("%g edges were fired, and %d users have one", n, s.users)
	}
	last, also, err = s.edgeSeen(at)
	if err != nil {
		return 0, 0, nil, err
	}
	also["daemon us CPU/delivery"] = micros(cpu, s.users*s.watchers)
	also["cores busy with other programs"] = others(busy, busier, cpu.Seconds())
	return after["presenced_timers_late_total"] - before["presenced_timers_late_total"], last, also, nil
}

// edgeSeen is what the meter saw of an edge, in seconds after it.
func (s *site) edgeSeen(at time.Time) (last float64, also map[string]float64, err error) {
	var first, each []float64
	extra := 0
	s.meter.read(func(m *meter) {
		for i := range m.complete {
			first = append(first, float64(m.began[i]-at.UnixNano())/1e9)
			each = append(each, float64(m.complete[i]-at.UnixNano())/1e9)
		}
		extra = m.presences + m.other - s.users*s.watchers
	})
	slices.Sort(first)
	slices.Sort(each)
	switch {
	case extra != 0:
		return 0, nil, fmt.Errorf("%d presences too many", extra)
	case first[0] < 0:
		return 0, nil, fmt.Errorf("a presence came %g s before its instant", -first[0])
	}
	return each[len(each)-1], map[string]float64{
		"presences": float64(s.users * s.watchers), "s to the first presence of the last user": first[len(first)-1],
		"s to all presences of the median user": quantile(each, 0.5),
	}, nil
}
