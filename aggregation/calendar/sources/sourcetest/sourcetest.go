// Package sourcetest is what every source that asks one server about many
// mailboxes has to do, whatever it speaks: sources.Source as a suite.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

// Now is when the suite plays; Window is what it asks for.
var (
	Now    = time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)
	Window = sources.Window{From: Now.Add(-time.Hour), To: Now.Add(48 * time.Hour)}
)

// Trouble is what a poisoned mailbox does to requests it is in.
type Trouble uint8

// The values of Trouble.
const (
	Fails Trouble = iota // the request fails with status 500
	Cuts                 // the answer cannot be read
	Hangs                // no answer comes in time
)

// Server is the fake a source asks, with what the suite needs of it.
type Server interface {
	// Put makes address a mailbox with one busy event.
	Put(address string, start, end time.Time)
	// Poison makes a mailbox spoil every request it is in; Heal ends that.
	Poison(address string, t Trouble)
	Heal(address string)
	// Busy refuses the next n requests with how long to wait, in whole seconds.
	Busy(n int, wait time.Duration)
	// Hang answers nothing at all; Login answers everything with a page to log in
	// on; Break answers 500. Clear ends them.
	Hang()
	Login()
	Break()
	Clear()
	// Forget makes every token that was given out invalid; false: there are none.
	Forget() bool
	// Delay makes every answer take that long.
	Delay(d time.Duration)
	// Requests is how many there were, without those for tokens; Largest how many
	// mailboxes the largest had.
	Requests() int
	Largest() int
	// Most is how many requests there were at once.
	Most() int
}

// Rig is a source and its server.
type Rig struct {
	Source sources.Source
	Server Server
	// Secrets may be in no error.
	Secrets []string
	// Clock moves the source's clock.
	Clock *Clock
	// InFlight is how many requests it may have at once.
	InFlight int
	// Single: it asks about one mailbox with one request.
	Single bool
}

// Clock is the time a source is told.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// NewClock returns one that shows Now.
func NewClock() *Clock { return &Clock{now: Now} }

// Now is the time it shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves it on.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Timeout is how long a source under test may wait for one answer. Patience is it
// where no answer is missing: a busy machine is no fault.
const (
	Timeout  = 1500 * time.Millisecond
	Patience = 30 * time.Second
)

// Run runs the suite. Each test gets a rig of its own, whose source has the rig's
// clock and waits for timeout.
func Run(t *testing.T, rig func(t *testing.T, timeout time.Duration) *Rig) {
	t.Helper()
	tests := []struct {
		name string
		run  func(t *testing.T, r *Rig)
	}{
		{"OrderAndCount", order},
		{"NoMoreThanABatch", bounds},
		{"AnUnknownMailboxIsItsOwn", unknown},
		{"PoisonThatFails", func(t *testing.T, r *Rig) { poison(t, r, Fails) }},
		{"PoisonThatCuts", func(t *testing.T, r *Rig) { poison(t, r, Cuts) }},
		{"PoisonThatHangs", func(t *testing.T, r *Rig) { poison(t, r, Hangs) }},
		{"TwoPoisoned", twoPoisoned},
		{"Quarantine", quarantine},
		{"ABrokenServerIsNoMailboxes", broken},
		{"ContextEnds", contextEnds},
		{"RetryAfter", retryAfter},
		{"LoginPage", loginPage},
		{"RenewalInBetween", renewal},
		{"InFlight", inFlight},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			timeout := Patience
			if tt.name == "PoisonThatHangs" || tt.name == "ContextEnds" {
				timeout = Timeout
			}
			tt.run(t, rig(t, timeout))
		})
	}
}

// boxes puts n mailboxes, each with an event of its own length, and returns them.
func (r *Rig) boxes(n int) []sources.Mailbox {
	all := make([]sources.Mailbox, n)
	for i := range all {
		address := fmt.Sprintf("user%03d@corp.example", i)
		start, end := event(i)
		r.Server.Put(address, start, end)
		all[i] = sources.Mailbox{User: fmt.Sprintf("user%03d@example.org", i), Address: address}
	}
	return all
}

// event is that of the i-th mailbox.
func event(i int) (start, end time.Time) {
	start = Now.Add(time.Duration(i+1) * 5 * time.Minute).Truncate(5 * time.Minute)
	return start, start.Add(30 * time.Minute)
}

// size is a number of mailboxes that fits and can be halved often enough.
func (r *Rig) size() int { return min(r.Source.Batch(), 20) }

// fetch asks and holds every error to what the suite says about errors.
func (r *Rig) fetch(ctx context.Context, t *testing.T, boxes []sources.Mailbox) ([]sources.Result, error) {
	t.Helper()
	results, err := r.Source.Fetch(ctx, Window, boxes)
	r.quiet(t, err)
	if err == nil && len(results) != len(boxes) {
		t.Fatalf("%d results for %d mailboxes", len(results), len(boxes))
	}
	for i := range results {
		r.quiet(t, results[i].Err)
		if n := len(results[i].State); n > 1024 {
			t.Errorf("mailbox %d: a state of %d bytes", i, n)
		}
	}
	return results, err
}

// quiet holds an error to telling no secret and to saying what to do.
func (r *Rig) quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := fmt.Sprintf("%v %+v", err, err)
	if f, ok := errors.AsType[*sources.Fault](err); ok {
		text += fmt.Sprintf(" %+v", *f)
	}
	for _, s := range r.Secrets {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("an error tells a secret: %s", text)
		}
	}
}

// good holds result i to the event of mailbox i.
func good(t *testing.T, results []sources.Result, i int) {
	t.Helper()
	start, end := event(i)
	r := results[i]
	if r.Err != nil {
		t.Errorf("mailbox %d: %v", i, r.Err)
		return
	}
	if n := len(r.Schedule.Events); n != 1 {
		t.Errorf("mailbox %d: %d events, want 1: %+v", i, n, r.Schedule)
		return
	}
	if e := r.Schedule.Events[0]; !e.Start.Equal(start) || !e.End.Equal(end) || e.Kind.String() != "busy" {
		t.Errorf("mailbox %d: got %v to %v %v, want %v to %v busy", i, e.Start, e.End, e.Kind, start, end)
	}
}

// all fetches boxes and holds all but the excepted to their events.
func (r *Rig) all(t *testing.T, boxes []sources.Mailbox, but ...int) []sources.Result {
	t.Helper()
	results, err := r.fetch(t.Context(), t, boxes)
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	except := map[int]bool{}
	for _, i := range but {
		except[i] = true
	}
	for i := range boxes {
		if !except[i] {
			good(t, results, i)
		}
	}
	return results
}

// wantFault holds an error to a kind and returns how long it says to wait.
func wantFault(t *testing.T, err error, kind sources.FaultKind) time.Duration {
	t.Helper()
	f := Fault(t, err, kind)
	if f.Remedy == "" && kind != sources.Busy {
		t.Errorf("nobody is told what to do about: %v", f)
	}
	return f.RetryAfter
}
