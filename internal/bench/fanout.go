package main

import (
	"context"
	"time"
)

// changesAtOnce is how many changes of a user leave unpaced (S10).
const changesAtOnce = 5

// fanOut measures row 7.
func fanOut(ctx context.Context, l *lab) ([]figure, error) {
	steady, err := steadyRuns(ctx, l)
	if err != nil {
		return nil, err
	}
	flapping, err := flappingRuns(ctx, l)
	return []figure{steady, flapping}, err
}

// steadyRuns changes users below the pace: every change reaches every watcher
// once.
func steadyRuns(ctx context.Context, l *lab) (figure, error) {
	g := goal{7, "presences out / (changes x watchers), steady", "ratio", exactly, 1, none()}
	s := l.site
	if err := s.rest(ctx); err != nil {
		return figure{}, err
	}
	var runs []float64
	for i := range l.size.runs {
		sum := 0
		for range changesAtOnce {
			r := s.numbered(i*l.size.steady, l.size.steady)
			s.meter.expect(r.first, r.count, l.size.watchers)
			if err := s.sendAll(ctx, r.bytes); err != nil {
				return figure{}, err
			}
			s.meter.read(func(m *meter) { sum += m.presences + m.other })
		}
		runs = append(runs, float64(sum)/float64(changesAtOnce*l.size.steady*l.size.watchers))
	}
	also := map[string]float64{"changes": float64(changesAtOnce * l.size.steady)}
	return g.figure(runs, also), nil
}

// flappingRuns lets one device of each of some users flap between available
// and do-not-disturb at ten times the pace. The groups flap at the same time;
// each is one run. The last change bears a number: that it reaches everybody
// shows that what was held back was the latest.
func flappingRuns(ctx context.Context, l *lab) (figure, error) {
	g := goal{7, "presences out / (changes x watchers), one device flapping at ten times the pace", "ratio", atMost, 0.2, none()}
	s := l.site
	if err := s.rest(ctx); err != nil {
		return figure{}, err
	}
	users := l.size.runs * l.size.flapping
	s.meter.expect(s.number+1, users, l.size.watchers)
	changes, err := s.flap(ctx, users)
	if err != nil {
		return figure{}, err
	}
	if err := s.sendAll(ctx, s.numbered(0, users).bytes); err != nil {
		return figure{}, err
	}
	out := make([]float64, l.size.runs)
	s.meter.read(func(m *meter) {
		for u := range users {
			out[u%l.size.runs] += float64(m.byUser[u])
		}
	})
	for i := range out {
		out[i] /= float64((changes + 1) * l.size.flapping * l.size.watchers)
	}
	return g.figure(out, map[string]float64{"changes per device": float64(changes + 1)}), nil
}

// flap toggles the show of every user's desk and returns how often.
func (s *site) flap(ctx context.Context, users int) (changes int, err error) {
	var both [2][]byte
	for u := range users {
		for k, show := range []string{"dnd", ""} {
			both[k] = append(both[k], available(u, desk, inner(show, s.status[u], 5))...)
		}
	}
	start := time.Now()
	for s.size.flapEvery*time.Duration(changes) < s.size.flapFor {
		if err := pause(ctx, time.Until(start.Add(s.size.flapEvery*time.Duration(changes)))); err != nil {
			return changes, err
		}
		if err := s.send(both[changes%2]); err != nil {
			return changes, err
		}
		changes++
	}
	return changes, nil
}
