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

// upkeep answers who asks, renews the lease, writes the marker and copies what the safety copy
// lacks, each when it is due.
func (s *Store) upkeep() {
	now := time.Now()
	select {
	case done := <-s.checks:
		done <- s.renew()
	default:
		if !now.Before(s.renewAt) {
			_ = s.renew() // Healthy tells
		}
	}
	if !s.marked && !now.Before(s.markAt) {
		s.mark()
	}
	if s.safety.behind() && !now.Before(s.safety.nextAt) {
		s.copyTags()
	}
}

// renew looks after Redis and plans the next look: soon while it cannot store.
func (s *Store) renew() error {
	ctx, cancel := s.bounded()
	defer cancel()
	s.health.begin(time.Now())
	err := s.verify(ctx)
	s.health.end()
	if err != nil {
		s.fail(err)
		s.renewAt = time.Now().Add(s.tune.probeEvery)
		return err
	}
	if s.health.recovered() {
		s.log.Info("Redis stores changes again")
	}
	s.renewAt = time.Now().Add(s.tune.renewEvery)
	return nil
}

// errTaken is told after another process took the store over.
var errTaken = fmt.Errorf("another presenced has taken this store over: %w; stop one of the two, or give one a store.prefix of its own",
	engine.ErrInUse)

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
	if err := s.seal(ctx); err != nil {
		return err
	}
	return s.mend(ctx)
}

// seal moves the fences on of tags for which a batch was refused that may still be
// on its way to Redis: in a stalled server's buffer, or in the network. It moves by
// two, so that a batch which arrives in between shows.
func (s *Store) seal(ctx context.Context) error {
	var calls []*call
	for tag, is := range s.unsure {
		if s.unsure[tag] = false; is && !s.damaged[tag] {
			f := s.fences[tag]
			calls = append(calls, s.fenceCall(tag, f, fence{token: f.token, sequence: f.sequence + 2}))
		}
	}
	if len(calls) == 0 {
		return nil
	}
	s.exec(ctx, calls)
	var first error
	for _, c := range calls {
		m := (*mismatch)(nil)
		switch {
		case c.err == nil:
			s.fences[c.tag].sequence += 2
			s.marked = false
		case errors.As(c.err, &m):
			s.foundFence(c.tag, m.found)
		default:
			s.unsure[c.tag] = true
			first = c.err
		}
	}
	s.safety.flush(ctx)
	for _, c := range calls {
		if c.err == nil {
			s.safety.note(c.tag, s.fences[c.tag].sequence)
		}
	}
	return first
}

// fenceCall moves a fence from one value to another and changes nothing else.
func (s *Store) fenceCall(tag int, from, to fence) *call {
	return &call{
		tag: tag, script: settingsScript, keys: []string{s.keys.fence[tag]}, args: []any{from.String(), to.String()}, next: to.String(),
	}
}

func (s *Store) renewLease(ctx context.Context) error {
	select {
	case <-s.lost:
		return errTaken
	default:
	}
	if s.regain {
		return s.ownAgain(ctx)
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
	s.leasedAt = time.Now()
	return nil
}

// ownAgain takes lease and fences of a Redis that forgot both, or that is a replica
// which was behind. Such a replica may hold the lease of a predecessor; only one
// that is renewed is somebody's.
func (s *Store) ownAgain(ctx context.Context) error {
	before := s.fences
	s.waited = false
	s.regain = true // whatever of this succeeds: it was us
	found, err := s.own(ctx, s.fences[0].token)
	if h := (*held)(nil); errors.As(err, &h) {
		if s.heldFor > 0 && h.left > s.heldFor {
			s.lose()
			return errTaken
		}
		s.heldFor = h.left
	}
	if err != nil {
		return err
	}
	for tag, f := range found {
		s.damaged[tag] = s.damaged[tag] || f != before[tag]
		s.fences[tag].sequence = before[tag].sequence
	}
	s.regain, s.heldFor, s.flushed = false, 0, true
	s.leasedAt = time.Now()
	return nil
}

// lose gives everything up: somebody else owns the store.
func (s *Store) lose() {
	s.lostOnce.Do(func() {
		s.log.Error("another presenced has taken the Redis store over")
		close(s.lost)
	})
}

// compare reads all fences and whether the store is known by its id.
func (s *Store) compare(ctx context.Context) error {
	var found [tags]*redis.StringCmd
	pipe := s.client.Pipeline()
	for tag := range tags {
		found[tag] = pipe.Get(ctx, s.keys.fence[tag])
	}
	id := pipe.HGet(ctx, s.keys.meta, "id")
	_, _ = pipe.Exec(ctx) // each command has its own error
	for tag, cmd := range found {
		if s.foreign[tag].Swap(false) {
			s.damaged[tag] = true
		}
		value, err := cmd.Result()
		if err != nil && !isNil(err) {
			return err
		}
		s.foundFence(tag, parseFence(value))
	}
	if err := id.Err(); isNil(err) {
		s.flushed = true
	} else if err != nil {
		return err
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

// leave ends the writer: what was refused is taken back, then the copy, the marker,
// the lease and the connections are left in order.
func (s *Store) leave() {
	if s.health.get(time.Now(), time.Hour) != nil {
		_ = s.renew() // where Redis is away, the next start finds what is left
	}
	ctx, cancel := s.bounded()
	defer cancel()
	s.safety.flush(ctx)
	for s.safety.behind() && ctx.Err() == nil && s.copyTags() {
		s.safety.flush(ctx)
	}
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
