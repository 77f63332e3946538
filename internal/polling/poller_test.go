package polling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

func TestPoller_SpreadsUsersOverTheInterval(t *testing.T) {
	f := &fake{}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, _ *door) {
		const users = 1000
		want(p, users)
		time.Sleep(interval / 2)
		if n := len(f.take()); n != users {
			t.Fatalf("%d of %d calendars were read soon after the start", n, users)
		}
		time.Sleep(interval) // everybody has come to her own instant by now
		f.take()
		for round := range 3 {
			var tenths [10]int
			start := time.Since(begin)
			time.Sleep(interval)
			for _, c := range f.take() {
				tenths[min(int((c.at-start)*10/interval), 9)]++
			}
			for i, n := range tenths {
				if n < users/10/2 || n > users/10*2 {
					t.Errorf("round %d, tenth %d: %d of %d calendars are read; want about a tenth (%v)", round, i, n, users, tenths)
				}
			}
		}
	})
}

func TestPoller_KeepsToTheIntervalAndDoesNotGrow(t *testing.T) {
	f := &fake{}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, _ *door) {
		want(p, 10)
		time.Sleep(2 * interval)
		f.take()
		last := map[string]time.Duration{}
		for range 20 {
			time.Sleep(interval)
			for _, c := range f.take() {
				if before, ok := last[c.users[0]]; ok && c.at-before > interval*12/10 {
					t.Errorf("%s is read after %v", c.users[0], c.at-before)
				}
				last[c.users[0]] = c.at
			}
		}
		want(p, 10) // said again: nothing new
		p.mu.Lock()
		defer p.mu.Unlock()
		feed := p.feeds["dav"]
		if feed.count != 10 || len(feed.queue) != 10 || len(feed.servers) > 1 || len(p.people) != 10 {
			t.Errorf("%d entries, %d queued, %d servers, %d people; want 10, 10, 1, 10", feed.count, len(feed.queue), len(feed.servers), len(p.people))
		}
	})
}

func TestPoller_AsksAFewThingsAtATime(t *testing.T) {
	f := &fake{answer: func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		time.Sleep(3 * time.Second)
		return make([]sources.Result, len(boxes)), nil
	}}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 100)
		time.Sleep(time.Minute)
		if n := len(d.take()); n != 100 || f.top != PerServer {
			t.Errorf("%d of 100 are read, %d at a time; want %d", n, f.top, PerServer)
		}
	})
}

func TestPoller_FillsBatches(t *testing.T) {
	f := &fake{batch: 20}
	polled(t, nil, []Site{site("ews", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 1000)
		time.Sleep(2 * interval)
		f.take()
		d.take()
		time.Sleep(4 * interval)
		calls, most := f.take(), 0
		for _, c := range calls {
			most = max(most, len(c.users))
		}
		if read := len(d.take()); read < 3900 || len(calls) > read/10 || most > 20 {
			t.Errorf("%d calendars in %d requests of up to %d; want batches of nearly 20", read, len(calls), most)
		}
	})
}

func fault(k sources.FaultKind, after time.Duration) func(context.Context, []sources.Mailbox) ([]sources.Result, error) {
	return func(context.Context, []sources.Mailbox) ([]sources.Result, error) {
		return nil, &sources.Fault{Kind: k, Err: errors.New("no"), RetryAfter: after}
	}
}

func TestPoller_ObeysRetryAfter(t *testing.T) {
	f := &fake{answer: fault(sources.Busy, 3*time.Hour)}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, _ *door) {
		p.WantCalendars(wish("u0@example.org"))
		time.Sleep(time.Second)
		if n := len(f.take()); n != 1 {
			t.Fatalf("%d requests before the server asked to be left alone; want 1", n)
		}
		want(p, 100)
		time.Sleep(3*time.Hour - 10*time.Second)
		if calls := f.take(); len(calls) != 0 {
			t.Fatalf("%d requests while the server wants to be left alone, the first after %v", len(calls), calls[0].at)
		}
		f.set(nil)
		time.Sleep(interval)
		if n := len(f.take()); n < 99 {
			t.Errorf("%d requests after that; want everybody's", n)
		}
	})
}

