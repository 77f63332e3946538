package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"presenced/internal/testbed"
)

const (
	watcherPool = 2000 // people who watch, each several users
	// subscribing is how many subscription requests are under way at once.
	subscribing = 4000
	// arriving is how many users come online at once.
	arriving  = 1000
	seedLimit = time.Minute
	// answerLimit is how long anything measured may take before the run is
	// given up.
	answerLimit = 30 * time.Second
	// rested is how long until every user may change five times at once again
	// (S10: five, and then one every 2 s).
	rested = 10 * time.Second
)

// site is the shipped daemon attached to a scripted server, with users online
// and watchers subscribed to their mirrors. Users 0..users-1 are watched, the
// others are not.
type site struct {
	size   sizes
	server *testbed.ComponentServer
	link   *testbed.Link
	daemon *testbed.Daemon
	meter  *meter
	number int       // of the last numbered event
	turn   int       // of the next user in row 8
	status []string  // of every user, as last sent
	busy   time.Time // when users last changed
}

// open starts everything; binary "" is the shipped one.
func (l *lab) open(ctx context.Context, binary string, env ...string) (*site, error) {
	start := time.Now()
	s := &site{size: l.size, meter: newMeter(l.size.users + l.size.alone)}
	s.status = make([]string, s.all())
	if err := s.start(ctx, binary, env); err != nil {
		return nil, errors.Join(err, s.close())
	}
	err := s.arrive(ctx)
	if err == nil {
		err = s.seed(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.diagnosis(ctx), s.close())
	}
	say(l.out, "%d users with %d watchers each, and %d with none, are there after %s",
		s.size.users, s.size.watchers, s.size.alone, time.Since(start).Round(100*time.Millisecond))
	return s, nil
}

func (s *site) start(ctx context.Context, binary string, env []string) (err error) {
	s.server, err = testbed.NewComponentServer(testbed.ComponentOptions{
		Dialect: testbed.ProsodyDialect, CountOnly: true, OnBytes: s.meter.feed, Rosters: s.rosters(),
	})
	if err != nil {
		return err
	}
	config := testbed.ConfigForFake(s.server)
	config["enrolment"] = map[string]any{"mode": "all"}
	// Reading rosters again is not what the rows measure, and once a minute for
	// everybody would be most of what an idle daemon does.
	config["privacy"] = map[string]any{"refresh": "1h"}
	if s.daemon, err = testbed.StartDaemon(ctx, testbed.DaemonOptions{Config: config, Binary: binary, Env: env}); err != nil {
		return err
	}
	s.link, err = s.server.Next(ctx)
	return err
}

// arrive brings everybody online, arriving at a time: the daemon enrols whom
// it sees for the first time, and its store takes only so much at once.
func (s *site) arrive(ctx context.Context) error {
	for first := 0; first < s.all(); first += arriving {
		end := min(first+arriving, s.all())
		for u := first; u < end; u++ {
			s.server.SetPresence(jidOf(u, desk), inner("", "here", 5))
		}
		if err := s.reaches(ctx, "presenced_enrolled_users", float64(end)); err != nil {
			return err
		}
	}
	return nil
}

// reaches waits until a metric has a value.
func (s *site) reaches(ctx context.Context, name string, want float64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, errLate)
	defer cancel()
	for {
		m, err := s.metrics(ctx)
		if err != nil {
			return err
		}
		if m[name] >= want {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%s is %g, not %g: %w", name, m[name], want, err)
		}
	}
}

// all is the number of users.
func (s *site) all() int { return s.size.users + s.size.alone }

// watcher is the k-th watcher of a user.
func (s *site) watcher(user, k int) string {
	return fmt.Sprintf("w%04d@%s", (user*s.size.watchers+k)%watcherPool, testbed.DefaultHost)
}

