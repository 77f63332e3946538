package component

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/component/outbox"
	"presenced/component/stream"
	"presenced/internal/directory"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// Options are the options of a Component.
type Options struct {
	Domain   string        // the component's own
	Resource string        // that presence is sent from; empty: from bare addresses
	Address  string        // host:port of the server's component port
	Secret   func() string // asked at each attach, so that a reload counts
	Hosts    []string      // the served hosts, at least one
	Language string        // for texts where a stanza names none; empty: en
	Version  string        // told to who asks for the version; empty: dev
	// MaxStanza is the size in bytes from which on a stanza is refused; 0: 256 KiB.
	MaxStanza int
	// MaxContacts is limits.contacts; a roster four times as long is an
	// error. 0: 1000.
	MaxContacts int
	Log         *slog.Logger
	Registerer  prometheus.Registerer // nil: metrics are counted and not shown
	// Dial replaces the connection to Address, for tests and proxies.
	Dial func(ctx context.Context) (net.Conn, error)
	// BeforeFlush, if set, is asked before each write; its error drops the link.
	BeforeFlush func() error
}

// timing holds the durations tests shorten.
type timing struct {
	handshake    time.Duration // for dialling, and again from the header to the handshake's answer
	pingEvery    time.Duration
	answer       time.Duration // within which a ping is answered …
	patience     time.Duration // … or, while other stanzas keep coming, this
	grace        time.Duration // for adverts, and for what follows a settling ping
	quiet        time.Duration // without a device ends the grace early
	roster       time.Duration
	tick         time.Duration
	backoffMin   time.Duration
	backoffMax   time.Duration
	conflictMin  time.Duration
	refusedRetry time.Duration
	stable       time.Duration // after which the pauses begin anew
	farewell     time.Duration // for the server's end of the stream
}

var defaultTiming = timing{
	handshake: 10 * time.Second, pingEvery: 15 * time.Second, answer: 10 * time.Second, patience: time.Minute,
	grace: 2 * time.Second, quiet: 500 * time.Millisecond, roster: 15 * time.Second, tick: 100 * time.Millisecond,
	backoffMin: 200 * time.Millisecond, backoffMax: 30 * time.Second, conflictMin: 5 * time.Second,
	refusedRetry: time.Minute, stable: time.Minute, farewell: 2 * time.Second,
}

// Component is the edge for one component domain. Make it with New, give it
// its Door, then Run it.
type Component struct {
	o        Options
	timing   timing
	log      *slog.Logger
	own      presence.Addr
	hosts    []servedHost
	byDomain map[string]int // IDNA domain -> index in hosts
	texts    constants
	door     Door
	commands Commands
	// directory is replaced by a reload; it holds nil where there is none.
	directory atomic.Pointer[directory.Book]

	metrics *metrics
	out     *outbox.Outbox
	pool    *pool
	bounces *limiter // messages nobody reads, by domain
	queries *limiter // presences, by account like the two below
	claims  *limiter
	changes *limiter // commands and registrations
	talks   *limiter // commands in words
	asks    *limiter // what clients devices are

	activities *activities

	link     atomic.Pointer[link] // nil while detached
	stopping atomic.Bool

	mu       sync.Mutex // guards all below
	state    State
	attached bool               // once, ever
	cancel   context.CancelFunc // ends Run
}

// servedHost is one configured host.
type servedHost struct {
	name string // as configured
	addr presence.Addr
}

