package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// warmUp is how much of the load precedes the first run of row 8.
const warmUp = time.Second

// latency measures row 8: from the write of an event to the read of the last
// of its presences, at a fixed rate that waits for no answer.
func latency(ctx context.Context, l *lab) ([]figure, error) {
	g := goal{8, fmt.Sprintf("in-to-out p99 at %d events/s x %d watchers", l.size.rate, l.size.watchers), "ms", atMost, 1, 0.3}
	s := l.site
	if err := s.rest(ctx); err != nil {
		return nil, err
	}
	if _, _, err := s.load(ctx, warmUp); err != nil {
		return nil, err
	}
	var runs []float64
	var beside []map[string]float64
	for range l.size.runs {
		p99, also, err := s.load(ctx, l.size.loadFor)
		if err != nil {
			return nil, err
		}
		runs, beside = append(runs, p99), append(beside, also)
	}
	return []figure{g.figure(runs, medians(beside))}, nil
}

// load runs one open loop and returns the p99 in milliseconds.
func (s *site) load(ctx context.Context, d time.Duration) (p99 float64, also map[string]float64, err error) {
	r := s.cycle(int(d.Seconds() * float64(s.size.rate)))
	s.meter.expect(r.first, r.count, s.watchers)
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, nil, err
	}
	busy, err := used()
	if err != nil {
		return 0, nil, err
	}
	due, sent, err := s.openLoop(ctx, r)
	if err != nil {
		return 0, nil, err
	}
	if err := s.meter.all(ctx, answerLimit); err != nil {
		return 0, nil, err
	}
	busier, err := used()
	if err != nil {
		return 0, nil, err
	}
	after, err := s.metrics(ctx)
	if err != nil {
		return 0, nil, err
	}
	if held := after["presenced_presences_held_total"] - before["presenced_presences_held_total"]; held != 0 {
		return 0, nil, fmt.Errorf("%g changes were paced: the load is not what it should be", held)
	}
	cpu := after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
	p99, also = s.latencies(due, sent)
	also["daemon us CPU/event"] = 1e6 * cpu / float64(r.count)
	also["cores busy with other programs"] = others(busy, busier, cpu)
	return p99, also, nil
}

// latencies sorts what the meter saw of a load.
func (s *site) latencies(due, sent []int64) (p99 float64, also map[string]float64) {
	var took, since []float64
	s.meter.read(func(m *meter) {
		for i, at := range m.complete {
			took = append(took, float64(at-sent[i])/1e6)
			since = append(since, float64(at-due[i])/1e6)
		}
	})
	slices.Sort(took)
	slices.Sort(since)
	return quantile(took, 0.99), map[string]float64{
		"p50 ms": quantile(took, 0.5), "p99.9 ms": quantile(took, 0.999), "max ms": took[len(took)-1],
		"p99 from the due instant ms": quantile(since, 0.99),
	}
}

// cycle renders n events that go round all watched users, so that each user
// changes as seldom as possible, over all runs.
func (s *site) cycle(n int) series {
	r := series{first: s.number + 1, count: n}
	for range n {
		r.bytes = append(r.bytes, s.change(s.turn%s.users))
		s.turn++
	}
	return r
}

// openLoop sends each event at its instant, or as soon after as the machine
// lets it; the thread is its own, for the runtime's timers are too coarse.
func (s *site) openLoop(ctx context.Context, r series) (due, sent []int64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	due, sent = make([]int64, r.count), make([]int64, r.count)
	every := int64(time.Second) / int64(s.size.rate)
	start := time.Now().Add(time.Millisecond).UnixNano()
	for i, b := range r.bytes {
		due[i] = start + int64(i)*every
		for {
			wait := due[i] - time.Now().UnixNano()
			if wait <= 0 {
				break
			}
			ts := syscall.NsecToTimespec(wait)
			_ = syscall.Nanosleep(&ts, nil) // early by a signal: the loop goes on
		}
		sent[i] = time.Now().UnixNano()
		if err := s.link.SendBytes(b); err != nil {
			return nil, nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
	s.busy = time.Now()
	return due, sent, nil
}
