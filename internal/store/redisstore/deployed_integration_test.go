//go:build integration

package redisstore

import (
	"fmt"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// TestSentinel_FailoverUnderLoad kills the master; what its replica had not got yet
// is written again.
func TestSentinel_FailoverUnderLoad(t *testing.T) {
	for _, source := range []bool{true, false} {
		t.Run(fmt.Sprintf("daemon=%t", source), func(t *testing.T) {
			t.Parallel()
			s := testbed.RunRedisSentinel(t, "")
			tn := quick
			tn.lease = 4 * time.Second
			a := at{
				server: Server{Kind: Sentinel, Addrs: []string{s.Sentinel.Addr}, Master: testbed.SentinelMaster},
				path:   t.TempDir(), tune: tn,
			}
			w, m := a.attach(t), newModel()
			if source {
				w.SetSource(m.source)
			}
			m.fill(t, w, 200)
			eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
			stop := m.traffic(t, w)
			defer stop()
			nap(t, 100*time.Millisecond)
			// Cut the replication a moment before, so that the replica is behind.
			command(t, s.Data[0], "CLIENT", "PAUSE", "1", "WRITE")
			command(t, s.Data[0], "CLIENT", "KILL", "TYPE", "replica")
			must(t, s.Data[0].Kill())
			eventually(t, "the fault is told", func() bool { return w.Healthy() != nil })
			healthy(t, w)
			m.goesOn(t)
			must(t, s.Data[0].Start(t.Context())) // as a master that does not know yet
			nap(t, 200*time.Millisecond)
			stop()
			m.survives(t, a, w, source)
		})
	}
}

// slotOf asks the cluster.
func slotOf(t *testing.T, c *testbed.RedisCluster, key string) (slot, node int) {
	t.Helper()
	if _, err := fmt.Sscanf(command(t, c.Nodes[0], "CLUSTER", "KEYSLOT", key), ":%d", &slot); err != nil {
		t.Fatal(err)
	}
	for node := range c.Nodes {
		if slot < 16384*(node+1)/len(c.Nodes) {
			return slot, node
		}
	}
	return slot, 0
}

// TestCluster_SlotsMoveUnderLoad moves slots key by key while others save and load.
func TestCluster_SlotsMoveUnderLoad(t *testing.T) {
	c := testbed.RunRedisCluster(t)
	a := at{server: Server{Kind: Cluster, Addrs: c.Addrs()}, path: t.TempDir(), tune: quick}
	w, m := a.attach(t), newModel()
	w.SetSource(m.source)
	m.fill(t, w, 600)
	stop := m.traffic(t, w)
	defer stop()
	for tag := range 3 {
		slot, from := slotOf(t, c, w.keys.fence[tag])
		loads := 0
		must(t, c.MoveSlot(t.Context(), slot, from, (from+1+tag%2)%3, func() {
			nap(t, 3*time.Millisecond)
			if loads++; loads%10 == 5 {
				baseUsers(t, w.Store, 600)
			}
		}))
	}
	healthy(t, w)
	m.goesOn(t)
	stop()
	m.survives(t, a, w, true)
}

// baseUsers wants a Load that works to name all users that were there all the time.
func baseUsers(t *testing.T, s *Store, want int) {
	t.Helper()
	n := 0
	err := s.Load(t.Context(), func(saved engine.Saved) error {
		if string(saved.Docs["rules"]) == saved.User {
			n++
		}
		return nil
	})
	if err == nil && n != want {
		t.Errorf("a load while a slot moved gave %d users, want %d", n, want)
	}
}

// TestCluster_NodeDownUnderLoad: a cluster serves the rest; users of the node's tags
// are refused and told why.
func TestCluster_NodeDownUnderLoad(t *testing.T) {
	c := testbed.RunRedisCluster(t)
	a := at{server: Server{Kind: Cluster, Addrs: c.Addrs()}, path: t.TempDir(), tune: quick}
	w, m := a.attach(t), newModel()
	w.SetSource(m.source)
	m.fill(t, w, 200)
	stop := m.traffic(t, w)
	defer stop()
	must(t, c.Nodes[1].Wipe())
	eventually(t, "the fault is told", func() bool { return w.Healthy() != nil })
	must(t, c.Nodes[1].Start(t.Context()))
	healthy(t, w)
	stop()
	flush(t, w)
	m.held(t, w, true)
	shut(t, w)
}
