//go:build integration

package redisstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/store/boltstore"
	"presenced/internal/store/storetest"
	"presenced/internal/testbed"
)

// whole is a store with the safety copy it writes into.
type whole struct {
	*Store
	copy *boltstore.Store
}

func (w whole) Close(ctx context.Context) error {
	return errors.Join(w.Store.Close(ctx), w.copy.Close(ctx))
}

// at says where a test's store is.
type at struct {
	server Server
	path   string
	tune   tuning
	empty  bool
}

// open returns a store that is not attached.
func (a at) open(t *testing.T) whole {
	t.Helper()
	copied, err := boltstore.Open(boltstore.Options{Dir: a.path + "/copy"})
	if err != nil {
		t.Fatal(err)
	}
	if a.tune.lease == 0 {
		a.tune = defaults
	}
	s, err := newStore(Options{
		Server: a.server, Prefix: "test:", Domain: "presence.example.org", Path: a.path, Copy: copied, StartEmpty: a.empty,
	}, a.tune, current)
	if err != nil {
		t.Fatal(err)
	}
	return whole{s, copied}
}

// attach opens and attaches.
func (a at) attach(t *testing.T) whole {
	t.Helper()
	w := a.open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := w.Attach(ctx); err != nil {
		_ = w.Close(ctx)
		t.Fatal(err)
	}
	return w
}

func alone(r *testbed.Redis) Server { return Server{Addrs: []string{r.Addr}} }

func TestConformance_Single(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		if _, err := r.Command(t.Context(), "FLUSHALL"); err != nil {
			t.Fatal(err)
		}
		a := at{server: alone(r), path: t.TempDir()}
		return func(t *testing.T) engine.Store { return a.attach(t) }
	})
}
