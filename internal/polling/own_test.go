package polling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

func TestPoller_ReadsUsersOwnCalendars(t *testing.T) {
	f := &fake{}
	polled(t, map[string]sources.Source{engine.CalendarICS: f}, nil, func(t *testing.T, p *Poller, d *door) {
		a := presence.MustAddr("u0@example.org")
		own := func(id, access string) engine.OwnCalendar {
			return engine.OwnCalendar{ID: id, Kind: engine.CalendarICS, Sealed: []byte(engine.CalendarContext(a, id) + "|" + access)}
		}
		w := wish("u0@example.org")
		w.Own = []engine.OwnCalendar{own("x", `{"url":"https://cal.example.net/x.ics","username":"me","password":"pw"}`), own("y", "?")}
		p.WantCalendars(w)
		time.Sleep(time.Second)
		calls := f.take()
		if len(calls) != 1 || calls[0].boxes[0].Address != "https://cal.example.net/x.ics" || calls[0].boxes[0].Password != "pw" {
			t.Fatalf("the source was asked %+v; want the calendar that opens", calls)
		}
		if got := d.take(); !slices.Equal(got, []string{"u0@example.org own:x read 0, reaches 48h0m0s"}) {
			t.Errorf("the engine is told %q", got)
		}
		w.Own = w.Own[1:]
		p.WantCalendars(w)
		if got := d.take(); !slices.Equal(got, []string{"u0@example.org own:x gone"}) {
			t.Errorf("of one that was removed the engine is told %q", got)
		}
		p.ForgetCalendars(a)
		time.Sleep(24 * time.Hour)
		if calls := f.take(); len(calls) != 0 || len(p.people) != 0 {
			t.Errorf("somebody who left is read %d times more", len(calls))
		}
	})
}

// Hosts that users name share one feed: one that hangs takes its two requests and
// no more.
func TestPoller_OneHostOfUsersBlocksNoOther(t *testing.T) {
	f := &fake{answer: func(ctx context.Context, boxes []sources.Mailbox) ([]sources.Result, error) {
		if strings.Contains(boxes[0].Address, "slow") {
			<-ctx.Done()
			return nil, &sources.Fault{Kind: sources.Unreachable, Err: ctx.Err()}
		}
		return make([]sources.Result, 1), nil
	}}
	polled(t, map[string]sources.Source{engine.CalendarICS: f}, nil, func(t *testing.T, p *Poller, d *door) {
		for i := range 100 {
			a := presence.MustAddr(fmt.Sprintf("u%d@example.org", i))
			w := wish(a.Key())
			host := "slow.example.net"
			if i%2 == 0 {
				host = fmt.Sprintf("h%d.example.net", i)
			}
			w.Own = []engine.OwnCalendar{{ID: "x", Kind: engine.CalendarICS, Sealed: []byte(engine.CalendarContext(a, "x") + `|{"url":"https://` + host + `/"}`)}}
			p.WantCalendars(w)
		}
		time.Sleep(time.Minute)
		if got := d.take(); len(got) != 50 {
			t.Errorf("%d of 50 calendars are read beside a host that hangs", len(got))
		}
		time.Sleep(12 * time.Hour)
		p.mu.Lock()
		defer p.mu.Unlock()
		if n := len(p.feeds["own:ics"].servers); n > 40 {
			t.Errorf("%d servers are remembered; want those that fail or are asked", n)
		}
	})
}

func TestTry_TellsWhatIsWrong(t *testing.T) {
	f := &fake{}
	polled(t, map[string]sources.Source{engine.CalendarICS: f}, nil, func(t *testing.T, p *Poller, _ *door) {
		add := engine.AddCalendar{Kind: engine.CalendarICS, Access: engine.CalendarAccess{URL: "https://x/"}}
		own := tryFake{f: f}
		p.opt.Own = map[string]sources.Source{engine.CalendarICS: own}
		f.set(func(context.Context, []sources.Mailbox) ([]sources.Result, error) {
			return []sources.Result{{Schedule: calendar.Schedule{Events: make([]presence.Event, 3), Warnings: []string{"w"}}}}, nil
		})
		if got, err := p.Try(t.Context(), add, "u0@example.org", "", time.UTC); err != nil || len(got.Events) != 3 || got.Warnings != 1 {
			t.Errorf("tried: %+v, %v", got, err)
		}
		f.set(fault(sources.Refused, 0))
		if _, err := p.Try(t.Context(), add, "u0@example.org", "", time.UTC); sources.KindOf(err) != sources.Refused {
			t.Errorf("tried: %v, want a refusal", err)
		}
		if _, err := p.Try(t.Context(), engine.AddCalendar{Kind: "ews"}, "u0@example.org", "", nil); !errors.Is(err, ErrNoKind) {
			t.Errorf("tried an unknown kind: %v", err)
		}
		f.set(func(ctx context.Context, _ []sources.Mailbox) ([]sources.Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		for range maxTries {
			go func() { _, _ = p.Try(t.Context(), add, "u0@example.org", "", nil) }()
		}
		synctest.Wait()
		if _, err := p.Try(t.Context(), add, "u0@example.org", "", nil); !errors.Is(err, ErrTries) {
			t.Errorf("one try too many: %v", err)
		}
	})
}

// tryFake is a fake without the check of the window of the rounds.
type tryFake struct{ f *fake }

func (t tryFake) Batch() int { return 1 }
func (t tryFake) Fetch(ctx context.Context, _ sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	t.f.mu.Lock()
	answer := t.f.answer
	t.f.mu.Unlock()
	return answer(ctx, boxes)
}
