package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/presence"
)

// Options are what an engine needs from the composition root.
type Options struct {
	Domain   string        // the component's own
	Hosts    []string      // served hosts, in IDNA form
	Language string        // of texts when nobody asked for another
	Liveness time.Duration // a dropped session is offline within it
	Farewell bool          // a clean stop tells watchers "unavailable"
	Store    Store
	// StorePresence hands every change of a device to the store, for whoever reads
	// it there; else only what a restart could not learn again.
	StorePresence bool
	Sender        Sender
	// Forgetful: subscriptions were lost with the store, so nobody is told that there
	// is none (S13).
	Forgetful  bool
	ListWriter ListWriter // writes lists where the stream lets it; nil: nowhere
	Publisher  Publisher  // publishes activities where the stream lets it; nil: nowhere
	// Contacts puts mirrors into rosters; nil: nobody does.
	Contacts ContactWriter
	// Calendars reads users' calendars; nil: nobody does.
	Calendars CalendarReader
	// Sealer encrypts what is kept of calendars users add; nil: they may add none.
	Sealer     Sealer
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Shards     int // owners; 0: four per processor
}

// Engine owns all users. Its methods are safe for many goroutines.
type Engine struct {
	opt     Options
	current atomic.Pointer[Rules]
	shards  []*shard
	seed    maphash.Seed
	born    time.Time
	hosts   map[string]bool
	metrics *metrics

	offline       []byte // the bare unavailable rendering, and its digest
	offlineDigest uint64

	knownMu sync.RWMutex // guards known
	known   map[presence.Addr]struct{}
	// knownVersion grows with each change of what Known answers.
	knownVersion atomic.Uint64

	wait    sync.WaitGroup
	stop    context.CancelFunc
	stopped chan struct{} // closed when the owners have ended
	cleanly bool          // the last run ended with every digest stored

	blank      atomic.Bool // the store held no user, and none has come since
	distrusted atomic.Bool // this run must not end with that mark

	alarms   alarms
	grants   *grants
	hidden   hiddenHosts
	contacts contactHosts
	handles  handles

	questions sync.Pool // of *lookQuestion

	auditing atomic.Pointer[Auditor] // nil: nobody is told
}

// New wires an engine; Load and Start follow.
func New(opt Options, rules *Rules) (*Engine, error) {
	if opt.Store == nil || opt.Sender == nil || opt.Log == nil || opt.Registerer == nil {
		return nil, errors.New("engine: store, sender, logger and registerer are needed")
	}
	if opt.Shards == 0 {
		opt.Shards = 4 * runtime.GOMAXPROCS(0)
	}
	e := &Engine{
		opt: opt, seed: maphash.MakeSeed(), born: time.Now(), hosts: make(map[string]bool),
		known: make(map[presence.Addr]struct{}), stopped: make(chan struct{}),
		stop: func() {}, grants: newGrants(),
	}
	e.current.Store(rules)
	e.knownVersion.Add(1)
	for _, h := range opt.Hosts {
		e.hosts[h] = true
	}
	v := emptyView()
	e.offline = opt.Sender.Render(nil, &v, opt.Language)
	e.offlineDigest = xxhash.Sum64(e.offline)
	for i := range opt.Shards {
		e.shards = append(e.shards, newShard(e, uint64(time.Now().UnixNano())+uint64(i)))
	}
	e.metrics = newMetrics(e)
	return e, nil
}

func (e *Engine) rules() *Rules { return e.current.Load() }

func (e *Engine) serves(domain string) bool { return e.hosts[domain] }

func (e *Engine) shardOf(a presence.Addr) *shard {
	return e.shards[maphash.String(e.seed, a.Key())%uint64(len(e.shards))]
}

// Known reports whether a user's presence counts: she is enrolled, or would be
// on sight (S4.4). It costs one map lookup.
func (e *Engine) Known(a presence.Addr) bool {
	e.knownMu.RLock()
	_, ok := e.known[a]
	e.knownMu.RUnlock()
	return ok || e.adopts(a)
}

// KnownVersion changes with the answers of Known, so that those may be kept: it is
// read before Known is asked.
func (e *Engine) KnownVersion() uint64 { return e.knownVersion.Load() }

func (e *Engine) setKnown(a presence.Addr, on bool) {
	e.knownMu.Lock()
	defer e.knownMu.Unlock()
	defer e.knownVersion.Add(1)
	if on {
		e.blank.Store(false)
		e.known[a] = struct{}{}
	} else {
		delete(e.known, a)
	}
}

