package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"presenced/internal/testbed"
)

const (
	// subscribing is how many subscription requests are under way at once.
	subscribing = 4000
	// arriving is how many users come online at once.
	arriving = 1000
	// settling is how many users get their first numbered state at once.
	settling  = 50_000
	seedLimit = time.Minute
	// answerLimit is how long anything measured may take before the run is
	// given up.
	answerLimit = 30 * time.Second
	// rested is how long until every user may change five times at once again
	// (S10: five, and then one every 2 s).
	rested = 10 * time.Second
)

// plan is what a site consists of.
type plan struct {
	users    int // enrolled, online, watched
	alone    int // enrolled, online, watched by nobody
	watchers int // of each watched user
	pool     int // people who watch, each several users
	// stored: enrolments and subscriptions are in the store when the daemon
	// starts, and not said over the stream.
	stored bool
	silent bool    // nobody comes online
	agenda *agenda // everybody's calendar; nil: none
	on     storeKind
	binary string // empty: the shipped one
	env    []string
}

// site is the shipped daemon attached to a scripted server, with users online
// and watchers subscribed to their mirrors. Users 0..users-1 are watched, the
// others are not.
type site struct {
	plan
	size   sizes
	store  *storage
	server *testbed.ComponentServer
	link   *testbed.Link
	daemon *testbed.Daemon
	meter  *meter
	number int          // of the last numbered event
	turn   int          // of the next user in row 8
	status []string     // of every user, as last sent
	busy   time.Time    // when users last changed
	read   atomic.Int64 // rosters asked for
}

// usual is the site of the rows that have none of their own.
func (l *lab) usual() plan {
	return plan{users: l.size.users, alone: l.size.alone, watchers: l.size.watchers, pool: 2000, on: onFile}
}

// open starts everything.
func (l *lab) open(ctx context.Context, p plan) (*site, error) {
	start := time.Now()
	s := &site{plan: p, size: l.size, meter: newMeter(p.users + p.alone)}
	s.status = make([]string, s.all())
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.populate(ctx); err != nil {
		return nil, errors.Join(err, s.diagnosis(ctx), s.close())
	}
	say(l.out, "%d users with %d watchers each, and %d with none, are there after %s",
		p.users, p.watchers, p.alone, time.Since(start).Round(100*time.Millisecond))
	return s, nil
}

func (s *site) start(ctx context.Context) (err error) {
	if s.store, err = newStorage(ctx, s.on); err != nil {
		return err
	}
	if s.stored {
		alike, err := s.agenda.documents()
		if err == nil {
			err = s.store.fill(ctx, s.all(), s.watchersOf, alike)
		}
		if err != nil {
			return err
		}
	}
	s.server, err = testbed.NewComponentServer(testbed.ComponentOptions{
		Dialect: testbed.ProsodyDialect, CountOnly: true, OnBytes: s.meter.feed, OnIQ: s.answer,
	})
	if err != nil {
		return err
	}
	config := testbed.ConfigForFake(s.server)
	config["store"] = s.store.section
	config["enrolment"] = map[string]any{"mode": "all"}
	// Reading rosters again is not what the rows measure, and once a minute for
	// everybody would be most of what an idle daemon does.
	config["privacy"] = map[string]any{"refresh": "1h"}
	if s.agenda != nil {
		config["calendar"] = s.agenda.section()
	}
	if s.daemon, err = testbed.StartDaemon(ctx, testbed.DaemonOptions{Config: config, Binary: s.binary, Env: s.env}); err != nil {
		return err
	}
	s.link, err = s.server.Next(ctx)
	return err
}

// populate brings users and watchers there.
func (s *site) populate(ctx context.Context) error {
	switch {
	case s.silent:
		return nil
	case s.stored:
		return s.appear(ctx)
	}
	if err := s.arrive(ctx); err != nil {
		return err
	}
	return s.seed(ctx)
}

// appear brings everybody online whom the daemon knows from its store. Each
// piece of the settling waits until the rosters are read, so that nobody's
// first state is still held back.
func (s *site) appear(ctx context.Context) error {
	var here [][]byte
	for u := range s.all() {
		here = append(here, available(u, desk, inner("", "here", 5)))
	}
	if err := s.send(batches(here)...); err != nil {
		return err
	}
	if err := s.rostersRead(ctx); err != nil {
		return err
	}
	return s.settle(ctx)
}

// rostersRead waits until every user's roster was asked for once.
func (s *site) rostersRead(ctx context.Context) error {
	last, since := int64(0), time.Now()
	for {
		n := s.read.Load()
		switch {
		case n >= int64(s.all()):
			return nil
		case n > last:
			last, since = n, time.Now()
		case time.Since(since) > answerLimit:
			return fmt.Errorf("rosters: %w: %d of %d were asked for", errLate, n, s.all())
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
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
func (s *site) all() int { return s.users + s.alone }

// watcher is the k-th watcher of a user. The stride scatters whom a person
// watches, as in life.
func (s *site) watcher(user, k int) string {
	return fmt.Sprintf("w%04d@%s", (user*s.watchers+k)*stride%s.pool, testbed.DefaultHost)
}

const stride = 7919 // prime, and no divisor of a pool

func (s *site) watchersOf(user int) []string {
	if user >= s.users {
		return nil
	}
	out := make([]string, s.watchers)
	for k := range out {
		out[k] = s.watcher(user, k)
	}
	return out
}

// answer gives rosters: every watcher is a contact of those she watches, a
// colleague (200). It leaves everything else to the scripted server.
func (s *site) answer(in testbed.Stanza) (testbed.IQReply, bool) {
	if in.Type != "get" || len(in.Root.Children) == 0 || in.Root.Children[0].Name.Space != "jabber:iq:roster" {
		return testbed.IQReply{}, false
	}
	s.read.Add(1)
	text := []byte("<query xmlns='jabber:iq:roster'>")
	if u, ok := userOf(in.To); ok {
		for _, w := range s.watchersOf(u) {
			text = fmt.Appendf(text, "<item jid='%s' subscription='both'/>", w)
		}
	}
	return testbed.IQReply{Payload: string(append(text, "</query>"...))}, true
}

// seed subscribes all watchers through the stream, as their servers would.
func (s *site) seed(ctx context.Context) error {
	asked, batch := 0, make([]byte, 0, 64<<10)
	perTurn := max(1, subscribing/2/s.watchers)
	for first := 0; first < s.users; first += perTurn {
		batch = batch[:0]
		for u := first; u < min(first+perTurn, s.users); u++ {
			for k := range s.watchers {
				batch = fmt.Appendf(batch, "<presence type='subscribe' from='%s' to='%s'/>", s.watcher(u, k), mirrorOf(u))
				asked++
			}
		}
		if err := s.link.Send(string(batch)); err != nil {
			return err
		}
		want := max(0, asked-subscribing/2)
		if first+perTurn >= s.users {
			want = asked
		}
		if err := s.meter.wait(ctx, seedLimit, "subscriptions", func(m *meter) bool { return m.accepted >= want }); err != nil {
			return err
		}
	}
	return s.settle(ctx)
}

// settle sends every watched user's first numbered state, settling at a time,
// and waits for it to have reached everybody, so that nothing of the past is
// still to come.
func (s *site) settle(ctx context.Context) error {
	for first := 0; first < s.users; first += settling {
		events := s.numbered(first, min(settling, s.users-first))
		s.meter.expect(events.first, events.count, s.watchers)
		if err := s.sendAll(ctx, events.bytes); err != nil {
			return err
		}
	}
	return nil
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
	if s.store != nil {
		errs = append(errs, s.store.close())
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
