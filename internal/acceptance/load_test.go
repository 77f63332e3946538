//go:build integration

package acceptance

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// everybody enrols whoever is seen.
var everybody = map[string]any{"enrolment": map[string]any{"mode": "all"}}

// ledger is what the watchers were shown, kept small: the last presence of each
// pair of watcher and mirror and how many there were.
type ledger struct {
	last  map[[2]string]string
	count map[[2]string]int
}

// ledger reads the logs of all links.
func (s *stage) ledger() ledger {
	out := ledger{map[[2]string]string{}, map[[2]string]int{}}
	for _, l := range s.all() {
		for _, st := range l.Log() {
			if st.Kind == "presence" && (st.Type == "" || st.Type == "unavailable") && strings.HasSuffix(st.From, "@"+component) {
				pair := [2]string{testbed.Bare(st.To), st.From}
				out.last[pair] = line(st)
				out.count[pair]++
			}
		}
	}
	return out
}

// converged waits until every watcher sees want(user) of every user.
func (s *stage) converged(limit time.Duration, users, watchers []string, want func(i int) string) {
	s.Helper()
	deadline := time.Now().Add(limit)
	for {
		got, wrong, example := s.ledger(), 0, ""
		for i, u := range users {
			for _, w := range watchers {
				if have := got.last[[2]string{w, mirrorOf(u)}]; have != want(i) {
					wrong++
					example = fmt.Sprintf("%s sees %q of %s, want %q", w, have, u, want(i))
				}
			}
		}
		if wrong == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("%d of %d pairs are wrong after %v: %s\n%s", wrong, len(users)*len(watchers), limit, example, s.d.LogTail())
		}
		time.Sleep(100 * time.Millisecond) // the pause of a poll that costs something
	}
}

// crowd are n watchers.
func crowd(n int) []string {
	out := names("w", n)
	for i := range out {
		out[i] += "@" + host
	}
	return out
}

// gauge watches the outbox until stopped; most is the largest number of
// entries and pairs that were seen.
type gauge struct {
	entries, pairs, rss atomic.Int64
	stop                context.CancelFunc
	work                sync.WaitGroup
}

