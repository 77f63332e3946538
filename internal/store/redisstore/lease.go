package redisstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"presenced/internal/engine"
)

// pollLease is how often a lease is looked at that may be a dead process's.
const pollLease = 250 * time.Millisecond

// owner names this installation: a process that died here left a lease that its
// successor may take at once, because the safety copy can be open only once.
func (s *Store) owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return s.marker.Instance + " on " + host + " for " + s.opt.Domain
}

func (s *Store) token() string { return strconv.FormatUint(s.fences[0].token, 10) }

// own takes the lease and every fence, with a token greater than atLeast and than
// any that is found, and returns the fences as they were.
func (s *Store) own(ctx context.Context, atLeast uint64) (found [tags]fence, err error) {
	for {
		token, err := s.acquire(ctx, atLeast)
		if err != nil {
			return found, err
		}
		if found, err = s.take(ctx, token); err != nil {
			return found, err
		}
		for _, f := range found {
			atLeast = max(atLeast, f.token)
		}
		if token > atLeast {
			for tag := range s.fences {
				s.fences[tag] = fence{token: token, sequence: found[tag].sequence}
			}
			return found, nil
		}
	}
}

// take sets the token of every fence.
func (s *Store) take(ctx context.Context, token uint64) (found [tags]fence, err error) {
	calls := make([]*call, tags)
	for tag := range calls {
		calls[tag] = s.takeCall(tag, token, "")
	}
	s.exec(ctx, calls)
	for tag, c := range calls {
		if m := (*mismatch)(nil); errors.As(c.err, &m) {
			found[tag] = m.found
		} else if c.err != nil {
			return found, c.err
		}
	}
	return found, nil
}

func (s *Store) takeCall(tag int, token uint64, sequence string) *call {
	return &call{tag: tag, script: takeScript, keys: []string{s.keys.fence[tag]}, args: []any{token, sequence}}
}

// acquire takes the lease or says who has it.
func (s *Store) acquire(ctx context.Context, atLeast uint64) (token uint64, err error) {
	store := "0"
	if s.waited {
		store = "1"
	}
	answer, err := acquireScript.Run(ctx, s.client, []string{s.keys.lease, s.keys.token, s.keys.meta},
		s.owner(), s.tune.lease.Milliseconds(), atLeast, store).Slice()
	if err != nil {
		return 0, err
	}
	n, _ := answer[0].(int64)
	if n > 0 {
		return uint64(n), nil
	}
	who, _ := answer[1].(string)
	left, _ := answer[2].(int64)
	if who == "" {
		return 0, hinted{fmt.Errorf("%s was emptied while another presenced owned it, and is left for that one to write again; "+
			"if that one is gone for good, restart this one", s.opt.Server.name())}
	}
	return 0, &held{who, time.Duration(left) * time.Millisecond}
}

// held is a lease that is somebody else's.
type held struct {
	who  string
	left time.Duration
}

func (h *held) Error() string {
	return fmt.Sprintf("%v: %q holds it; stop that one, or give this one a store.prefix of its own", engine.ErrInUse, h.who)
}

// Unwrap returns engine.ErrInUse.
func (h *held) Unwrap() error { return engine.ErrInUse }

// await owns the store, waiting for the lease of a process that renews it no more.
func (s *Store) await(ctx context.Context) (found [tags]fence, err error) {
	least := 2 * s.tune.lease
	for {
		h := (*held)(nil)
		if found, err = s.own(ctx, 0); !errors.As(err, &h) || h.left > least {
			s.waited = s.waited || h != nil
			return found, err // a lease that grew is being renewed
		}
		s.waited = true
		least = h.left
		if err := pause(ctx, pollLease); err != nil {
			return found, h
		}
	}
}

// isNil reports an answer that says "there is none".
func isNil(err error) bool { return errors.Is(err, redis.Nil) }
