package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"presenced/internal/engine"
)

// safetyUser is the name under which the safety copy remembers what it is a copy
// of; no user is called so.
const safetyUser = "\x01copy"

// safety is the second copy of all settings, on this machine. It follows what
// Redis took, a moment later; a tag it missed something of is copied anew.
type safety struct {
	copy   Copy // nil: none
	stale  [tags]atomic.Bool
	nextAt time.Time
	names  map[int][]string // users per stale tag in the copy, while tags are copied
	refuse atomic.Bool      // the copy refused something, and the log knows
}

// kept is what a copy says of itself.
type kept struct {
	id        string
	sequences [tags]uint64
}

// open reads what the copy is a copy of.
func (c *safety) open(ctx context.Context) (k kept, err error) {
	if c.copy == nil {
		return k, nil
	}
	enough := errors.New("enough")
	err = c.copy.Load(ctx, func(saved engine.Saved) error {
		if saved.User != safetyUser {
			return nil
		}
		k.id = string(saved.Docs["id"])
		for tag := range tags {
			k.sequences[tag], _ = strconv.ParseUint(string(saved.Docs[tagName(tag)]), 10, 64)
		}
		return enough
	})
	if errors.Is(err, enough) {
		err = nil
	}
	if err != nil {
		return k, hinted{fmt.Errorf("the safety copy: %w", err)}
	}
	return k, nil
}

// load is the copy as a Source.
func (c *safety) load(ctx context.Context, each func(engine.Saved) error) error {
	if c.copy == nil {
		return ErrLost
	}
	if err := c.copy.Flush(ctx); err != nil {
		return err
	}
	return c.copy.Load(ctx, each)
}

// pending marks the tags the copy does not have as Redis has them.
func (c *safety) pending(s *Store, k kept, found [tags]fence) {
	other := k.id != "" && k.id != s.marker.ID
	for tag := range tags {
		if other || k.sequences[tag] != found[tag].sequence && !s.damaged[tag] {
			c.markPending(tag)
		}
	}
	if c.copy != nil && k.id != s.marker.ID {
		c.copy.Save(engine.Write{User: safetyUser, Erase: true, Docs: map[string][]byte{"id": []byte(s.marker.ID)}}, c.kept(-1))
	}
}

func (c *safety) markPending(tag int) { c.stale[tag].Store(c.copy != nil) }

func (c *safety) behind() bool {
	for tag := range c.stale {
		if c.stale[tag].Load() {
			return true
		}
	}
	return false
}

// kept is the callback of a save into the copy: a refusal costs the tag.
func (c *safety) kept(tag int) func(error) {
	return func(err error) {
		if err == nil {
			return
		}
		for t := range c.stale {
			if t == tag || tag < 0 {
				c.stale[t].Store(true)
			}
		}
	}
}

// keep follows a call that Redis took. Users come before the sequence that says
// so: a copy may be ahead of what it says, never behind.
func (c *safety) keep(s *Store, done *call) {
	if c.copy == nil || done.next == "" {
		return
	}
	for _, q := range done.writes {
		c.copy.Save(q.Write, c.kept(done.tag))
	}
	c.remember(s, done.tag)
}

// remember says how far the copy is, unless it missed something.
func (c *safety) remember(s *Store, tag int) {
	if c.copy == nil || c.stale[tag].Load() {
		return
	}
	sequence := strconv.FormatUint(s.fences[tag].sequence, 10)
	c.copy.Save(engine.Write{User: safetyUser, Docs: map[string][]byte{tagName(tag): []byte(sequence)}}, c.kept(tag))
}

// copyTags copies stale tags anew, for a moment; the writer does nothing else
// meanwhile, so nothing newer is overwritten.
func (s *Store) copyTags() {
	c := &s.safety
	began := time.Now()
	c.nextAt = began.Add(s.tune.copyEvery)
	if s.health.get(time.Now(), time.Hour) != nil {
		return
	}
	if err := c.copy.Healthy(); err != nil {
		if !c.refuse.Swap(true) {
			s.log.Warn("the safety copy of the settings is behind", "err", err)
		}
		c.nextAt = time.Now().Add(10 * s.tune.copyEvery)
		return
	}
	for tag := range c.stale {
		if !c.stale[tag].Swap(false) {
			continue
		}
		ctx, cancel := s.bounded()
		err := c.again(ctx, s, tag)
		cancel()
		if err != nil {
			c.stale[tag].Store(true)
			s.log.Debug("a part of the safety copy was not brought up to date", "err", err)
		}
		if err != nil || time.Since(began) > s.tune.copyEvery/4 {
			break
		}
	}
	if !c.behind() {
		c.names = nil
		c.refuse.Store(false)
	}
}

// again replaces what the copy has of a tag by what Redis has.
func (c *safety) again(ctx context.Context, s *Store, tag int) error {
	if _, listed := c.names[tag]; !listed {
		if err := c.list(ctx, tag); err != nil {
			return err
		}
	}
	var users []string
	err := s.scan(ctx, globbed(s.keys.user[tag])+"*", func(_ context.Context, _ redis.Cmdable, keys []string) error {
		for _, key := range keys {
			users = append(users, key[len(s.keys.user[tag]):])
		}
		return nil
	})
	if err != nil {
		return err
	}
	in := make(map[string]bool, len(users))
	for len(users) > 0 {
		n := min(len(users), loadUsers)
		chunk, err := s.documents(ctx, tag, users[:n])
		if err != nil {
			return err
		}
		users = users[n:]
		for _, saved := range chunk {
			in[saved.User] = true
			c.copy.Save(engine.Write{User: saved.User, Erase: true, Docs: saved.Docs}, c.kept(tag))
		}
		if err := c.copy.Flush(ctx); err != nil { // its queue is bounded
			return err
		}
	}
	for _, user := range c.names[tag] {
		if !in[user] {
			c.copy.Save(engine.Write{User: user, Erase: true}, c.kept(tag))
		}
	}
	delete(c.names, tag)
	c.remember(s, tag)
	return nil
}

// list notes who is in the copy, for tag and the other ones that are stale.
func (c *safety) list(ctx context.Context, tag int) error {
	names := map[int][]string{tag: nil}
	for t := range c.stale {
		if c.stale[t].Load() {
			names[t] = nil
		}
	}
	err := c.copy.Load(ctx, func(saved engine.Saved) error {
		t := tagOf(saved.User)
		if _, listed := names[t]; listed && saved.User != safetyUser {
			names[t] = append(names[t], saved.User)
		}
		return nil
	})
	if err == nil {
		c.names = names
	}
	return err
}
