package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"presenced/internal/engine"
)

// missingUsers are how many users are counted at once.
const missingUsers = 1000

// Attach connects, becomes the owner, and sees to it that Redis holds what this
// installation stored; then the store takes writes. It may be called again after
// an error. The error wraps
//   - engine.ErrInUse: another process is the owner and renews its lease; a dead
//     one's is waited for, ten seconds at most;
//   - engine.ErrNewerSchema: a newer presenced wrote the data;
//   - ErrLost, ErrForeign: an operator has to decide;
//   - else, what keeps Redis from being used, which may pass.
func (s *Store) Attach(ctx context.Context) error {
	if s.begun.Load() {
		return nil
	}
	err := s.attach(ctx)
	if err == nil {
		return nil
	}
	if s.fences[0].token > 0 {
		s.release()
	}
	err = s.hint(err)
	s.health.failed(err)
	return fmt.Errorf("redis store: %w", err)
}

func (s *Store) attach(ctx context.Context) error {
	if err := s.readMarker(); err != nil {
		return hinted{err}
	}
	if err := s.client.Ping(ctx).Err(); err != nil {
		return err
	}
	if err := s.loadScripts(ctx); err != nil {
		return err
	}
	found, err := s.await(ctx)
	if err != nil {
		return err
	}
	if err := s.settle(ctx, found); err != nil {
		return err
	}
	s.mark()
	now := time.Now()
	s.renewAt, s.safety.nextAt = now.Add(s.tune.renewEvery), now
	s.health.recovered()
	s.health.end()
	s.begun.Store(true)
	go s.run() // owned by the store; Close waits for stopped
	return nil
}

// settle compares what Redis holds with what this installation remembers, and
// mends what it can.
func (s *Store) settle(ctx context.Context, found [tags]fence) error {
	id, err := s.readMeta(ctx)
	if err != nil {
		return err
	}
	kept, err := s.safety.open(ctx)
	if err != nil {
		return err
	}
	first := s.marker.ID == "" && kept.id == ""
	if s.marker.ID == "" {
		s.marker.ID = kept.id // somebody removed the marker, not the copy
	}
	if s.marker.ID == "" {
		s.marker.ID = id
	}
	if id != "" && s.marker.ID != "" && id != s.marker.ID {
		return fmt.Errorf("%w; point store.redis or store.prefix to the right one, or move the files in store.path away to use this one", ErrForeign)
	}
	lost := s.weigh(first, id, found, kept)
	if len(lost) > 0 {
		if !s.opt.StartEmpty {
			return fmt.Errorf("%w; restore Redis or the files in store.path from a backup and it goes on by itself, "+
				"or start once with \"presenced run --start-empty\" and then \"presenced user import\" what was exported", ErrLost)
		}
		s.log.Warn("starting without the settings that are lost", "tags", len(lost))
	} else if s.opt.StartEmpty {
		s.log.Info("nothing is lost, so nothing is started empty")
	}
	if id == "" {
		if err := s.createMeta(ctx); err != nil {
			return err
		}
	}
	if err := s.missing(ctx, kept, found); err != nil {
		return err
	}
	s.safety.pending(s, kept, found)
	if err := s.drop(ctx, lost); err != nil {
		return err
	}
	if s.safety.copy == nil { // then there is at most presence of which a part is lost
		return s.refill(ctx, nothing)
	}
	return s.refill(ctx, s.safety.load)
}

// nothing is a Source that knows nothing.
func nothing(context.Context, func(engine.Saved) error) error { return nil }

// weigh sets for each tag the sequence it must have, marks those Redis lost that
// the safety copy has, and returns those nobody has.
func (s *Store) weigh(first bool, id string, found [tags]fence, kept kept) (lost []int) {
	for tag := range tags {
		inRedis := found[tag].sequence
		if id == "" {
			inRedis = 0 // fences without the rest are remains
		}
		inCopy := uint64(0)
		if kept.id == s.marker.ID {
			inCopy = kept.sequences[tag]
		}
		s.fences[tag].sequence = max(inRedis, inCopy)
		s.damaged[tag] = inCopy > inRedis || found[tag].filling
		if first && id == "" && found[tag].sequence > 0 || max(inRedis, inCopy) < s.marker.Sequences[tag] {
			lost = append(lost, tag)
		}
	}
	return lost
}

