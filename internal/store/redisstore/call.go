package redisstore

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"presenced/internal/store/queue"
)

// Bounds of one call: Lua hands a script's arguments on over a stack of 8000, and
// while a script runs Redis answers nobody else.
const (
	callUsers = 256
	callArgs  = 4000
	callBytes = 1 << 20
)

// call is one fenced script for one tag.
type call struct {
	tag    int
	script *redis.Script
	keys   []string
	args   []any
	next   string // the fence once it was applied; empty: it stays
	users  []string
	writes []queue.Queued // of a settings call

	cmd *redis.Cmd
	err error // *mismatch, or why Redis did not take it
}

// mismatch is a call that a fence held back; nothing of it was applied.
type mismatch struct{ found fence }

func (m *mismatch) Error() string { return "fenced: " + m.found.String() }

// fenced sets what the fence must be, and what it becomes.
func (c *call) fenced(now fence, moves bool) {
	c.args[0] = now.String()
	if moves {
		c.next = fence{token: now.token, sequence: now.sequence + 1}.String()
		c.args[1] = c.next
	}
}

// judge reads the answer. A call that an earlier attempt applied, whose answer was
// lost, finds the fence where it wanted it.
func (c *call) judge() {
	answer, err := c.cmd.Text()
	switch {
	case err != nil:
		c.err = err
	case answer == applied, c.next != "" && answer == c.next:
		c.err = nil
	default:
		c.err = &mismatch{parseFence(answer)}
	}
}

// attempts are the waits before each attempt at what may pass at once: a connection
// that was closed while idle, a script a restarted server does not know, a slot on
// the move.
var attempts = []time.Duration{0, 0, 50 * time.Millisecond, 200 * time.Millisecond}

// moveWait is how long a slot that is on its way is waited for.
const moveWait = 50 * time.Millisecond

// moving reports whether a call was turned away because its keys are on their way
// from one node of a cluster to another, some here and some there.
func moving(err error) bool { return redis.HasErrorPrefix(err, "TRYAGAIN") }

// exec sends calls in one pipeline and sets their err. A call never takes effect
// twice: the fence sees to it.
func (s *Store) exec(ctx context.Context, calls []*call) {
	pending := calls
	for _, wait := range attempts {
		if wait > moveWait && !slices.ContainsFunc(pending, func(c *call) bool { return !moving(c.err) }) {
			return // a slot takes its time, and the other tags wait
		}
		if err := pause(ctx, wait); err != nil {
			for _, c := range pending {
				c.err = err
			}
			return
		}
		pipe := s.client.Pipeline()
		for _, c := range pending {
			c.cmd = pipe.EvalSha(ctx, c.script.Hash(), c.keys, c.args...)
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		if pending = s.judge(ctx, pending); len(pending) == 0 {
			return
		}
	}
}

// judge reads all answers and returns the calls worth another attempt.
func (s *Store) judge(ctx context.Context, calls []*call) (failed []*call) {
	unknown := false
	for _, c := range calls {
		if c.judge(); c.err == nil || !passing(c.err) {
			continue
		}
		unknown = unknown || redis.HasErrorPrefix(c.err, "NOSCRIPT")
		failed = append(failed, c)
	}
	if unknown {
		_ = s.loadScripts(ctx) // what is wrong shows at the next attempt
	}
	return failed
}

// passing reports whether an error may be gone at the next attempt.
func passing(err error) bool {
	if m := (*mismatch)(nil); errors.As(err, &m) {
		return false
	}
	for _, prefix := range []string{"NOSCRIPT", "TRYAGAIN", "CLUSTERDOWN", "MOVED", "ASK", "READONLY"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// loadScripts makes every server that may take a call know the scripts.
func (s *Store) loadScripts(ctx context.Context) error {
	return s.eachMaster(ctx, func(ctx context.Context, m redis.Cmdable) error {
		for _, script := range inPipelines {
			if err := script.Load(ctx, m).Err(); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachMaster runs f with every server that holds data.
func (s *Store) eachMaster(ctx context.Context, f func(context.Context, redis.Cmdable) error) error {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return f(ctx, c) })
	}
	return f(ctx, s.client)
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settingsCall begins a settings call for a tag.
func (s *Store) settingsCall(tag int) *call {
	return &call{
		tag: tag, script: settingsScript, keys: []string{s.keys.fence[tag], s.keys.presence[tag]}, args: make([]any, 2, 16),
	}
}

// add appends a write to a settings call.
func (c *call) add(s *Store, q queue.Queued) {
	c.keys = append(c.keys, s.keys.userKey(c.tag, q.User))
	c.writes = append(c.writes, q)
	erase := "0"
	if q.Erase {
		erase = "1"
	}
	docs, removed := 0, 0
	for _, doc := range q.Docs {
		if doc == nil {
			removed++
		} else {
			docs++
		}
	}
	c.args = append(c.args, erase, q.User, 2*docs)
	for name, doc := range q.Docs {
		if doc != nil {
			c.args = append(c.args, name, doc)
		}
	}
	c.args = append(c.args, removed)
	for name, doc := range q.Docs {
		if doc == nil {
			c.args = append(c.args, name)
		}
	}
}

// presenceCall stores the presence of some users of a tag, nil removing it.
func (s *Store) presenceCall(tag int, users []string, presence map[string][]byte) *call {
	c := &call{
		tag: tag, script: presenceScript, keys: []string{s.keys.fence[tag], s.keys.presence[tag]},
		args: make([]any, 2, 2+2*len(users)), users: users,
	}
	for _, user := range users {
		if data := presence[user]; data != nil {
			c.args = append(c.args, user, data)
		}
	}
	c.args[1] = len(c.args) - 2
	for _, user := range users {
		if presence[user] == nil {
			c.args = append(c.args, user)
		}
	}
	return c
}
