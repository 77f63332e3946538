package redisstore

import (
	"context"
	"errors"
	"fmt"
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
	loadFields = 1000
)

// Load calls each once per user (engine.Store). What is saved meanwhile is seen or
// not, but never half of a write.
func (s *Store) Load(ctx context.Context, each func(engine.Saved) error) error {
	if err := s.load(ctx, each); err != nil {
		return err
	}
	return nil
}

func (s *Store) load(ctx context.Context, each func(engine.Saved) error) error {
	select {
	case <-s.stopping:
		return fmt.Errorf("redis store: load: %w", queue.ErrClosed)
	default:
	}
	users, err := s.users(ctx)
	if err != nil {
		return s.loadError(err)
	}
	for tag, names := range users {
		presence, err := s.presenceOf(ctx, tag)
		if err != nil {
			return s.loadError(err)
		}
		failed, err := s.loadTag(ctx, tag, names, presence, each)
		if err != nil {
			return s.loadError(err)
		}
		if failed != nil {
			return failed
		}
		users[tag] = nil
	}
	return nil
}

func (s *Store) loadError(err error) error {
	return fmt.Errorf("redis store: load: %w", s.hint(err))
}

// loadTag yields the users of a tag; failed is the callee's error.
func (s *Store) loadTag(ctx context.Context, tag int, names []string, presence map[string][]byte,
	each func(engine.Saved) error,
) (failed, err error) {
	for len(names) > 0 {
		n := min(len(names), loadUsers)
		chunk, err := s.documents(ctx, tag, names[:n])
		if err != nil {
			return nil, err
		}
		names = names[n:]
		for _, saved := range chunk {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			saved.Presence = presence[saved.User]
			delete(presence, saved.User)
			if len(saved.Docs) == 0 && saved.Presence == nil {
				continue // erased since the scan
			}
			if err := each(saved); err != nil {
				return err, nil
			}
		}
	}
	for user, data := range presence {
		if err := each(engine.Saved{User: user, Presence: data}); err != nil {
			return err, nil
		}
	}
	return nil, nil
}

// users lists who has documents, by tag. A scan may name a key twice.
func (s *Store) users(ctx context.Context) (of [tags][]string, err error) {
	var mu sync.Mutex // guards of and seen: the masters of a cluster answer at once
	seen := make(map[string]struct{})
	err = s.scan(ctx, globbed(s.opt.Prefix)+"{*}:u:*", func(_ context.Context, _ redis.Cmdable, keys []string) error {
		mu.Lock()
		defer mu.Unlock()
		for _, key := range keys {
			tag, user, ok := s.userOf(key)
			if _, twice := seen[key]; !ok || twice {
				continue
			}
			seen[key] = struct{}{}
			of[tag] = append(of[tag], user)
		}
		return nil
	})
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

// scan hands every key that matches to f, in batches, for each server.
func (s *Store) scan(ctx context.Context, match string, f func(context.Context, redis.Cmdable, []string) error) error {
	return s.eachMaster(ctx, func(ctx context.Context, m redis.Cmdable) error {
		for cursor := uint64(0); ; {
			keys, next, err := m.Scan(ctx, cursor, match, scanCount).Result()
			if err != nil {
				return err
			}
			if err := f(ctx, m, keys); err != nil {
				return err
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	})
}

// documents reads users of one tag in one pipeline.
func (s *Store) documents(ctx context.Context, tag int, names []string) ([]engine.Saved, error) {
	pipe := s.client.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(names))
	for i, user := range names {
		cmds[i] = pipe.HGetAll(ctx, s.keys.userKey(tag, user))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
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
