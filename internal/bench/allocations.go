package main

import (
	"context"
	"fmt"
	"time"
)

// allocations measures row 13 by the daemon's own count of heap objects. Three
// loads tell the parts from each other: events that change nothing, changes
// nobody watches, and changes that every watcher is sent.
func allocations(ctx context.Context, l *lab) ([]figure, error) {
	same := goal{13, "allocations per event that changes nothing", "objects", atMost, 3, 0.05}
	alone := goal{13, "allocations per change that nobody watches", "objects", atMost, 3, 0.05}
	each := goal{13, "allocations per delivery", "objects", atMost, 0.05, 0}
	var sames, alones, eaches []float64
	s := l.site
	for i := range l.size.runs {
		if i%changesAtOnce == 0 {
			if err := s.rest(ctx); err != nil {
				return nil, err
			}
		}
		unchanged, err := s.allocated(ctx, s.repeats, 0)
		if err != nil {
			return nil, err
		}
		unwatched, err := s.allocated(ctx, func() series { return s.numbered(s.size.users, s.size.alone) }, 0)
		if err != nil {
			return nil, err
		}
		watched, err := s.allocated(ctx, func() series { return s.numbered(0, s.size.users) }, s.size.watchers)
		if err != nil {
			return nil, err
		}
		sames, alones = append(sames, unchanged), append(alones, unwatched)
		eaches = append(eaches, (watched-unwatched)/float64(s.size.watchers))
	}
	return []figure{same.figure(sames, nil), alone.figure(alones, nil), each.figure(eaches, nil)}, nil
}

// repeats says again for every watched user what is known, after a numbered
// change that is not measured.
func (s *site) repeats() series {
	r := series{}
	for range repeated {
		for u := range s.size.users {
			r.bytes = append(r.bytes, available(u, desk, inner("", s.status[u], 5)))
		}
	}
	r.count = len(r.bytes)
	return r
}

// repeated is how often repeats says everything.
const repeated = 3

// allocated returns the objects per event of one load. What the daemon
// allocates when idle for as long, the reading of the metrics included, is
// measured right after it and taken off.
func (s *site) allocated(ctx context.Context, prepare func() series, need int) (float64, error) {
	r := prepare()
	if need > 0 {
		s.meter.expect(r.first, r.count, need)
	}
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := s.send(batches(r.bytes)...); err != nil {
		return 0, err
	}
	if need > 0 {
		err = s.meter.all(ctx, answerLimit)
	} else {
		err = s.link.Ping(ctx)
	}
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, flushed); err != nil {
		return 0, err
	}
	took := time.Since(start)
	after, err := s.metrics(ctx)
	if err != nil {
		return 0, err
	}
	if taken := after[devicesTotal] - before[devicesTotal]; taken != float64(r.count) {
		return 0, fmt.Errorf("%g of %d events were taken in", taken, r.count)
	}
	if err := pause(ctx, took); err != nil {
		return 0, err
	}
	idle, err := s.metrics(ctx)
	if err != nil {
		return 0, err
	}
	load, rest := after[mallocs]-before[mallocs], idle[mallocs]-after[mallocs]
	return (load - rest) / float64(r.count), nil
}

const (
	devicesTotal = "presenced_device_presences_total"
	mallocs      = "go_memstats_mallocs_total"
	// flushed is longer than presence waits for the store: what an event leaves
	// to be written is counted as its own.
	flushed = time.Second
)
