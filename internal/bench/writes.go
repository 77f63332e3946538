package main

import (
	"context"
	"fmt"
	"time"
)

// writes measures row 15: all users change at once, as fast as the daemon
// takes it.
func writes(ctx context.Context, l *lab) ([]figure, error) {
	g := goal{15, "write calls / stanzas out, saturated", "ratio", atMost, 1.0 / 32, 1.0 / 200}
	s := l.site
	var runs []float64
	var beside []map[string]float64
	for i := range l.size.runs {
		if i%changesAtOnce == 0 {
			if err := s.rest(ctx); err != nil {
				return nil, err
			}
		}
		ratio, also, err := s.burst(ctx)
		if err != nil {
			return nil, err
		}
		runs, beside = append(runs, ratio), append(beside, also)
	}
	return []figure{g.figure(runs, medians(beside))}, nil
}

// burst changes every watched user once.
func (s *site) burst(ctx context.Context) (ratio float64, also map[string]float64, err error) {
	r := s.numbered(0, s.users)
	s.meter.expect(r.first, r.count, s.watchers)
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, nil, err
	}
	start := time.Now()
	if err := s.sendAll(ctx, r.bytes); err != nil {
		return 0, nil, err
	}
	took := time.Since(start)
	after, err := s.metrics(ctx)
	if err != nil {
		return 0, nil, err
	}
	change := func(name string) float64 { return after[name] - before[name] }
	stanzas, calls := change("presenced_stanzas_sent_total"), change("presenced_write_calls_total")
	counted := 0
	s.meter.read(func(m *meter) { counted = m.presences + m.other })
	if stanzas < float64(counted) {
		return 0, nil, fmt.Errorf("the daemon says it sent %g stanzas, %d presences arrived", stanzas, counted)
	}
	return calls / float64(counted), map[string]float64{
		"stanzas": stanzas, "write calls": calls, "stanzas/s": float64(counted) / took.Seconds(),
		"daemon us CPU/delivery": 1e6 * change("process_cpu_seconds_total") / float64(counted),
	}, nil
}
