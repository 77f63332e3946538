// Package batch asks one server about many mailboxes at a time and keeps the
// trouble of one mailbox from the others.
//
// It guarantees that never more than Options.InFlight requests run at once,
// however many callers there are; that a server which asked to be left alone is;
// that each request ends in Options.Timeout; and that a mailbox with which every
// batch fails ends up alone: the batch is halved until it is, and it is then left
// alone itself for 30 minutes, 2 hours and 8 hours. What it remembers grows with
// the mailboxes in quarantine, at most MaxSick, and with nothing else.
//
// It knows no protocol; it sends what the caller's Ask sends.
package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"presenced/aggregation/calendar/sources"
)

const (
	// MaxSick is how many mailboxes are remembered in quarantine. Somebody whose
	// address breaks every batch is rare; thousands mean that the server is broken.
	MaxSick = 4096
	// patience is what halving may cost before the first answer: 15 requests are
	// the whole, its halves, quarters and eighths.
	patience = 15
	// effort is what halving may cost in all; one poisoned mailbox of 100 costs 15.
	effort = 60
	// slow is what a request without an answer in time counts.
	slow = 2
	// hurry is the part of the time for one request that each has after one that
	// took all of it: finding a mailbox of 100 that hangs takes 100 s of 30 s each.
	hurry = 3
	// fresh is how long an answer proves that the server is well.
	fresh = time.Minute
	// maxWait bounds how long a server may ask to be left alone.
	maxWait = time.Hour
)

// Ask sends one request about boxes and returns as many results, in their order.
// Its error says nothing about any single mailbox.
type Ask func(ctx context.Context, boxes []sources.Mailbox) ([]sources.Result, error)

// Options of an Asker.
type Options struct {
	// InFlight is how many requests may run at once, 1 or more; 0: 8.
	InFlight int
	// Timeout is how long one request may take; 0: 30 s.
	Timeout time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Asker asks one server. Its methods may be called at the same time.
type Asker struct {
	slots   chan struct{} // one per request in flight; a full channel makes callers wait
	timeout time.Duration
	now     func() time.Time
	sick    quarantine

	mu       sync.Mutex // guards the rest
	quiet    time.Time  // until then the server is left alone
	answered time.Time  // when it last answered
}

// New returns an Asker that has asked nothing yet.
func New(o Options) *Asker {
	if o.InFlight <= 0 {
		o.InFlight = 8
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Asker{slots: make(chan struct{}, o.InFlight), timeout: o.Timeout, now: o.Now}
}

// Fetch asks about boxes, of which there are no more than fit in one request, and
// returns as many results. An error means that nothing is known of any of them.
func (a *Asker) Fetch(ctx context.Context, boxes []sources.Mailbox, ask Ask) ([]sources.Result, error) {
	if len(boxes) == 0 {
		return nil, ctx.Err()
	}
	r := &round{asker: a, ask: ask, boxes: boxes, results: make([]sources.Result, len(boxes))}
	r.split()
	if err := r.run(ctx); err != nil && !r.answered {
		return nil, err
	}
	return r.finish(), nil
}

// Once runs one request when there is room for it, unless the server wants none,
// and remembers what its error says about the server.
func (a *Asker) Once(ctx context.Context, request func(ctx context.Context) error) error {
	return a.within(ctx, a.timeout, request)
}

// within is Once with a time of its own.
func (a *Asker) within(ctx context.Context, timeout time.Duration, request func(ctx context.Context) error) error {
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-a.slots }()
	if wait := a.Quiet(); wait > 0 {
		return &sources.Fault{Kind: sources.Busy, Err: errQuiet, RetryAfter: wait}
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := request(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = &sources.Fault{Kind: sources.Unreachable, Err: fmt.Errorf("no answer in %v: %w", timeout, context.DeadlineExceeded),
			Remedy: "see whether the server, or what stands before it, is overloaded"}
	}
	a.learn(err)
	return err
}

var errQuiet = errors.New("the server asked to be left alone")

// Quiet returns how long the server still wants no requests; 0: it takes them.
func (a *Asker) Quiet() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(0, a.quiet.Sub(a.now()))
}

// Heed remembers what the failure of a request that came along with another says
// about the server: one that asks to be left alone is. nil says nothing.
func (a *Asker) Heed(err error) {
	if err != nil {
		a.learn(err)
	}
}

// learn remembers what an answer says about the server.
func (a *Asker) learn(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.answered = a.now()
		return
	}
	var f *sources.Fault
	if errors.As(err, &f) && f.Kind == sources.Busy && f.RetryAfter > 0 {
		if until := a.now().Add(min(f.RetryAfter, maxWait)); until.After(a.quiet) {
			a.quiet = until
		}
	}
}

// well reports whether the server has answered something a short while ago.
func (a *Asker) well() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.answered.IsZero() && a.now().Sub(a.answered) < fresh
}

// divisible reports whether a failure may be that of one mailbox of many.
func divisible(err error) bool {
	switch sources.KindOf(err) {
	case sources.Malformed, sources.TooLarge, sources.Gone, sources.Broken:
		return true
	case sources.Unreachable:
		return errors.Is(err, context.DeadlineExceeded)
	default:
		return false
	}
}

// cut reports whether the connection ended in the middle, as the ones that NTLM
// has authenticated do when a server or a balancer forgets them.
func cut(err error) bool {
	return sources.KindOf(err) == sources.Unreachable &&
		(errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// Each asks about boxes one by one, as many at once as may be in flight. An error
// means that the server has the same trouble with all of them.
func (a *Asker) Each(ctx context.Context, boxes []sources.Mailbox, ask func(ctx context.Context, box sources.Mailbox) (sources.Result, error)) ([]sources.Result, error) {
	r := &round{asker: a, boxes: boxes, results: make([]sources.Result, len(boxes))}
	r.ask = func(ctx context.Context, box []sources.Mailbox) ([]sources.Result, error) {
		one, err := ask(ctx, box[0])
		return []sources.Result{one}, err
	}
	r.split()
	asked := slices.Concat(r.parts...)
	errs := make([]error, len(boxes))
	var g errgroup.Group
	g.SetLimit(cap(a.slots))
	for _, i := range asked {
		g.Go(func() error {
			errs[i] = r.one(ctx, []int{i}, new(bool))
			return nil
		})
	}
	_ = g.Wait() // failures are in errs
	for _, i := range asked {
		switch {
		case errs[i] == nil:
			r.answered = true
		case divisible(errs[i]) && ctx.Err() == nil:
			r.alone = append(r.alone, poison{box: i, err: errs[i]})
		default:
			r.results[i].Err = errs[i]
		}
	}
	r.lonely = len(asked) == 1
	r.isolate()
	return r.finish(), common(ctx, r.results)
}

// common returns the error of all results if that is the server's.
func common(ctx context.Context, results []sources.Result) error {
	if len(results) == 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	first := results[0].Err
	for i := range results {
		if results[i].Err == nil || sources.KindOf(results[i].Err) != sources.KindOf(first) {
			return nil
		}
	}
	switch sources.KindOf(first) {
	case sources.Unreachable, sources.BadTLS, sources.Unauthorized, sources.Busy, sources.Broken:
		return first
	default:
		return nil
	}
}
