package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// SentinelMaster is the name the sentinel of a RedisSentinel knows the master by.
const SentinelMaster = "mymaster"

// RedisSentinel is a master, its replica and one sentinel that fails over by
// itself a second or two after the master went silent.
type RedisSentinel struct {
	Sentinel *Redis
	Data     [2]*Redis // the first one is the master at the start
}

// StartRedisSentinel starts the three and returns when the sentinel knows the
// replica. With a password all three demand it.
func StartRedisSentinel(ctx context.Context, password string) (s *RedisSentinel, err error) {
	s = &RedisSentinel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for i := range s.Data {
		if s.Data[i], err = newRedis(""); err != nil {
			return s, err
		}
		s.Data[i].args = append(s.Data[i].defaults(), "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")
		if password != "" {
			s.Data[i].args = append(s.Data[i].args, "--requirepass", password, "--masterauth", password)
			s.Data[i].login = password
		}
		if i > 0 {
			s.Data[i].args = append(s.Data[i].args, "--replicaof", "127.0.0.1", s.Data[0].port())
		}
		if err = s.Data[i].Start(ctx); err != nil {
			return s, err
		}
	}
	if s.Sentinel, err = newRedis(""); err != nil {
		return s, err
	}
	conf := filepath.Join(s.Sentinel.Dir, "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor %[3]s 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds %[3]s 500\nsentinel failover-timeout %[3]s 3000\n",
		s.Sentinel.port(), s.Sentinel.Dir, SentinelMaster, s.Data[0].port())
	if s.Sentinel.login = password; password != "" {
		text += fmt.Sprintf("sentinel auth-pass %s %s\nrequirepass %[2]s\n", SentinelMaster, password)
	}
	if err = os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return s, err
	}
	s.Sentinel.args = []string{conf, "--sentinel"}
	if err = s.Sentinel.Start(ctx); err != nil {
		return s, err
	}
	return s, poll(ctx, "the sentinel does not see the replica", func() bool {
		answer, err := s.Sentinel.Command(ctx, "SENTINEL", "CKQUORUM", SentinelMaster)
		replicas, err2 := s.Sentinel.Command(ctx, "SENTINEL", "REPLICAS", SentinelMaster)
		return err == nil && err2 == nil && answer[0] == '+' && replicas == "*1"
	})
}

// Master returns the data server that takes writes now.
func (s *RedisSentinel) Master(ctx context.Context) (*Redis, error) {
	for _, r := range s.Data {
		role, err := r.Command(ctx, "SET", "testbed:master", "1")
		if err == nil && role == "+OK" {
			return r, nil
		}
	}
	return nil, errors.New("testbed: neither Redis is the master")
}

// LogTail returns the end of all output.
func (s *RedisSentinel) LogTail() string {
	return s.Data[0].LogTail() + s.Data[1].LogTail() + s.Sentinel.LogTail()
}

// Close stops everything.
func (s *RedisSentinel) Close() error { return closeAll(s.Sentinel, s.Data[1], s.Data[0]) }

// RunRedisSentinel is RunRedis for a RedisSentinel.
func RunRedisSentinel(t TB, password string) *RedisSentinel {
	t.Helper()
	skip(t)
	return runFor(t, func() (*RedisSentinel, error) { return StartRedisSentinel(t.Context(), password) })
}

func closeAll(all ...*Redis) (err error) {
	for _, r := range all {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	return err
}

// poll waits until ok, as long as a server may take to start.
func poll(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("testbed: %s: %w", what, ctx.Err())
		}
	}
	return nil
}
