package sourcetest

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

// Interval is the shortest there is between two polls (SEMANTICS S6.4).
const Interval = 5 * time.Minute

// Pace is how a round is measured.
type Pace struct {
	// Users are asked about over all servers.
	Users int
	// Latency is how long each answer takes.
	Latency time.Duration
	// Scale is what the time of the round is multiplied with where fewer users
	// stand for the real ones.
	Scale int
}

// Speed polls all users of the servers, twice, as fast as their sources go, and
// holds the round to Interval, the requests in flight to each rig's InFlight, and
// the memory after the second round to that after the first.
func Speed(t *testing.T, rigs []*Rig, p Pace) {
	t.Helper()
	each := p.Users / len(rigs)
	for _, r := range rigs {
		r.boxes(each)
		r.Server.Delay(p.Latency)
	}
	first := round(t, rigs, each)
	heap := live()
	second := round(t, rigs, each)
	grown := int64(live()) - int64(heap)
	most := 0
	for _, r := range rigs {
		most = max(most, r.Server.Most())
		if got := r.Server.Most(); got > r.InFlight {
			t.Errorf("%d requests at once at one server, more than %d", got, r.InFlight)
		}
	}
	t.Logf("%d users over %d servers with %v latency: %v and %v (times %d), %d in flight at most, memory %+d KiB after the second round",
		p.Users, len(rigs), p.Latency, first.Round(time.Millisecond), second.Round(time.Millisecond), p.Scale, most, grown>>10)
	if took := max(first, second) * time.Duration(p.Scale); took > Interval {
		t.Errorf("a round takes %v, longer than %v", took, Interval)
	}
	const slack = 2 << 20 // what the fakes note down, connections, noise
	if grown > slack {
		t.Errorf("memory grew by %d KiB with one round of %d users", grown>>10, p.Users)
	}
}

// round polls everybody once: per server as many callers as may be in flight, each
// with a batch at a time, as the poller does.
func round(t *testing.T, rigs []*Rig, each int) time.Duration {
	t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for _, r := range rigs {
		next := make(chan int)
		for range r.InFlight {
			all.Go(func() {
				for from := range next {
					r.poll(t, from, min(from+r.Source.Batch(), each))
				}
			})
		}
		all.Go(func() {
			defer close(next)
			for from := 0; from < each; from += r.Source.Batch() {
				next <- from
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// poll asks about the mailboxes [from, to) and looks at what came.
func (r *Rig) poll(t *testing.T, from, to int) {
	boxes := make([]sources.Mailbox, to-from)
	for i := range boxes {
		boxes[i].Address = fmt.Sprintf("user%03d@corp.example", from+i)
	}
	results, err := r.Source.Fetch(t.Context(), Window, boxes)
	if err != nil {
		t.Errorf("mailboxes %d to %d: %v", from, to, err)
		return
	}
	for i := range results {
		start, _ := event(from + i)
		events := results[i].Schedule.Events
		inside := start.Before(Window.To)
		if results[i].Err != nil || inside && (len(events) != 1 || !events[0].Start.Equal(start)) || !inside && len(events) != 0 {
			t.Errorf("mailbox %d: %+v", from+i, results[i])
		}
	}
}

// live is what is on the heap and in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