// Load reads every user's settings from the store. It must return before Start.
func (e *Engine) Load(ctx context.Context) error {
	e.blank.Store(true)
	if err := e.opt.Store.Load(ctx, e.loadUser); err != nil {
		return fmt.Errorf("settings: load: %w", err)
	}
	for _, s := range e.shards {
		for _, u := range s.users {
			u.compose()
			u.recompile()
			if e.cleanly {
				u.restoreSent()
			} else {
				u.uncertain(-1)
			}
			if u.going != nil {
				u.going.sent = nil
				u.rest()
			}
		}
	}
	e.warnGrants()
	// From here on the mark of a clean end would be a lie.
	e.opt.Store.SavePresence(metaUser, nil)
	return e.opt.Store.Flush(ctx)
}

func (e *Engine) loadUser(saved Saved) error {
	if saved.User == metaUser {
		e.cleanly = string(saved.Presence) == metaClean
		return nil
	}
	if Reserved(saved.User) {
		return e.grants.load(&saved)
	}
	set, err := readSettings(saved.Docs)
	if err != nil {
		return fmt.Errorf("a user's settings: %w", err)
	}
	if set.enrol.V == 0 {
		e.loadDebtor(set)
		return nil // presence of somebody who was erased
	}
	j, err := presence.ParseJID(set.enrol.JID)
	if err != nil { // accepted by a version that took her for somebody else as well
		e.opt.Log.Error("a user's settings are left alone: her address is not one for certain; she is shown to nobody", "error", err)
		return nil
	}
	e.blank.Store(false)
	u := e.shardOf(j.Addr).newUser(j.Addr, set.enrol.JID)
	u.set = set
	e.handles.put(set.badge, j.Addr)
	u.restorePresence(saved.Presence)
	if set.enrol.Enabled || set.egress != nil {
		e.setKnown(j.Addr, true)
	}
	return nil
}

// enlistAll enrols this owner's part of those the operator named.
func (s *shard) enlistAll(now time.Time) {
	for a, bare := range s.e.rules().Enrolment.Users {
		if s.e.shardOf(a) == s {
			s.enlist(a, bare, now)
		}
	}
}

// enlist enrols a user the operator named, unless she said no.
func (s *shard) enlist(a presence.Addr, bare string, now time.Time) {
	u := s.users[a]
	if u == nil {
		u = s.newUser(a, bare)
	}
	u.enrolUnasked(now)
}

// Start begins the owners.
func (e *Engine) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	for _, s := range e.shards {
		e.wait.Go(func() { s.loop(ctx) })
	}
	e.everywhere((*shard).enlistAll)
}

// Farewell tells every watcher who is shown something that the mirror goes, so
// that no green dot outlives the daemon. The link must still be up.
func (e *Engine) Farewell(ctx context.Context) {
	if !e.opt.Farewell {
		return
	}
	for _, s := range e.shards {
		call(ctx, s, func(now time.Time) struct{} {
			for _, u := range s.users {
				u.farewell(now)
			}
			s.up = false // nothing follows
			return struct{}{}
		})
	}
}

// Distrust has the next start take what watchers were last sent as unknown. It
// is called before Stop when something handed to Present may not have been read
// by the server.
func (e *Engine) Distrust() { e.distrusted.Store(true) }

// Stop ends the owners after handing the last presence to the store. It is
// idempotent and bounded by ctx.
func (e *Engine) Stop(ctx context.Context) {
	select {
	case <-e.stopped:
		return
	default:
	}
	for _, s := range e.shards {
		call(ctx, s, func(time.Time) struct{} {
			s.flushPresence()
			if !e.distrusted.Load() {
				s.leaveBehind()
			}
			return struct{}{}
		})
	}
	if !e.distrusted.Load() {
		e.opt.Store.SavePresence(metaUser, []byte(metaClean))
	}
	e.stop()
	e.wait.Wait()
	close(e.stopped)
}

// Reload puts other rules in force for everybody and enrols whom they name.
func (e *Engine) Reload(rules *Rules) {
	others := changedSources(e.rules(), rules)
	e.current.Store(rules)
	e.warnGrants()
	e.knownVersion.Add(1)
	e.everywhere(func(s *shard, now time.Time) {
		s.enlistAll(now)
		s.listSourcesChanged(others, now)
		for _, u := range s.users {
			u.person.Inputs.Kind = e.kindOf(u.addr)
			u.endUnallowed(now)
			u.compose()
			u.recompile()
			u.evaluate(now)
			u.egressReloaded(now)
		}
	})
}

func (e *Engine) everywhere(f func(s *shard, now time.Time)) {
	for _, s := range e.shards {
		s.box.must(func(now time.Time) { f(s, now) })
	}
}

// Turned returns the instant of the last turn of the slowest owner, for /livez.
func (e *Engine) Turned() time.Time {
	oldest := int64(1<<63 - 1)
	for _, s := range e.shards {
		oldest = min(oldest, s.turned.Load())
	}
	return time.Unix(0, oldest)
}