func (s *stage) watchOutbox() *gauge {
	ctx, cancel := context.WithCancel(s.Context())
	g := &gauge{stop: cancel}
	g.work.Go(func() {
		for ctx.Err() == nil {
			if all, err := s.d.Metrics(ctx); err == nil {
				g.entries.Store(max(g.entries.Load(), int64(series(s.T, all, "presenced_outbox_entries"))))
				g.pairs.Store(max(g.pairs.Load(), int64(series(s.T, all, "presenced_outbox_pairs"))))
				g.rss.Store(max(g.rss.Load(), int64(series(s.T, all, "process_resident_memory_bytes"))))
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	return g
}

func (g *gauge) end() {
	g.stop()
	g.work.Wait()
}

// shows are what users set and what their colleagues then see.
var shows = []struct{ inner, seen string }{
	{"", "online 3500"}, {"<show>away</show>", "away 15500"}, {"<show>dnd</show>", "dnd 9500"},
}

// TestLoad_LoginStorm: 2,000 users at once, ten watchers each. Everybody is
// shown to everybody, and what waits is bounded by the pairs.
func TestLoad_LoginStorm(t *testing.T) {
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(everybody, true)
	users, watchers := names("u", 2000), crowd(10)
	for i, u := range users {
		s.fake.SetPresence(u+desk, shows[i%3].inner)
	}
	for _, u := range users {
		s.subscribe(u, watchers...)
	}
	s.converged(60*time.Second, users, watchers, func(i int) string { return shows[i%3].seen })
	for _, u := range users {
		s.fake.SetUnavailable(u+desk, false)
	}
	s.converged(30*time.Second, users, watchers, func(int) string { return "offline" })

	g := s.watchOutbox()
	start := time.Now()
	for i, u := range users {
		s.fake.SetPresence(u+desk, shows[i%3].inner)
	}
	s.converged(30*time.Second, users, watchers, func(i int) string { return shows[i%3].seen })
	g.end()
	t.Logf("20,000 pairs converged in %v; at most %d entries in %d pairs waited; %d MB", time.Since(start), g.entries.Load(), g.pairs.Load(), g.rss.Load()>>20)
	if n := int64(len(users) * len(watchers)); g.entries.Load() > n || g.pairs.Load() > n {
		t.Errorf("%d entries of %d pairs waited, with %d pairs in all", g.entries.Load(), g.pairs.Load(), n)
	}
	if lost := s.metric("presenced_events_lost_total"); lost != 0 {
		t.Errorf("%v events were lost", lost)
	}
	if n := s.metric("presenced_link_attaches_total"); n != 1 {
		t.Errorf("%v attaches, want 1", n)
	}
}

// TestLoad_FlappingDevice names S10: at most 5 at once and then one every 2 s,
// and the latest state is not lost.
func TestLoad_FlappingDevice(t *testing.T) {
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(partner, true)
	before := s.play()
	first := len(s.story(bob, "alice"))
	start := time.Now()
	for i := range 1000 {
		s.fake.SetPresence("alice"+desk, shows[i%3].inner)
		time.Sleep(8 * time.Millisecond) // how fast it flaps
	}
	took := time.Since(start)
	s.changeTruth()
	s.truth(before)
	got := len(s.story(bob, "alice")) - first
	// One more for each interval that has begun until the truth was shown.
	if limit := 5 + int((time.Since(start)+2*time.Second-1)/(2*time.Second)); got > limit || got < 5 {
		t.Errorf("%d presences in %v of flapping, want 5..%d: %q", got, took, limit, s.story(bob, "alice")[first:])
	}
}

// narrows is a proxy before the scripted server that lets through rate bytes a
// second of what the daemon sends; 0 lets everything through.
type narrows struct {
	Addr string
	rate atomic.Int64
}

// slowDown starts the proxy; it ends with the test.
func slowDown(t *testing.T, server string) *narrows {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &narrows{Addr: l.Addr().String()}
	var work sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		work.Wait()
	})
	work.Go(func() {
		for in, err := l.Accept(); err == nil; in, err = l.Accept() {
			_ = in.(*net.TCPConn).SetReadBuffer(128 << 10) // else the kernel takes megabytes
			out, err := net.Dial("tcp", server)
			if err != nil {
				_ = in.Close()
				continue
			}
			unwatch := context.AfterFunc(ctx, func() { _, _ = in.Close(), out.Close() })
			work.Go(func() { n.pass(ctx, in, out, &n.rate) })
			work.Go(func() {
				defer unwatch()
				n.pass(ctx, out, in, new(atomic.Int64))
			})
		}
	})
	return n
}

// pass copies until either side ends.
func (n *narrows) pass(ctx context.Context, from, to net.Conn, rate *atomic.Int64) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buf := make([]byte, 64<<10)
	for {
		some := buf
		if r := rate.Load(); r > 0 {
			some = buf[:max(1, r/20)]
			select {
			case <-time.After(time.Second / 20):
			case <-ctx.Done():
				return
			}
		}
		k, err := from.Read(some)
		if _, werr := to.Write(some[:k]); err != nil || werr != nil {
			return
		}
	}
}

// TestLoad_SlowServer: a server that reads 20 KB/s for a while. What waits is
// bounded, and once it reads again everybody sees the latest state, without
// having been shown every state between.
func TestLoad_SlowServer(t *testing.T) {
	rounds := 13
	if patient {
		rounds = 61
	}
	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	n := slowDown(t, s.fake.Addr)
	config := map[string]any{"enrolment": everybody["enrolment"], "component": map[string]any{"address": n.Addr}}
	s.run(config, true)
	users, watchers := names("u", 100), crowd(100)
	for _, u := range users {
		s.fake.SetPresence(u+desk, "")
		s.subscribe(u, watchers...)
	}
	s.converged(30*time.Second, users, watchers, func(int) string { return "online 3500" })
	start, memory := s.ledger(), int64(s.metric("process_resident_memory_bytes"))
	n.rate.Store(20 << 10)
	g := s.watchOutbox()
	for round := range rounds {
		for _, u := range users {
			s.fake.SetPresence(u+desk, shows[(round+1)%3].inner)
		}
		time.Sleep(time.Second) // the pace of the changes
	}
	n.rate.Store(0)
	s.converged(40*time.Second, users, watchers, func(int) string { return shows[rounds%3].seen })
	g.end()
	pairs, shown, most := len(users)*len(watchers), 0, 0
	for pair, count := range s.ledger().count {
		shown += count - start.count[pair]
		most = max(most, count-start.count[pair])
	}
	t.Logf("%d changes of %d pairs: %d presences, at most %d per pair; %d entries waited in %d pairs; RSS %d MB, before %d MB; losses %v, attaches %v",
		rounds, pairs, shown, most, g.entries.Load(), g.pairs.Load(), g.rss.Load()>>20, memory>>20, s.losses(), s.metric("presenced_link_attaches_total"))
	if g.entries.Load() > int64(pairs) || g.entries.Load() == 0 {
		t.Errorf("%d stanzas waited, want 1..%d", g.entries.Load(), pairs)
	}
	if n := s.metric("presenced_link_attaches_total"); n != 1 {
		t.Errorf("%v attaches: a server that is slow, but reads, was given up", n)
	}
	if most > 4 {
		t.Errorf("a pair was shown %d of %d states, want at most 4", most, rounds)
	}
	if g.rss.Load() > memory+(64<<20) {
		t.Errorf("the process grew from %d to %d MB", memory>>20, g.rss.Load()>>20)
	}
}