func TestPoller_LeavesAFailingServerAloneForLongerAndLonger(t *testing.T) {
	f := &fake{answer: fault(sources.Unreachable, 0)}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 500)
		time.Sleep(12 * time.Hour)
		calls := f.take()
		for i := 1; i < len(calls); i++ {
			pause, least := calls[i].at-calls[i-1].at, min(firstPause<<min(i-1, 7), lastPause)
			if i > PerServer && (pause < least/2 || pause > 2*lastPause) {
				t.Errorf("request %d comes after %v, want about %v", i, pause, least)
			}
		}
		if len(calls) > 25+PerServer {
			t.Errorf("%d requests in 12 hours to a server that is away", len(calls))
		}
		if s := p.Status()[0]; s.Since.IsZero() || s.Fault != "no" {
			t.Errorf("the status is %+v; want the fault", s)
		}
		f.set(nil)
		time.Sleep(lastPause + 2*interval)
		if n := len(d.take()); n < 500 {
			t.Errorf("%d of 500 calendars are read after the server came back", n)
		}
		if s := p.Status()[0]; !s.Since.IsZero() || s.Fault != "" || s.Late != 0 {
			t.Errorf("the status is %+v; want a source that is well", s)
		}
	})
}

func TestPoller_OneUsersFailureIsNobodyElses(t *testing.T) {
	poison := func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		for _, b := range boxes {
			if b.User == "u3@example.org" {
				return nil, &sources.Fault{Kind: sources.Malformed, Err: errors.New("poison")}
			}
		}
		return make([]sources.Result, len(boxes)), nil
	}
	for _, batch := range []int{1, 20} {
		f := &fake{batch: batch, answer: poison}
		polled(t, nil, []Site{site("ews", f)}, func(t *testing.T, p *Poller, d *door) {
			want(p, 20)
			time.Sleep(2 * time.Hour)
			read := map[string]int{}
			for _, line := range d.take() {
				user, _, _ := strings.Cut(line, " ")
				read[user]++
			}
			if len(read) != 19 {
				t.Fatalf("batches of %d: %d users were read, want all but one", batch, len(read))
			}
			for user, n := range read {
				if n < 3 {
					t.Errorf("batches of %d: %s was read %d times in two hours, want once each half hour", batch, user, n)
				}
			}
		})
	}
}

func TestPoller_TriesAFailingCalendarAtGrowingDistances(t *testing.T) {
	f := &fake{answer: func(context.Context, []sources.Mailbox) ([]sources.Result, error) {
		return []sources.Result{{Err: &sources.Fault{Kind: sources.Forbidden, Err: errors.New("403")}}}, nil
	}}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 1)
		time.Sleep(32 * time.Hour)
		var pauses []string
		calls := f.take()
		for i := 1; i < len(calls); i++ {
			pauses = append(pauses, (calls[i].at - calls[i-1].at).Round(30*time.Minute).String())
		}
		if got := strings.Join(pauses, " "); got != "30m0s 2h0m0s 8h30m0s 8h30m0s 8h30m0s" {
			t.Errorf("it is tried after %s", got)
		}
		if lines := d.take(); len(lines) != 0 {
			t.Errorf("the engine is told %q; want what was known to stay", lines)
		}
	})
}

