package polling

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

const interval = 30 * time.Minute

// call is one request a fake source was sent.
type call struct {
	at    time.Duration // since the bubble began
	users []string
	boxes []sources.Mailbox
}

// fake is a source that answers as it is told.
type fake struct {
	batch  int
	answer func(ctx context.Context, boxes []sources.Mailbox) ([]sources.Result, error)

	mu          sync.Mutex
	calls       []call
	flying, top int
}

func (f *fake) Batch() int { return max(f.batch, 1) }

func (f *fake) Fetch(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	c := call{at: time.Since(begin), boxes: boxes}
	for _, b := range boxes {
		c.users = append(c.users, b.User)
	}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.flying++
	f.top = max(f.top, f.flying)
	answer := f.answer
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.flying--
		f.mu.Unlock()
	}()
	if w.To.Sub(w.From) != 49*time.Hour {
		return nil, fmt.Errorf("the window is %v", w)
	}
	if answer == nil {
		return make([]sources.Result, len(boxes)), nil
	}
	return answer(ctx, boxes)
}

// most returns how many requests were on their way at once.
func (f *fake) most() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.top
}

// take returns the calls since the last time.
func (f *fake) take() []call {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

func (f *fake) set(answer func(context.Context, []sources.Mailbox) ([]sources.Result, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// begin is when every bubble begins.
var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// door writes down what the engine is told.
type door struct {
	mu    sync.Mutex
	lines []string
}

func (d *door) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}
func (d *door) CalendarRead(a presence.Addr, id engine.CalendarID, r engine.CalendarReading) {
	var u calendar.Unpacked
	u.Unpack(r.Packed)
	d.say("%s %s read %d, reaches %v", a.Key(), id, len(u.Events), r.Reach.Sub(r.FetchedAt))
}
func (d *door) CalendarUnchanged(a presence.Addr, id engine.CalendarID, _ time.Time, away *presence.OutOfOffice) {
	if away != nil {
		d.say("%s %s unchanged, away: %s", a.Key(), id, away.Note)
		return
	}
	d.say("%s %s unchanged", a.Key(), id)
}
func (d *door) CalendarGone(a presence.Addr, id engine.CalendarID) { d.say("%s %s gone", a.Key(), id) }

func (d *door) take() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.lines
	d.lines = nil
	return out
}

// everybody is a mailbox for each user.
func everybody(_ presence.Addr, bare string) (sources.Mailbox, bool) {
	return sources.Mailbox{Address: bare}, true
}

func site(name string, f *fake) Site {
	return Site{Name: name, Source: f, Mailbox: everybody, Version: "1"}
}

type clear struct{}

func (clear) Open(context string, sealed []byte) ([]byte, bool) {
	plain, ok := strings.CutPrefix(string(sealed), context+"|")
	return []byte(plain), ok
}

// polled runs a story with a poller that has started.
func polled(t *testing.T, own map[string]sources.Source, sites []Site, story func(t *testing.T, p *Poller, d *door)) {
	synctest.Test(t, func(t *testing.T) {
		p, err := New(Options{
			Interval: interval, Own: own, Opener: clear{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
			Jitter: func(d time.Duration) time.Duration { return d / 2 },
		})
		if err != nil {
			t.Fatal(err)
		}
		d := &door{}
		p.SetDoor(d)
		p.SetSites(sites, interval)
		p.Start()
		defer p.Stop()
		story(t, p, d)
	})
}

func wish(user string) engine.CalendarWish {
	return engine.CalendarWish{User: presence.MustAddr(user), Bare: user, Site: true, Zone: time.UTC, Attendee: user}
}

func want(p *Poller, users int) {
	for i := range users {
		p.WantCalendars(wish(fmt.Sprintf("u%d@example.org", i)))
	}
}
