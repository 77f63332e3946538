// Package outbox is what waits between the engine and the writer of the
// component stream: the latest presence per watcher and mirror.
//
// Guarantees:
//   - While the server keeps up, a stanza goes straight into the writer's
//     buffer, thousands of watchers under one lock, and nothing is held here.
//   - When the writer is backed up, at most one presence per pair (watcher's
//     bare JID, mirror) is held, the latest, beside one per watcher's device
//     that was answered alone. Pairs leave in the order in which they came.
//   - Within a pair nothing overtakes: presence, "subscribed" and
//     "unsubscribed" leave in the order of the calls, superseded presence
//     excepted. Subscription stanzas are not superseded.
//   - No method waits for the network, Wait excepted.
//
// It does not render, does not know what a presence means, and forgets
// everything when the link is lost.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"presenced/component/stream"
	"presenced/internal/engine"
)

// Defaults of Options.
const (
	// DefaultSoftLimit is the number of bytes waiting in the writer from which
	// on stanzas are held here, 512 KiB: some 1500 presences, a fraction of a
	// second of the slowest server measured.
	DefaultSoftLimit = 512 << 10
	// DefaultMaxPairs bounds the pairs held: at some 200 bytes each, 800 MB
	// in the worst case, which only a server standing still for long can cause.
	DefaultMaxPairs = 4 << 20
)

// keptPairs is how many pairs may have been held for their memory, some megabytes,
// to be kept for the next time.
const keptPairs = 16 << 10

// maxOps bounds what is held for one pair: a handful of devices answered alone
// and the subscription stanzas between them.
const maxOps = 12

// Writer is the part of stream.Writer that is needed.
type Writer interface {
	Batch(fill func(b *stream.Buffer)) error
	Pending() int
}

// Options are the options of an Outbox. Zero values mean the default.
type Options struct {
	SoftLimit int // bytes
	MaxPairs  int
	// Overflow, if set, is told that MaxPairs are held and a stanza was
	// refused: the link must be dropped, so that everything is said anew. It
	// is called under the outbox's lock, once per link.
	Overflow func()
	// Resource is the resource presence is sent from, unescaped; empty: none.
	// Subscription stanzas come from the bare address (RFC 6121 §3.1.5).
	Resource string
}

// Stats is what is held and what happened since the start.
type Stats struct {
	Pairs, Entries int    // held now: pairs, and stanzas for them
	Held           uint64 // stanzas that had to wait
	Superseded     uint64 // held stanzas replaced by a later one
	Refused        uint64 // stanzas refused for lack of room
}

// Outbox holds stanzas for a slow server. All methods may be called from any
// goroutine.
type Outbox struct {
	options Options
	behind  []byte // the slash and the resource, escaped; nil: none

	mu         sync.Mutex         // guards all below
	w          Writer             // nil while there is no link
	mirrors    map[string]*mirror // of which something is held, by JID
	pairs      int                // for which something is held
	peak       int                // of pairs, since nothing was held
	head, tail *place             // first come, first sent
	store      store              // where places and bodies that wait are kept
	overflowed bool
	stats      Stats
	waiters    []chan struct{}

	// What direct sends and how far it came; kept here so that a call of
	// Present allocates nothing.
	body   []byte
	from   []byte // the end of the addresses it comes from
	to     []engine.Target
	sent   int
	direct func(*stream.Buffer)
}

// New returns an Outbox without a link.
func New(o Options) *Outbox {
	if o.SoftLimit <= 0 {
		o.SoftLimit = DefaultSoftLimit
	}
	if o.MaxPairs <= 0 {
		o.MaxPairs = DefaultMaxPairs
	}
	out := &Outbox{options: o, mirrors: map[string]*mirror{}}
	if o.Resource != "" {
		out.behind = stream.AppendAttr([]byte("/"), o.Resource)
	}
	out.direct = out.sendDirect
	return out
}

// Attach sends to w from now on.
func (o *Outbox) Attach(w Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear()
	o.w, o.overflowed = w, false
}

// Detach drops what is held; until the next Attach everything is dropped.
func (o *Outbox) Detach() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w = nil
	o.clear()
}

// The ends of the subscription stanzas, after the addresses.
var (
	subscribed   = []byte(" type='subscribed'/>")
	unsubscribed = []byte(" type='unsubscribed'/>")
)

// Present sends one rendered presence, from behind its addresses to its end
// tag, to many watchers. body is copied where it must wait.
func (o *Outbox) Present(body []byte, to []engine.Target) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send(body, to, false)
}

// Subscribed sends the acceptance of a subscription, in order with the pair's
// presence.
func (o *Outbox) Subscribed(t engine.Target) { o.subscription(t, subscribed) }

// Unsubscribed sends the refusal or the end of a subscription, in order with
// the pair's presence.
func (o *Outbox) Unsubscribed(t engine.Target) { o.subscription(t, unsubscribed) }

func (o *Outbox) subscription(t engine.Target, end []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send(end, []engine.Target{t}, true)
}

// Drain sends what is held as far as the writer has room. The writer's
// goroutine calls it before each write.
func (o *Outbox) Drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drain()
}

// Stats returns what is held.
func (o *Outbox) Stats() Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.stats
	s.Pairs = o.pairs
	return s
}

// Wait returns when nothing is held, or with the error of ctx.
func (o *Outbox) Wait(ctx context.Context) error {
	o.mu.Lock()
	o.drain()
	if o.head == nil {
		o.mu.Unlock()
		return nil
	}
	done := make(chan struct{})
	o.waiters = append(o.waiters, done)
	o.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("outbox: wait: %w", ctx.Err())
	}
}

