//go:build integration

package check

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presenced/internal/store/redisstore"
	"presenced/internal/testbed"
)

// redisCheck is a Redis and a configuration that names it.
type redisCheck struct {
	*testing.T
	r      *testbed.Redis
	path   string
	report *Report
}

func newRedisCheck(t *testing.T) *redisCheck {
	t.Helper()
	t.Parallel()
	s := fake(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	c := &redisCheck{T: t, r: testbed.RunRedis(t, testbed.RedisOptions{}), path: write(t, s.Addr, "s3cret", "")}
	text, err := os.ReadFile(c.path)
	c.must(err)
	c.must(os.WriteFile(c.path, []byte(strings.Replace(string(text), "[store]\n", "[store]\nredis = \""+c.r.URL+"\"\n", 1)), 0o600))
	return c
}

func (c *redisCheck) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *redisCheck) command(words ...string) {
	c.Helper()
	if answer, err := c.r.Command(c.Context(), words...); err != nil || answer[0] == '-' {
		c.Fatalf("%v: %s %v", words, answer, err)
	}
}

func (c *redisCheck) look() { c.report = Run(c.Context(), Options{Config: c.path}) }

func (c *redisCheck) finds(step string, result Result, says string) {
	c.Helper()
	found := c.report.step(c.T, step)
	if text := found.Found + " -> " + found.Do; found.Result != result || !strings.Contains(text, says) {
		c.Errorf("%s: %s, %s; want %s and %q", step, found.Result, text, result, says)
	}
}

// TestCheck_RedisThatWouldForget is told what redis.conf lacks.
func TestCheck_RedisThatWouldForget(t *testing.T) {
	c := newRedisCheck(t)
	c.look()
	c.finds("redis persistence", OK, "append-only file is on")
	c.finds("redis memory", OK, "noeviction")
	c.command("CONFIG", "SET", "appendonly", "no", "maxmemory-policy", "allkeys-lru")
	c.look()
	c.finds("redis persistence", Fail, "appendonly yes")
	c.finds("redis memory", Fail, "maxmemory-policy noeviction")
	c.command("CONFIG", "SET", "appendonly", "yes", "appendfsync", "no")
	c.look()
	c.finds("redis persistence", Fail, "appendfsync everysec")
}

// TestCheck_RedisStore tells a store that is new, in use, there, emptied and away.
func TestCheck_RedisStore(t *testing.T) {
	c := newRedisCheck(t)
	c.look()
	c.finds("store", OK, "the first start makes the store")
	kept, err := redisstore.New(redisstore.Options{
		Server: redisstore.Server{Addrs: []string{c.r.Addr}}, Prefix: "presenced:",
		Domain: "presence.example.localhost", Path: filepath.Join(filepath.Dir(c.path), "store"),
	})
	c.must(err)
	c.must(kept.Attach(t.Context()))
	c.look()
	c.finds("store", Fail, "holds the store in Redis")
	c.must(kept.Close(context.Background()))
	c.look()
	c.finds("store", OK, "holds a store")
	c.command("FLUSHALL")
	c.look()
	c.finds("store", Warn, "though this installation stored settings there")
	c.must(c.r.Kill())
	c.look()
	c.finds("store", Fail, "start it, or correct store.redis")
}
