package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
)

// refillBytes bounds the settings on their way in one pipeline.
const refillBytes = 4 << 20

// mend writes again what Redis lost, from the running daemon or else the safety
// copy. Answers given before are in force before the daemon is asked.
func (s *Store) mend(ctx context.Context) error {
	if s.damaged == ([tags]bool{}) && !s.flushed {
		return nil
	}
	s.answers.Drain()
	source, err := s.mendFrom()
	if err != nil {
		return err // and leave what there is
	}
	if s.flushed {
		if err := s.createMeta(ctx); err != nil {
			return err
		}
	}
	// A large store takes its time: what bounds it is that each step answers.
	return s.refill(context.WithoutCancel(ctx), source)
}

// mendFrom returns who knows what Redis lost: the running daemon, or the copy when
// there is none yet or it is being stopped. A copy that is behind knows nothing.
func (s *Store) mendFrom() (Source, error) {
	s.sourceMu.Lock()
	source := s.source
	s.sourceMu.Unlock()
	select {
	case <-s.stopping:
		source = nil
	default:
	}
	if source != nil {
		return source, nil
	}
	for tag, is := range s.damaged {
		if is && (s.safety.copy == nil || s.safety.stale[tag].Load()) {
			return nil, fmt.Errorf("%w; restart presenced, which compares what there is", ErrLost)
		}
	}
	return s.safety.load, nil
}

// refill makes the damaged tags hold exactly what source yields. Until all of a
// tag is there its fence says that it holds nothing, so that a crash in between
// is found by the next start.
func (s *Store) refill(ctx context.Context, source Source) error {
	r := &refilling{s: s, began: time.Now()}
	for tag, is := range s.damaged {
		if is {
			r.tags = append(r.tags, tag)
		}
	}
	if len(r.tags) == 0 {
		s.flushed = false
		return nil
	}
	s.log.Error("Redis lost data; writing them again", "parts", len(r.tags), "of", tags)
	s.epoch.Add(1)
	if err := s.beginFilling(ctx, r.tags); err != nil {
		return err
	}
	if err := r.purge(ctx); err != nil {
		return err
	}
	if err := source(ctx, func(saved engine.Saved) error { return r.add(ctx, saved) }); err != nil {
		return fmt.Errorf("read what is to be written again: %w", err)
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	if err := s.endFilling(ctx, r.tags); err != nil {
		return err
	}
	s.safety.flush(ctx)
	for _, tag := range r.tags {
		s.safety.note(tag, s.fences[tag].sequence) // what was written again is what it holds
	}
	s.flushed, s.marked = false, false
	s.metrics.refills.Inc()
	s.metrics.refilled.Set(time.Since(r.began).Seconds())
	s.log.Info("Redis holds everything again", "users", r.users, "took", time.Since(r.began).Round(time.Millisecond))
	return nil
}

// beginFilling sets fences that say "nothing is here"; the token stays ours.
func (s *Store) beginFilling(ctx context.Context, list []int) error {
	calls := make([]*call, len(list))
	for i, tag := range list {
		calls[i] = s.takeCall(tag, s.fences[tag].token, filling)
	}
	s.exec(ctx, calls)
	for _, c := range calls {
		m := (*mismatch)(nil)
		if c.err != nil && !errors.As(c.err, &m) {
			return c.err
		}
		if m != nil && m.found.token > s.fences[c.tag].token {
			s.lose()
			return errTaken
		}
	}
	return nil
}

// endFilling sets the fences that say "all is here", unless Redis lost it meanwhile.
func (s *Store) endFilling(ctx context.Context, list []int) (err error) {
	calls := make([]*call, len(list))
	for i, tag := range list {
		f := s.fences[tag]
		calls[i] = s.fenceCall(tag, fence{token: f.token, filling: true}, fence{token: f.token, sequence: f.sequence + 1})
	}
	s.exec(ctx, calls)
	for _, c := range calls {
		if c.err == nil {
			s.fences[c.tag].sequence++
			s.damaged[c.tag], s.unsure[c.tag] = false, false
		} else {
			err = c.err
		}
	}
	return err
}

// stillOwner renews the lease when it is due: a large store takes longer to write
// than a lease lasts.
func (s *Store) stillOwner(ctx context.Context) error {
	if time.Since(s.leasedAt) < s.tune.renewEvery {
		return nil
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
		return &mismatch{} // it lost something again
	}
	s.leasedAt = time.Now()
	return nil
}

// refilling is one refill under way.
type refilling struct {
	s        *Store
	tags     []int
	began    time.Time
	users    int
	settings [tags]*call
	presence map[string][]byte
	bytes    int
}

// purge removes what is left of the tags.
func (r *refilling) purge(ctx context.Context) error {
	pipe := r.s.client.Pipeline()
	for _, tag := range r.tags {
		pipe.Del(ctx, r.s.keys.presence[tag])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	return r.s.scan(ctx, globbed(r.s.opt.Prefix)+"{*}:u:*", func(ctx context.Context, keys []string) error {
		pipe := r.s.client.Pipeline()
		for _, key := range keys {
			if tag, _, ok := r.s.userOf(key); ok && r.s.damaged[tag] {
				pipe.Del(ctx, key)
			}
		}
		_, err := pipe.Exec(ctx)
		return err
	})
}

func (r *refilling) add(ctx context.Context, saved engine.Saved) error {
	tag := tagOf(saved.User)
	if !r.s.damaged[tag] || saved.User == safetyUser {
		return nil
	}
	r.users++
	if len(saved.Docs) > 0 {
		c := r.settings[tag]
		if c == nil {
			c = r.s.settingsCall(tag)
			r.settings[tag] = c
		}
		q := queue.Queued{Write: engine.Write{User: saved.User, Docs: saved.Docs}}
		c.add(r.s, q)
		for _, doc := range saved.Docs {
			r.bytes += len(doc)
		}
	}
	if saved.Presence != nil {
		if r.presence == nil {
			r.presence = make(map[string][]byte)
		}
		r.presence[saved.User] = saved.Presence
		r.bytes += len(saved.Presence)
	}
	c := r.settings[tag]
	full := c != nil && (len(c.writes) >= callUsers || len(c.args) > callArgs)
	if full || len(r.presence) >= execUsers || r.bytes > refillBytes {
		return r.flush(ctx)
	}
	return nil
}

// flush writes what was gathered, each tag behind the fence that says "empty".
func (r *refilling) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*r.s.tune.answer)
	defer cancel()
	var calls []*call
	for tag, c := range r.settings {
		if c != nil {
			empty := fence{token: r.s.fences[tag].token, filling: true}.String()
			c.args[0], c.args[1] = empty, empty
			calls = append(calls, c)
			r.settings[tag] = nil
		}
	}
	calls = append(calls, r.presenceCalls()...)
	r.presence, r.bytes = nil, 0
	if len(calls) == 0 {
		return nil
	}
	if err := r.s.stillOwner(ctx); err != nil {
		return err
	}
	r.s.health.begin(time.Now())
	r.s.exec(ctx, calls)
	r.s.health.end()
	for _, c := range calls {
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

func (r *refilling) presenceCalls() (calls []*call) {
	var of [tags][]string
	for user := range r.presence {
		tag := tagOf(user)
		of[tag] = append(of[tag], user)
	}
	for tag, all := range of {
		for len(all) > 0 {
			n := min(len(all), callUsers)
			c := r.s.presenceCall(tag, all[:n], r.presence)
			c.args[0] = fence{token: r.s.fences[tag].token, filling: true}.String()
			calls = append(calls, c)
			all = all[n:]
		}
	}
	return calls
}
