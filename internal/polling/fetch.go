package polling

import (
	"container/heap"
	"context"
	"errors"
	"time"

	"presenced/aggregation/calendar"
	"presenced/aggregation/calendar/sources"
	"presenced/internal/engine"
)

// fetchTime bounds one request; sources have shorter limits of their own.
const fetchTime = 2 * time.Minute

// errSealed is the fault of a calendar that does not open.
var errSealed = &sources.Fault{
	Kind: sources.Unauthorized, Err: errors.New("what is kept of it was encrypted with another key"),
	Remedy: "put the old key back into calendar.key_file, or have its owner remove the calendar and add it again",
}

// errAnswers is the fault of a source that does not keep to its contract.
var errAnswers = errors.New("the source gave another number of answers than it was asked for")

// request is one call of a source.
type request struct {
	server  *server
	turn    int // of the server, when it was begun
	window  sources.Window
	entries []*entry
	boxes   []sources.Mailbox
}

// next takes what is due and may be asked now; nil: nothing.
func (f *feed) next(now time.Time) *request {
	for len(f.queue) > 0 && f.flying < f.limit() && f.queue[0].due <= now.UnixNano() {
		first := f.queue[0]
		s := f.serverOf(first)
		if s.until.After(now) || s.flying >= f.mayFly(s) {
			if !f.own() {
				return nil // all are behind the same server
			}
			f.push(first, later(s.until, now.Add(time.Second)).Add(f.p.opt.Jitter(time.Second)))
			continue
		}
		r := &request{server: s, turn: s.turn, window: sources.Window{From: now.Add(-behind), To: now.Add(Ahead)}}
		for f.takes(r, now) {
			e := heap.Pop(&f.queue).(*entry)
			box, ok := f.p.box(e, now)
			if !ok {
				f.settle(e, r, sources.Result{Err: errSealed}, reading{}, now)
				continue
			}
			e.asked = true
			r.entries, r.boxes = append(r.entries, e), append(r.boxes, box)
		}
		if len(r.entries) > 0 {
			return r
		}
	}
	return nil
}

// takes reports whether the entry that is due first goes with the request. A batch
// is filled with what is due soon: with what is on average due while as many come
// together.
func (f *feed) takes(r *request, now time.Time) bool {
	if len(f.queue) == 0 {
		return false
	}
	e, size := f.queue[0], f.source.Batch()
	if r.server.failed > 0 {
		size = 1 // to see whether it is well again
	}
	switch {
	case len(r.entries) == 0:
		return e.due <= now.UnixNano()
	case len(r.entries) >= size, e.alone, r.entries[0].alone, f.serverOf(e) != r.server:
		return false
	}
	soon := min(f.p.interval/10, f.p.interval*time.Duration(size)/time.Duration(f.count))
	return e.due <= now.Add(soon).UnixNano()
}

// reading is what a Result gave, ready for the engine.
type reading struct{ packed string }

// fetch asks the source and puts the answers in force.
func (f *feed) fetch(ctx context.Context, r *request) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	begun := time.Now()
	results, err := f.source.Fetch(ctx, r.window, r.boxes)
	took := time.Since(begun)
	if err == nil && len(results) != len(r.boxes) {
		err = errAnswers
	}
	if err != nil {
		results = make([]sources.Result, len(r.boxes))
	}
	readings := make([]reading, len(results))
	for i := range results {
		if results[i].Err == nil && !results[i].Unchanged {
			readings[i].packed = calendar.Pack(results[i].Schedule.Events)
		}
	}

	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	now := time.Now()
	f.flying--
	r.server.flying--
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		f.release(r, now)
		return // the feed ends: no answer of a server's
	}
	f.p.tell.took(f, took)
	f.judge(r, results, err, now)
	for i, e := range r.entries {
		e.asked = false
		switch {
		case e.gone:
		case e.anew:
			e.anew = false
			f.plan(e, now)
		case err != nil:
			f.retry(e, r, err, true, now)
		default:
			f.settle(e, r, results[i], readings[i], now)
		}
		f.noticed(e, now)
	}
	f.forgetServers(now)
	f.nudge()
}

// release gives back what was taken for a request nobody waits for.
func (f *feed) release(r *request, now time.Time) {
	for _, e := range r.entries {
		if e.asked = false; !e.gone {
			f.push(e, now)
		}
	}
}

// settle puts one answer in force and plans the next question.
func (f *feed) settle(e *entry, r *request, res sources.Result, read reading, now time.Time) {
	door, asked := f.p.door, r.window.From.Add(behind)
	switch {
	case res.Err != nil && sources.KindOf(res.Err) == sources.Gone:
		f.p.tell.failed(f, sources.Gone)
		door.CalendarGone(e.user, e.calendar())
		e.state, e.reach = nil, 0
	case res.Err != nil:
		f.retry(e, r, res.Err, false, now)
		return
	case res.Unchanged:
		door.CalendarUnchanged(e.user, e.calendar(), asked, res.Away)
		e.keep(res.State)
	default:
		door.CalendarRead(e.user, e.calendar(), engine.CalendarReading{Packed: read.packed, FetchedAt: asked, Reach: r.window.To, Away: res.Away})
		e.reach = r.window.To.Unix()
		e.keep(res.State)
	}
	e.failed(0)
	e.alone = false
	f.push(e, f.again(e, now))
}

// maxState bounds what is kept for a source, as its contract says.
const maxState = 1 << 10

// keep takes over what the source wants to have back; too much is nothing, which
// costs a whole reading each time.
func (e *entry) keep(state []byte) {
	if e.state = state; len(state) > maxState {
		e.state = nil
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
