//go:build integration

package redisstore

import (
	"fmt"
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// TestForeign_NamesTheKey: a key of ours that somebody made something else is named
// while it is there; once it is deleted all goes on by itself.
func TestForeign_NamesTheKey(t *testing.T) {
	for _, key := range []string{"{meta}:lease", "{meta}:token", "{meta}:meta", "{03}:f"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			r := testbed.RunRedis(t, testbed.RedisOptions{})
			a := at{server: alone(r), path: t.TempDir(), tune: quick}
			w, m := a.attach(t), newModel()
			w.SetSource(m.source)
			m.fill(t, w, 100)
			says := "test:" + key + " is not presenced's"
			command(t, r, "DEL", "test:"+key)
			command(t, r, "RPUSH", "test:"+key, "foreign")
			eventually(t, "Healthy says "+says, func() bool {
				err := w.Healthy()
				return err != nil && strings.Contains(err.Error(), says)
			})
			command(t, r, "DEL", "test:"+key)
			healthy(t, w)
			m.held(t, w, true)
			m.fillAgain(t, w)
			eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
			shut(t, w)
			command(t, r, "DEL", "test:"+key)
			command(t, r, "RPUSH", "test:"+key, "foreign")
			if w, err := a.tryAttach(t); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("Attach: %v\nwant it to say %q", err, says)
				shut(t, w)
			}
			command(t, r, "DEL", "test:"+key)
			w = a.attach(t)
			m.held(t, w, false)
			shut(t, w)
		})
	}
}

// TestForeign_Token: what is no token counts as none.
func TestForeign_Token(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	a := at{server: alone(r), path: t.TempDir(), tune: quick}
	w, m := a.attach(t), newModel()
	w.SetSource(m.source)
	m.fill(t, w, 100)
	command(t, r, "SET", "test:{meta}:token", "foreign")
	eventually(t, "the token is one again", func() bool { return command(t, r, "GET", "test:{meta}:token") != "foreign" })
	healthy(t, w)
	m.held(t, w, true)
	shut(t, w)
	command(t, r, "SET", "test:{meta}:token", "foreign")
	w = a.attach(t)
	m.held(t, w, true)
	shut(t, w)
}

// TestForeign_AtTheStart: what stands in the place of presence is worth nothing, and
// what stands in the place of a user is not taken for one without settings.
func TestForeign_AtTheStart(t *testing.T) {
	z := newLayout("test:").userKey(tagOf("z@y"), "z@y")
	for _, key := range []string{"test:{03}:p", z} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			r := testbed.RunRedis(t, testbed.RedisOptions{})
			a := at{server: alone(r), path: t.TempDir(), tune: quick}
			w, m := a.attach(t), newModel()
			m.fill(t, w, 200)
			eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
			shut(t, w)
			command(t, r, "DEL", key)
			command(t, r, "RPUSH", key, "foreign")
			w = a.attach(t)
			m.held(t, w, false)
			w.SetSource(m.source)
			must(t, <-m.save(t, w, engine.Write{User: "z@y", Docs: map[string][]byte{"note": []byte("1")}}))
			for user := range m.presence {
				m.show(w, user, "anew")
			}
			flush(t, w)
			healthy(t, w)
			m.held(t, w, true)
			shut(t, w)
		})
	}
	t.Run("without a copy", func(t *testing.T) {
		r := testbed.RunRedis(t, testbed.RedisOptions{})
		a := at{server: alone(r), path: t.TempDir(), tune: quick, alone: true}
		w := a.attach(t)
		command(t, r, "SET", z, "foreign")
		err := w.Load(t.Context(), func(engine.Saved) error { return nil })
		if says := strings.TrimSuffix(z, "z@y") + "*"; err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Load: %v\nwant it to say %q", err, says)
		}
		shut(t, w)
	})
}

// TestForeign_HoldsUpNoOtherTag: what cannot be copied of one tag is no reason to
// copy nothing of the others.
func TestForeign_HoldsUpNoOtherTag(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	w, m := at{server: alone(r), path: t.TempDir(), tune: quick}.attach(t), newModel()
	m.fill(t, w, 300)
	eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
	i := 0
	for tagOf(fmt.Sprintf("z%d@y", i)) != 0 {
		i++
	}
	command(t, r, "SET", w.keys.userKey(0, fmt.Sprintf("z%d@y", i)), "foreign")
	for tag := range tags {
		w.safety.markPending(tag)
	}
	eventually(t, "the other tags are copied", func() bool {
		for tag := 1; tag < tags; tag++ {
			if w.safety.stale[tag].Load() {
				return false
			}
		}
		return true
	})
	w.SetSource(m.source)
	eventually(t, "the copy is complete again", func() bool { return !w.safety.behind() })
	healthy(t, w)
	m.held(t, w, true)
	shut(t, w)
}

// TestCluster_FullNodeIsToldUntilItIsNot: presence that one node of several does not
// take is a fault that lasts; a look at the other nodes does not end it.
func TestCluster_FullNodeIsToldUntilItIsNot(t *testing.T) {
	c := testbed.RunRedisCluster(t)
	w, m := at{server: Server{Kind: Cluster, Addrs: c.Addrs()}, path: t.TempDir(), tune: quick}.attach(t), newModel()
	m.fill(t, w, 300)
	_, meta := slotOf(t, c, w.keys.meta)
	full := (meta + 1) % len(c.Nodes)
	command(t, c.Nodes[full], "CONFIG", "SET", "maxmemory", "1")
	for user := range m.presence {
		m.show(w, user, "anew")
	}
	eventually(t, "the fault is told", func() bool { return w.Healthy() != nil })
	for range 20 {
		nap(t, quick.probeEvery)
		if w.Healthy() == nil {
			t.Fatal("the node is full, and the store calls itself healthy")
		}
	}
	command(t, c.Nodes[full], "CONFIG", "SET", "maxmemory", "0")
	healthy(t, w)
	flush(t, w)
	m.held(t, w, true)
	shut(t, w)
}
