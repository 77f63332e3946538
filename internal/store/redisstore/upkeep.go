package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"presenced/internal/engine"
)

// upkeepAt is when something is due besides storing.
func (s *Store) upkeepAt() time.Time {
	at := s.renewAt
	if !s.marked {
		at = earlier(at, s.markAt)
	}
	if s.safety.behind() {
		at = earlier(at, s.safety.nextAt)
	}
	return at
}

// upkeep renews the lease, writes the marker and copies what the safety copy
// lacks, each when it is due.
func (s *Store) upkeep() {
	now := time.Now()
	if !now.Before(s.renewAt) {
		s.renew()
	}
	if !s.marked && !now.Before(s.markAt) {
		s.mark()
	}
	if s.safety.behind() && !now.Before(s.safety.nextAt) {
		s.copyTags()
	}
}

// renew looks after Redis and plans the next look: soon while it cannot store.
func (s *Store) renew() {
	ctx, cancel := s.bounded()
	defer cancel()
	s.health.begin(time.Now())
	err := s.verify(ctx)
	s.health.end()
	if err != nil {
		s.fail(err)
		s.renewAt = time.Now().Add(s.tune.probeEvery)
		return
	}
	if s.health.recovered() {
		s.log.Info("Redis stores changes again")
	}
	s.renewAt = time.Now().Add(s.tune.renewEvery)
}

// errTaken is told after another process took the store over.
var errTaken = fmt.Errorf("another presenced has taken this store over: %w", engine.ErrInUse)

// verify renews the lease, holds every fence to what it must be and mends what
// Redis lost. Nil means that Redis holds everything it was told, and stores.
func (s *Store) verify(ctx context.Context) error {
	if err := s.renewLease(ctx); err != nil {
		return err
	}
	if err := s.compare(ctx); err != nil {
		return err
	}
	if s.health.get(time.Now(), time.Hour) != nil {
		// A full or read-only Redis still renews leases: try a write.
		if err := s.client.Set(ctx, s.keys.meta+":probe", "1", s.tune.lease).Err(); err != nil {
			return err
		}
	}
	return s.mend(ctx)
}

func (s *Store) renewLease(ctx context.Context) error {
	select {
	case <-s.lost:
		return errTaken
	default:
	}
	answer, err := renewScript.Run(ctx, s.client, []string{s.keys.lease, s.keys.token},
		s.owner(), s.tune.lease.Milliseconds(), s.token()).Int()
	switch {
	case err != nil:
		return err
	case answer == 0:
		s.lose()
		return errTaken
	case answer == 2:
		return s.ownAgain(ctx)
	}
	return nil
}

// ownAgain takes lease and fences of a Redis that forgot both.
func (s *Store) ownAgain(ctx context.Context) error {
	before := s.fences
	found, err := s.own(ctx, s.fences[0].token)
	if errors.Is(err, engine.ErrInUse) {
		s.lose()
		return errTaken
	}
	if err != nil {
		s.fences = before
		return err
	}
	for tag, f := range found {
		s.damaged[tag] = s.damaged[tag] || f.sequence != before[tag].sequence
		s.fences[tag].sequence = before[tag].sequence
	}
	s.flushed = true
	return nil
}

// lose gives everything up: somebody else owns the store.
func (s *Store) lose() {
	s.lostOnce.Do(func() {
		s.log.Error("another presenced has taken the Redis store over")
		close(s.lost)
	})
}

// compare reads all fences.
func (s *Store) compare(ctx context.Context) error {
	var found [tags]*redis.StringCmd
	pipe := s.client.Pipeline()
	for tag := range tags {
		found[tag] = pipe.Get(ctx, s.keys.fence[tag])
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for tag, cmd := range found {
		value, err := cmd.Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		s.foundFence(tag, parseFence(value))
	}
	select {
	case <-s.lost:
		return errTaken
	default:
		return nil
	}
}

// foundFence holds a fence to what it must be: a newer token is a new owner,
// anything else that differs is something Redis lost, or took without saying so.
func (s *Store) foundFence(tag int, found fence) {
	switch want := s.fences[tag]; {
	case found.token > want.token:
		s.lose()
	case found != want:
		s.damaged[tag] = true
	}
}

// leave ends the writer: the marker, the lease and the connections.
func (s *Store) leave() {
	if !s.marked {
		s.mark()
	}
	s.release()
	_ = s.client.Close() // nothing is under way any more
}

func (s *Store) release() {
	ctx, cancel := context.WithTimeout(context.Background(), s.tune.answer)
	defer cancel()
	if err := releaseScript.Run(ctx, s.client, []string{s.keys.lease}, s.owner()).Err(); err != nil {
		s.log.Debug("the lease was not given back; it ends by itself", "err", err)
	}
}
