package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

var start = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func mailboxes(n int) []sources.Mailbox {
	all := make([]sources.Mailbox, n)
	for i := range all {
		all[i] = sources.Mailbox{Address: fmt.Sprintf("u%d@corp.example", i), State: []byte{byte(i)}}
	}
	return all
}

// server answers for everybody unless one of bad is asked about.
type server struct {
	bad      map[string]error
	requests atomic.Int32
}

func (s *server) ask(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
	s.requests.Add(1)
	results := make([]sources.Result, len(boxes))
	for i := range boxes {
		if err := s.bad[boxes[i].Address]; err != nil {
			return nil, err
		}
		results[i].State = []byte(boxes[i].Address)
	}
	return results, nil
}

var errBroken = &sources.Fault{Kind: sources.Broken, Err: errors.New("status 500"), Remedy: "see the log"}

func TestFetch_FindsThePoisonedWithFewRequests(t *testing.T) {
	tests := []struct {
		boxes int
		bad   []int
		most  int32
	}{
		{100, []int{0}, 15},
		{100, []int{57}, 15},
		{100, []int{99}, 15},
		{100, []int{3, 96}, 29},
		{100, []int{10, 11, 12}, 29},
		{20, []int{19}, 11},
		{2, []int{1}, 3},
	}
	for _, tt := range tests {
		now := start
		a := New(Options{Now: func() time.Time { return now }})
		s := &server{bad: map[string]error{}}
		boxes := mailboxes(tt.boxes)
		for _, i := range tt.bad {
			s.bad[boxes[i].Address] = errBroken
		}
		results, err := a.Fetch(t.Context(), boxes, s.ask)
		if err != nil {
			t.Errorf("%d with %v: %v", tt.boxes, tt.bad, err)
			continue
		}
		for i := range results {
			if failed := results[i].Err != nil; failed != slices.Contains(tt.bad, i) {
				t.Errorf("%d with %v: mailbox %d: %v", tt.boxes, tt.bad, i, results[i].Err)
			} else if failed && (string(results[i].State) != string(boxes[i].State)) {
				t.Errorf("mailbox %d lost what was remembered of it", i)
			}
		}
		if got := s.requests.Load(); got > tt.most {
			t.Errorf("%d with %v: %d requests, more than %d", tt.boxes, tt.bad, got, tt.most)
		}
	}
}

func TestFetch_AServerThatIsDownIsNotAskedLong(t *testing.T) {
	tests := []struct {
		name string
		err  error
		most int32
	}{
		{"status 500", errBroken, patience + 1},
		{"no answer in time", &sources.Fault{Kind: sources.Unreachable, Err: context.DeadlineExceeded}, patience/slow + 1},
		{"refused", &sources.Fault{Kind: sources.Unreachable, Err: errors.New("refused")}, 1},
		{"unauthorized", &sources.Fault{Kind: sources.Unauthorized, Err: errors.New("401")}, 1},
		{"a certificate", &sources.Fault{Kind: sources.BadTLS, Err: errors.New("expired")}, 1},
		{"cut connections", &sources.Fault{Kind: sources.Unreachable, Err: io.EOF}, 2},
	}
	for _, tt := range tests {
		a := New(Options{Now: func() time.Time { return start }})
		requests := int32(0)
		_, err := a.Fetch(t.Context(), mailboxes(100), func(context.Context, []sources.Mailbox) ([]sources.Result, error) {
			requests++
			return nil, tt.err
		})
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if requests > tt.most {
			t.Errorf("%s: %d requests, more than %d", tt.name, requests, tt.most)
		}
		if n := len(a.sick.sick); n != 0 {
			t.Errorf("%s: %d mailboxes in quarantine", tt.name, n)
		}
	}
}

