package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"presenced/internal/testbed"
)

// delivery measures rows 1 and 2: what a delivered presence costs the daemon,
// and what it costs the servers to deliver one natively, in turns.
func delivery(ctx context.Context, l *lab) (figures []figure, err error) {
	s, err := l.open(ctx, l.many())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	kinds := []testbed.Kind{testbed.Ejabberd, testbed.Prosody} // rows 1 and 2
	var crowds []*crowd
	for _, kind := range kinds {
		c, leave, err := l.natives(ctx, kind)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, leave()) }()
		crowds = append(crowds, c)
	}
	ratios, beside := make([][]float64, len(kinds)), make([][]map[string]float64, len(kinds))
	for range l.size.runs {
		ours, err := s.saturate(ctx)
		if err != nil {
			return nil, err
		}
		for k, c := range crowds {
			theirs, err := c.saturate(ctx, l.size.contacts+1, l.size.rounds)
			if err != nil {
				return nil, err
			}
			ratios[k] = append(ratios[k], ours/theirs)
			beside[k] = append(beside[k], map[string]float64{
				"daemon us CPU/delivery": ours, string(kinds[k]) + " us CPU/delivery": theirs,
			})
		}
	}
	for k, kind := range kinds {
		g := goal{k + 1, fmt.Sprintf("component CPU per delivery / %s's native CPU per delivery", kind), "ratio", atMost, 0.03, 0.01}
		figures = append(figures, g.figure(ratios[k], medians(beside[k])))
	}
	return figures, s.healthy(ctx)
}

// many is the site of rows 1 and 2.
func (l *lab) many() plan {
	return plan{users: l.size.many, watchers: l.size.watchers, pool: l.size.many, stored: true, on: measuredOn}
}

// natives starts a server with people on it who are in touch natively.
func (l *lab) natives(ctx context.Context, kind testbed.Kind) (c *crowd, leave func() error, err error) {
	server, err := startServer(ctx, kind, l.size.people, l.size.contacts)
	if err != nil {
		return nil, nil, err
	}
	if c, err = enter(ctx, server, nativeHost, l.size.people); err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	leave = func() error { return errors.Join(c.close(), server.Close()) }
	// The echo to the sender is a delivery too.
	if err := c.settle(ctx, l.size.contacts+1); err != nil {
		return nil, nil, errors.Join(err, leave())
	}
	return c, leave, nil
}

// saturate changes every watched user at once and returns the daemon's CPU time
// per delivery in microseconds.
func (s *site) saturate(ctx context.Context) (float64, error) {
	cpu, err := s.burstCPU(ctx, s.numbered(0, s.users))
	return micros(cpu, s.users*s.watchers), err
}

// burstCPU sends changes as fast as the daemon takes them and returns the CPU
// time it uses until the last of their presences has been read.
func (s *site) burstCPU(ctx context.Context, r series) (time.Duration, error) {
	all := batches(r.bytes)
	s.meter.expect(r.first, r.count, s.watchers)
	before, err := s.metrics(ctx)
	if err != nil {
		return 0, err
	}
	cpu, err := spent(s.daemon.PID(), func() error {
		if err := s.send(all...); err != nil {
			return err
		}
		return s.meter.all(ctx, answerLimit)
	})
	if err != nil {
		return 0, err
	}
	after, err := s.metrics(ctx)
	if err != nil {
		return 0, err
	}
	if held := after["presenced_presences_held_total"] - before["presenced_presences_held_total"]; held != 0 {
		return 0, fmt.Errorf("%g changes were paced: the load is not what it should be", held)
	}
	extra := 0
	s.meter.read(func(m *meter) { extra = m.presences + m.other - r.count*s.watchers })
	if extra != 0 {
		return 0, fmt.Errorf("%d presences too many", extra)
	}
	return cpu, nil
}

// saturate lets everybody change at once, rounds times, and returns the
// server's CPU time per delivery in microseconds.
func (c *crowd) saturate(ctx context.Context, need, rounds int) (float64, error) {
	cpu, err := spent(c.server.PID(), func() error {
		for range rounds {
			c.follow(len(c.clients), need)
			for u := range c.clients {
				if err := c.change(u); err != nil {
					return err
				}
			}
			if err := c.all(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return micros(cpu, rounds*len(c.clients)*need), err
}

// micros is a share of a time in microseconds.
func micros(d time.Duration, parts int) float64 {
	return float64(d.Nanoseconds()) / 1e3 / float64(parts)
}
