//go:build integration

package acceptance

import (
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// onDeployed plays the scene on a Redis that is deployed as url says.
func onDeployed(t *testing.T, url string, env ...string) (s *stage, before int) {
	t.Helper()
	s = script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.store = map[string]any{"redis": url}
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Config: s.settings(partner), Env: env})
	return s, s.play()
}

// TestRedis_OverTLS: an authority the machine trusts is believed, any other is not,
// and the refusal says what to do.
func TestRedis_OverTLS(t *testing.T) {
	t.Parallel()
	r := testbed.RunRedis(t, testbed.RedisOptions{TLS: true})
	s, before := onDeployed(t, r.URL, "SSL_CERT_FILE="+r.CAFile())
	s.redis = r
	s.must(r.Kill())
	s.refuses("alice", "note", "text", "lost")
	s.away(before)
	s.must(r.Start(t.Context()))
	s.back(before)
	s.must(s.d.Stop())

	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Dir: s.d.Dir, Config: s.settings(partner), NoWait: true})
	s.readyz("unready", "settings", converge)
	s.says("its certificate is not trusted", converge)
	s.must(s.d.Stop())

	s.store = map[string]any{"redis": strings.Replace(r.URL, "rediss://", "redis://", 1)}
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Dir: s.d.Dir, Config: s.settings(partner), NoWait: true})
	s.says("rediss://", converge)
}

// TestRedis_FailsOver: the master behind the Sentinels dies for good; they ask for
// the password too.
func TestRedis_FailsOver(t *testing.T) {
	t.Parallel()
	r := testbed.RunRedisSentinel(t, "secret")
	s, before := onDeployed(t, "redis+sentinel://:secret@"+r.Sentinel.Addr+"/"+testbed.SentinelMaster+"/0")
	s.must(r.Data[0].Kill())
	s.refuses("alice", "note", "text", "lost")
	s.readyz("degraded", "store", converge)
	s.changeTruth()
	s.truth(before)
	s.back(before)
}

// TestRedis_ClusterLosesANode: with one node away nothing can be stored for some;
// presence goes on for everybody, and what the node lost comes back.
func TestRedis_ClusterLosesANode(t *testing.T) {
	t.Parallel()
	c := testbed.RunRedisCluster(t)
	s, before := onDeployed(t, "redis+cluster://"+strings.Join(c.Addrs(), ","))
	s.must(c.Nodes[1].Wipe())
	s.readyz("degraded", "store", converge)
	s.changeTruth()
	s.truth(before)
	s.must(c.Nodes[1].Start(t.Context()))
	s.back(before)
}
