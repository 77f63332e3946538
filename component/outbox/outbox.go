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

	mu         sync.Mutex // guards all below
	w          Writer     // nil while there is no link
	pairs      map[engine.Target]*entry
	head, tail *entry // first come, first sent
	store      store  // where entries and bodies that wait are kept
	overflowed bool
	stats      Stats
	waiters    []chan struct{}

	// What direct sends and how far it came; kept here so that a call of
	// Present allocates nothing.
	body   []byte
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
	out := &Outbox{options: o, pairs: map[engine.Target]*entry{}}
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
	s.Pairs = len(o.pairs)
	return s
}

// Wait returns when nothing is held, or with the error of ctx.
func (o *Outbox) Wait(ctx context.Context) error {
	o.mu.Lock()
	o.drain()
	if len(o.pairs) == 0 {
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
	if len(o.pairs) == 0 && o.w.Pending() < o.options.SoftLimit {
		o.body, o.to, o.sent = body, to, 0
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
	for _, t := range to {
		o.hold(t, op{to: t.To, end: body, keep: keep})
	}
}

// sendDirect appends the present stanza for each target until the writer is
// full.
func (o *Outbox) sendDirect(b *stream.Buffer) {
	for _, t := range o.to {
		if err := b.Addressed("presence", t.To, t.From, o.body); err != nil {
			if !errors.Is(err, stream.ErrQueueFull) {
				o.sent = len(o.to)
			}
			return
		}
		o.sent++
	}
}

// hold keeps one stanza for later.
func (o *Outbox) hold(t engine.Target, p op) {
	key := t
	key.To, _, _ = strings.Cut(t.To, "/")
	e := o.pairs[key]
	if e == nil {
		if len(o.pairs) >= o.options.MaxPairs {
			o.refuse()
			return
		}
		e = o.store.entry(key)
		o.pairs[key] = e
		if o.tail == nil {
			o.head = e
		} else {
			o.tail.next = e
		}
		o.tail = e
	}
	before := len(e.ops)
	e.add(p)
	o.stats.Held++
	o.stats.Entries += len(e.ops) - before
	o.stats.Superseded += uint64(before + 1 - len(e.ops))
}

func (o *Outbox) refuse() {
	o.stats.Refused++
	if !o.overflowed && o.options.Overflow != nil {
		o.options.Overflow()
	}
	o.overflowed = true
}

// drain sends held pairs, oldest first, while the writer has room.
func (o *Outbox) drain() {
	if len(o.pairs) == 0 || o.w == nil {
		return
	}
	room := o.options.SoftLimit - o.w.Pending()
	if room <= 0 {
		return
	}
	if err := o.w.Batch(func(b *stream.Buffer) { o.release(b, room) }); err != nil {
		return // the link is over; Detach will clear
	}
	if len(o.pairs) == 0 {
		o.store = store{} // the memory of a storm goes with it
		o.wake()
	}
}

// release moves pairs into the writer until room bytes are used.
func (o *Outbox) release(b *stream.Buffer, room int) {
	for e := o.head; e != nil && room > 0; e = o.head {
		for len(e.ops) > 0 {
			p := e.ops[0]
			if b.Addressed("presence", p.to, e.pair.From, p.end) != nil {
				return
			}
			room -= len(p.end) + len(p.to) + len(e.pair.From) + len("<presence to='' from=''")
			e.ops = e.ops[1:]
			o.stats.Entries--
		}
		delete(o.pairs, e.pair)
		o.head = e.next
		if o.head == nil {
			o.tail = nil
		}
		o.store.reuse(e)
	}
}

func (o *Outbox) clear() {
	if len(o.pairs) > 0 {
		o.pairs = map[engine.Target]*entry{} // give the memory of a storm back
	}
	o.head, o.tail, o.stats.Entries, o.store = nil, nil, 0, store{}
	o.wake()
}

func (o *Outbox) wake() {
	for _, done := range o.waiters {
		close(done)
	}
	o.waiters = nil
}
