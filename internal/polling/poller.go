package polling

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// The window that is asked for, from now.
const (
	behind = time.Hour
	// Ahead is how far the window reaches. No schedule counts for longer.
	Ahead = 48 * time.Hour
	// enough is how far a schedule has to reach for a source to be asked only
	// whether it has changed.
	enough = 36 * time.Hour
)

// Door is what the poller needs from the engine.
type Door interface {
	CalendarRead(user presence.Addr, id engine.CalendarID, r engine.CalendarReading)
	CalendarUnchanged(user presence.Addr, id engine.CalendarID, at time.Time, away *presence.OutOfOffice)
	CalendarGone(user presence.Addr, id engine.CalendarID)
}

// Opener opens what an engine.Sealer has sealed; false: it was sealed with another
// key, or for somebody else.
type Opener interface {
	Open(context string, sealed []byte) ([]byte, bool)
}

// Site is a source of the operator's.
type Site struct {
	Name   string
	Source sources.Source
	// InFlight is how many requests it is sent at a time; 0: PerServer.
	InFlight int
	// Version tells configurations of the source apart: a source of the same name
	// and version goes on where it is after a reload.
	Version string
	// Mailbox says where a user's calendar is; false: the source is not for her.
	Mailbox func(user presence.Addr, bare string) (sources.Mailbox, bool)
}

// Options are what a Poller needs.
type Options struct {
	Interval time.Duration // calendar.poll_interval
	// Own are the sources of the calendars users add, by engine.CalendarICS and
	// engine.CalendarCalDAV. They have to keep private networks out of reach.
	Own    map[string]sources.Source
	Opener Opener // nil: users' own calendars are not read
	Log    *slog.Logger
	// Registerer takes the metrics.
	Registerer prometheus.Registerer
	// Jitter returns a duration in [0, d); nil: at random.
	Jitter func(d time.Duration) time.Duration
}

// Poller reads calendars. It is safe for many goroutines.
type Poller struct {
	opt  Options
	door Door
	tell *metrics
	try  chan struct{} // a token for each Try that may run

	mu       sync.Mutex // guards everything below
	interval time.Duration
	people   map[presence.Addr]*person
	feeds    map[string]*feed // by name; users' own begin with ownPrefix
	begin    func(f *feed)    // starts a feed; nil: the poller is not started
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// person is what is kept of somebody who has a calendar to be read.
type person struct {
	bare     string
	zone     *time.Location
	attendee string
	own      []engine.OwnCalendar
	entries  []*entry
}

// ownPrefix begins the names of the feeds of users' own calendars; no source of
// the operator's has such a name, since config allows no colon in one.
const ownPrefix = "own:"

// New returns a poller that reads nothing yet. Engine and sites come before Start.
func New(o Options) (*Poller, error) {
	if o.Log == nil || o.Registerer == nil || o.Interval <= 0 {
		return nil, errors.New("polling: an interval, a logger and a registerer are needed")
	}
	if o.Jitter == nil {
		o.Jitter = func(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(max(d, 1)))) }
	}
	p := &Poller{
		opt: o, interval: o.Interval, people: map[presence.Addr]*person{}, feeds: map[string]*feed{},
		try: make(chan struct{}, maxTries),
	}
	for kind, source := range o.Own {
		if o.Opener != nil {
			p.feeds[ownPrefix+kind] = newFeed(p, ownPrefix+kind, source, nil)
		}
	}
	p.tell = newMetrics(p)
	return p, nil
}

// SetDoor says whom to tell; before the engine loads.
func (p *Poller) SetDoor(d Door) { p.door = d }

// Start begins to read.
func (p *Poller) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin = func(f *feed) { f.start(ctx) }
	for _, f := range p.feeds {
		p.begin(f)
	}
	p.stop = cancel
}

// Stop ends the reading and waits for what is on its way, which ends at once.
func (p *Poller) Stop() {
	p.mu.Lock()
	stop := p.stop
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
	p.work.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.feeds {
		f.close()
	}
}

// SetSites puts the operator's sources and the interval in force. Calendars of a
// source that is gone, or is not for its users any more, are declared gone. For
// new and changed sources the engine has to tell anew whom it wants read, which is
// then read soon.
func (p *Poller) SetSites(sites []Site, interval time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.interval = interval
	next := make(map[string]bool, len(sites))
	for _, s := range sites {
		next[s.Name] = true
		old := p.feeds[s.Name]
		if old != nil && old.version == s.Version {
			continue
		}
		f := newFeed(p, s.Name, s.Source, s.Mailbox)
		f.version = s.Version
		if s.InFlight > 0 {
			f.width = s.InFlight
		}
		if old != nil {
			f.since = time.Now() // another address or password: what was read may not be true of it
			p.end(old, func(e *entry) bool {
				_, covered := s.Mailbox(e.user, p.people[e.user].bare)
				return !covered
			})
		}
		p.feeds[s.Name] = f
		if p.begin != nil {
			p.begin(f)
		}
	}
	for name, f := range p.feeds {
		if !f.own() && !next[name] {
			p.end(f, func(*entry) bool { return true })
			delete(p.feeds, name)
		}
	}
}

// end stops a feed and takes its entries away; gone says whose calendars are so.
func (p *Poller) end(f *feed, gone func(*entry) bool) {
	f.stop()
	f.close()
	for _, who := range p.people {
		for _, e := range slices.Clone(who.entries) {
			if e.feed != f {
				continue
			}
			if gone(e) {
				p.door.CalendarGone(e.user, e.calendar())
			}
			p.drop(e)
		}
	}
}
