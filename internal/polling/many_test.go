package polling

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/presence"
)

// The tests of sources that are asked about many mailboxes with one request.

// exchanges are n servers that take 100 mailboxes at once and answer after a while;
// server i is for the users of si.example.
func exchanges(n int, after time.Duration) (fakes []*fake, all []Site) {
	for i := range n {
		f := &fake{batch: 100, answer: func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
			time.Sleep(after)
			return make([]sources.Result, len(boxes)), nil
		}}
		s := site(fmt.Sprintf("exchange%d", i), f)
		host := fmt.Sprintf("@s%d.example", i)
		s.Mailbox = func(_ presence.Addr, bare string) (sources.Mailbox, bool) {
			return sources.Mailbox{Address: bare}, strings.HasSuffix(bare, host)
		}
		fakes, all = append(fakes, f), append(all, s)
	}
	return fakes, all
}

// TestPoller_TenThousandUsersOverFourServers: a round fits the shortest interval
// with at most eight requests in flight per server, and the next one needs no more
// memory (S6.4). Package sourcetest does the same with the sources themselves.
func TestPoller_TenThousandUsersOverFourServers(t *testing.T) {
	const users, servers, shortest = 10_000, 4, 5 * time.Minute
	fakes, all := exchanges(servers, 100*time.Millisecond)
	polled(t, nil, all, func(t *testing.T, p *Poller, d *door) {
		p.SetSites(all, shortest)
		for i := range users {
			p.WantCalendars(wish(fmt.Sprintf("u%d@s%d.example", i, i%servers)))
		}
		time.Sleep(shortest)
		whole := func(round string) {
			t.Helper()
			read := map[string]bool{}
			for _, line := range d.take() {
				read[line] = true
			}
			if len(read) != users {
				t.Errorf("%s round: %d of %d calendars were read in %v", round, len(read), users, shortest)
			}
			for n, f := range fakes {
				calls := len(f.take())
				if f.most() > PerServer || calls > users/servers/10 {
					t.Errorf("%s round, server %d: %d requests, %d at once; want few, and %d at once", round, n, calls, f.most(), PerServer)
				}
			}
		}
		whole("first")
		time.Sleep(2 * shortest) // everybody has come to her own instant by now
		d.take()
		for _, f := range fakes {
			f.take()
		}
		before := liveHeap()
		time.Sleep(shortest + shortest/5)
		whole("next")
		const slack = 1 << 20
		if grown := liveHeap() - before; grown > slack {
			t.Errorf("memory grew by %d KiB with one round", grown>>10)
		}
		runtime.KeepAlive(p)
	})
}

func TestPoller_SendsAsManyRequestsAsTheOperatorSays(t *testing.T) {
	f := &fake{answer: func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		time.Sleep(3 * time.Second)
		return make([]sources.Result, len(boxes)), nil
	}}
	s := site("ews", f)
	s.InFlight = 3
	polled(t, nil, []Site{s}, func(t *testing.T, p *Poller, d *door) {
		want(p, 60)
		time.Sleep(2 * time.Minute)
		if n := len(d.take()); n != 60 || f.most() != 3 {
			t.Errorf("%d of 60 are read, %d at a time; want 3", n, f.most())
		}
	})
}

// What a source says of one mailbox in a good answer is that mailbox's alone: the
// others are not disturbed, and it costs no request of its own.
func TestPoller_OneMailboxsFaultStaysInItsBatch(t *testing.T) {
	f := &fake{batch: 20, answer: func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		results := make([]sources.Result, len(boxes))
		for i, b := range boxes {
			if b.User == "u3@example.org" {
				results[i].Err = &sources.Fault{Kind: sources.Forbidden, Err: errors.New("no free/busy access")}
			}
		}
		return results, nil
	}}
	polled(t, nil, []Site{site("ews", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 20)
		time.Sleep(2 * time.Minute)
		asked, calls := 0, f.take()
		for _, c := range calls {
			if slices.Contains(c.users, "u3@example.org") {
				asked++
			}
		}
		if read := len(d.take()); read != 19 || asked != 1 {
			t.Errorf("%d of 19 are read, and u3 is asked about %d times in %d requests; want once", read, asked, len(calls))
		}
		if s := p.Status()[0]; s.Late != 1 || !s.Since.IsZero() {
			t.Errorf("the status is %+v; want one late calendar and a server that is well", s)
		}
	})
}

// A server that was away is asked in batches again, not about each by itself.
func TestPoller_AfterAnOutageBatchesAreFullAgain(t *testing.T) {
	const users = 400
	f := &fake{batch: 100, answer: fault(sources.Unreachable, 0)}
	polled(t, nil, []Site{site("ews", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, users)
		time.Sleep(2 * time.Hour)
		f.take()
		f.set(nil)
		time.Sleep(lastPause + 2*interval)
		single := 0
		calls := f.take()
		for _, c := range calls {
			if len(c.users) == 1 {
				single++
			}
		}
		if read := len(d.take()); read < users || single > users/20 {
			t.Errorf("%d of %d are read with %d requests, %d of them for one; want batches", read, users, len(calls), single)
		}
	})
}

func TestPoller_AnUnchangedCalendarStillTellsWhoIsAway(t *testing.T) {
	f := &fake{answer: func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		away := &presence.OutOfOffice{Start: begin, Note: "At sea"}
		return []sources.Result{{Unchanged: boxes[0].State != nil, State: []byte("token"), Away: away}}, nil
	}}
	polled(t, nil, []Site{site("google", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 1)
		time.Sleep(2 * interval)
		lines := d.take()
		if len(lines) < 2 || lines[1] != "u0@example.org site:google unchanged, away: At sea" {
			t.Errorf("the engine is told %q", lines)
		}
	})
}

// closing is a fake that knows whether it was closed.
type closing struct {
	*fake
	closed int
}

func (c *closing) Close() { c.closed++ }

func TestPoller_ClosesWhatItDoesNotAskAnyMore(t *testing.T) {
	a, b := &closing{fake: &fake{}}, &closing{fake: &fake{}}
	siteOf := func(name string, c *closing) Site {
		s := site(name, c.fake)
		s.Source = c
		return s
	}
	polled(t, nil, []Site{siteOf("a", a), siteOf("b", b)}, func(t *testing.T, p *Poller, _ *door) {
		want(p, 2)
		time.Sleep(time.Second)
		p.SetSites([]Site{siteOf("b", b)}, interval)
		if a.closed != 1 || b.closed != 0 {
			t.Errorf("after one source went: closed %d and %d times, want 1 and 0", a.closed, b.closed)
		}
		p.Stop()
		if b.closed != 1 {
			t.Errorf("after the stop the other is closed %d times", b.closed)
		}
	})
}
