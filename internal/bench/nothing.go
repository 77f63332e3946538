package main

import "context"

// unseen are events no watcher may notice, in the order in which each user's
// devices do them. The desk, which all see, stays as it is throughout.
func unseen(user int, status string) [][]byte {
	return [][]byte{
		available(user, desk, inner("", status, 5)),                                     // the same again
		available(user, desk, innerWith("", status, 5, "zHyEOgxTrkpSdGcQKH8EFPLsriY=")), // other capabilities
		available(user, desk, inner("", status, 7)),                                     // a higher priority of the only device
		available(user, robot, inner("chat", "listening", -1)),                          // a device below zero comes,
		available(user, robot, inner("dnd", "working", -1)),                             // is not to be disturbed,
		unavailable(user, robot),                                                        // and goes
		available(user, phone, inner("away", "in the bag", 1)),                          // a device comes that is away,
		available(user, phone, inner("xa", "in the other bag", 1)),                      // is further away,
		available(user, phone, inner("xa", "in the other bag", -3)),                     // below zero,
		unavailable(user, phone),                                                        // and goes
		unavailable(user, phone),                                                        // twice
		available(user, desk, inner("", status, 5)),                                     // the first priority again
	}
}

// nothing measures row 6. A change that everybody must see follows the unseen
// events of each user: once it has reached all watchers, whatever the events
// before it caused has come too, for nothing overtakes.
func nothing(ctx context.Context, l *lab) ([]figure, error) {
	g := goal{6, "presences out when no container's view changes", "presences", exactly, 0, none()}
	s := l.site
	var runs []float64
	var beside []map[string]float64
	for i := range l.size.runs {
		first := i * l.size.quiet
		before := s.numbered(first, l.size.quiet)
		s.meter.expect(before.first, before.count, l.size.watchers)
		if err := s.sendAll(ctx, before.bytes); err != nil {
			return nil, err
		}
		kinds := s.quietRound(first, before)
		after := s.numbered(first, l.size.quiet)
		s.meter.expect(after.first, after.count, l.size.watchers)
		if err := s.sendAll(ctx, append(kinds, after.bytes...)); err != nil {
			return nil, err
		}
		extra := 0
		s.meter.read(func(m *meter) { extra = m.presences + m.other - after.count*l.size.watchers })
		runs = append(runs, float64(extra))
		beside = append(beside, map[string]float64{"events": float64(len(kinds))})
	}
	return []figure{g.figure(runs, medians(beside))}, nil
}

// quietRound orders the unseen events so that all users do the first, then all
// the second.
func (s *site) quietRound(first int, base series) [][]byte {
	perUser := make([][][]byte, base.count)
	for i := range perUser {
		perUser[i] = unseen(first+i, mark(base.first+i))
	}
	var out [][]byte
	for k := range perUser[0] {
		for i := range perUser {
			out = append(out, perUser[i][k])
		}
	}
	return out
}

// sendAll sends in batches and waits until every followed event is complete.
func (s *site) sendAll(ctx context.Context, stanzas [][]byte) error {
	if err := s.send(batches(stanzas)...); err != nil {
		return err
	}
	return s.meter.all(ctx, answerLimit)
}
