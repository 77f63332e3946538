package sourcetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

// At is a time on the day the suite plays.
func At(hour, minute int) time.Time { return time.Date(2026, 11, 25, hour, minute, 0, 0, time.UTC) }

// Open opens what is closed when the test ends: a source, or its server.
func Open[O any, T interface{ Close() }](t *testing.T, open func(O) (T, error), o O) T {
	t.Helper()
	opened, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}

// One fetches one mailbox.
func One(t *testing.T, s sources.Source, w sources.Window, box sources.Mailbox) sources.Result {
	t.Helper()
	results, err := s.Fetch(t.Context(), w, []sources.Mailbox{box})
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return results[0]
}

// Shown writes a schedule in one line for comparison.
func Shown(r sources.Result) string {
	var b strings.Builder
	for _, e := range r.Schedule.Events {
		fmt.Fprintf(&b, "%s-%s %v %q", e.Start.Format("02T15:04"), e.End.Format("02T15:04"), e.Kind, e.Subject)
		for _, flag := range []struct {
			word string
			on   bool
		}{{" declined", e.Declined}, {" transparent", e.Transparent}, {" day", e.AllDay}} {
			if flag.on {
				b.WriteString(flag.word)
			}
		}
		b.WriteByte(';')
	}
	return b.String()
}

// Fault holds an error to a kind.
func Fault(t *testing.T, err error, kind sources.FaultKind) *sources.Fault {
	t.Helper()
	f, ok := errors.AsType[*sources.Fault](err)
	if !ok {
		t.Fatalf("got %v, want a fault of kind %d", err, kind)
	}
	if f.Kind != kind {
		t.Errorf("got kind %d (%v), want %d", f.Kind, f, kind)
	}
	return f
}
