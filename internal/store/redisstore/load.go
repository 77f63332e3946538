package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
)

// How much one reading asks for: some hundred kilobytes, a millisecond or two
// during which Redis answers nobody else.
const (
	scanCount  = 1000
	loadUsers  = 256
	loadBatch  = 4096 // users that are looked at again together before they are told
	loadFields = 1000
)

// Load calls each once per user (engine.Store). What is saved meanwhile is seen or
// not, but never half of a write. What Redis loses meanwhile is waited for: a user
// without settings is one that has none.
func (s *Store) Load(ctx context.Context, each func(engine.Saved) error) error {
	if !s.begun.Load() {
		return s.loadError(errNotAttached)
	}
	for tag := 0; tag < tags; {
		epoch := s.epoch.Load()
		users, err := s.users(ctx)
		for err == nil && tag < tags {
			batch, next, failed := s.loadTags(ctx, tag, &users)
			if err = failed; err == nil || s.disowned(next, err) {
				err = cmp.Or(s.whole(ctx, epoch), err)
			}
			if err != nil {
				break
			}
			tag = next
			if err := yield(ctx, batch, each); err != nil {
				return err
			}
		}
		if err != nil && !errors.Is(err, errMoved) { // else list the users again
			return s.loadError(err)
		}
	}
	return nil
}

func yield(ctx context.Context, batch []engine.Saved, each func(engine.Saved) error) error {
	for _, u := range batch {
		if ctx.Err() != nil {
			return fmt.Errorf("redis store: load: %w", context.Cause(ctx))
		}
		if err := each(u); err != nil {
			return err
		}
	}
	return nil
}

// loadTags returns the users of tags from tag on until they are many enough, and
// the tag behind them.
func (s *Store) loadTags(ctx context.Context, tag int, users *[tags][]string) (batch []engine.Saved, next int, err error) {
	for ; tag < tags && len(batch) < loadBatch; tag++ {
		saved, err := s.loadTag(ctx, tag, users[tag])
		if err != nil {
			return nil, tag, err
		}
		batch = append(batch, saved...)
	}
	return batch, tag, nil
}

// whole has the writer look whether Redis holds all it was told, which is what it
// did since epoch unless the answer is errMoved.
func (s *Store) whole(ctx context.Context, epoch int64) error {
	done := make(chan error, 1)
	select {
	case s.checks <- done:
	case <-s.stopping:
		return queue.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := <-done; err != nil {
		return err
	}
	if s.epoch.Load() != epoch {
		return errMoved
	}
	return nil
}

func (s *Store) loadError(err error) error {
	return fmt.Errorf("redis store: load: %w", s.hint(err))
}

// loadTag returns the users of a tag.
func (s *Store) loadTag(ctx context.Context, tag int, names []string) (all []engine.Saved, err error) {
	presence, err := s.presenceOf(ctx, tag)
	if err != nil {
		return nil, err
	}
	for len(names) > 0 {
		n := min(len(names), loadUsers)
		chunk, err := s.documents(ctx, tag, names[:n])
		if err != nil {
			return nil, err
		}
		names = names[n:]
		for _, saved := range chunk {
			saved.Presence = presence[saved.User]
			delete(presence, saved.User)
			if len(saved.Docs) > 0 || saved.Presence != nil { // else erased since the scan
				all = append(all, saved)
			}
		}
	}
	for user, data := range presence {
		all = append(all, engine.Saved{User: user, Presence: data})
	}
	return all, nil
}

// users lists who has documents, by tag.
func (s *Store) users(ctx context.Context) (of [tags][]string, err error) {
	err = s.scan(ctx, globbed(s.opt.Prefix)+"{*}:u:*", func(_ context.Context, keys []string) error {
		for _, key := range keys {
			if tag, user, ok := s.userOf(key); ok {
				of[tag] = append(of[tag], user)
			}
		}
		return nil
	})
	for tag := range of { // a scan may name a key twice
		slices.Sort(of[tag])
		of[tag] = slices.Compact(of[tag])
	}
	return of, err
}

// userOf takes a user key apart.
func (s *Store) userOf(key string) (tag int, user string, ok bool) {
	rest, ok := strings.CutPrefix(key, s.opt.Prefix)
	if !ok || len(rest) < len("{00}:u:") {
		return 0, "", false
	}
	user = rest[len("{00}:u:"):]
	tag = tagOf(user)
	return tag, user, s.keys.userKey(tag, user) == key
}

// scan hands every key that matches to f, in batches, some of them twice. In a
// cluster a key may be on its way from one master to another: asked in turn, forth
// and back, the one it comes from is asked before the one it goes to.
func (s *Store) scan(ctx context.Context, match string, f func(context.Context, []string) error) error {
	masters, err := s.masters(ctx)
	for i := len(masters) - 2; i >= 0; i-- {
		masters = append(masters, masters[i])
	}
	for _, m := range masters {
		for cursor, first := uint64(0), true; err == nil && (first || cursor != 0); first = false {
			var keys []string
			if keys, cursor, err = m.Scan(ctx, cursor, match, scanCount).Result(); err == nil {
				err = f(ctx, keys)
			}
		}
	}
	return err
}

// masters lists the servers that hold data.
func (s *Store) masters(ctx context.Context) (all []redis.Cmdable, err error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{s.client}, nil
	}
	var mu sync.Mutex // guards all: the masters are visited at once
	err = cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return nil
	})
	return all, err
}

// documents reads users of one tag in one pipeline.
func (s *Store) documents(ctx context.Context, tag int, names []string) ([]engine.Saved, error) {
	pipe := s.client.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(names))
	for i, user := range names {
		cmds[i] = pipe.HGetAll(ctx, s.keys.userKey(tag, user))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("%s*: %w", s.keys.user[tag], err)
	}
	out := make([]engine.Saved, len(names))
	for i, cmd := range cmds {
		docs := make(map[string][]byte, len(cmd.Val()))
		for name, doc := range cmd.Val() {
			docs[name] = []byte(doc)
		}
		out[i] = engine.Saved{User: names[i], Docs: docs}
	}
	return out, nil
}

// presenceOf reads a tag's presence; what changes meanwhile may be missed.
func (s *Store) presenceOf(ctx context.Context, tag int) (map[string][]byte, error) {
	out := make(map[string][]byte)
	for cursor := uint64(0); ; {
		fields, next, err := s.client.HScan(ctx, s.keys.presence[tag], cursor, "", loadFields).Result()
		if foreign(err) { // the XMPP server tells presence anew
			return out, nil
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		for i := 0; i+1 < len(fields); i += 2 {
			out[fields[i]] = []byte(fields[i+1])
		}
		if cursor = next; cursor == 0 {
			return out, nil
		}
	}
}
