package batch

import (
	"context"
	"errors"
	"fmt"

	"presenced/aggregation/calendar/sources"
)

// round is one Fetch.
type round struct {
	asker    *Asker
	ask      Ask
	boxes    []sources.Mailbox
	results  []sources.Result
	parts    [][]int // indexes of boxes that are still to be asked about, together
	answered bool    // the server has answered something
	lonely   bool    // nothing was asked about together
	hasty    bool    // a request got no answer in time
	spent    int     // what halving has cost
	retried  bool    // a cut connection was tried again
	alone    []poison
}

// poison is a mailbox that failed when it was asked about alone.
type poison struct {
	box int
	err error
}

// split puts the mailboxes that are well together, those whose quarantine is over
// alone, and answers for those whose quarantine is not.
func (r *round) split() {
	var together []int
	var single [][]int
	now := r.asker.now()
	for i := range r.boxes {
		fault, known := r.asker.sick.of(r.boxes[i].Address, now)
		switch {
		case !known:
			together = append(together, i)
		case fault == nil:
			single = append(single, []int{i})
		default:
			r.results[i].Err = fault
		}
	}
	if len(together) > 0 {
		r.parts = append(r.parts, together)
	}
	r.lonely = len(together) <= 1
	r.parts = append(r.parts, single...)
}

// run asks part by part, the larger ones first. Its error is that of the server.
func (r *round) run(ctx context.Context) error {
	var last error
	for len(r.parts) > 0 {
		part := r.parts[0]
		r.parts = r.parts[1:]
		err := r.one(ctx, part, &r.retried)
		if err == nil {
			r.answered = true
			continue
		}
		last = err
		switch {
		case ctx.Err() != nil || !divisible(err) || r.tooMuch(err):
			r.giveUp(part, err)
		case len(part) == 1:
			r.alone = append(r.alone, poison{box: part[0], err: err})
		default:
			half := len(part) / 2
			r.parts = append(r.parts, part[:half], part[half:])
		}
	}
	r.isolate()
	return last
}

// tooMuch counts what a failure has cost and reports whether it is time to stop.
func (r *round) tooMuch(err error) bool {
	r.spent++
	if errors.Is(err, context.DeadlineExceeded) {
		r.spent += slow - 1
		r.hasty = true
	}
	return r.spent > effort || !r.answered && r.spent > patience
}

// giveUp gives part, and everything not asked about, the same error.
func (r *round) giveUp(part []int, err error) {
	for _, p := range append(r.parts, part) {
		for _, i := range p {
			r.results[i].Err = err
		}
	}
	r.parts = nil
}

// isolate decides about the mailboxes that failed alone: where the server answers
// others, they are the trouble and not the server.
func (r *round) isolate() {
	theirs := r.answered || r.lonely && r.asker.well()
	for _, p := range r.alone {
		if !theirs {
			r.results[p.box].Err = p.err
			continue
		}
		r.answered = true
		r.results[p.box].Err = r.asker.sick.add(r.boxes[p.box].Address, p.err, r.asker.now())
	}
}

// finish returns the results; what failed keeps what was remembered of it.
func (r *round) finish() []sources.Result {
	for i := range r.results {
		if r.results[i].Err != nil && r.results[i].State == nil {
			r.results[i].State = r.boxes[i].State
		}
	}
	return r.results
}

// one sends one request and files its results. A cut connection is tried again,
// unless that was done already.
func (r *round) one(ctx context.Context, part []int, retried *bool) error {
	boxes := make([]sources.Mailbox, len(part))
	for n, i := range part {
		boxes[n] = r.boxes[i]
	}
	results, err := r.send(ctx, boxes)
	if err != nil && cut(err) && !*retried && ctx.Err() == nil {
		*retried = true
		results, err = r.send(ctx, boxes)
	}
	if err != nil {
		return err
	}
	for n, i := range part {
		r.results[i] = results[n]
		r.asker.sick.cure(r.boxes[i].Address)
	}
	return nil
}

func (r *round) send(ctx context.Context, boxes []sources.Mailbox) (results []sources.Result, err error) {
	timeout := r.asker.timeout
	if r.hasty {
		timeout /= hurry
	}
	err = r.asker.within(ctx, timeout, func(ctx context.Context) error {
		results, err = r.ask(ctx, boxes)
		if err == nil && len(results) != len(boxes) {
			err = &sources.Fault{Kind: sources.Malformed, Err: fmt.Errorf("%d answers to %d questions", len(results), len(boxes))}
		}
		return err
	})
	return results, err
}
