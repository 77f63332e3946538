//go:build integration

package testbed

import (
	"context"
	"testing"
	"time"
)

func TestRedis_KeepsDataOverRestartAndKill(t *testing.T) {
	ctx := testContext(t)
	r := RunRedis(t, RedisOptions{Args: []string{"--appendfsync", "always"}})
	say := func(want string, words ...string) {
		t.Helper()
		got, err := r.Command(ctx, words...)
		must(t, err)
		if got != want {
			t.Errorf("%v: got %q, want %q", words, got, want)
		}
	}
	say("+OK", "SET", "a", "1")
	must(t, r.Restart(ctx))
	say("1", "GET", "a")
	say("+OK", "SET", "a", "2")
	must(t, r.Kill())
	must(t, r.Start(ctx))
	say("2", "GET", "a")
	must(t, r.Stall())
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if got, err := r.Command(short, "PING"); err == nil {
		t.Errorf("a stalled Redis answered %q", got)
	}
	must(t, r.Resume())
	say("+PONG", "PING")
}
