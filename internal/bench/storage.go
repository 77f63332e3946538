package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/store/boltstore"
	"presenced/internal/store/redisstore"
	"presenced/internal/testbed"
	"presenced/roster"
)

// storeKind names a store a daemon can be measured on.
type storeKind string

const (
	onFile  storeKind = "embedded"
	onRedis storeKind = "redis"
)

// measuredOn is the store of rows 1 to 5, 9 and 12.
const measuredOn = onRedis

// storage is where the daemon of one site keeps what it must not lose.
type storage struct {
	section map[string]any               // [store] of the configuration
	redis   *testbed.Redis               // nil: the embedded store
	open    func() (engine.Store, error) // the same store, for filling it while no daemon runs
	close   func() error
}

// newStorage makes an empty store.
func newStorage(ctx context.Context, kind storeKind) (*storage, error) {
	if kind == onRedis {
		return redisStorage(ctx)
	}
	dir, err := os.MkdirTemp("", "bench-store-")
	if err != nil {
		return nil, err
	}
	return &storage{
		section: map[string]any{"path": dir},
		open:    func() (engine.Store, error) { return boltstore.Open(boltstore.Options{Dir: dir}) },
		close:   func() error { return os.RemoveAll(dir) },
	}, nil
}

// redisStorage starts a Redis for one site.
func redisStorage(ctx context.Context) (*storage, error) {
	dir, err := os.MkdirTemp("", "bench-store-")
	if err != nil {
		return nil, err
	}
	r, err := testbed.StartRedis(ctx, testbed.RedisOptions{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &storage{
		section: map[string]any{"redis": r.URL, "path": dir}, redis: r,
		open:  func() (engine.Store, error) { return openRedis(ctx, r.Addr, dir) },
		close: func() error { return errors.Join(r.Close(), os.RemoveAll(dir)) },
	}, nil
}

// withCopy is a Redis store with the safety copy the daemon will find.
type withCopy struct {
	*redisstore.Store
	copy *boltstore.Store
}

// Close closes both.
func (w withCopy) Close(ctx context.Context) error {
	return errors.Join(w.Store.Close(ctx), w.copy.Close(ctx))
}

func openRedis(ctx context.Context, addr, dir string) (engine.Store, error) {
	kept, err := boltstore.Open(boltstore.Options{Dir: filepath.Join(dir, "copy")})
	if err != nil {
		return nil, err
	}
	s, err := redisstore.New(redisstore.Options{
		Server: redisstore.Server{Addrs: []string{addr}}, Prefix: "presenced:", Domain: testbed.DefaultComponent, Path: dir, Copy: kept,
	})
	if err == nil {
		err = s.Attach(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, kept.Close(ctx))
	}
	return withCopy{s, kept}, nil
}

// fill enrols users and stores the subscriptions of their watchers, and documents
// that all users have alike, as if all that had been said over the stream some time
// ago: a million users' worth of stanzas would take longer than everything that is
// measured.
func (st *storage) fill(ctx context.Context, users int, watchers func(user int) []string, alike map[string][]byte) (err error) {
	store, err := st.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(context.WithoutCancel(ctx))) }()
	places, failed := make(chan struct{}, filling), make(chan error, 1)
	names := make([]string, users)
	for u := range names {
		names[u] = testbed.Bare(jidOf(u, desk))
	}
	order := make([]int, users)
	for i := range order {
		order[i] = i
	}
	// In the order of the keys the pages of the embedded store are written once.
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(names[a], names[b]) })
	for _, u := range order {
		docs, err := stored(names[u], mirrorOf(u), watchers(u))
		if err != nil {
			return err
		}
		maps.Copy(docs, alike)
		select {
		case places <- struct{}{}:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		store.Save(engine.Write{User: presence.MustAddr(names[u]).Key(), Docs: docs}, func(err error) {
			if err != nil {
				select {
				case failed <- err:
				default: // one is enough
				}
			}
			<-places
		})
	}
	if err := store.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// filling is how many writes are on their way while a store is filled.
const filling = 4096

// stored are the documents of an enrolled user with accepted watchers.
func stored(user, mirror string, watchers []string) (map[string][]byte, error) {
	docs := map[string][]byte{engine.DocEnrol: fmt.Appendf(nil, `{"v":1,"jid":%q,"enabled":true}`, user)}
	if len(watchers) == 0 {
		return docs, nil
	}
	var subs roster.Subs
	for _, w := range watchers {
		subs.Put(presence.MustAddr(w), roster.Entry{Bare: w, Spelling: mirror, Standing: roster.Accepted})
	}
	text, err := json.Marshal(&subs)
	docs[engine.DocSubs] = text
	return docs, err
}
