//go:build integration

package redisstore

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// onTheWay are faults of the network.
var onTheWay = []func(p *testbed.Proxy){
	func(p *testbed.Proxy) { p.Set(testbed.ProxyReset) },
	func(p *testbed.Proxy) { p.Set(testbed.ProxyMute) },
	func(p *testbed.Proxy) { p.Set(testbed.ProxyLoseAnswers) },
	func(p *testbed.Proxy) { p.Set(testbed.ProxyHold) },
	func(p *testbed.Proxy) { p.CutAfter(rand.N(int64(60_000))) },
	func(p *testbed.Proxy) { p.Delay(rand.N(30 * time.Millisecond)) },
	func(*testbed.Proxy) {},
}

// atTheServer are faults of Redis, begun and ended.
var atTheServer = []func(t *testing.T, r *testbed.Redis){
	func(t *testing.T, r *testbed.Redis) { t.Helper(); command(t, r, "FLUSHALL") },
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		command(t, r, "FLUSHALL")
		nap(t, rand.N(20*time.Millisecond))
		command(t, r, "FLUSHALL")
	},
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		command(t, r, "DEL", fmt.Sprintf("test:{%02d}:f", rand.N(tags)))
	},
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		command(t, r, "DEL", "test:{meta}:meta", "test:{meta}:token")
	},
	func(t *testing.T, r *testbed.Redis) { t.Helper(); command(t, r, "SCRIPT", "FLUSH") },
	func(t *testing.T, r *testbed.Redis) { t.Helper(); command(t, r, "CLIENT", "KILL", "TYPE", "normal") },
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		must(t, r.Kill())
		must(t, r.Start(t.Context()))
	},
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		must(t, r.Wipe())
		must(t, r.Start(t.Context()))
	},
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		command(t, r, "REPLICAOF", "127.0.0.1", "1")
		nap(t, rand.N(50*time.Millisecond))
		command(t, r, "REPLICAOF", "NO", "ONE")
	},
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		command(t, r, "CONFIG", "SET", "maxmemory", "1")
		nap(t, rand.N(50*time.Millisecond))
		command(t, r, "CONFIG", "SET", "maxmemory", "0")
	},
	func(t *testing.T, r *testbed.Redis) {
		t.Helper()
		must(t, r.Stall())
		nap(t, rand.N(2*quick.answer))
		must(t, r.Resume())
	},
}

// TestFault_Together lets faults of the network and of Redis meet at random.
func TestFault_Together(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	p := testbed.RunProxy(t, r.Addr)
	a := at{server: Server{Addrs: []string{p.Addr}}, path: t.TempDir(), tune: quick}
	w, m := a.attach(t), newModel()
	w.SetSource(m.source)
	m.fill(t, w, 300)
	for round := range rounds(14, 300) {
		stop := m.traffic(t, w)
		way, server := rand.N(len(onTheWay)), rand.N(len(atTheServer))
		nap(t, rand.N(30*time.Millisecond))
		onTheWay[way](p)
		nap(t, rand.N(30*time.Millisecond))
		atTheServer[server](t, r)
		nap(t, rand.N(30*time.Millisecond))
		if rand.N(2) == 0 {
			atTheServer[rand.N(len(atTheServer))](t, r)
		}
		p.CutAfter(-1)
		p.Delay(0)
		p.Set(testbed.ProxyPass)
		acked := m.acked.Load()
		eventually(t, "changes are taken again", func() bool { return m.acked.Load() > acked+20 })
		stop()
		flush(t, w)
		healthy(t, w)
		m.held(t, w, true)
		if round%5 == 4 {
			shut(t, w)
			w = a.attach(t)
			m.held(t, w, true)
			w.SetSource(m.source)
		}
		if t.Failed() {
			t.Fatalf("round %d: fault %d on the way, %d at the server", round, way, server)
		}
	}
	shut(t, w)
	t.Logf("%d acknowledged, %d refused", m.acked.Load(), m.refused.Load())
}
