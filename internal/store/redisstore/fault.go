package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
)

// Sentinels of Attach, beside engine.ErrInUse and engine.ErrNewerSchema.
var (
	// ErrLost: Redis does not hold what this installation stored, and there is no
	// copy. Nothing may be shown until an operator decided.
	ErrLost = errors.New("settings were stored that are neither in Redis nor in the safety copy")
	// ErrForeign: Redis holds the data of another installation.
	ErrForeign = errors.New("the settings in Redis are those of another installation")
)

// remedies say what to do about the errors Redis answers with.
var remedies = []struct{ prefix, remedy string }{
	{"OOM", "raise maxmemory of Redis or make room in it"},
	{"READONLY", "it is a replica: point store.redis to the master, or to the Sentinels"},
	{"LOADING", "wait until Redis has loaded its data"},
	{"MISCONF", "Redis cannot write to its disk: look at its log and make room"},
	{"MASTERDOWN", "bring the master of this replica back, or point store.redis to the new one"},
	{"CLUSTERDOWN", "bring back the nodes that serve the missing slots"},
	{"TRYAGAIN", "its slot is on the way to another node: try again in a moment"},
	{"NOAUTH", "put the password into store.redis: redis://:PASSWORD@host:6379/0"},
	{"WRONGPASS", "correct user name and password in store.redis"},
	{"NOPERM", "allow this user all commands on keys that begin with store.prefix"},
	{"NOREPLICAS", "bring back the replicas Redis waits for"},
	{"WRONGTYPE", "another program uses keys that begin with store.prefix: choose another prefix"},
	{"ERR max number of clients", "raise maxclients of Redis"},
}

// hint adds to err what to do about it.
func (s *Store) hint(err error) error {
	if errors.As(err, new(hinted)) {
		return err
	}
	name := s.opt.Server.name()
	for _, r := range remedies {
		if redis.HasErrorPrefix(err, r.prefix) || strings.HasPrefix(err.Error(), r.prefix) {
			return hinted{fmt.Errorf("%s: %w; %s", name, err, r.remedy)}
		}
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, queue.ErrClosed):
		return hinted{err}
	case errors.Is(err, errTaken), errors.Is(err, ErrLost), errors.Is(err, ErrForeign), errors.Is(err, engine.ErrInUse):
		return hinted{fmt.Errorf("%s: %w", name, err)}
	case errors.As(err, new(*mismatch)):
		return hinted{fmt.Errorf("%s lost data, which are being written again; try again in a moment", name)}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return hinted{fmt.Errorf("%s does not answer in time (%w); look whether it is stopped or overloaded", name, err)}
	}
	return hinted{fmt.Errorf("%s cannot be used (%w); start it, or correct store.redis", name, err)}
}

// hinted is an error that says what to do.
type hinted struct{ error }

// Unwrap returns what is wrong.
func (h hinted) Unwrap() error { return h.error }
