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

func TestRedisSentinel_FailsOver(t *testing.T) {
	ctx := testContext(t)
	s := RunRedisSentinel(t, "")
	must(t, s.Data[0].Kill())
	must(t, poll(ctx, "no failover", func() bool {
		master, err := s.Master(ctx)
		return err == nil && master == s.Data[1]
	}))
}

func TestRedisCluster_MovesASlot(t *testing.T) {
	ctx := testContext(t)
	c := RunRedisCluster(t)
	must(t, c.Nodes[0].say(ctx, "SET", "{06S}", "1")) // slot 0
	calls := 0
	must(t, c.MoveSlot(ctx, 0, 0, 2, func() { calls++ }))
	if answer, err := c.Nodes[2].Command(ctx, "GET", "{06S}"); answer != "1" || calls != 2 {
		t.Errorf("after the move: %q, %v, %d calls between; want 1 on the third node and two", answer, err, calls)
	}
}

func TestRedis_WipedStartsEmpty(t *testing.T) {
	ctx := testContext(t)
	r := RunRedis(t, RedisOptions{})
	must(t, r.say(ctx, "SET", "a", "1"))
	must(t, r.Wipe())
	must(t, r.Start(ctx))
	if answer, err := r.Command(ctx, "DBSIZE"); answer != ":0" {
		t.Errorf("DBSIZE: %q, %v", answer, err)
	}
}

func TestProxy_Faults(t *testing.T) {
	ctx := testContext(t)
	r := RunRedis(t, RedisOptions{})
	p := RunProxy(t, r.Addr)
	via := &Redis{Addr: p.Addr}
	incr := func() (string, error) {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		return via.Command(short, "INCR", "n")
	}
	for _, c := range []struct {
		fault   ProxyFault
		applied string // what the counter is afterwards
	}{{ProxyPass, "1"}, {ProxyReset, "1"}, {ProxyMute, "2"}, {ProxyLoseAnswers, "3"}, {ProxyHold, "3"}} {
		p.Set(c.fault)
		if answer, err := incr(); (err == nil) != (c.fault == ProxyPass) {
			t.Errorf("fault %d: %q, %v", c.fault, answer, err)
		}
		if n, err := r.Command(ctx, "GET", "n"); n != c.applied {
			t.Errorf("fault %d: the counter is %q, %v; want %s", c.fault, n, err, c.applied)
		}
	}
	p.Set(ProxyPass)
	must(t, poll(ctx, "what was held is passed on later", func() bool {
		n, _ := r.Command(ctx, "GET", "n")
		return n == "4"
	}))
	p.CutAfter(5)
	if answer, err := incr(); err == nil {
		t.Errorf("cut in a request: answered %q", answer)
	}
}
