package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"presenced/internal/engine"
)

// safetyUser is the name under which the safety copy remembers what it is a copy
// of; no user is called so.
const safetyUser = "\x01copy"

// safety is the second copy of all settings, on this machine. It follows what
// Redis took, a moment later; a tag it missed something of is copied anew.
type safety struct {
	copy    Copy // nil: none
	stale   [tags]atomic.Bool
	refused atomic.Int64 // how often the copy refused something

	// The fields below belong to the writer.
	nextAt  time.Time
	turn    int              // the tag to begin with: one that cannot be copied must not hold up the others
	names   map[int][]string // users per stale tag in the copy, while tags are copied
	namesOf int64            // the value of refused when they were read
	told    bool             // the log knows that the copy is behind
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
		c.refused.Add(1)
		for t := range c.stale {
			if t == tag || tag < 0 {
				c.stale[t].Store(true)
			}
		}
	}
}

// keep follows a call that Redis took. How far the copy is, is noted only once all
// the call's users are durable there: a copy may be ahead of what it says, never
// behind.
func (c *safety) keep(s *Store, done *call) {
	if c.copy == nil || done.next == "" {
		return
	}
	sequence := s.fences[done.tag].sequence
	var left, failed atomic.Int64
	left.Store(int64(len(done.writes)))
	for _, q := range done.writes {
		c.copy.Save(q.Write, func(err error) {
			if c.kept(done.tag)(err); err != nil {
				failed.Add(1)
			}
			if left.Add(-1) == 0 && failed.Load() == 0 {
				c.note(done.tag, sequence)
			}
		})
	}
}

// note says how far the copy is, unless it missed something.
func (c *safety) note(tag int, sequence uint64) {
	if c.copy == nil || c.stale[tag].Load() {
		return
	}
	text := strconv.FormatUint(sequence, 10)
	c.copy.Save(engine.Write{User: safetyUser, Docs: map[string][]byte{tagName(tag): []byte(text)}}, c.kept(tag))
}

// flush waits until the copy has decided about all it was handed, so that stale
// tells what it missed. One that does not answer has missed everything.
func (c *safety) flush(ctx context.Context) {
	if c.copy == nil {
		return
	}
	if err := c.copy.Flush(ctx); err != nil {
		for tag := range c.stale {
			c.stale[tag].Store(true)
		}
	}
}

// copyTags copies stale tags anew, for a moment; the writer does nothing else
// meanwhile, so nothing newer is overwritten. It reports whether it got on.
func (s *Store) copyTags() (some bool) {
	c := &s.safety
	began := time.Now()
	c.nextAt = began.Add(s.tune.copyEvery)
	if s.health.get(time.Now(), time.Hour) != nil {
		return false
	}
	if err := c.copy.Healthy(); err != nil {
		if !c.told {
			s.log.Warn("the safety copy of the settings is behind", "err", err)
		}
		c.told = true
		c.nextAt = time.Now().Add(10 * s.tune.copyEvery)
		return false
	}
	ctx, cancel := s.bounded()
	defer cancel()
	c.flush(ctx) // what is under way belongs to before
	for range tags {
		tag := c.turn
		if c.turn = (c.turn + 1) % tags; !c.stale[tag].Swap(false) {
			continue
		}
		err := c.again(ctx, s, tag)
		if err != nil {
			c.stale[tag].Store(true)
			s.log.Debug("a part of the safety copy was not brought up to date", "err", err)
		}
		if s.disowned(tag, err) {
			s.renewAt = time.Now()
		}
		some = some || err == nil
		if err != nil && !foreign(err) || some && time.Since(began) > s.tune.copyEvery/4 {
			break
		}
	}
	if !c.behind() {
		c.names, c.told = nil, false
	}
	return some
}

// errMoved is told when Redis does not hold what it should while it is copied.
var errMoved = errors.New("something was lost in Redis meanwhile")

// intact tells whether a tag still is what it must be, so that what was read of it
// before may be believed.
func (s *Store) intact(ctx context.Context, tag int) error {
	found, err := s.client.Get(ctx, s.keys.fence[tag]).Result()
	if err != nil && !isNil(err) {
		return err
	}
	if found != s.fences[tag].String() {
		return errMoved
	}
	return nil
}

// again replaces what the copy has of a tag by what Redis has.
func (c *safety) again(ctx context.Context, s *Store, tag int) error {
	if _, listed := c.names[tag]; !listed || c.namesOf != c.refused.Load() {
		if err := c.list(ctx, tag); err != nil {
			return err
		}
	}
	users, err := s.usersOf(ctx, tag)
	if err != nil {
		return err
	}
	in := make(map[string]bool, len(users))
	for len(users) > 0 {
		n := min(len(users), loadUsers)
		chunk, err := s.documents(ctx, tag, users[:n])
		if err == nil {
			err = s.intact(ctx, tag)
		}
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
	if err := c.remove(ctx, tag, in); err != nil {
		return err
	}
	c.note(tag, s.fences[tag].sequence)
	return nil
}

// remove erases from the copy who is not in a tag any more, and waits.
func (c *safety) remove(ctx context.Context, tag int, in map[string]bool) error {
	for i, user := range c.names[tag] {
		if !in[user] {
			c.copy.Save(engine.Write{User: user, Erase: true}, c.kept(tag))
		}
		if i%loadUsers == loadUsers-1 {
			if err := c.copy.Flush(ctx); err != nil {
				return err
			}
		}
	}
	delete(c.names, tag)
	return c.copy.Flush(ctx)
}

// usersOf lists the users of one tag that have documents.
func (s *Store) usersOf(ctx context.Context, tag int) (users []string, err error) {
	err = s.scan(ctx, globbed(s.keys.user[tag])+"*", func(_ context.Context, keys []string) error {
		for _, key := range keys {
			users = append(users, key[len(s.keys.user[tag]):])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(users)
	return slices.Compact(users), s.intact(ctx, tag)
}

// list notes who is in the copy, for tag and the other ones that are stale.
func (c *safety) list(ctx context.Context, tag int) error {
	names, refused := map[int][]string{tag: nil}, c.refused.Load()
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
		c.names, c.namesOf = names, refused
	}
	return err
}
