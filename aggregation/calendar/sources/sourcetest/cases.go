package sourcetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

func order(t *testing.T, r *Rig) {
	boxes := r.boxes(r.Source.Batch())
	r.all(t, boxes)
	for i, j := 0, len(boxes)-1; i < j; i, j = i+1, j-1 { // another order, another answer
		boxes[i], boxes[j] = boxes[j], boxes[i]
	}
	results, err := r.fetch(t.Context(), t, boxes)
	if err != nil {
		t.Fatal(err)
	}
	last := len(boxes) - 1
	start, _ := event(last)
	if len(results[0].Schedule.Events) != 1 || !results[0].Schedule.Events[0].Start.Equal(start) {
		t.Errorf("the results are not in the order of the question: %+v", results[0])
	}
	if results, err := r.fetch(t.Context(), t, nil); err != nil || len(results) != 0 {
		t.Errorf("nobody: %v, %v", results, err)
	}
}

func bounds(t *testing.T, r *Rig) {
	n := r.Source.Batch()
	if n < 1 {
		t.Fatalf("a batch of %d", n)
	}
	boxes := r.boxes(n + 1)
	before := r.Server.Requests()
	if _, err := r.fetch(t.Context(), t, boxes); err == nil {
		t.Errorf("%d mailboxes were taken at once, Batch is %d", n+1, n)
	}
	if got := r.Server.Requests() - before; got != 0 {
		t.Errorf("too many mailboxes were asked about with %d requests", got)
	}
	r.all(t, boxes[:n])
	if got := r.Server.Largest(); got > n {
		t.Errorf("a request had %d mailboxes, Batch is %d", got, n)
	}
}

func unknown(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	boxes[1].Address = "nobody@corp.example"
	results := r.all(t, boxes, 1)
	wantFault(t, results[1].Err, sources.Gone)
	// Not even as the only one is a mailbox's error the server's.
	results, err := r.fetch(t.Context(), t, boxes[1:2])
	if err == nil {
		err = results[0].Err
	}
	wantFault(t, err, sources.Gone)
}

// poisoned is the kind of fault a trouble is.
var poisoned = map[Trouble]sources.FaultKind{Fails: sources.Broken, Cuts: sources.Malformed, Hangs: sources.Unreachable}

func poison(t *testing.T, r *Rig, trouble Trouble) {
	n := r.size()
	if trouble == Hangs {
		n = 4 // each half costs a Timeout
	}
	boxes := r.boxes(n)
	r.all(t, boxes)
	const bad = 2
	r.Server.Poison(boxes[bad].Address, trouble)
	results := r.all(t, boxes, bad)
	if wait := wantFault(t, results[bad].Err, poisoned[trouble]); wait != 30*time.Minute {
		t.Errorf("the mailbox is left alone for %v, want 30 min", wait)
	}
}

func twoPoisoned(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	r.all(t, boxes)
	first, second := 0, len(boxes)-1
	r.Server.Poison(boxes[first].Address, Fails)
	r.Server.Poison(boxes[second].Address, Cuts)
	results := r.all(t, boxes, first, second)
	wantFault(t, results[first].Err, sources.Broken)
	wantFault(t, results[second].Err, sources.Malformed)
}

func quarantine(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	r.all(t, boxes)
	const bad = 3
	r.Server.Poison(boxes[bad].Address, Fails)
	calm := 1 // request of a fetch in which nobody is asked twice
	if r.Single {
		calm = len(boxes) - 1
	}
	for _, term := range []time.Duration{30 * time.Minute, 2 * time.Hour, 8 * time.Hour, 8 * time.Hour} {
		results := r.all(t, boxes, bad)
		if wait := wantFault(t, results[bad].Err, sources.Broken); wait != term {
			t.Fatalf("the mailbox is left alone for %v, want %v", wait, term)
		}
		r.Clock.Move(term - time.Minute)
		before := r.Server.Requests()
		results = r.all(t, boxes, bad)
		if wait := wantFault(t, results[bad].Err, sources.Broken); wait != time.Minute {
			t.Errorf("a minute before its end the wait is %v", wait)
		}
		if got := r.Server.Requests() - before; got != calm {
			t.Errorf("with a mailbox in quarantine there were %d requests, want %d", got, calm)
		}
		r.Clock.Move(time.Minute)
	}
	r.Clock.Move(8 * time.Hour)
	r.Server.Heal(boxes[bad].Address)
	r.all(t, boxes)
	before := r.Server.Requests()
	r.all(t, boxes)
	if got, want := r.Server.Requests()-before, calm; got > want+1 || !r.Single && got != want {
		t.Errorf("with everybody well there were %d requests, want about %d", got, want)
	}
}

func broken(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	r.all(t, boxes)
	r.Server.Break()
	r.Clock.Move(10 * time.Minute)
	before := r.Server.Requests()
	_, err := r.fetch(t.Context(), t, boxes)
	wantFault(t, err, sources.Broken)
	if got := r.Server.Requests() - before; got > 20 {
		t.Errorf("a server that is broken was asked %d times", got)
	}
	r.Server.Clear()
	r.all(t, boxes) // nobody is in quarantine
}

func contextEnds(t *testing.T, r *Rig) {
	boxes := r.boxes(4)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.fetch(ended, t, boxes); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	r.all(t, boxes)
	r.Server.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), Timeout/3)
	defer cancel()
	began := time.Now()
	if _, err := r.fetch(ctx, t, boxes); err == nil {
		t.Error("nothing came, and that was no error")
	}
	if took := time.Since(began); took > 10*Timeout {
		t.Errorf("it took %v to end", took)
	}
	r.Server.Clear()
	r.all(t, boxes)
}

func retryAfter(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	r.all(t, boxes)
	r.Server.Busy(r.InFlight, 7*time.Minute)
	_, err := r.fetch(t.Context(), t, boxes)
	if wait := wantFault(t, err, sources.Busy); wait != 7*time.Minute {
		t.Errorf("the server asked for 7 min, the fault says %v", wait)
	}
	r.Server.Clear()
	r.Clock.Move(5 * time.Minute)
	before := r.Server.Requests()
	_, err = r.fetch(t.Context(), t, boxes)
	if wait := wantFault(t, err, sources.Busy); wait != 2*time.Minute {
		t.Errorf("after 5 min of 7 the fault says %v", wait)
	}
	if got := r.Server.Requests() - before; got != 0 {
		t.Errorf("a server that asked to be left alone got %d requests", got)
	}
	r.Clock.Move(2*time.Minute + time.Second)
	r.all(t, boxes)
}

func loginPage(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	r.Server.Login()
	_, err := r.fetch(t.Context(), t, boxes)
	wantFault(t, err, sources.Unauthorized)
	r.Server.Clear()
	r.all(t, boxes)
}

func renewal(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	r.all(t, boxes)
	if !r.Server.Forget() {
		return // its credentials do not end
	}
	r.all(t, boxes)
}

func inFlight(t *testing.T, r *Rig) {
	boxes := r.boxes(r.size())
	var all sync.WaitGroup
	for range 3 * r.InFlight {
		all.Go(func() {
			results, err := r.Source.Fetch(t.Context(), Window, boxes)
			if err != nil {
				t.Errorf("Fetch: %v", err)
				return
			}
			for i := range results {
				good(t, results, i)
			}
		})
	}
	all.Wait()
	if got := r.Server.Most(); got > r.InFlight {
		t.Errorf("%d requests at once, more than %d", got, r.InFlight)
	}
}
