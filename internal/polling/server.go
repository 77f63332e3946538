package polling

import (
	"errors"
	"time"

	"presenced/aggregation/calendar/sources"
)

// How long is waited after failures.
const (
	firstPause = 30 * time.Second // after the first, then twice as long each time
	lastPause  = time.Hour
	// A calendar that cannot be read is tried after half an hour, then after four
	// times as long each time.
	firstRest = 30 * time.Minute
	lastRest  = 8 * time.Hour
	// longestWish bounds how long a server may ask to be left alone.
	longestWish = 24 * time.Hour
	// doubt is how many answers in a row that may be about one calendar only make
	// the server the one that fails.
	doubt = 5
)

// server is how one server does. A feed of the operator's has one.
type server struct {
	flying int
	failed int       // times in a row that it was found failing; above 0 it is asked one thing at a time
	doubts int       // answers in a row that may mean so
	turn   int       // grows with each finding: what was begun before does not count twice
	until  time.Time // it is left alone until then
	seen   time.Time // when it answered, or failed to
}

// serverOf returns the server an entry is read from.
func (f *feed) serverOf(e *entry) *server {
	s := f.servers[e.host]
	if s == nil {
		s = &server{}
		f.servers[e.host] = s
	}
	return s
}

// mayFly is how many requests the server is sent at a time.
func (f *feed) mayFly(s *server) int {
	switch {
	case s.failed > 0:
		return 1
	case f.own():
		return perOwn
	}
	return f.width
}

// serverFault reports whether a fault is surely the server's, and not one
// calendar's. Whose credentials they are decides about those.
func (f *feed) serverFault(err error) bool {
	switch sources.KindOf(err) {
	case sources.Unreachable, sources.BadTLS, sources.Busy:
		return true
	case sources.Unauthorized:
		return !f.own()
	}
	return false
}

// judge finds out how the server does after an answer. One good answer says that
// it is well.
func (f *feed) judge(r *request, results []sources.Result, err error, now time.Time) {
	worst, good := err, false
	for i := range results {
		switch e := results[i].Err; {
		case err != nil:
		case e == nil, sources.KindOf(e) == sources.Gone:
			good = true
		case worst == nil || f.serverFault(e):
			worst = e
		}
	}
	s := r.server
	s.seen = now
	switch {
	case good:
		s.failed, s.doubts, s.until = 0, 0, time.Time{}
		f.p.tell.well(f, now)
		return
	case worst == nil:
		return
	}
	f.p.tell.ill(f, worst, now)
	if s.turn != r.turn {
		return // it was begun before the last finding
	}
	if !f.serverFault(worst) {
		if s.doubts++; s.doubts < doubt && s.failed == 0 {
			return
		}
	}
	s.failed++
	s.turn++
	s.until = now.Add(f.pause(worst, s.failed))
}

// pause is how long a server is left alone: as long as it asks for, else longer
// with each failure.
func (f *feed) pause(err error, times int) time.Duration {
	if d := askedFor(err); d > 0 {
		return d
	}
	d := firstPause << min(times-1, 7)
	return min(d, lastPause) + f.p.opt.Jitter(min(d, lastPause)/10)
}

// askedFor is how long whoever answered asked to be left alone; 0: not at all.
func askedFor(err error) time.Duration {
	if f, ok := errors.AsType[*sources.Fault](err); ok {
		return min(max(f.RetryAfter, 0), longestWish)
	}
	return 0
}

// retry plans the next question after a failure. The server's fault costs a
// calendar its place among those that are tried first: others may do better.
// whole tells that everything that was asked together failed, so that nobody can
// say whose fault it is: each is then asked about by itself.
func (f *feed) retry(e *entry, r *request, err error, whole bool, now time.Time) {
	f.p.tell.failed(f, sources.KindOf(err))
	f.p.opt.Log.Debug("a calendar could not be read", "source", f.name, "user", e.user.Key(), "error", err)
	together := whole && len(r.entries) > 1
	e.alone = together && !f.serverFault(err)
	times := int(e.fails) + 1
	e.failed(times)
	var rest time.Duration
	switch {
	case f.serverFault(err), together, sources.KindOf(err) == sources.Broken && len(r.entries) == 1:
		rest = min(firstPause<<min(times-1, 7), lastPause)
	default:
		rest = max(min(firstRest<<min(2*(times-1), 8), lastRest), f.p.interval)
	}
	if d := askedFor(err); d > 0 {
		rest = d
	}
	f.push(e, later(r.server.until, now).Add(rest+f.p.opt.Jitter(rest/10)))
}

// forgetServers drops what is known of servers that are well and not asked, or that
// nobody has asked for long, so that the map does not grow with the hosts users
// name.
func (f *feed) forgetServers(now time.Time) {
	for host, s := range f.servers {
		if s.flying == 0 && (s.failed == 0 && s.doubts == 0 || now.Sub(s.seen) > 2*lastRest) {
			delete(f.servers, host)
		}
	}
}
