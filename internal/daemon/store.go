package daemon

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/engine"
	"presenced/internal/store/boltstore"
	"presenced/internal/store/redisstore"
)

// attachEvery is how often a Redis that cannot be used yet is tried again.
const attachEvery = time.Second

// openStore opens the store the configuration names. One in Redis is attached
// later, by load: Redis may come up after us.
func (d *Daemon) openStore(c *config.Config) error {
	if c.Store.Redis.IsZero() {
		s, err := boltstore.Open(boltstore.Options{Dir: c.Store.Path, Log: d.log})
		if err != nil {
			return storeFault(c.Store.Path, err)
		}
		d.store = s
		d.undo.add("store", s.Close)
		return nil
	}
	return d.openRedis(c)
}

func (d *Daemon) openRedis(c *config.Config) error {
	r, err := config.ParseRedis(c.Store.Redis.Reveal())
	if err != nil {
		return setup("correct store.redis", "store.redis: %w", err)
	}
	server := redisstore.ServerOf(r.Scheme, r.Addrs, r.Username, r.Password, r.Master, r.DB)
	dir := filepath.Join(c.Store.Path, "copy")
	kept, err := boltstore.Open(boltstore.Options{Dir: dir, Log: d.log.With("part", "safety copy")})
	if err != nil {
		return storeFault(dir, err)
	}
	d.undo.add("safety copy", kept.Close)
	d.redis, err = redisstore.New(redisstore.Options{
		Server: server, Prefix: c.Store.Prefix, Domain: c.Component.Domain, Path: c.Store.Path, Copy: kept,
		StartEmpty: d.opt.StartEmpty, Log: d.log, Registerer: d.registry,
	})
	if err != nil {
		return setup("correct it in [store]", "%w", err)
	}
	d.store = d.redis
	d.undo.add("store", d.redis.Close)
	return nil
}

// attach takes the Redis store over and waits for a Redis that cannot be used
// yet; it ends with what only the operator can mend.
func (d *Daemon) attach(ctx context.Context) error {
	told := ""
	for {
		err := d.redis.Attach(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, engine.ErrInUse), errors.Is(err, engine.ErrNewerSchema), errors.Is(err, redisstore.ErrForeign):
			return storeFault(d.config.Load().Store.Path, err)
		}
		if text := err.Error(); text != told {
			d.log.Error("the settings cannot be loaded; trying again", "err", err)
			told = text
		}
		if err := pause(ctx, attachEvery); err != nil {
			return err
		}
	}
}

// watchStore ends the daemon when another process has taken its store over.
func (d *Daemon) watchStore(ctx context.Context) {
	select {
	case <-d.redis.Lost():
		d.fail(errTaken)
	case <-ctx.Done():
	}
}

var errTaken = errors.New("another presenced has taken the Redis store over while this one was away; it shows presence from here on")

// mayShow is asked before each write to the XMPP server.
func (d *Daemon) mayShow() error {
	if d.redis == nil {
		return nil
	}
	return d.redis.MayShow()
}

// overtaken reports whether another process shows presence in our place.
func (d *Daemon) overtaken() bool {
	if d.redis == nil {
		return false
	}
	select {
	case <-d.redis.Lost():
		return true
	default:
		return false
	}
}

// storeStatus is what the admin socket tells about the store.
func (d *Daemon) storeStatus() admin.Store {
	c := d.config.Load()
	s := admin.Store{Kind: "embedded", Path: c.Store.Path, Healthy: true}
	if d.redis != nil {
		s.Kind, s.Address = "redis", c.Store.Redis.String()
	}
	if err := d.store.Healthy(); err != nil {
		s.Healthy, s.Problem = false, err.Error()
	}
	return s
}

// storeFault tells what the operator can do about a store that does not open.
func storeFault(path string, err error) error {
	switch {
	case errors.Is(err, redisstore.ErrForeign):
		return &SetupError{Err: err, Remedy: "nothing was changed in it"}
	case errors.Is(err, engine.ErrInUse) && strings.Contains(err.Error(), "Redis"):
		return &SetupError{Err: err, Remedy: "one presenced at a time shows the presence of a component"}
	case errors.Is(err, engine.ErrInUse):
		return &SetupError{Err: err, Remedy: "most likely another presenced runs there"}
	case errors.Is(err, engine.ErrNewerSchema):
		return &SetupError{Err: err, Remedy: "run the newer presenced again, or restore the copy that was made before the upgrade"}
	}
	if strings.Contains(err.Error(), "; ") { // the store knew what to do
		return &SetupError{Err: err}
	}
	return &SetupError{Err: err, Remedy: "see that store.path = \"" + path + "\" is a directory presenced may write"}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