func (o *Outbox) send(body []byte, to []engine.Target, keep bool) {
	if o.w == nil || len(to) == 0 {
		return
	}
	o.drain()
	if o.head == nil && o.w.Pending() < o.options.SoftLimit {
		o.body, o.from, o.to, o.sent = body, o.suffix(keep), to, 0
		err := o.w.Batch(o.direct)
		to = to[o.sent:]
		o.body, o.to = nil, nil
		if err != nil || len(to) == 0 {
			return // sent, or the link is over and its end being reported
		}
	}
	if !keep {
		body = o.store.body(body)
	}
	for len(to) > 0 {
		n := 1
		for n < len(to) && to[n].From == to[0].From {
			n++
		}
		o.hold(to[:n], body, keep)
		to = to[n:]
	}
}

// suffix is what stands behind the from of a stanza; bare: of a subscription one.
func (o *Outbox) suffix(bare bool) []byte {
	if bare {
		return nil
	}
	return o.behind
}

// sendDirect appends the present stanza for each target until the writer is
// full.
func (o *Outbox) sendDirect(b *stream.Buffer) {
	for _, t := range o.to {
		if err := b.Addressed("presence", t.To, t.From, o.from, o.body); err != nil {
			if !errors.Is(err, stream.ErrQueueFull) {
				o.sent = len(o.to)
			}
			return
		}
		o.sent++
	}
}

// hold keeps one stanza for each of some watchers of one mirror for later.
func (o *Outbox) hold(to []engine.Target, body []byte, keep bool) {
	m := o.mirrors[to[0].From]
	if m == nil {
		if o.pairs >= o.options.MaxPairs {
			o.refuse(len(to))
			return
		}
		m = o.store.mirror(to[0].From)
		o.mirrors[m.from] = m
	}
	if !keep && o.pairs+len(to) <= o.options.MaxPairs && o.cast(m, body, to) {
		o.stats.Held += uint64(len(to))
		o.peak = max(o.peak, o.pairs)
		return
	}
	o.split(m)
	for i := range to {
		o.holdOne(m, op{to: to[i].To, end: body, keep: keep})
	}
	o.peak = max(o.peak, o.pairs)
}

// holdOne keeps one stanza in the entry of its pair.
func (o *Outbox) holdOne(m *mirror, p op) {
	bare, _, _ := strings.Cut(p.to, "/")
	e := m.pairs[bare]
	if e == nil {
		if o.pairs >= o.options.MaxPairs {
			o.refuse(1)
			return
		}
		e = o.store.place(m)
		e.begin(m, bare)
		m.pairs[bare] = e
		o.append(e)
		o.pairs++
	}
	before := len(e.ops)
	e.add(p)
	o.stats.Held++
	o.stats.Entries += len(e.ops) - before
	o.stats.Superseded += uint64(before + 1 - len(e.ops))
}

func (o *Outbox) refuse(n int) {
	o.stats.Refused += uint64(n)
	if !o.overflowed && o.options.Overflow != nil {
		o.options.Overflow()
	}
	o.overflowed = true
}

// drain sends held pairs, oldest first, while the writer has room.
func (o *Outbox) drain() {
	if o.head == nil || o.w == nil {
		return
	}
	room := o.options.SoftLimit - o.w.Pending()
	if room <= 0 {
		return
	}
	if err := o.w.Batch(func(b *stream.Buffer) { o.release(b, room) }); err != nil {
		return // the link is over; Detach will clear
	}
	if o.head == nil {
		if o.peak > keptPairs { // the memory of a storm goes with it
			o.store, o.mirrors = store{}, map[string]*mirror{}
		}
		o.peak = 0
		o.wake()
	}
}

// release moves what is held into the writer until room bytes are used.
func (o *Outbox) release(b *stream.Buffer, room int) {
	for p := o.head; p != nil && room > 0; p = o.head {
		if p.to == nil {
			room = o.releaseEntry(b, p, room)
		} else {
			room = o.releaseCast(b, p, room)
		}
	}
}

// addressing is how much a stanza is longer than its end and its addresses.
const addressing = len("<presence to='' from=''")

// releaseCast sends one presence to many pairs and returns the room that is left.
func (o *Outbox) releaseCast(b *stream.Buffer, p *place, room int) int {
	each := len(p.end) + len(p.m.from) + addressing
	first := p.sent
	for ; p.sent < len(p.to) && room > 0; p.sent++ {
		if b.Addressed("presence", p.to[p.sent], p.m.from, o.behind, p.end) != nil {
			room = 0
			break
		}
		room -= each + len(p.to[p.sent])
	}
	o.pairs -= p.sent - first
	o.stats.Entries -= p.sent - first
	if p.sent == len(p.to) {
		o.leave(p)
	}
	return room
}

// releaseEntry sends all that is held for one pair.
func (o *Outbox) releaseEntry(b *stream.Buffer, p *place, room int) int {
	for len(p.ops) > 0 {
		q := p.ops[0]
		if b.Addressed("presence", q.to, p.pair.From, o.suffix(q.keep), q.end) != nil {
			return 0
		}
		room -= len(q.end) + len(q.to) + len(p.pair.From) + addressing
		p.ops = p.ops[1:]
		o.stats.Entries--
	}
	o.leave(p)
	return room
}

func (o *Outbox) clear() {
	if o.head != nil {
		o.mirrors = map[string]*mirror{} // give the memory of a storm back
	}
	o.head, o.tail, o.pairs, o.stats.Entries, o.store = nil, nil, 0, 0, store{}
	o.wake()
}

func (o *Outbox) wake() {
	for _, done := range o.waiters {
		close(done)
	}
	o.waiters = nil
}
