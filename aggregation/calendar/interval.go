package calendar

import (
	"slices"
	"time"

	"presenced/internal/presence"
)

// Interval is a stretch of time, [Start, End) in UTC, shown in one way.
type Interval struct {
	Start, End time.Time
	Kind       presence.EventKind
}

// precedence is the order in which kinds hide each other.
var precedence = [...]presence.EventKind{
	presence.EventOOF, presence.EventAway, presence.EventBusy, presence.EventTentative, presence.EventElsewhere,
}

// Merge returns what events show in [from, to): at each instant the first kind of
// out of office, away, busy, tentative and working elsewhere, in intervals by
// start that neither overlap nor follow each other at once with the same kind.
// All-day events count. Cancelled, declined, transparent and free ones do not.
func Merge(events []presence.Event, from, to time.Time) []Interval {
	var merged []Interval
	var hidden []span
	for _, kind := range precedence {
		var spans []span
		for i := range events {
			e := &events[i]
			if e.Kind != kind || e.Cancelled || e.Declined || e.Transparent {
				continue
			}
			s := span{e.Start.UTC(), e.End.UTC()}
			if s.start.Before(from) {
				s.start = from.UTC()
			}
			if s.end.After(to) {
				s.end = to.UTC()
			}
			if s.start.Before(s.end) {
				spans = append(spans, s)
			}
		}
		spans = union(spans)
		for _, s := range without(spans, hidden) {
			merged = append(merged, Interval{Start: s.start, End: s.end, Kind: kind})
		}
		hidden = union(append(hidden, spans...))
	}
	slices.SortFunc(merged, func(a, b Interval) int { return a.Start.Compare(b.Start) })
	return merged
}

// span is [start, end).
type span struct{ start, end time.Time }

// union sorts spans and joins those that overlap or follow at once.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.start.Compare(b.start) })
	var joined []span
	for _, s := range spans {
		if n := len(joined); n > 0 && !s.start.After(joined[n-1].end) {
			if s.end.After(joined[n-1].end) {
				joined[n-1].end = s.end
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// without returns the parts of a that are not in b, both results of union.
func without(a, b []span) []span {
	var left []span
	for _, s := range a {
		for len(b) > 0 && !b[0].end.After(s.start) {
			b = b[1:]
		}
		for _, cut := range b {
			if !cut.start.Before(s.end) {
				break
			}
			if s.start.Before(cut.start) {
				left = append(left, span{s.start, cut.start})
			}
			s.start = cut.end
			if !s.start.Before(s.end) {
				break
			}
		}
		if s.start.Before(s.end) {
			left = append(left, s)
		}
	}
	return left
}