// New returns a Component that is not attached. It fails where the options
// cannot work.
func New(o Options) (*Component, error) {
	if o.Language == "" {
		o.Language = "en"
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.MaxStanza <= 0 {
		o.MaxStanza = stream.DefaultMaxBytes
	}
	if o.MaxContacts <= 0 {
		o.MaxContacts = 1000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Component{o: o, timing: defaultTiming, log: o.Log, byDomain: map[string]int{}}
	if err := c.check(); err != nil {
		return nil, err
	}
	c.texts = newConstants(o.Version)
	c.out = outbox.New(outbox.Options{Resource: o.Resource, Overflow: func() {
		if l := c.link.Load(); l != nil {
			l.fail(errOverflow)
		}
	}})
	c.pool = newPool()
	c.bounces, c.queries = newLimiter(bounceRates), newLimiter(queryRates)
	c.claims, c.changes = newLimiter(claimRates), newLimiter(commandRates)
	c.talks, c.asks = newLimiter(talkRates), newLimiter(askRates)
	c.activities = newActivities()
	var err error
	if c.metrics, err = newMetrics(c, o.Registerer); err != nil {
		return nil, fmt.Errorf("component: metrics: %w", err)
	}
	c.state = State{Phase: PhaseDetached, Since: time.Now(), Hosts: c.hostStates(nil)}
	return c, nil
}

// check validates the addresses in the options and indexes the hosts.
func (c *Component) check() error {
	domain, err := presence.ParseJID(c.o.Domain)
	if err != nil || domain.Addr.Local() != "" || domain.Resource != "" {
		return fmt.Errorf("component: domain %q is no domain; write it like presence.example.org", c.o.Domain)
	}
	c.own = domain.Addr
	for _, name := range c.o.Hosts {
		h, err := presence.ParseJID(name)
		switch {
		case err != nil || h.Addr.Local() != "" || h.Resource != "":
			return fmt.Errorf("component: host %q is no domain; write it like example.org", name)
		case h.Addr == c.own:
			return fmt.Errorf("component: host %q is the component's own domain; name the hosts whose users it serves", name)
		}
		if _, twice := c.byDomain[h.Addr.Domain()]; twice {
			return fmt.Errorf("component: host %q is named twice; remove one", name)
		}
		c.byDomain[h.Addr.Domain()] = len(c.hosts)
		c.hosts = append(c.hosts, servedHost{name: name, addr: h.Addr})
	}
	switch {
	case len(c.hosts) == 0:
		return errors.New("component: no hosts; name at least one host whose users it serves")
	case c.o.Secret == nil:
		return errors.New("component: no secret; set it to the server's secret for this component")
	case c.o.Address == "" && c.o.Dial == nil:
		return errors.New("component: no address; set it to the server's component port")
	}
	return nil
}

// SetDoor gives the Component its engine; it must be called before Run.
func (c *Component) SetDoor(d Door) { c.door = d }

// SetCommands gives the Component its commands; without, there are none. It
// must be called before Run.
func (c *Component) SetCommands(x Commands) { c.commands = x }

// Phase is what the link is doing.
type Phase string

// The phases of a link.
const (
	PhaseDetached   Phase = "detached" // waiting for the next attempt
	PhaseConnecting Phase = "connecting"
	PhaseAttached   Phase = "attached"
)

// State is what readiness and check tell about the link.
type State struct {
	Phase     Phase
	Since     time.Time
	LastError string // why the latest attempt or link ended; empty: none did
	Hosts     []HostState
}

// HostState is what is known of one served host since the attach.
type HostState struct {
	Name    string
	Mode    string   // waiting, privilege, supplement (consent first), consent
	Adverts []string // in words, empty: none
	Answers bool     // to pings
	Synced  bool
	Host    engine.Host
}

// State returns a copy of the present state.
func (c *Component) State() State {
	hosts := c.hostStates(c.link.Load())
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	s.Hosts = hosts
	return s
}

// setPhase notes a new phase; err, where given, is why.
func (c *Component) setPhase(p Phase, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Phase != p {
		c.state.Phase, c.state.Since = p, time.Now()
	}
	if err != nil {
		c.state.LastError = err.Error()
	}
	if p == PhaseAttached {
		c.attached, c.state.LastError = true, ""
	}
}

func (c *Component) everAttached() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.attached
}

// hostStates tells what the link, if there is one, has found.
func (c *Component) hostStates(l *link) []HostState {
	out := make([]HostState, len(c.hosts))
	for i, h := range c.hosts {
		out[i] = HostState{Name: h.name, Mode: "waiting"}
	}
	if l == nil {
		return out
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, h := range l.hosts {
		out[i].Adverts = h.advert.Words()
		out[i].Answers = !h.answered.IsZero() && !h.silent
		out[i].Synced = h.synced
		if h.announced {
			out[i].Host = h.ready
			out[i].Mode = modeOf(h.ready)
		}
	}
	return out
}

func modeOf(h engine.Host) string {
	switch {
	case h.Managed && !h.Consent:
		return "privilege"
	case h.Managed:
		return "supplement"
	}
	return "consent"
}
