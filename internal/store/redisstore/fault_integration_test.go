//go:build integration

package redisstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// bench is one Redis behind a proxy.
type rig struct {
	*testbed.Redis
	proxy *testbed.Proxy
}

// faults are what may happen to Redis under load.
var faults = []struct {
	name  string
	args  []string
	begin func(t *testing.T, r rig)
	end   func(t *testing.T, r rig)
	says  string // what Healthy must say meanwhile; empty: it may go unnoticed
}{
	{
		name: "killed", says: "; start it",
		begin: func(t *testing.T, r rig) { must(t, r.Kill()) },
		end:   func(t *testing.T, r rig) { must(t, r.Start(t.Context())) },
	},
	{
		name: "connections reset", says: "; start it",
		begin: func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyReset) },
		end:   func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyPass) },
	},
	{
		name: "stalled", says: "; look whether it is stopped",
		begin: func(t *testing.T, r rig) { must(t, r.Stall()) },
		end:   func(t *testing.T, r rig) { must(t, r.Resume()) },
	},
	{
		name: "requests held and delivered later", says: "; look whether it is stopped",
		begin: func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyHold) },
		end:   func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyPass) },
	},
	{
		name: "answers swallowed", says: "; start it",
		begin: func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyLoseAnswers) },
		end:   func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyPass) },
	},
	{
		name: "answers missing", says: "; look whether it is stopped",
		begin: func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyMute) },
		end:   func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyPass); r.proxy.Cut() },
	},
	{
		name: "connections cut", says: "",
		begin: func(t *testing.T, r rig) {
			for range 20 {
				r.proxy.Cut()
				nap(t, 10*time.Millisecond)
			}
		},
	},
	{
		name: "read-only", says: "; it is a replica",
		begin: func(t *testing.T, r rig) { command(t, r.Redis, "REPLICAOF", "127.0.0.1", "1") },
		end:   func(t *testing.T, r rig) { command(t, r.Redis, "REPLICAOF", "NO", "ONE") },
	},
	{
		name: "out of memory", says: "; raise maxmemory",
		begin: func(t *testing.T, r rig) { command(t, r.Redis, "CONFIG", "SET", "maxmemory", "1") },
		end:   func(t *testing.T, r rig) { command(t, r.Redis, "CONFIG", "SET", "maxmemory", "0") },
	},
	{
		name: "disk refuses", says: "; Redis cannot write to its disk",
		begin: func(t *testing.T, r rig) {
			must(t, os.Mkdir(filepath.Join(r.Dir, "dump.rdb"), 0o700))
			command(t, r.Redis, "CONFIG", "SET", "save", `"3600 1"`)
			command(t, r.Redis, "BGSAVE")
		},
		end: func(t *testing.T, r rig) {
			must(t, os.Remove(filepath.Join(r.Dir, "dump.rdb")))
			command(t, r.Redis, "BGSAVE")
		},
	},
	{
		// While it loads, Redis answers once every 1024 commands.
		name: "loading", args: []string{"--key-load-delay", "50"},
		says: "; wait until Redis has loaded",
		begin: func(t *testing.T, r rig) {
			command(t, r.Redis, "EVAL", `"for i = 1, 20000 do redis.call('SET', 'filler' .. i, i) end return 1"`, "0")
			must(t, r.Kill())
			go func() { _ = r.Start(t.Context()) }()
		},
		end: func(t *testing.T, r rig) { must(t, r.Start(t.Context())) },
	},
	{
		name: "not permitted", says: "; allow this user",
		begin: func(t *testing.T, r rig) { command(t, r.Redis, "ACL", "SETUSER", "default", "-evalsha") },
		end:   func(t *testing.T, r rig) { command(t, r.Redis, "ACL", "SETUSER", "default", "+evalsha") },
	},
	{
		name:  "scripts forgotten",
		begin: func(t *testing.T, r rig) { command(t, r.Redis, "SCRIPT", "FLUSH") },
	},
	{
		name: "emptied again and again",
		begin: func(t *testing.T, r rig) {
			for range 12 {
				command(t, r.Redis, "FLUSHALL")
				nap(t, 40*time.Millisecond)
			}
		},
	},
	{
		name:  "restarted without its data",
		begin: func(t *testing.T, r rig) { must(t, r.Wipe()) },
		end:   func(t *testing.T, r rig) { must(t, r.Start(t.Context())) },
		says:  "; start it",
	},
	{
		name: "emptied while answers are swallowed", says: "; start it",
		begin: func(t *testing.T, r rig) {
			command(t, r.Redis, "FLUSHALL")
			r.proxy.Set(testbed.ProxyLoseAnswers)
		},
		end: func(_ *testing.T, r rig) { r.proxy.Set(testbed.ProxyPass) },
	},
	{
		name:  "meta evicted",
		begin: func(t *testing.T, r rig) { command(t, r.Redis, "DEL", "test:{meta}:meta") },
	},
	{
		name: "foreign keys in the place of ours", says: "WRONGTYPE",
		begin: func(t *testing.T, r rig) {
			for _, key := range foreignKeys() {
				command(t, r.Redis, "SET", key, "foreign")
			}
		},
		end: func(t *testing.T, r rig) {
			eventually(t, "they are ours again", func() bool {
				for _, key := range foreignKeys() {
					if command(t, r.Redis, "TYPE", key) == "+string" {
						return false
					}
				}
				return true
			})
		},
	},
	{
		name:  "one fence evicted",
		begin: func(t *testing.T, r rig) { command(t, r.Redis, "DEL", "test:{07}:f") },
	},
	{
		name:  "token and lease evicted",
		begin: func(t *testing.T, r rig) { command(t, r.Redis, "DEL", "test:{meta}:token", "test:{meta}:lease") },
	},
}

// foreignKeys are some that the load writes to.
func foreignKeys() (keys []string) {
	user := "shown3.3@x"
	keys = append(keys, newLayout("test:").presence[tagOf(user)])
	for w := range 12 {
		user := fmt.Sprintf("w%d.3@x", w)
		keys = append(keys, newLayout("test:").userKey(tagOf(user), user))
	}
	return keys
}

// TestFault_UnderLoad: whatever happens to Redis under load, what was acknowledged
// is there afterwards and what was refused is not; now and after a restart.
func TestFault_UnderLoad(t *testing.T) {
	for _, f := range faults {
		for _, source := range []bool{true, false} {
			name := f.name + ", mended from the copy"
			if source {
				name = f.name + ", mended from the daemon"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := rig{Redis: testbed.RunRedis(t, testbed.RedisOptions{Args: f.args})}
				r.proxy = testbed.RunProxy(t, r.Addr)
				a := at{server: Server{Addrs: []string{r.proxy.Addr}}, path: t.TempDir(), tune: quick}
				w, m := a.attach(t), newModel()
				if source {
					w.SetSource(m.source)
				}
				m.fill(t, w, 300)
				eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
				stop := m.traffic(t, w)
				defer stop()
				nap(t, 50*time.Millisecond)
				f.begin(t, r)
				if f.says != "" {
					eventually(t, "Healthy says "+f.says, func() bool {
						err := w.Healthy()
						return err != nil && strings.Contains(err.Error(), f.says)
					})
				}
				nap(t, 50*time.Millisecond)
				if f.end != nil {
					f.end(t, r)
				}
				healthy(t, w)
				m.goesOn(t)
				stop()
				m.survives(t, a, w, source)
			})
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// nap lets the load go on for a moment.
func nap(t *testing.T, d time.Duration) {
	t.Helper()
	_ = pause(t.Context(), d)
}
