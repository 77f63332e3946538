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
	"presenced/internal/engine"
	"presenced/internal/store/boltstore"
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
}

// Daemon is one running presenced. Make it with New, Start it once, Stop it.
type Daemon struct {
	opt      Options
	log      *slog.Logger
	config   atomic.Pointer[config.Config] // in force; replaced by Reload
	registry *prometheus.Registry
	metrics  *metrics
	store    *boltstore.Store
	engine   *engine.Engine
	edge     *component.Component
	ready    *readiness
	undo     steps
	started  time.Time
	failed   chan error // holds the one error that ends the daemon

	reloading sync.Mutex // one reload at a time
	loaded    atomic.Bool
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
	if !c.Store.Redis.IsZero() {
		return setup("leave store.redis out: the embedded store under store.path is used then", "store.redis: this version has no Redis store")
	}
	rules, err := rulesOf(c)
	if err != nil {
		return err
	}
	hosts, err := hostsOf(c)
	if err != nil {
		return err
	}
	if d.store, err = boltstore.Open(boltstore.Options{Dir: c.Store.Path, Log: d.log}); err != nil {
		return storeFault(c.Store.Path, err)
	}
	d.undo.add("store", d.store.Close)
	if d.edge, err = component.New(d.edgeOptions(c)); err != nil {
		return setup("correct it in [component]", "%w", err)
	}
	d.engine, err = engine.New(engine.Options{
		Domain: c.Component.Domain, Hosts: hosts, Language: c.Presence.Language,
		Liveness: c.Presence.Liveness.Std(), Farewell: c.Component.Farewell,
		Store: d.store, Sender: d.edge, Log: d.log, Registerer: d.registry,
	}, rules)
	if err != nil {
		return err
	}
	d.edge.SetDoor(d.engine)
	d.edge.SetCommands(commands.New(d.engine, commands.Options{
		Domain: c.Component.Domain, Hosts: c.Component.Hosts, Language: c.Presence.Language, Containers: levelsOf(c),
	}))
	d.metrics = newMetrics(d)
	return nil
}

func (d *Daemon) edgeOptions(c *config.Config) component.Options {
	return component.Options{
		Domain: c.Component.Domain, Address: c.Component.Address, Hosts: c.Component.Hosts,
		// Asked at each attach, so that a reload of the secret counts.
		Secret:   func() string { return d.config.Load().Component.Secret.Reveal() },
		Language: c.Presence.Language, Version: d.opt.Version,
		MaxStanza: int(c.Limits.MaxStanza), MaxContacts: c.Limits.Contacts,
		Log: d.log, Registerer: d.registry,
	}
}

// Start loads the settings, opens the listeners and begins to attach. It does
// not wait for the XMPP server. On an error everything is stopped again.
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
	if err := d.engine.Load(ctx); err != nil {
		return setup("restore store.path from a copy, or run the presenced that wrote it", "%w", err)
	}
	d.loaded.Store(true)
	if err := d.listen(ctx); err != nil {
		return err
	}
	d.startEngine()
	d.startWatch()
	d.startLink()
	return nil
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
	l, err := admin.Listen(c.Admin.Socket)
	if err != nil {
		return setup("see that admin.socket can be made there, or choose another", "admin.socket: %w", err)
	}
	server := admin.NewServer(admin.Options{
		Door: d.engine, Status: d.status, Language: c.Presence.Language, Log: d.log,
	})
	server.Serve(l)
	d.undo.add("admin socket", server.Close)
	return nil
}

func (d *Daemon) startEngine() {
	d.engine.Start()
	d.undo.add("engine", func(ctx context.Context) error {
		d.engine.Stop(ctx)
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
			d.failed <- linkFault(err) // has room: this is the only sender
		}
	})
	d.undo.add("link", func(stop context.Context) error {
		defer run.Wait()
		defer cancel()
		attached := d.edge.State().Phase == component.PhaseAttached
		d.engine.Farewell(stop)
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
