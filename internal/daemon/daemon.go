package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/component"
	"presenced/component/commands"
	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/audit"
	"presenced/internal/directory"
	"presenced/internal/engine"
	"presenced/internal/store/redisstore"
	"presenced/internal/token"
)

// StopWithin is how long a clean stop may take; afterwards it is given up.
const StopWithin = 10 * time.Second

// endWithin is how long a server takes at most to end its side of the stream
// once ours has ended, which proves that it has read everything. The edge waits
// longer than this for a server that does not.
const endWithin = 1500 * time.Millisecond

// Options are what a Daemon needs beside its configuration.
type Options struct {
	Log     *slog.Logger
	Level   *slog.LevelVar // changed by a reload; nil: left alone
	Version string         // told to who asks
	// StartEmpty begins without the settings that were stored and are nowhere any
	// more, instead of waiting for an operator.
	StartEmpty bool
}

// Daemon is one running presenced. Make it with New, Start it once, Stop it.
type Daemon struct {
	opt       Options
	log       *slog.Logger
	config    atomic.Pointer[config.Config] // in force; replaced by Reload
	registry  *prometheus.Registry
	metrics   *metrics
	store     engine.Store
	redis     *redisstore.Store // nil: the embedded store
	tokens    *token.Keep
	trail     *audit.Trail
	calendars *calendars
	engine    *engine.Engine
	edge      *component.Component
	lists     listSources
	people    atomic.Pointer[directory.Book] // in force; where mailboxes are
	ready     *readiness
	undo      steps
	running   steps // what was begun once the settings were loaded
	started   time.Time
	failed    chan error // holds the one error that ends the daemon

	reloading sync.Mutex // one reload at a time
	loaded    atomic.Bool
	turning   atomic.Bool // the engine runs
	stopping  atomic.Bool
}

// New wires a daemon and opens its store. Errors that only the operator can
// mend are *SetupError; on any error nothing stays open.
func New(c *config.Config, o Options) (*Daemon, error) {
	d := &Daemon{
		opt: o, log: o.Log, registry: prometheus.NewRegistry(), ready: newReadiness(),
		started: time.Now(), failed: make(chan error, 1),
	}
	d.config.Store(c)
	if err := d.wire(c); err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), StopWithin)
		defer cancel()
		_ = d.undo.undo(ctx) // the first error is the one to tell
		return nil, err
	}
	return d, nil
}

func (d *Daemon) wire(c *config.Config) error {
	rules, err := rulesOf(c)
	if err != nil {
		return err
	}
	people, err := d.peopleOf(c, rules)
	if err != nil {
		return err
	}
	hosts, err := hostsOf(c)
	if err != nil {
		return err
	}
	if err := d.openStore(c); err != nil {
		return err
	}
	d.openTrail(c)
	if err := d.openTokens(c); err != nil {
		return err
	}
	d.people.Store(people)
	sites, err := d.sitesOf(c)
	if err != nil {
		return err
	}
	if err := d.openCalendars(c); err != nil {
		return err
	}
	if err := d.openLists(c, rules); err != nil {
		return err
	}
	if d.edge, err = component.New(d.edgeOptions(c)); err != nil {
		return setup("correct it in [component]", "%w", err)
	}
	d.engine, err = engine.New(engine.Options{
		Calendars: d.calendars.poller, Sealer: d.calendars.sealer(),
		Domain: c.Component.Domain, Hosts: hosts, Language: c.Presence.Language,
		Liveness: c.Presence.Liveness.Std(), Farewell: c.Component.Farewell,
		Store: vault{d.store, d.tokens, d.erased}, StorePresence: d.redis != nil, Forgetful: d.opt.StartEmpty, Sender: d.edge, ListWriter: d.edge, Contacts: d.edge, Publisher: d.edge, Log: d.log, Registerer: d.registry,
	}, rules)
	if err != nil {
		return err
	}
	d.audit(c)
	d.calendars.poller.SetDoor(d.engine)
	d.calendars.poller.SetSites(sites, c.Calendar.PollInterval.Std())
	d.edge.SetDoor(d.engine)
	d.edge.SetDirectory(people)
	d.edge.SetCommands(commands.New(d.engine, commands.Options{
		Domain: c.Component.Domain, Hosts: c.Component.Hosts, Language: c.Presence.Language, Containers: levelsOf(c),
		Calendars: d.calendars,
	}))
	d.metrics = newMetrics(d)
	return nil
}

func (d *Daemon) edgeOptions(c *config.Config) component.Options {
	return component.Options{
		Domain: c.Component.Domain, Resource: c.Component.Resource, Address: c.Component.Address, Hosts: c.Component.Hosts,
		// Asked at each attach, so that a reload of the secret counts.
		Secret:   func() string { return d.config.Load().Component.Secret.Reveal() },
		Language: c.Presence.Language, Version: d.opt.Version,
		MaxStanza: int(c.Limits.MaxStanza), MaxContacts: c.Limits.Contacts,
		Log: d.log, Registerer: d.registry, BeforeFlush: d.mayShow,
	}
}

