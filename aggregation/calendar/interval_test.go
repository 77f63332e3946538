package calendar

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

func genEvents(t *rapid.T, from time.Time) []presence.Event {
	events := make([]presence.Event, rapid.IntRange(0, 8).Draw(t, "events"))
	for i := range events {
		start := rapid.IntRange(-20, 70).Draw(t, "start")
		events[i] = presence.Event{
			Start:       from.Add(time.Duration(start) * time.Minute),
			End:         from.Add(time.Duration(start+rapid.IntRange(-2, 40).Draw(t, "length")) * time.Minute),
			Kind:        presence.EventKind(rapid.IntRange(0, 5).Draw(t, "kind")),
			Cancelled:   rapid.IntRange(0, 9).Draw(t, "cancelled") == 0,
			Declined:    rapid.IntRange(0, 9).Draw(t, "declined") == 0,
			Transparent: rapid.IntRange(0, 9).Draw(t, "transparent") == 0,
		}
	}
	return events
}

func TestNextEdge(t *testing.T) {
	at := func(minutes int) time.Time {
		return time.Date(2026, 6, 10, 10, minutes, 0, 0, time.UTC)
	}
	merged := []Interval{{at(0), at(10), presence.EventOOF}, {at(10), at(20), presence.EventBusy}, {at(30), at(40), presence.EventBusy}}
	tests := []struct{ now, want int }{{-5, 0}, {0, 10}, {5, 10}, {10, 20}, {20, 30}, {25, 30}, {30, 40}, {39, 40}}
	for _, tt := range tests {
		if got, ok := NextEdge(merged, at(tt.now)); !ok || !got.Equal(at(tt.want)) {
			t.Errorf("after minute %d: got %v %v, want minute %d", tt.now, got, ok, tt.want)
		}
	}
	if got, ok := NextEdge(merged, at(40)); ok {
		t.Errorf("after the last end: got %v", got)
	}
}

// TestNextEdge_IsTheNextChange: between an instant and its edge nothing changes.
func TestNextEdge_IsTheNextChange(t *testing.T) {
	from := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		merged := Merge(genEvents(t, from), from.Add(-time.Hour), from.Add(3*time.Hour))
		shows := func(now time.Time) presence.EventKind {
			i := slices.IndexFunc(merged, func(m Interval) bool { return !now.Before(m.Start) && now.Before(m.End) })
			if i < 0 {
				return presence.EventFree
			}
			return merged[i].Kind
		}
		now := from.Add(time.Duration(rapid.IntRange(-70, 190).Draw(t, "now")) * time.Minute)
		edge, ok := NextEdge(merged, now)
		if !ok {
			edge = from.Add(4 * time.Hour)
		}
		for at := now; at.Before(edge); at = at.Add(time.Minute) {
			if shows(at) != shows(now) {
				t.Fatalf("from %v to %v it changes at %v: %v", now, edge, at, merged)
			}
		}
		if ok && shows(edge) == shows(now) {
			t.Fatalf("nothing changes at %v: %v", edge, merged)
		}
	})
}
