package testbed

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// stanzaLog keeps what a reader received and wakes those who wait for it.
type stanzaLog struct {
	ended chan struct{} // closed by end

	mu      sync.Mutex // guards the rest
	all     []Stanza
	grown   chan struct{} // closed and replaced at each addition
	err     error
	waiters map[string]*waiter
}

// waiter is somebody waiting for one IQ reply.
type waiter struct {
	match func(Stanza) bool
	reply chan Stanza // room for the one reply
}

func (l *stanzaLog) init() {
	l.ended, l.grown, l.waiters = make(chan struct{}), make(chan struct{}), map[string]*waiter{}
}

// add numbers and keeps a stanza and hands an IQ reply to its waiter.
func (l *stanzaLog) add(s Stanza, keep bool) Stanza {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Seq = len(l.all)
	if keep {
		l.all = append(l.all, s)
		close(l.grown)
		l.grown = make(chan struct{})
	}
	if s.Kind == "iq" && (s.Type == "result" || s.Type == "error") {
		if w := l.waiters[s.ID]; w != nil && w.match(s) {
			delete(l.waiters, s.ID)
			w.reply <- s
		}
	}
	return s
}

func (l *stanzaLog) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	close(l.ended)
}

func (l *stanzaLog) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *stanzaLog) mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

func (l *stanzaLog) since(mark int) []Stanza {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Stanza(nil), l.all[min(mark, len(l.all)):]...)
}

// wait looks at everything from mark on, then at each addition.
func (l *stanzaLog) wait(ctx context.Context, mark int, pred func(Stanza) bool) (Stanza, error) {
	next := mark
	for {
		l.mu.Lock()
		fresh := l.all[min(next, len(l.all)):]
		grown, err := l.grown, l.err
		l.mu.Unlock()
		for _, s := range fresh {
			if pred(s) {
				return s, nil
			}
		}
		next += len(fresh)
		if err != nil {
			return Stanza{}, fmt.Errorf("%w; received:\n%s", err, l.excerpt(mark))
		}
		select {
		case <-grown:
		case <-l.ended:
		case <-ctx.Done():
			return Stanza{}, fmt.Errorf("testbed: awaited stanza did not come: %w; received:\n%s", context.Cause(ctx), l.excerpt(mark))
		}
	}
}

// excerptLines bounds what a failed wait shows.
const excerptLines = 30

func (l *stanzaLog) excerpt(mark int) string {
	got := l.since(mark)
	var b strings.Builder
	if n := len(got); n > excerptLines {
		fmt.Fprintf(&b, "  (%d earlier)\n", n-excerptLines)
		got = got[n-excerptLines:]
	}
	for _, s := range got {
		fmt.Fprintf(&b, "  %s %s\n", s.At.Format("15:04:05.000"), s.Raw)
	}
	return b.String()
}

// expect registers a waiter for the reply to id before the request is sent.
func (l *stanzaLog) expect(id string, match func(Stanza) bool) *waiter {
	w := &waiter{match: match, reply: make(chan Stanza, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters[id] = w
	return w
}

func (l *stanzaLog) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiters, id)
}