// Start opens the listeners, loads the settings and begins to attach. It waits
// neither for the XMPP server nor for a Redis that is away: until the settings are
// loaded the daemon is unready and sends nothing. On an error everything is
// stopped again.
func (d *Daemon) Start(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), StopWithin)
		defer cancel()
		_ = d.Stop(ctx) // the first error is the one to tell
		return err
	}
	return nil
}

func (d *Daemon) start(ctx context.Context) error {
	if d.redis == nil {
		if err := d.load(ctx); err != nil {
			return err
		}
	}
	if err := d.listen(ctx); err != nil {
		return err
	}
	d.startWatch()
	if d.redis == nil {
		d.begin()
	} else {
		d.beginLater()
	}
	return nil
}

// load reads the settings of everybody.
func (d *Daemon) load(ctx context.Context) error {
	if err := d.engine.Load(ctx); err != nil {
		return setup("restore store.path from a copy, or run the presenced that wrote it", "%w", err)
	}
	d.loaded.Store(true)
	return nil
}

// begin starts what needs the settings.
func (d *Daemon) begin() {
	d.undo.add("presence", d.running.undo)
	d.startEngine()
	d.startLink()
}

// beginLater does so once Redis is attached.
func (d *Daemon) beginLater() {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	d.undo.add("presence", func(stop context.Context) error {
		cancel()
		work.Wait()
		return d.running.undo(stop)
	})
	work.Go(func() {
		err := d.attach(ctx)
		if err == nil {
			err = d.load(ctx)
		}
		if err != nil {
			if ctx.Err() == nil {
				d.fail(err)
			}
			return
		}
		d.startEngine()
		d.redis.SetSource(d.export)
		d.startLink()
		work.Go(func() { d.watchStore(ctx) })
	})
}

// fail ends the daemon with the first error that does.
func (d *Daemon) fail(err error) {
	select {
	case d.failed <- err:
	default: // it is ending already
	}
}

// listen opens the loopback listener of the operator's tools and the socket of
// administration.
func (d *Daemon) listen(ctx context.Context) error {
	c := d.config.Load()
	if addr := c.HTTP.MetricsListen; addr != "" {
		stop, err := serveHealth(ctx, addr, d.healthHandler())
		if err != nil {
			return setup("stop what listens there, or choose another http.metrics_listen", "http.metrics_listen = %q: %w", addr, err)
		}
		d.undo.add("metrics listener", stop)
	}
	if err := d.openWeb(ctx); err != nil {
		return err
	}
	l, err := admin.Listen(c.Admin.Socket)
	if err != nil {
		return setup("see that admin.socket can be made there, or choose another", "admin.socket: %w", err)
	}
	server := admin.NewServer(admin.Options{
		Door: d.engine, Status: d.status, Ready: d.loaded.Load, Language: c.Presence.Language, Level: levelNames(c), Tokens: d.tokens, Trail: d.trail, Audited: d.audited, Log: d.log,
	})
	server.Serve(l)
	d.undo.add("admin socket", server.Close)
	return nil
}

func (d *Daemon) startEngine() {
	d.engine.Start()
	d.turning.Store(true)
	d.running.add("engine", func(ctx context.Context) error {
		d.engine.Stop(ctx)
		return nil
	})
	d.calendars.poller.Start()
	d.running.add("calendars", func(context.Context) error {
		d.calendars.poller.Stop()
		return nil
	})
}

// startLink runs the link until it is drained. Its end before that is the end
// of the daemon: it keeps trying by itself whatever can get better.
func (d *Daemon) startLink() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var run sync.WaitGroup
	run.Go(func() {
		defer close(ended)
		err := d.edge.Run(ctx)
		if err != nil && !d.stopping.Load() {
			d.fail(linkFault(err))
		}
	})
	d.running.add("link", func(stop context.Context) error {
		defer run.Wait()
		defer cancel()
		attached := d.edge.State().Phase == component.PhaseAttached
		if !d.overtaken() {
			d.engine.Farewell(stop)
		}
		start := time.Now()
		err := d.edge.Stop(stop)
		if !attached || err != nil || time.Since(start) > endWithin {
			d.engine.Distrust() // the watchers may not have got what was sent
		}
		return err
	})
}

// Failed yields the error for which the daemon cannot go on, at most one. The
// caller then stops it.
func (d *Daemon) Failed() <-chan error { return d.failed }

// Stop ends the daemon in reverse order of its start: not ready any more, a
// farewell to watchers, the link, the engine, the listeners, the store. It is
// idempotent and bounded by ctx; the error names each step that went wrong.
func (d *Daemon) Stop(ctx context.Context) error {
	d.stopping.Store(true)
	if err := d.undo.undo(ctx); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
