package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// meter reads what the daemon sends: it counts presences by mirror and follows
// numbered ones (status s<number>) back to the events that caused them. It
// looks for fixed byte strings only, which is enough for one known sender and
// cheap enough not to disturb it.
type meter struct {
	news chan struct{} // capacity 1: something was read since the last look

	mu        sync.Mutex // guards all below
	carry     []byte     // the beginning of a stanza whose end is not read yet
	presences int        // available or unavailable, from mirrors
	accepted  int        // subscribed
	other     int        // presence of any other type
	byUser    []int32    // presences by mirror
	first     int        // number of the first event that is followed
	need      uint8      // presences an event leads to
	seen      []uint8    // presences by event
	done      int        // events that have led to all theirs
	excess    int        // presences beyond need
	began     []int64    // when the first one of an event was read, Unix nanoseconds
	complete  []int64    // and the last
}

func newMeter(users int) *meter {
	return &meter{news: make(chan struct{}, 1), byUser: make([]int32, users)}
}

var (
	presenceStart = []byte("<presence to='")
	presenceEnd   = []byte("</presence>")
	emptyEnd      = []byte("/>")
	fromUser      = []byte(" from='u")
	numbered      = []byte("<status>s")
	isSubscribed  = []byte(" type='subscribed'")
	hasType       = []byte(" type='")
	isUnavailable = []byte(" type='unavailable'")
)

// feed takes bytes as they come; it is the OnBytes of the scripted server.
func (m *meter) feed(p []byte) {
	at := time.Now().UnixNano()
	m.mu.Lock()
	if len(m.carry) > 0 {
		m.carry = append(m.carry, p...)
		p = m.carry
	}
	rest := m.scan(p, at)
	m.carry = append(m.carry[:0], rest...)
	m.mu.Unlock()
	select {
	case m.news <- struct{}{}:
	default: // it is known that there are news
	}
}

// scan takes the whole presences in p and returns what may begin another.
func (m *meter) scan(p []byte, at int64) (rest []byte) {
	for {
		i := bytes.Index(p, presenceStart)
		if i < 0 {
			return p[max(0, len(p)-len(presenceStart)+1):]
		}
		p = p[i:]
		tag := bytes.IndexByte(p, '>')
		if tag < 0 {
			return p
		}
		end := tag + 1
		if !bytes.HasSuffix(p[:end], emptyEnd) {
			n := bytes.Index(p[end:], presenceEnd)
			if n < 0 {
				return p
			}
			end += n + len(presenceEnd)
		}
		m.take(p[:tag], p[tag:end], at)
		p = p[end:]
	}
}

// take counts one presence, given as its start tag and what follows.
func (m *meter) take(tag, body []byte, at int64) {
	user, ok := digitsAfter(tag, fromUser)
	switch {
	case bytes.Contains(tag, isSubscribed):
		m.accepted++
		return
	case !ok, bytes.Contains(tag, hasType) && !bytes.Contains(tag, isUnavailable):
		m.other++
		return
	}
	m.presences++
	if user < len(m.byUser) {
		m.byUser[user]++
	}
	if n, ok := digitsAfter(body, numbered); ok {
		m.follow(n-m.first, at)
	}
}

func (m *meter) follow(i int, at int64) {
	if i < 0 || i >= len(m.seen) {
		return
	}
	if m.seen[i] == m.need {
		m.excess++
		return
	}
	if m.seen[i] == 0 {
		m.began[i] = at
	}
	if m.seen[i]++; m.seen[i] == m.need {
		m.complete[i] = at
		m.done++
	}
}

// digitsAfter reads the number behind a mark.
func digitsAfter(p, mark []byte) (n int, ok bool) {
	_, after, found := bytes.Cut(p, mark)
	if !found {
		return 0, false
	}
	for _, b := range after {
		if b < '0' || b > '9' {
			break
		}
		n, ok = 10*n+int(b-'0'), true
	}
	return n, ok
}

// expect begins to follow n events from number first on, each leading to need
// presences, and forgets all counts.
func (m *meter) expect(first, n, need int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.first, m.need = first, uint8(need)
	m.seen, m.began, m.complete = make([]uint8, n), make([]int64, n), make([]int64, n)
	m.presences, m.other, m.done, m.excess = 0, 0, 0, 0
	clear(m.byUser)
}

// read looks at the counts.
func (m *meter) read(look func(m *meter)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	look(m)
}

// errLate says that something awaited did not come.
var errLate = errors.New("what was awaited did not come")

// wait returns when reached holds, which is asked after each read.
func (m *meter) wait(ctx context.Context, limit time.Duration, what string, reached func(m *meter) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errLate)
	defer cancel()
	for {
		ok := false
		m.read(func(m *meter) { ok = reached(m) })
		if ok {
			return nil
		}
		select {
		case <-m.news:
		case <-ctx.Done():
			var err error
			m.read(func(m *meter) {
				err = fmt.Errorf("%s: %w within %s: %d presences, %d subscriptions, %d of %d events complete",
					what, context.Cause(ctx), limit, m.presences, m.accepted, m.done, len(m.seen))
			})
			return err
		}
	}
}

// all waits until every followed event has led to all its presences.
func (m *meter) all(ctx context.Context, limit time.Duration) error {
	return m.wait(ctx, limit, "presences", func(m *meter) bool { return m.done == len(m.seen) })
}
