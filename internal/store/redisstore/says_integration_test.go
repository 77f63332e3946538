//go:build integration

package redisstore

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// TestAttach_SaysWhatToDo: an address, a login or a right that is wrong is told in
// one sentence that ends with the remedy, to the daemon and to "presenced check".
func TestAttach_SaysWhatToDo(t *testing.T) {
	single := testbed.RunRedis(t, testbed.RedisOptions{})
	locked := testbed.RunRedis(t, testbed.RedisOptions{})
	secure := testbed.RunRedis(t, testbed.RedisOptions{TLS: true})
	cluster := testbed.RunRedisCluster(t)
	sentinel := testbed.RunRedisSentinel(t, "")
	command(t, locked, "ACL", "SETUSER", "reader", "on", ">pw", "~test:*", "+@read", "+@connection")
	command(t, locked, "ACL", "SETUSER", "elsewhere", "on", ">pw", "~other:*", "+@all")
	command(t, locked, "CONFIG", "SET", "requirepass", "pw")
	tests := []struct {
		name   string
		server Server
		says   string
	}{
		{"no password", alone(locked), "put the password into store.redis"},
		{"wrong password", Server{Addrs: []string{locked.Addr}, Password: "x"}, "correct user name and password"},
		{"unknown user", Server{Addrs: []string{locked.Addr}, Username: "nobody", Password: "pw"}, "correct user name and password"},
		{"a user who may only read", Server{Addrs: []string{locked.Addr}, Username: "reader", Password: "pw"}, "allow this user"},
		{"a user of other keys", Server{Addrs: []string{locked.Addr}, Username: "elsewhere", Password: "pw"}, "allow this user"},
		{"no such database", Server{Addrs: []string{single.Addr}, DB: 99}, "correct store.redis"},
		{"TLS with one that has none", Server{Addrs: []string{single.Addr}, TLS: true}, "whether it speaks TLS"},
		{"no TLS with one that wants it", alone(secure), "rediss:// if it speaks TLS"},
		{"an authority nobody trusts", Server{Addrs: []string{secure.Addr}, TLS: true}, "its certificate is not trusted"},
		{"a cluster that is none", Server{Kind: Cluster, Addrs: []string{single.Addr}}, "redis://"},
		{"a node of a cluster", alone(cluster.Nodes[2]), "redis+cluster://"},
		{"a Sentinel that is none", Server{Kind: Sentinel, Addrs: []string{single.Addr}, Master: "mymaster"}, "redis+sentinel:// names Sentinels"},
		{"a Sentinel as a server", alone(sentinel.Sentinel), "redis+sentinel:// names Sentinels"},
		{"a master nobody knows", Server{Kind: Sentinel, Addrs: []string{sentinel.Sentinel.Addr}, Master: "other"}, `no master called "other"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := at{server: tt.server, path: t.TempDir(), tune: quick}
			w, err := a.tryAttach(t)
			if err == nil {
				shut(t, w)
				t.Fatal("it was taken")
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Attach: %v\nwant it to say %q", err, tt.says)
			}
		})
	}
}

// TestSentinel_WithPassword: Sentinels that demand the password are told it, those
// that demand none are content with it.
func TestSentinel_WithPassword(t *testing.T) {
	for _, password := range []string{"secret", ""} {
		s := testbed.RunRedisSentinel(t, password)
		a := at{path: t.TempDir(), tune: quick, server: Server{
			Kind: Sentinel, Addrs: []string{s.Sentinel.Addr}, Master: testbed.SentinelMaster, Password: "secret",
		}}
		w, m := a.attach(t), newModel()
		m.fill(t, w, 10)
		m.held(t, w, true)
		shut(t, w)
	}
}

// TestAttach_RightsOfTheManual: the smaller of the two sets of rights docs/redis.md
// names is enough for all the store does, on every kind of deployment.
func TestAttach_RightsOfTheManual(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "redis.md"))
	must(t, err)
	found := regexp.MustCompile("at least\\s`([^`]*)`").FindSubmatch(text)
	if found == nil {
		t.Fatal("the manual names no rights")
	}
	rights := append([]string{"ACL", "SETUSER", "presenced", "on", ">pw", "~test:*"}, strings.Fields(string(found[1]))...)
	single := testbed.RunRedis(t, testbed.RedisOptions{})
	cluster := testbed.RunRedisCluster(t)
	for _, r := range append(cluster.Nodes[:], single) {
		command(t, r, rights...)
	}
	for name, server := range map[string]Server{
		"single":  {Addrs: []string{single.Addr}, DB: 1},
		"cluster": {Kind: Cluster, Addrs: cluster.Addrs()[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			server.Username, server.Password = "presenced", "pw"
			a := at{server: server, path: t.TempDir(), tune: quick}
			w, m := a.attach(t), newModel()
			w.SetSource(m.source)
			m.fill(t, w, 200)
			for _, r := range append(cluster.Nodes[:], single) {
				command(t, r, "FLUSHALL")
				command(t, r, "SCRIPT", "FLUSH")
			}
			m.held(t, w, true)
			must(t, w.backup(t.Context(), "rights.bak"))
			if _, err := Inspect(context.Background(), server, "test:"); err != nil {
				t.Error(err)
			}
			shut(t, w)
		})
	}
}
