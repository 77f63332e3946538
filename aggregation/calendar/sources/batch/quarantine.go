package batch

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"presenced/aggregation/calendar/sources"
)

// terms is how long a mailbox is left alone the first, the second and every
// later time.
var terms = [...]time.Duration{30 * time.Minute, 2 * time.Hour, 8 * time.Hour}

// forget is how long after its term a mailbox nobody asks about is remembered.
const forget = 24 * time.Hour

// quarantine holds the mailboxes with which every batch fails, by address.
type quarantine struct {
	mu   sync.Mutex // guards sick
	sick map[string]*sick
}

// sick is one of them.
type sick struct {
	times int
	until time.Time
	fault sources.Fault
}

// of returns whether a mailbox is known as sick, and, while it is to be left
// alone, what to say about it.
func (q *quarantine) of(address string, now time.Time) (*sources.Fault, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s, known := q.sick[strings.ToLower(address)]
	if !known || !now.Before(s.until) {
		return nil, known
	}
	f := s.fault
	f.RetryAfter = s.until.Sub(now)
	return &f, true
}

// add begins a mailbox's next term and returns what to say about it.
func (q *quarantine) add(address string, err error, now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := strings.ToLower(address)
	s := q.sick[key]
	if s == nil {
		if q.full(now) {
			return err
		}
		if q.sick == nil {
			q.sick = map[string]*sick{}
		}
		s = &sick{}
		q.sick[key] = s
	}
	term := terms[min(s.times, len(terms)-1)]
	s.times++
	s.until = now.Add(term)
	s.fault = sources.Fault{
		Kind: sources.KindOf(err), RetryAfter: term,
		Err:    fmt.Errorf("every request with this mailbox fails, so it is left alone for %v: %w", term, err),
		Remedy: "look at this mailbox on the server; the others are not disturbed",
	}
	var f *sources.Fault
	if errors.As(err, &f) && f.Remedy != "" {
		s.fault.Remedy = f.Remedy
	}
	fault := s.fault
	return &fault
}

// full makes room by forgetting who was not asked about for long, and reports
// whether there is none.
func (q *quarantine) full(now time.Time) bool {
	if len(q.sick) < MaxSick {
		return false
	}
	for key, s := range q.sick {
		if now.Sub(s.until) > forget {
			delete(q.sick, key)
		}
	}
	return len(q.sick) >= MaxSick
}

// cure forgets a mailbox that was answered for.
func (q *quarantine) cure(address string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.sick, strings.ToLower(address))
}