func TestPoller_NoSourceBlocksAnother(t *testing.T) {
	hanging := &fake{answer: func(ctx context.Context, _ []sources.Mailbox) ([]sources.Result, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	well := &fake{}
	polled(t, nil, []Site{site("a-hanging", hanging), site("b-well", well)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 100)
		time.Sleep(interval)
		if n := len(well.take()); n < 100 {
			t.Errorf("%d of 100 calendars are read beside a source that hangs", n)
		}
		if n := len(hanging.take()); n == 0 || n > 40 {
			t.Errorf("the hanging source was asked %d times", n)
		}
		began := time.Now()
		p.Stop()
		if took := time.Since(began); took > 0 {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestPoller_ACalendarThatIsNotThereIsNone(t *testing.T) {
	f := &fake{answer: func(context.Context, []sources.Mailbox) ([]sources.Result, error) {
		return []sources.Result{{Err: &sources.Fault{Kind: sources.Gone, Err: errors.New("404")}}}, nil
	}}
	polled(t, nil, []Site{site("ics", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 1)
		time.Sleep(time.Second)
		if got := d.take(); !slices.Equal(got, []string{"u0@example.org site:ics gone"}) {
			t.Errorf("the engine is told %q", got)
		}
		if s := p.Status()[0]; s.Late != 0 || !s.Since.IsZero() {
			t.Errorf("the status is %+v; want no failure", s)
		}
	})
}

func TestPoller_AsksOnlyForChangesWhileTheScheduleReachesFar(t *testing.T) {
	f := &fake{answer: func(_ context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		if boxes[0].State != nil {
			return []sources.Result{{Unchanged: true, State: boxes[0].State}}, nil
		}
		return []sources.Result{{State: []byte("etag")}}, nil
	}}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 1)
		time.Sleep(25 * time.Hour)
		whole, changes := 0, 0
		for _, line := range d.take() {
			if strings.HasSuffix(line, "unchanged") {
				changes++
			} else {
				whole++
			}
		}
		if whole != 3 || changes < 40 {
			t.Errorf("%d whole readings and %d unchanged ones in 25 hours; want 3 and the rest", whole, changes)
		}
		w := wish("u0@example.org")
		w.Zone = time.FixedZone("Elsewhere", 3600)
		p.WantCalendars(w)
		time.Sleep(time.Second)
		if got := d.take(); len(got) != 1 || !strings.Contains(got[0], "read") {
			t.Errorf("in another zone the engine is told %q; want a whole reading at once", got)
		}
	})
}

func TestPoller_WaitsForTheInstantOfWhatIsKnown(t *testing.T) {
	f := &fake{}
	polled(t, nil, []Site{site("dav", f)}, func(t *testing.T, p *Poller, d *door) {
		for i := range 100 {
			w := wish(fmt.Sprintf("u%d@example.org", i))
			w.Have = []engine.CalendarKnown{{ID: "site:dav", FetchedAt: time.Now().Add(-time.Minute)}, {ID: "site:old", FetchedAt: time.Now()}}
			p.WantCalendars(w)
		}
		if got := d.take(); len(got) != 100 || !strings.HasSuffix(got[0], "site:old gone") {
			t.Errorf("of a source that is not there any more the engine is told %q", got[0])
		}
		time.Sleep(interval / 2)
		if n := len(f.take()); n < 30 || n > 70 {
			t.Errorf("%d of 100 are read in half an interval; want half", n)
		}
	})
}

func TestPoller_ReloadAddsAndRemovesSources(t *testing.T) {
	a, b := &fake{}, &fake{}
	polled(t, nil, []Site{site("a", a)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 2)
		time.Sleep(time.Second)
		d.take()
		a.take()
		p.SetSites([]Site{site("a", a), site("b", b)}, interval)
		want(p, 2) // as the engine says after a reload
		time.Sleep(time.Second)
		if n := len(a.take()); n != 0 {
			t.Errorf("a source that did not change is asked %d times more", n)
		}
		if got := d.take(); len(got) != 2 || !strings.Contains(got[0], "site:b read") {
			t.Errorf("of the new source the engine is told %q", got)
		}
		only := site("b", b)
		only.Version, only.Mailbox = "2", func(a presence.Addr, bare string) (sources.Mailbox, bool) {
			return sources.Mailbox{}, bare == "u1@example.org"
		}
		p.SetSites([]Site{only}, interval)
		got := d.take()
		slices.Sort(got)
		if want := []string{"u0@example.org site:a gone", "u0@example.org site:b gone", "u1@example.org site:a gone"}; !slices.Equal(got, want) {
			t.Errorf("the engine is told %q, want %q", got, want)
		}
	})
}

// TestPoller_ReloadReadsWhatChangedAtOnce, however fresh what is known is; what did not
// change keeps its turn.
func TestPoller_ReloadReadsWhatChangedAtOnce(t *testing.T) {
	a, b, moved := &fake{}, &fake{}, &fake{}
	polled(t, nil, []Site{site("a", a), site("b", b)}, func(t *testing.T, p *Poller, d *door) {
		want(p, 2)
		time.Sleep(time.Minute)
		a.take()
		b.take()
		next := site("b", moved)
		next.Version = "2"
		p.SetSites([]Site{site("a", a), next}, interval)
		tell := func() {
			for i := range 2 {
				w := wish(fmt.Sprintf("u%d@example.org", i))
				for _, name := range []string{"a", "b"} {
					w.Have = append(w.Have, engine.CalendarKnown{ID: engine.SiteCalendar(name), FetchedAt: begin.Add(time.Second)})
				}
				p.WantCalendars(w)
			}
		}
		tell()
		time.Sleep(time.Second)
		if n := len(moved.take()); n != 2 {
			t.Errorf("of the source that changed %d calendars are read at once, want 2", n)
		}
		tell()
		time.Sleep(time.Second)
		if n := len(a.take()) + len(b.take()) + len(moved.take()); n != 0 {
			t.Errorf("%d calendars are read for no reason", n)
		}
	})
}
