package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

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

// remedies say what to do about the errors Redis answers with, without the ERR of
// some.
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
	{"max number of clients", "raise maxclients of Redis"},
	{"MOVED", "it is a node of a cluster: write redis+cluster://"},
	{"This instance has cluster support disabled", "it is no node of a cluster: write redis:// or rediss://"},
	{"unknown command", "redis+sentinel:// names Sentinels, redis:// the server itself: correct store.redis"},
}

// hint adds to err what to do about it.
func (s *Store) hint(err error) error {
	if errors.As(err, new(hinted)) {
		return err
	}
	name := s.opt.Server.name()
	err = plain(err)
	for _, r := range remedies {
		if redis.HasErrorPrefix(err, r.prefix) {
			return hinted{fmt.Errorf("%s: %w; %s", name, err, r.remedy)}
		}
	}
	switch {
	case foreign(err):
		return hinted{fmt.Errorf("%s: %s is not presenced's (%w); delete it, or choose another store.prefix", name, s.misplaced(), err)}
	case errors.Is(err, context.Canceled), errors.Is(err, queue.ErrClosed):
		return hinted{err}
	case errors.Is(err, errTaken), errors.Is(err, ErrLost), errors.Is(err, ErrForeign), errors.Is(err, engine.ErrInUse):
		return hinted{fmt.Errorf("%s: %w", name, err)}
	case errors.As(err, new(*mismatch)):
		return hinted{fmt.Errorf("%s lost data, which are being written again; try again in a moment", name)}
	}
	return hinted{s.unreached(name, err)}
}

// unreached says what to do where Redis did not answer at all.
func (s *Store) unreached(name string, err error) error {
	var timeout net.Error
	server := s.opt.Server
	switch {
	case server.Kind == Sentinel && errors.Is(err, redis.Nil):
		return fmt.Errorf("the Sentinels at %s know no master called %q; correct store.redis", strings.Join(server.Addrs, ", "), server.Master)
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return fmt.Errorf("%s: its certificate is not trusted (%w); have this machine trust its authority, "+
			"and name the host in store.redis as the certificate does", name, err)
	case (errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()) && server.TLS:
		return told{err, name + " does not answer in time; look whether it is stopped or overloaded, and whether it speaks TLS"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return told{err, name + " does not answer in time; look whether it is stopped or overloaded"}
	case !server.TLS && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		return fmt.Errorf("%s hung up (%w); start it, or correct store.redis: it begins with rediss:// if it speaks TLS", name, err)
	}
	return fmt.Errorf("%s cannot be used (%w); start it, or correct store.redis", name, err)
}

// foreign reports whether a key of ours holds something presenced never puts there.
func foreign(err error) bool { return err != nil && redis.HasErrorPrefix(err, "WRONGTYPE") }

// disowned reports whether err tells of a key in a tag that is not ours while
// somebody knows what belongs there, and has the writer put that there.
func (s *Store) disowned(tag int, err error) bool {
	if !foreign(err) {
		return false
	}
	s.sourceMu.Lock()
	known := s.source != nil
	s.sourceMu.Unlock()
	if known = known || s.safety.copy != nil && !s.safety.stale[tag].Load(); known {
		s.foreign[tag].Store(true)
	}
	return known
}

// misplaced names the key that is not ours. One of a user is named without the user.
func (s *Store) misplaced() string {
	ctx, cancel := context.WithTimeout(context.Background(), s.tune.answer)
	defer cancel()
	kinds := map[string]string{s.keys.lease: "string", s.keys.token: "string", s.keys.meta: "hash"}
	for tag := range tags {
		kinds[s.keys.fence[tag]], kinds[s.keys.presence[tag]] = "string", "hash"
	}
	pipe := s.client.Pipeline()
	found := make(map[string]*redis.StatusCmd, len(kinds))
	for key := range kinds {
		found[key] = pipe.Type(ctx, key)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for key, cmd := range found {
		if kind := cmd.Val(); kind != "" && kind != "none" && kind != kinds[key] {
			return key
		}
	}
	return "what stands in a user's place"
}

// plain is err without what differs from one attempt to the next: the port on this
// side, the place in a script. A fault that lasts is news once.
func plain(err error) error {
	text := err.Error()
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Source != nil {
		text = op.Err.Error()
	}
	text, _, _ = strings.Cut(text, " script: ")
	return told{err, strings.TrimSuffix(text, ".")}
}

// told is an error in other words.
type told struct {
	error
	text string
}

// Error returns the words.
func (t told) Error() string { return t.text }

// Unwrap returns the error.
func (t told) Unwrap() error { return t.error }

// hinted is an error that says what to do.
type hinted struct{ error }

// Unwrap returns what is wrong.
func (h hinted) Unwrap() error { return h.error }
