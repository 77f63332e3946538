package engine

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"presenced/aggregation/calendar"
	"presenced/internal/presence"
)

// heartbeat bounds how long an idle owner sleeps, so that /livez can tell a
// quiet loop from a stuck one.
const heartbeat = 2 * time.Second

// lateAfter is how long after its instant an edge may be fired (S6.4).
const lateAfter = time.Second

// shard is the one owner of its users: only its goroutine touches them.
type shard struct {
	e      *Engine
	box    *mailbox
	users  map[presence.Addr]*user
	timers timers
	hosts  map[string]*hostState
	up     bool   // the link is attached
	epoch  uint32 // number of the current attach
	rnd    *rand.Rand

	decoy    decoy
	followed map[presence.Addr]*flock // who follows whom without a subscription

	published map[presence.Addr]*publication // of whom a server may have something
	publishAt instant                        // when what was refused is tried again

	dirty   []*user // presence not yet handed to the store
	flushAt time.Time

	body    []byte   // scratch of one rendering
	targets []Target // scratch of one fan-out
	view    presence.View
	scratch []byte

	state   presence.State // of one user at one instant
	stateOf *user          // nil: of nobody
	stateAt time.Time

	unpacked calendar.Unpacked // what the calendars of one user say
	calendar presence.Calendar // made of it

	turned atomic.Int64 // unix nanoseconds of the last turn of the loop
}

// hostState is what this owner knows of a served host since the last attach.
type hostState struct {
	Host
	ready  bool // HostReady has come
	synced bool // and HostSynced: projections may be sent
}

func newShard(e *Engine, seed uint64) *shard {
	s := &shard{
		e: e, box: newMailbox(),
		users: make(map[presence.Addr]*user),
		hosts: make(map[string]*hostState), published: make(map[presence.Addr]*publication),
		rnd: rand.New(rand.NewPCG(seed, seed)),
	}
	for _, h := range e.opt.Hosts {
		s.hosts[h] = &hostState{Host: Host{Name: h}}
	}
	s.turned.Store(time.Now().UnixNano())
	return s
}

// loop runs until ctx ends. It takes what is there, fires what is due, and
// sleeps until the next of either.
func (s *shard) loop(ctx context.Context) {
	timer := time.NewTimer(heartbeat)
	defer timer.Stop()
	var batch []event
	for {
		now := time.Now()
		s.turned.Store(now.UnixNano())
		s.fire(now) // what time does comes before what happened in it (I1)
		batch = s.box.take(batch)
		for i := range batch {
			s.step(&batch[i], now)
			batch[i] = event{}
		}
		s.fire(now)
		timer.Reset(s.sleep(now))
		select {
		case <-s.box.wake:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *shard) step(ev *event, now time.Time) {
	if ev.run != nil {
		ev.run(now)
		return
	}
	s.device(ev.device, now)
}

// fire wakes the users whose instant has come and hands dirty presence to the
// store.
func (s *shard) fire(now time.Time) {
	for len(s.timers) > 0 && s.timers[0].wakeAt.come(s.e.instant(now)) {
		u := heap.Pop(&s.timers).(*user)
		s.e.metrics.timers.Inc()
		if s.e.instant(time.Now())-u.wakeAt > instant(lateAfter) {
			s.e.metrics.late.Inc()
		}
		u.tick(now)
	}
	if s.publishAt.come(s.e.instant(now)) {
		s.publishAgain(now)
	}
	if !s.flushAt.IsZero() && !now.Before(s.flushAt) {
		s.flushPresence()
	}
}

func (s *shard) sleep(now time.Time) time.Duration {
	at := earliest(earliest(s.timers.next(), s.publishAt), s.e.instant(now.Add(heartbeat)))
	if !s.flushAt.IsZero() {
		at = earliest(at, s.e.instant(s.flushAt))
	}
	return max(time.Duration(at-s.e.instant(now)), 0)
}

// call runs f in the owner and returns what it found; false when the owner is
// gone, has no room, or ctx ended first. f may still run then, on its own.
func call[T any](ctx context.Context, s *shard, f func(now time.Time) T) (found T, ok bool) {
	done := make(chan T, 1)
	if !s.box.post(func(now time.Time) { done <- f(now) }) {
		return found, false
	}
	select {
	case found = <-done:
		return found, true
	case <-ctx.Done():
	case <-s.e.stopped:
	}
	return found, false
}

// jitter returns a duration in [0, d).
func (s *shard) jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(s.rnd.Int64N(int64(d)))
}
