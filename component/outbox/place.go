package outbox

import (
	"slices"
	"strings"

	"presenced/internal/engine"
)

// mirror is everything held of one mirror. It exists while something is.
type mirror struct {
	from  string
	casts []*place          // oldest first
	first [1]*place         // the usual case without a further allocation
	pairs map[string]*place // entries by the watcher's bare JID; nil: none
	count int               // of its places in the queue
}

// place is one place in the queue: a cast, which is one presence for many pairs
// of a mirror, or the entry of one pair. In a storm nearly all are casts: a pair
// costs no look-up then, and 16 bytes.
type place struct {
	next *place
	m    *mirror
	end  []byte   // of a cast: everything behind the addresses
	to   []string // of a cast: bare JIDs; nil: an entry
	sent int      // of a cast: how many of to have left
	entry
}

// A mirror's watchers are told the same in a few casts, one per projection. Where
// finding out whether a further one concerns the same pairs would cost more than
// this many comparisons, pairs are held one by one.
const (
	maxCasts    = 8
	maxCompared = 4096
)

// cast keeps one presence for pairs of m; false when that needs entries.
func (o *Outbox) cast(m *mirror, body []byte, to []engine.Target) bool {
	if len(m.pairs) > 0 || len(m.casts) >= maxCasts || !allBare(to) {
		return false
	}
	compared := 0
	for _, c := range m.casts {
		if c.sent == 0 && c.same(to) {
			c.end = body
			o.stats.Superseded += uint64(len(to))
			return true
		}
		if compared += len(c.to) * len(to); compared > maxCompared || c.meets(to) {
			return false
		}
	}
	p := o.store.place(m)
	p.end, p.to = body, o.store.room(p.to, len(to))
	for i := range to {
		p.to = append(p.to, to[i].To)
	}
	m.casts = append(m.casts, p)
	o.append(p)
	o.pairs += len(to)
	o.stats.Entries += len(to)
	return true
}

func allBare(to []engine.Target) bool {
	for i := range to {
		if strings.IndexByte(to[i].To, '/') >= 0 {
			return false
		}
	}
	return true
}

// same reports whether the cast is for exactly these watchers.
func (p *place) same(to []engine.Target) bool {
	if len(p.to) != len(to) {
		return false
	}
	for i := range to {
		if p.to[i] != to[i].To {
			return false
		}
	}
	return true
}

// meets reports whether any of these watchers still waits for the cast.
func (p *place) meets(to []engine.Target) bool {
	for i := range to {
		if slices.Contains(p.to[p.sent:], to[i].To) {
			return true
		}
	}
	return false
}

// split makes entries of all casts of m, in their places in the queue.
func (o *Outbox) split(m *mirror) {
	if m.pairs == nil {
		m.pairs = map[string]*place{}
	}
	for _, c := range m.casts {
		end, to := c.end, c.to[c.sent:]
		at := c
		for i, w := range to {
			p := c // the cast's own place becomes the first entry
			if i > 0 {
				p = o.store.place(m)
				m.count++
				p.next, at.next = at.next, p
				if o.tail == at {
					o.tail = p
				}
			}
			p.begin(m, w)
			p.add(op{to: w, end: end})
			m.pairs[w] = p
			at = p
		}
	}
	m.casts = m.casts[:0]
}

// begin makes the place the entry of one pair.
func (p *place) begin(m *mirror, bare string) {
	p.end, p.to, p.sent = nil, nil, 0
	p.pair = engine.Target{To: bare, From: m.from}
	p.ops = p.first[:0]
}

// append puts a place at the end of the queue.
func (o *Outbox) append(p *place) {
	if o.tail == nil {
		o.head = p
	} else {
		o.tail.next = p
	}
	o.tail = p
	p.m.count++
}

// leave takes the head of the queue, all of which was sent, out of it.
func (o *Outbox) leave(p *place) {
	m := p.m
	if p.to == nil {
		delete(m.pairs, p.pair.To)
		o.pairs--
	} else {
		m.casts = slices.DeleteFunc(m.casts, func(c *place) bool { return c == p })
	}
	if m.count--; m.count == 0 {
		delete(o.mirrors, m.from)
		o.store.forget(m)
	}
	if o.head = p.next; o.head == nil {
		o.tail = nil
	}
	o.store.reuse(p)
}
