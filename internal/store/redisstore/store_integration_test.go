//go:build integration

package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"presenced/internal/engine"
	"presenced/internal/store/boltstore"
	"presenced/internal/store/storetest"
	"presenced/internal/testbed"
)

// childEnv makes the test binary a child that does what it names.
const childEnv = "REDISSTORE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "kill" {
		os.Exit(killChild())
	}
	goleak.VerifyTestMain(m)
}

// whole is a store with the safety copy it writes into.
type whole struct {
	*Store
	copy *boltstore.Store
}

func (w whole) Close(ctx context.Context) error {
	err := w.Store.Close(ctx)
	if w.copy != nil {
		err = errors.Join(err, w.copy.Close(ctx))
	}
	return err
}

// at says where a test's store is.
type at struct {
	server Server
	path   string
	tune   tuning
	empty  bool
	alone  bool // without a safety copy
}

// open returns a store that is not attached.
func (a at) open(t *testing.T) whole {
	t.Helper()
	o := a.options()
	w := whole{}
	if !a.alone {
		var err error
		if w.copy, err = boltstore.Open(boltstore.Options{Dir: a.path + "/copy"}); err != nil {
			t.Fatal(err)
		}
		o.Copy = w.copy
	}
	if a.tune.lease == 0 {
		a.tune = defaults
	}
	s, err := newStore(o, a.tune, current)
	if err != nil {
		t.Fatal(err)
	}
	w.Store = s
	return w
}

func (a at) options() Options {
	return Options{
		Server: a.server, Prefix: "test:", Domain: "presence.example.org", Path: a.path, StartEmpty: a.empty,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: logLevel()})),
	}
}

// logLevel keeps the stores' log quiet unless somebody looks for something.
func logLevel() slog.Level {
	if os.Getenv("REDISSTORE_LOG") != "" {
		return slog.LevelDebug
	}
	return slog.LevelError + 1
}

// attach opens and attaches.
func (a at) attach(t *testing.T) whole {
	t.Helper()
	w, err := a.tryAttach(t)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// tryAttach opens and attaches, and closes when that does not work.
func (a at) tryAttach(t *testing.T) (whole, error) {
	t.Helper()
	w := a.open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := w.Attach(ctx)
	if err != nil {
		_ = w.Close(ctx)
	}
	return w, err
}

func alone(r *testbed.Redis) Server { return Server{Addrs: []string{r.Addr}} }

func TestConformance_Single(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	conform(t, alone(r), r)
}

func TestConformance_Sentinel(t *testing.T) {
	s := testbed.RunRedisSentinel(t, "")
	conform(t, Server{Kind: Sentinel, Addrs: []string{s.Sentinel.Addr}, Master: testbed.SentinelMaster}, s.Data[0])
}

func TestConformance_Cluster(t *testing.T) {
	c := testbed.RunRedisCluster(t)
	conform(t, Server{Kind: Cluster, Addrs: c.Addrs()}, c.Nodes[:]...)
}

// conform runs the suite; masters are emptied before each part.
func conform(t *testing.T, server Server, masters ...*testbed.Redis) {
	t.Helper()
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		for _, r := range masters {
			command(t, r, "FLUSHALL")
		}
		a := at{server: server, path: t.TempDir()}
		return func(t *testing.T) engine.Store { return a.attach(t) }
	})
}

// command sends a command that must not be answered with an error.
func command(t *testing.T, r *testbed.Redis, words ...string) string {
	t.Helper()
	answer, err := r.Command(t.Context(), words...)
	if err != nil || answer[0] == '-' {
		t.Fatalf("%v: %s %v", words, answer, err)
	}
	return answer
}

// longTests reports whether there is time.
func longTests() bool { return os.Getenv("PRESENCED_LONG") == "1" }
