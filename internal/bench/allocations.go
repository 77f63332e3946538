package main

import (
	"context"
	"fmt"
	"time"
)

// allocations measures row 13 by the daemon's own count of heap objects. Loads
// that differ in one thing tell the parts from each other: events that change
// nothing, changes nobody watches, and changes that every watcher is sent, the
// last both at the rate of row 8 and as fast as the daemon takes them.
func allocations(ctx context.Context, l *lab) ([]figure, error) {
	s := l.site
	unwatched := func() series { return s.numbered(s.users, s.alone) }
	watched := func() series { return s.numbered(0, s.users) }
	var same, alone, steady, saturated []float64
	for i := range l.size.runs {
		if i%(changesAtOnce/2) == 0 {
			if err := s.rest(ctx); err != nil {
				return nil, err
			}
		}
		var each [4]float64
		for k, c := range []load{{s.repeats, 0, s.atOnce}, {unwatched, 0, s.atRate}, {watched, s.watchers, s.atRate}, {watched, s.watchers, s.atOnce}} {
			var err error
			if each[k], err = s.allocated(ctx, c); err != nil {
				return nil, err
			}
		}
		same, alone = append(same, each[0]), append(alone, each[1])
		steady = append(steady, (each[2]-each[1])/float64(s.watchers))
		saturated = append(saturated, (each[3]-each[1])/float64(s.watchers))
	}
	event := goal{13, "allocations per event that changes nothing", "objects", atMost, 3, 0.05}
	change, delivery := event, event
	change.name = "allocations per change that nobody watches"
	delivery.name, delivery.must, delivery.stretch = "allocations per delivery at the rate of row 8", 0.05, 0
	storm := delivery
	storm.name = "allocations per delivery, saturated"
	return []figure{event.figure(same, nil), change.figure(alone, nil), delivery.figure(steady, nil), storm.figure(saturated, nil)}, nil
}

// load is what allocations are counted under.
type load struct {
	prepare func() series
	need    int // deliveries of each event
	send    func(context.Context, series) error
}

// atOnce sends as fast as the daemon reads.
func (s *site) atOnce(_ context.Context, r series) error { return s.send(batches(r.bytes)...) }

// atRate sends at the rate of row 8.
func (s *site) atRate(ctx context.Context, r series) error {
	_, _, err := s.openLoop(ctx, r)
	return err
}

// repeats says again of every watched user what is known already.
func (s *site) repeats() series {
	r := series{}
	for range repeated {
		for u := range s.users {
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
func (s *site) allocated(ctx context.Context, c load) (float64, error) {
	r := c.prepare()
	if c.need > 0 {
		s.meter.expect(r.first, r.count, c.need)
	}
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := c.send(ctx, r); err != nil {
		return 0, err
	}
	if c.need > 0 {
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