func TestFetch_ACutConnectionIsTriedAgain(t *testing.T) {
	a := New(Options{Now: func() time.Time { return start }})
	s, cut := &server{}, true
	results, err := a.Fetch(t.Context(), mailboxes(3), func(ctx context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		if cut {
			cut = false
			return nil, &sources.Fault{Kind: sources.Unreachable, Err: fmt.Errorf("cut: %w", io.EOF)}
		}
		return s.ask(ctx, boxes)
	})
	if err != nil || results[2].Err != nil {
		t.Errorf("got %v, %v", results, err)
	}
}

func TestFetch_BusyInTheMiddleKeepsWhatCameBefore(t *testing.T) {
	a := New(Options{Now: func() time.Time { return start }})
	busy := &sources.Fault{Kind: sources.Busy, Err: errors.New("429"), RetryAfter: time.Hour * 5}
	n := 0
	results, err := a.Fetch(t.Context(), mailboxes(4), func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		n++
		switch n {
		case 1:
			return nil, errBroken
		case 2:
			return make([]sources.Result, len(boxes)), nil
		default:
			return nil, busy
		}
	})
	if err != nil || results[0].Err != nil || results[1].Err != nil || sources.KindOf(results[2].Err) != sources.Busy || sources.KindOf(results[3].Err) != sources.Busy {
		t.Errorf("got %+v, %v", results, err)
	}
	if n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	if got := a.Quiet(); got != maxWait {
		t.Errorf("the server is left alone for %v, want %v at most", got, maxWait)
	}
}

func TestEach_OneSlowMailboxHoldsOneSlot(t *testing.T) {
	a := New(Options{InFlight: 2, Timeout: 50 * time.Millisecond, Now: func() time.Time { return start }})
	results, err := a.Each(t.Context(), mailboxes(10), func(ctx context.Context, box sources.Mailbox) (sources.Result, error) {
		if strings.HasPrefix(box.Address, "u4@") {
			<-ctx.Done()
			return sources.Result{}, ctx.Err()
		}
		return sources.Result{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		if (results[i].Err != nil) != (i == 4) {
			t.Errorf("mailbox %d: %v", i, results[i].Err)
		}
	}
	if f := new(sources.Fault); !errors.As(results[4].Err, &f) || f.RetryAfter != 30*time.Minute || f.Kind != sources.Unreachable {
		t.Errorf("got %v", results[4].Err)
	}
}

func TestEach_TroubleOfAllIsTheServers(t *testing.T) {
	for _, kind := range []sources.FaultKind{sources.Broken, sources.Unauthorized, sources.Busy, sources.Unreachable} {
		a := New(Options{Now: func() time.Time { return start }})
		_, err := a.Each(t.Context(), mailboxes(5), func(context.Context, sources.Mailbox) (sources.Result, error) {
			return sources.Result{}, &sources.Fault{Kind: kind, Err: errors.New("all")}
		})
		if err == nil || sources.KindOf(err) != kind {
			t.Errorf("kind %d: got %v", kind, err)
		}
	}
	a := New(Options{Now: func() time.Time { return start }})
	results, err := a.Each(t.Context(), mailboxes(5), func(context.Context, sources.Mailbox) (sources.Result, error) {
		return sources.Result{}, &sources.Fault{Kind: sources.Gone, Err: errors.New("none")}
	})
	if err != nil || results[4].Err == nil {
		t.Errorf("nobody has a calendar: %v, %v", results, err)
	}
}

func TestQuarantine_IsBounded(t *testing.T) {
	var q quarantine
	for i := range MaxSick + 10 {
		err := q.add(fmt.Sprintf("u%d@corp.example", i), errBroken, start)
		if kept := err != error(errBroken); kept != (i < MaxSick) {
			t.Fatalf("mailbox %d of at most %d: in quarantine %v", i, MaxSick, kept)
		}
	}
	if _, known := q.of("U1@Corp.Example", start); !known {
		t.Error("addresses differ by case")
	}
	later := start.Add(terms[0] + forget + time.Second)
	q.add("new@corp.example", errBroken, later)
	if n := len(q.sick); n != 1 {
		t.Errorf("after a day %d are remembered, want the new one only", n)
	}
}
