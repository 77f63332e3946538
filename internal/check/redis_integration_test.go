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

// TestCheck_Redis: what would make Redis forget is told, as is what it forgot.
func TestCheck_Redis(t *testing.T) {
	t.Parallel()
	s := fake(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	path := write(t, s.Addr, "s3cret", "")
	store := filepath.Join(filepath.Dir(path), "store")
	text, err := os.ReadFile(path)
	if err == nil {
		text = []byte(strings.Replace(string(text), "[store]\n", "[store]\nredis = \""+r.URL+"\"\n", 1))
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	command := func(words ...string) {
		t.Helper()
		if answer, err := r.Command(t.Context(), words...); err != nil || answer[0] == '-' {
			t.Fatalf("%v: %s %v", words, answer, err)
		}
	}
	var report *Report
	look := func() { report = Run(t.Context(), Options{Config: path}) }
	finds := func(step string, result Result, says string) {
		t.Helper()
		found := report.step(t, step)
		if text := found.Found + " -> " + found.Do; found.Result != result || !strings.Contains(text, says) {
			t.Errorf("%s: %s, %s; want %s and %q", step, found.Result, text, result, says)
		}
	}
	look()
	finds("store", OK, "the first start makes the store")
	finds("redis persistence", OK, "append-only file is on")
	finds("redis memory", OK, "noeviction")
	command("CONFIG", "SET", "appendonly", "no", "maxmemory-policy", "allkeys-lru")
	look()
	finds("redis persistence", Fail, "appendonly yes")
	finds("redis memory", Fail, "maxmemory-policy noeviction")
	command("CONFIG", "SET", "appendonly", "yes", "appendfsync", "no")
	look()
	finds("redis persistence", Fail, "appendfsync everysec")

	kept, err := redisstore.New(redisstore.Options{
		Server: redisstore.Server{Addrs: []string{r.Addr}}, Prefix: "presenced:", Domain: "presence.example.localhost", Path: store,
	})
	if err == nil {
		err = kept.Attach(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	look()
	finds("store", Fail, "holds the store in Redis")
	if err := kept.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	look()
	finds("store", OK, "holds a store")
	command("FLUSHALL")
	look()
	finds("store", Warn, "though this installation stored settings there")
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	look()
	finds("store", Fail, "start it, or correct store.redis")
}
