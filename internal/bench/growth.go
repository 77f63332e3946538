package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// growth measures row 5: what an event costs with a thousand, a hundred
// thousand and a million users, in turns.
func growth(ctx context.Context, l *lab) (figures []figure, err error) {
	var sites []*site
	for _, users := range l.size.grown {
		s, err := l.open(ctx, plan{users: users, watchers: 1, pool: users, stored: true, on: measuredOn})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		sites = append(sites, s)
	}
	costs := make([][]float64, len(sites))
	for range l.size.runs {
		for k, s := range sites {
			cost, err := s.events(ctx, l.size.grown[1])
			if err != nil {
				return nil, fmt.Errorf("%d users: %w", s.users, err)
			}
			costs[k] = append(costs[k], cost)
		}
	}
	also := map[string]float64{}
	for k, s := range sites {
		if err := s.healthy(ctx); err != nil {
			return nil, err
		}
		also[fmt.Sprintf("us CPU/event with %s users", short(s.users))] = median(costs[k])
	}
	small, middle, large := l.size.grown[0], l.size.grown[1], l.size.grown[2]
	g := goal{5, fmt.Sprintf("CPU per event, %s users / %s users", short(large), short(small)), "ratio", atMost, 5, 3}
	h := goal{5, fmt.Sprintf("CPU per event, %s users / %s users", short(large), short(middle)), "ratio", atMost, 1.6, 1.3}
	return []figure{g.figure(ratios(costs[2], costs[0]), also), h.figure(ratios(costs[2], costs[1]), nil)}, nil
}

// events has most users change, each from another state to one that her watcher
// sees, and returns the CPU time of one event in microseconds. Fewer users than
// that change as often as they may at once; of more, others come next time.
func (s *site) events(ctx context.Context, most int) (float64, error) {
	if err := s.rest(ctx); err != nil {
		return 0, err
	}
	rounds := 1
	if s.users < most {
		rounds = min(changesAtOnce, most/s.users)
	}
	var cpu time.Duration
	n := 0
	for range rounds {
		r := s.spread(min(most, s.users))
		took, err := s.burstCPU(ctx, r)
		if err != nil {
			return 0, err
		}
		cpu, n = cpu+took, n+r.count
	}
	return micros(cpu, n), nil
}

// spread has count users change who lie far apart.
func (s *site) spread(count int) series {
	r := series{first: s.number + 1, count: count}
	step := s.users / count
	for i := range count {
		r.bytes = append(r.bytes, s.change((i*step+s.turn)%s.users))
	}
	s.turn++
	return r
}

// ratios divides run by run.
func ratios(over, under []float64) []float64 {
	out := make([]float64, len(over))
	for i := range over {
		out[i] = over[i] / under[i]
	}
	return out
}

// short writes a number of users.
func short(n int) string {
	switch {
	case n >= 1e6 && n%1e6 == 0:
		return fmt.Sprintf("%d M", n/1e6)
	case n >= 1e3 && n%1e3 == 0:
		return fmt.Sprintf("%d k", n/1e3)
	}
	return fmt.Sprint(n)
}