// missing marks the tags of which Redis evicted users: no fence tells that, but a
// copy that is as far as Redis does. Documents are counted, because a write after
// the eviction brings the user back with that one document.
func (s *Store) missing(ctx context.Context, kept kept, found [tags]fence) error {
	if s.safety.copy == nil || kept.id != s.marker.ID {
		return nil
	}
	docs := make(map[string]int, missingUsers)
	err := s.safety.copy.Load(ctx, func(saved engine.Saved) error {
		tag := tagOf(saved.User)
		if saved.User == safetyUser || kept.sequences[tag] != found[tag].sequence || s.damaged[tag] {
			return nil
		}
		if docs[saved.User] = len(saved.Docs); len(docs) < missingUsers {
			return nil
		}
		defer clear(docs)
		return s.count(ctx, docs)
	})
	if err == nil {
		err = s.count(ctx, docs)
	}
	return err
}

// count marks the tags of users that do not have so many documents in Redis.
func (s *Store) count(ctx context.Context, docs map[string]int) error {
	pipe := s.client.Pipeline()
	have := make(map[string]*redis.IntCmd, len(docs))
	for user := range docs {
		have[user] = pipe.HLen(ctx, s.keys.userKey(tagOf(user), user))
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for user, cmd := range have {
		n, err := cmd.Result()
		if err != nil && !foreign(err) {
			return err
		}
		if int(n) != docs[user] {
			s.damaged[tagOf(user)] = true
		}
	}
	return nil
}

// drop empties tags whose content nobody vouches for.
func (s *Store) drop(ctx context.Context, lost []int) error {
	if len(lost) == 0 {
		return nil
	}
	before := s.damaged
	s.damaged = [tags]bool{}
	for _, tag := range lost {
		s.damaged[tag] = true
		s.fences[tag].sequence = max(s.fences[tag].sequence, s.marker.Sequences[tag])
	}
	err := s.refill(ctx, nothing)
	for _, tag := range lost {
		before[tag] = false
		s.safety.markPending(tag)
	}
	s.damaged = before
	return err
}

// readMeta returns the id of the store in Redis, empty for none, after checking
// and, where needed, migrating its schema.
func (s *Store) readMeta(ctx context.Context) (id string, err error) {
	meta, err := s.client.HGetAll(ctx, s.keys.meta).Result()
	if err != nil || len(meta) == 0 {
		return "", err
	}
	version, err := strconv.ParseUint(meta["schema"], 10, 32)
	if err != nil || meta["id"] == "" {
		return "", hinted{fmt.Errorf("%s is not presenced's; choose another store.prefix", s.keys.meta)}
	}
	switch {
	case version > uint64(s.schema.version):
		return "", hinted{fmt.Errorf("%w (schema %d, this one knows %d); install that version again",
			engine.ErrNewerSchema, version, s.schema.version)}
	case version < uint64(s.schema.version):
		if err := s.migrate(ctx, uint32(version), meta["copied"]); err != nil {
			return "", err
		}
	}
	return meta["id"], nil
}

func (s *Store) createMeta(ctx context.Context) error {
	if s.marker.ID == "" {
		s.marker.ID = randomID()
	}
	// The marker first: a crash in between must not leave a store nobody knows.
	if err := s.writeMarker(); err != nil {
		return hinted{fmt.Errorf("%w; make store.path a directory presenced may write", err)}
	}
	return s.client.HSet(ctx, s.keys.meta, "schema", s.schema.version, "id", s.marker.ID, "domain", s.opt.Domain).Err()
}
