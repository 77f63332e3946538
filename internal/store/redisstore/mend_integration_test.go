//go:build integration

package redisstore

import (
	"testing"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// TestMend_PresenceWithoutSettings: a tag that never saw settings may hold presence.
func TestMend_PresenceWithoutSettings(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	w, m := at{server: alone(r), path: t.TempDir(), tune: quick}.attach(t), newModel()
	defer func() { shut(t, w) }()
	w.SetSource(m.source)
	m.show(w, "a@x", "1")
	flush(t, w)
	command(t, r, "FLUSHALL")
	m.held(t, w, true)
}

// TestMend_WithoutDaemonAndCopyNothingIsRemoved: what nobody can write again stays.
func TestMend_WithoutDaemonAndCopyNothingIsRemoved(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	a := at{server: alone(r), path: t.TempDir(), tune: quick, alone: true}
	w, m := a.attach(t), newModel()
	m.fill(t, w, 300)
	command(t, r, "DEL", "test:{00}:f")
	eventually(t, "it is noticed", func() bool { return w.Healthy() != nil })
	users := command(t, r, "KEYS", "test:{00}:u:*")
	nap(t, 10*quick.probeEvery)
	if now := command(t, r, "KEYS", "test:{00}:u:*"); now != users || now == "*0" {
		t.Errorf("Redis held %s users of the tag and now %s", users, now)
	}
	w.SetSource(m.source)
	healthy(t, w)
	m.held(t, w, true)
	shut(t, w)
}

// TestClose_TakesBackWhatWasRefused closes before the next look at Redis.
func TestClose_TakesBackWhatWasRefused(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	p := testbed.RunProxy(t, r.Addr)
	tn := quick
	tn.probeEvery = defaults.lease
	tn.renewEvery = defaults.lease
	a := at{server: Server{Addrs: []string{p.Addr}}, path: t.TempDir(), tune: tn}
	w, m := a.attach(t), newModel()
	m.fill(t, w, 20)
	eventually(t, "the copy is complete", func() bool { return !w.safety.behind() })
	p.Set(testbed.ProxyLoseAnswers)
	if err := <-m.save(t, w, engine.Write{User: "base1@x", Erase: true}); err == nil {
		t.Fatal("a write was acknowledged whose answer was lost")
	}
	p.Set(testbed.ProxyPass)
	shut(t, w)
	w = a.attach(t)
	m.held(t, w, false)
	shut(t, w)
}

// TestSave_ManyDocuments: Lua hands on no more than 8000 arguments at once.
func TestSave_ManyDocuments(t *testing.T) {
	r := testbed.RunRedis(t, testbed.RedisOptions{})
	w, m := at{server: alone(r), path: t.TempDir(), tune: quick}.attach(t), newModel()
	defer func() { shut(t, w) }()
	all := engine.Write{User: "a@x", Docs: map[string][]byte{}}
	none := engine.Write{User: "a@x", Docs: map[string][]byte{"left": []byte("1")}}
	for i := range 20_000 {
		name := string(rune('a'+i%26)) + string(rune(i+1000))
		all.Docs[name], none.Docs[name] = []byte(name), nil
	}
	must(t, <-m.save(t, w, all))
	m.held(t, w, true)
	must(t, <-m.save(t, w, none))
	m.held(t, w, true)
	must(t, w.Healthy())
}
