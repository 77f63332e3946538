package redisstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"presenced/internal/store/queue"
)

// execUsers bounds the presence of one pipeline: some megabytes, a few tens of
// milliseconds.
const execUsers = 16384

// run is the writer: the only goroutine that changes anything in Redis.
func (s *Store) run() {
	defer close(s.stopped)
	for last := false; !last; {
		j, ok := s.next()
		if ok {
			s.work(j)
			last = j.Last
		}
		s.upkeep()
	}
	s.answers.Drain()
	s.leave()
}

// next waits for something to store; false means that it is time for the upkeep.
func (s *Store) next() (queue.Job, bool) {
	for {
		now := time.Now()
		at := s.upkeepAt()
		if !now.Before(at) {
			return queue.Job{}, false
		}
		j, wait, ok := s.in.Take(now, s.health.get(now, time.Hour) == nil)
		if ok {
			return j, true
		}
		if until := at.Sub(now); wait == 0 || until < wait {
			wait = until
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.in.Wake():
		case done := <-s.checks:
			done <- s.renew()
		case <-timer.C:
		}
		timer.Stop()
	}
}

// work stores j and answers its callbacks.
func (s *Store) work(j queue.Job) {
	s.storeSettings(j.Writes)
	s.storePresence(j.Presence)
	for _, q := range j.Writes {
		if q.Barrier() {
			s.answers.Add(queue.Answer{Done: q.Done})
		}
	}
}

// storeSettings sends writes in rounds of at most one call per tag, each tag's
// writes in their order. Once Redis cannot store, the rest is refused without
// waiting for it again.
func (s *Store) storeSettings(writes []queue.Queued) {
	for at := 0; at < len(writes); {
		var calls []*call
		calls, at = s.round(writes, at)
		if len(calls) == 0 {
			continue
		}
		err := s.health.get(time.Now(), time.Hour)
		if err == nil {
			s.send(calls)
			continue
		}
		for _, c := range calls {
			c.err = err
			s.answer(c)
		}
	}
}

// answer tells the callbacks of a call what became of it.
func (s *Store) answer(c *call) {
	var err error
	if c.err != nil {
		err = refused(s.hint(c.err))
	}
	as := make([]queue.Answer, len(c.writes))
	for i, q := range c.writes {
		as[i] = queue.Answer{Done: q.Done, Err: err, Free: func() { s.in.Answered(q) }}
	}
	s.answers.Add(as...)
}

// round makes calls of the writes from at on, until one of them is full.
func (s *Store) round(writes []queue.Queued, at int) (calls []*call, next int) {
	var of [tags]*call
	size := 0
	for ; at < len(writes); at++ {
		q := writes[at]
		if q.Barrier() {
			continue
		}
		tag := tagOf(q.User)
		if of[tag] == nil {
			of[tag] = s.settingsCall(tag)
			calls = append(calls, of[tag])
		}
		c := of[tag]
		if len(c.writes) > 0 && (len(c.writes) >= callUsers || len(c.args)+2*len(q.Docs) > callArgs) || size > 8*callBytes {
			break
		}
		c.add(s, q)
		size += q.Size
	}
	for i, c := range calls { // the one that was begun for a write too many
		if len(c.writes) == 0 {
			return append(calls[:i], calls[i+1:]...), at
		}
	}
	return calls, at
}

// storePresence sends what fits and gives back what Redis did not take.
func (s *Store) storePresence(presence map[string][]byte) {
	if len(presence) == 0 {
		return
	}
	var of [tags][]string
	for user := range presence {
		tag := tagOf(user)
		of[tag] = append(of[tag], user)
	}
	var calls []*call
	users := 0
	for tag, all := range of {
		for len(all) > 0 {
			n := min(len(all), callUsers)
			calls = append(calls, s.presenceCall(tag, all[:n], presence))
			all = all[n:]
			if users += n; users >= execUsers {
				s.sendPresence(calls, presence)
				calls, users = nil, 0
			}
		}
	}
	s.sendPresence(calls, presence)
}

func (s *Store) sendPresence(calls []*call, presence map[string][]byte) {
	if len(calls) == 0 {
		return
	}
	healthy := s.health.get(time.Now(), time.Hour) == nil
	if healthy {
		s.send(calls)
	}
	back := map[string][]byte{}
	for _, c := range calls {
		if healthy && c.err == nil {
			s.metrics.presence.Add(float64(len(c.users)))
			continue
		}
		for _, user := range c.users {
			back[user] = presence[user]
		}
	}
	if len(back) > 0 {
		s.in.GiveBack(back)
	}
}

// send fences and executes calls, and answers them. When a fence held one back
// because Redis lost something, that is mended first and the call tried once more.
// What Redis took is answered before: the daemon is asked what is to be written
// again, and must know of it.
func (s *Store) send(calls []*call) {
	ctx, cancel := s.bounded()
	defer cancel()
	behind := s.attempt(ctx, calls)
	for _, c := range calls {
		if !slices.Contains(behind, c) {
			s.finish(c)
		}
	}
	if len(behind) == 0 {
		return
	}
	if err := s.verify(ctx); err == nil {
		s.attempt(ctx, behind)
	} else {
		for _, c := range behind {
			c.err = err
		}
	}
	for _, c := range behind {
		s.finish(c)
	}
}

// finish notes what became of a call and answers it.
func (s *Store) finish(c *call) {
	if c.err == nil {
		s.safety.keep(s, c)
		s.metrics.calls.Inc()
		s.metrics.settings.Add(float64(len(c.writes)))
	} else {
		if !moving(c.err) { // that is one tag's, and the others go on
			s.fail(c.err)
		}
		s.unsure[c.tag] = s.unsure[c.tag] || c.next != "" || !moving(c.err) // the next look tries the node of this very tag
		if foreign(c.err) {
			s.damaged[c.tag] = true // somebody else's key where ours was
		}
	}
	s.answer(c)
}

// attempt executes calls once and returns those that a fence held back.
func (s *Store) attempt(ctx context.Context, calls []*call) (behind []*call) {
	for _, c := range calls {
		c.fenced(s.fences[c.tag], c.script == settingsScript)
	}
	s.health.begin(time.Now())
	s.exec(ctx, calls)
	s.health.end()
	for _, c := range calls {
		m := (*mismatch)(nil)
		switch {
		case c.err == nil && c.next != "":
			s.fences[c.tag].sequence++
			s.marked = false
		case errors.As(c.err, &m):
			if s.foundFence(c.tag, m.found); s.damaged[c.tag] {
				behind = append(behind, c)
			} else {
				c.err = errTaken
			}
		}
	}
	return behind
}

// fail notes that Redis does not store, and tells the log when that is news.
func (s *Store) fail(err error) {
	if err = s.hint(err); s.health.failed(err) {
		s.log.Error("Redis does not store changes", "err", err)
	}
	s.renewAt = earlier(s.renewAt, time.Now().Add(s.tune.probeEvery))
}

// bounded is how long one exchange may take with all its attempts.
func (s *Store) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 4*s.tune.answer)
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
