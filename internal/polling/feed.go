package polling

import (
	"container/heap"
	"context"
	"hash/fnv"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// PerServer is how many requests one server of the operator's is sent at a time
// where he says no number.
const PerServer = 8

// Requests on their way at a time.
const (
	perOwn = 2  // to one server that users named
	allOwn = 32 // to all of those
)

// promptly is the distance in which calendars nothing is known of are read: so
// that a start with many of them is no storm.
const promptly = 20 * time.Millisecond

// entry is one calendar that is read again and again.
type entry struct {
	feed  *feed
	user  presence.Addr
	id    string // of a calendar of her own
	host  string // its server; empty: the source's
	due   int64  // unix nanoseconds
	reach int64  // unix seconds: how far the schedule reaches
	state []byte // for the source
	slot  int32  // in the heap; -1: not in it
	fails uint8  // in a row
	alone bool   // asked for by itself: a batch it was in has failed
	asked bool   // an answer is on its way
	anew  bool   // and counts for nothing: ask again
	soon  bool   // it counts, and asking again is due
	fresh bool   // with nothing remembered
	gone  bool   // not wanted any more
}

// calendar is the entry's name at the engine.
func (e *entry) calendar() engine.CalendarID {
	if e.feed.own() {
		return engine.OwnCalendarID(e.id)
	}
	return e.feed.site
}

// feed is one source and everybody whose calendar is read there. It is guarded by
// its poller's mutex.
type feed struct {
	p       *Poller
	name    string
	site    engine.CalendarID // of the operator's
	version string
	since   time.Time // it has been as it is; what was read before does not count
	source  sources.Source
	mailbox func(presence.Addr, string) (sources.Mailbox, bool) // nil: users' own

	width   int // requests that may be on their way to the operator's server
	count   int // of entries; their people have them
	failing int // of those, whose last reading failed
	queue   queue
	servers map[string]*server // that are asked, or have failed
	flying  int                // requests on their way
	wake    chan struct{}      // capacity 1: something has changed
	stop    context.CancelFunc
	health  health
}

func newFeed(p *Poller, name string, source sources.Source, mailbox func(presence.Addr, string) (sources.Mailbox, bool)) *feed {
	return &feed{
		p: p, name: name, site: engine.SiteCalendar(name), source: source, mailbox: mailbox, width: PerServer,
		servers: map[string]*server{}, wake: make(chan struct{}, 1), stop: func() {},
	}
}

// close ends the connections that are idle, where the source keeps some.
func (f *feed) close() {
	if c, ok := f.source.(interface{ Close() }); ok {
		c.Close()
	}
}

func (f *feed) own() bool { return strings.HasPrefix(f.name, ownPrefix) }

// start begins the feed's loop.
func (f *feed) start(ctx context.Context) {
	ctx, f.stop = context.WithCancel(ctx)
	f.p.work.Go(func() { f.loop(ctx) })
}

func (f *feed) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(f.turn(ctx))
		select {
		case <-f.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// turn begins what is due and returns when to look again.
func (f *feed) turn(ctx context.Context) time.Duration {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	if ctx.Err() != nil {
		return time.Hour
	}
	now := time.Now()
	for {
		r := f.next(now)
		if r == nil {
			return f.sleep(now)
		}
		f.flying++
		r.server.flying++
		f.p.work.Go(func() { f.fetch(ctx, r) })
	}
}

// sleep is how long nothing is due; whatever changes that wakes the feed.
func (f *feed) sleep(now time.Time) time.Duration {
	at := now.Add(time.Hour)
	if len(f.queue) > 0 && f.flying < f.limit() {
		at = time.Unix(0, f.queue[0].due)
	}
	if s := f.servers[""]; s != nil && !f.own() {
		if s.flying >= f.mayFly(s) {
			return time.Hour // its answer wakes the feed
		}
		at = later(at, s.until)
	}
	return max(at.Sub(now), 0)
}

func (f *feed) limit() int {
	if f.own() {
		return allOwn
	}
	return f.width
}

// add puts a calendar into the rounds; read is when it was read last.
func (f *feed) add(e *entry, read, now time.Time) {
	f.count++
	if age := now.Sub(read); age >= 0 && age < f.p.interval && read.After(f.since) {
		f.push(e, f.place(e, now))
		return
	}
	f.plan(e, now)
}

// plan has a calendar read soon.
func (f *feed) plan(e *entry, now time.Time) {
	if e.asked {
		e.anew = true // when the answer has come
		return
	}
	span := min(f.p.interval/2, time.Duration(f.count)*promptly)
	f.push(e, now.Add(time.Duration(e.hash()%uint64(max(span, 1)))))
}

// place is the next instant at or after t that is the entry's own.
func (f *feed) place(e *entry, t time.Time) time.Time {
	every := uint64(f.p.interval)
	offset := (e.hash()%every + every - uint64(t.UnixNano())%every) % every
	return t.Add(time.Duration(offset))
}

// again is when a calendar that was read is read next.
func (f *feed) again(e *entry, now time.Time) time.Time {
	return f.place(e, now.Add(f.p.interval/2)).Add(f.p.opt.Jitter(f.p.interval / 10))
}

// hash spreads entries over time; it is the same after a restart.
func (e *entry) hash() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(e.user.Key())) // cannot fail
	_, _ = h.Write([]byte(e.calendar()))
	x := h.Sum64() // FNV differs little for keys that do: mix it
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

// push sets when an entry is due.
func (f *feed) push(e *entry, at time.Time) {
	e.due = at.UnixNano()
	if e.slot < 0 {
		heap.Push(&f.queue, e)
	} else {
		heap.Fix(&f.queue, int(e.slot))
	}
	f.nudge()
}

func (f *feed) nudge() {
	select {
	case f.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (f *feed) remove(e *entry) {
	f.count--
	e.failed(0)
	if e.slot >= 0 {
		heap.Remove(&f.queue, int(e.slot))
	}
	e.gone = true
}

// failed notes how often in a row the entry could not be read.
func (e *entry) failed(times int) {
	was := e.fails > 0
	e.fails = uint8(min(times, 200)) // longer pauses than after so many there are not
	switch is := e.fails > 0; {
	case is && !was:
		e.feed.failing++
	case was && !is:
		e.feed.failing--
	}
}

// queue is a heap of entries by the instant each is due.
type queue []*entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].slot, q[j].slot = int32(i), int32(j)
}

// Push and Pop are for container/heap only.
func (q *queue) Push(x any) {
	e := x.(*entry)
	e.slot = int32(len(*q))
	*q = append(*q, e)
}

// Pop removes the last element.
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	e.slot = -1
	return e
}
