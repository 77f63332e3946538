package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// inspectTime bounds Inspect.
const inspectTime = 5 * time.Second

// Found is what a Redis server says of itself, for the troubleshooter. In a
// cluster it is the worst of the masters.
type Found struct {
	Version   string // of Redis, for example "7.0.15"
	AOF       bool   // writes go to the append-only file
	Unsynced  bool   // which nobody syncs (appendfsync no); false too where the user may not ask
	Policy    string // maxmemory-policy
	MaxMemory uint64 // bytes; 0: no limit
	Owner     string // who holds the lease; empty: nobody
	Schema    string // of the store; empty: none under this prefix yet
}

// Inspect looks at Redis and at the store under a prefix without changing
// anything. The error says what to do.
func Inspect(ctx context.Context, server Server, prefix string) (f Found, err error) {
	s, err := New(Options{Server: server, Prefix: prefix, Path: "/"})
	if err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	defer func() { _ = s.Close(ctx) }()
	f.AOF = true
	err = s.eachMaster(ctx, func(ctx context.Context, m redis.Cmdable) error { return f.server(ctx, m) })
	if err != nil {
		return f, s.hint(err)
	}
	if f.Owner, err = s.client.Get(ctx, s.keys.lease).Result(); err != nil && !isNil(err) {
		return f, s.hint(err)
	}
	if f.Schema, err = s.client.HGet(ctx, s.keys.meta, "schema").Result(); err != nil && !isNil(err) {
		return f, s.hint(err)
	}
	return f, nil
}

// server reads what INFO tells.
func (f *Found) server(ctx context.Context, m redis.Cmdable) error {
	text, err := m.Info(ctx).Result()
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "redis_version":
			if f.Version == "" || older(value, f.Version) {
				f.Version = value
			}
		case "aof_enabled":
			f.AOF = f.AOF && value == "1"
		case "maxmemory_policy":
			if f.Policy == "" || value != "noeviction" {
				f.Policy = value
			}
		case "maxmemory":
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return fmt.Errorf("INFO: maxmemory %q", value)
			}
			f.MaxMemory = max(f.MaxMemory, n)
		}
	}
	if fsync, err := m.ConfigGet(ctx, "appendfsync").Result(); err == nil {
		f.Unsynced = f.Unsynced || fsync["appendfsync"] == "no"
	}
	return nil
}

// Known reports whether an installation stored something in Redis before, by the
// marker in its directory.
func Known(path string) bool {
	var m marker
	text, err := os.ReadFile(filepath.Join(path, markerName))
	return err == nil && json.Unmarshal(text, &m) == nil && m.ID != ""
}

// Old reports whether Redis is older than 7.0, the oldest that is supported.
func (f *Found) Old() bool { return older(f.Version, "7.0") }

// older compares versions by their first two numbers.
func older(a, b string) bool {
	number := func(v string) int {
		major, rest, _ := strings.Cut(v, ".")
		minor, _, _ := strings.Cut(rest, ".")
		x, _ := strconv.Atoi(major)
		y, _ := strconv.Atoi(minor)
		return 1000*x + y
	}
	return number(a) < number(b)
}

// ServerOf makes a Server of the parts of a URL: the schemes are redis, rediss,
// redis+sentinel and redis+cluster.
func ServerOf(scheme string, addrs []string, username, password, master string, db int) Server {
	s := Server{Addrs: addrs, Username: username, Password: password, Master: master, DB: db, TLS: scheme == "rediss"}
	switch scheme {
	case "redis+sentinel":
		s.Kind = Sentinel
	case "redis+cluster":
		s.Kind = Cluster
	}
	return s
}