// rosters make every watcher a contact of those she watches: a colleague (200).
func (s *site) rosters() map[string][]testbed.RosterItem {
	out := make(map[string][]testbed.RosterItem, s.all())
	for u := range s.size.users {
		items := make([]testbed.RosterItem, s.size.watchers)
		for k := range items {
			items[k] = testbed.RosterItem{JID: s.watcher(u, k), Subscription: "both"}
		}
		out[testbed.Bare(jidOf(u, desk))] = items
	}
	return out
}

// seed subscribes all watchers through the stream, as their servers would.
func (s *site) seed(ctx context.Context) error {
	asked, batch := 0, make([]byte, 0, 64<<10)
	perTurn := max(1, subscribing/2/s.size.watchers)
	for first := 0; first < s.size.users; first += perTurn {
		batch = batch[:0]
		for u := first; u < min(first+perTurn, s.size.users); u++ {
			for k := range s.size.watchers {
				batch = fmt.Appendf(batch, "<presence type='subscribe' from='%s' to='u%d@%s'/>", s.watcher(u, k), u, testbed.DefaultComponent)
				asked++
			}
		}
		if err := s.link.Send(string(batch)); err != nil {
			return err
		}
		want := max(0, asked-subscribing/2)
		if first+perTurn >= s.size.users {
			want = asked
		}
		if err := s.meter.wait(ctx, seedLimit, "subscriptions", func(m *meter) bool { return m.accepted >= want }); err != nil {
			return err
		}
	}
	return s.settle(ctx)
}

// settle sends every watched user's first numbered state and waits for it to
// have reached everybody, so that nothing of the past is still to come.
func (s *site) settle(ctx context.Context) error {
	events := s.numbered(0, s.size.users)
	s.meter.expect(events.first, events.count, s.size.watchers)
	if err := s.send(events.bytes...); err != nil {
		return err
	}
	return s.meter.all(ctx, answerLimit)
}

// close ends everything.
func (s *site) close() error {
	var errs []error
	if s.daemon != nil {
		errs = append(errs, s.daemon.Close())
	}
	if s.server != nil {
		errs = append(errs, s.server.Close())
	}
	return errors.Join(errs...)
}

// rest waits until the pace of every user is full again.
func (s *site) rest(ctx context.Context) error {
	return pause(ctx, time.Until(s.busy.Add(rested)))
}

// pause lets time pass, which here is a part of what is measured.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send hands stanzas to the daemon in order.
func (s *site) send(stanzas ...[]byte) error {
	s.busy = time.Now()
	for _, b := range stanzas {
		if err := s.link.SendBytes(b); err != nil {
			return err
		}
	}
	return nil
}

// healthy fails when the daemon lost an event or a stanza, or left.
func (s *site) healthy(ctx context.Context) error {
	if err := s.link.Err(); err != nil {
		return err
	}
	m, err := s.metrics(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"presenced_events_lost_total", "presenced_stanzas_refused_total", "presenced_stanzas_dropped_total", "presenced_roster_errors_total"} {
		if m[name] != 0 {
			return fmt.Errorf("%s is %g, not 0: the figure would not count everything", name, m[name])
		}
	}
	return nil
}

// diagnosis is what the daemon says of itself when something did not come: all
// its metrics that are not zero, and the end of its log.
func (s *site) diagnosis(ctx context.Context) error {
	m, err := s.metrics(ctx)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if strings.HasPrefix(name, "presenced_") && m[name] != 0 {
			fmt.Fprintf(&b, "%s %g\n", name, m[name])
		}
	}
	return errors.Join(fmt.Errorf("the daemon's state:\n%s%s", b.String(), s.daemon.LogTail()), err, s.link.Err())
}

// metrics reads /metrics; series of one name are summed up.
func (s *site) metrics(ctx context.Context) (map[string]float64, error) {
	text, err := s.daemon.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	return parseMetrics(text), nil
}

func parseMetrics(text string) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			out[name] += v
		}
	}
	return out
}
