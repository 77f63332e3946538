package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// export collects what Export yields, and wants it in order.
func (w *world) export() map[string]map[string]string {
	w.Helper()
	all := map[string]map[string]string{}
	last := ""
	err := w.Export(context.Background(), func(s Saved) error {
		if s.User <= last {
			w.Errorf("%s comes after %s", s.User, last)
		}
		last = s.User
		all[s.User] = readable(s.Docs)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

func readable(docs map[string][]byte) map[string]string {
	out := map[string]string{}
	for name, doc := range docs {
		out[name] = string(doc)
	}
	return out
}

func (m *memory) settings() map[string]map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]map[string]string{}
	for user, docs := range m.docs {
		out[user] = readable(docs)
	}
	return out
}

var exported = []string{alice, bob, boss, `d\27Artagnan@example.org`}

// drawChange is one change a user, a watcher or her server may make.
func drawChange(t *rapid.T, w *world) {
	user := rapid.SampledFrom(exported).Draw(t, "user")
	watcher := rapid.SampledFrom([]string{alice, bob, boss, fred, zed}).Draw(t, "watcher")
	apply := func(c Change) {
		_, _ = w.Apply(context.Background(), Principal{Operator: true}, jid(user), c)
	}
	mirrorDoes := func(k MirrorKind) {
		lang := rapid.SampledFrom([]string{"", "de-AT", "xx"}).Draw(t, "lang")
		a := presence.MustAddr(user)
		spelling := presence.Escape(a.Key()) + "@presence.example.org"
		w.Mirror(Mirror{Kind: k, Presentity: a, Spelling: spelling, Watcher: jid(watcher), Lang: lang})
	}
	changes := map[string]func(){
		"enable":   func() { apply(Enable{}) },
		"disable":  func() { apply(Disable{}) },
		"erase":    func() { apply(Erase{}) },
		"state":    func() { apply(SetState{Availability: 6500, Activity: presence.InAMeeting}) },
		"expiring": func() { apply(SetState{Availability: 9500, Expires: time.Now().Add(time.Hour)}) },
		"clear":    func() { apply(ClearState{}) },
		"note":     func() { apply(SetNote{Text: rapid.SampledFrom([]string{"", "R&D <4>", "é"}).Draw(t, "note")}) },
		"profile": func() {
			apply(SetProfile{Profile{Hours: rapid.SampledFrom([]string{"", "Mo-Fr 09:00-17:00"}).Draw(t, "hours")}})
		},
		"oof":  func() { apply(SetOutOfOffice{Period: &presence.OutOfOffice{Note: "sea"}}) },
		"back": func() { apply(SetOutOfOffice{}) },
		"rule": func() { apply(PutRule{privacy.Rule{Container: 300, Type: privacy.RuleUser, Value: watcher}}) },
		"cell": func() {
			apply(SetCell{Container: 200, Category: rapid.SampledFrom([]string{"location", "state", "shoeSize"}).Draw(t, "cell"), Choice: CellChoice(rapid.IntRange(0, 2).Draw(t, "choice"))})
		},
		"norule":      func() { apply(RemoveRule{privacy.Bootstrap()[rapid.IntRange(0, 2).Draw(t, "rule")]}) },
		"block":       func() { apply(Block{watcher}) },
		"unblock":     func() { apply(Unblock{watcher}) },
		"private":     func() { apply(SetPrivacyMode{rapid.Bool().Draw(t, "on")}) },
		"approve":     func() { apply(Approve{Watcher: presence.MustAddr(watcher)}) },
		"refuse":      func() { apply(Refuse{presence.MustAddr(watcher)}) },
		"revoke":      func() { apply(Revoke{presence.MustAddr(watcher)}) },
		"subscribe":   func() { mirrorDoes(MirrorSubscribe) },
		"unsubscribe": func() { mirrorDoes(MirrorUnsubscribe) },
		"probe":       func() { mirrorDoes(MirrorProbe) },
		"consent":     func() { w.Consent(Consent{Kind: ConsentKind(rapid.IntRange(0, 3).Draw(t, "kind")), User: jid(user)}) },
		"wait":        func() { time.Sleep(time.Duration(rapid.IntRange(1, 4000).Draw(t, "s")) * time.Second) },
		"full disk": func() {
			w.store.mu.Lock()
			defer w.store.mu.Unlock()
			if w.store.fail = nil; rapid.IntRange(0, 3).Draw(t, "full") == 0 {
				w.store.fail = ErrRefused
			}
		},
	}
	changes[rapid.SampledFrom(slices.Sorted(maps.Keys(changes))).Draw(t, "change")]()
	synctest.Wait()
}

// bubble runs f for one drawn case in a bubble of its own.
func bubble(t *testing.T, f func(t *testing.T, r *rapid.T)) {
	rapid.Check(t, func(r *rapid.T) {
		var failed any
		synctest.Test(t, func(t *testing.T) {
			defer func() { failed = recover() }() // rapid ends a case by panicking
			f(t, r)
		})
		switch {
		case failed == nil:
		case fmt.Sprintf("%T", failed) == "rapid.invalidData":
			panic(failed) // nothing left to draw from: rapid tells this by where it comes from
		default:
			panic(failed)
		}
	})
}

func TestExport_IsWhatTheStoreGot(t *testing.T) {
	bubble(t, func(t *testing.T, r *rapid.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.host.Consent = rapid.Bool().Draw(r, "asks for consent")
		w.attach()
		for range rapid.IntRange(1, 40).Draw(r, "changes") {
			drawChange(r, w)
		}
		want := w.store.settings()
		for user, docs := range want {
			if docs[DocEnrol] == "" { // a request to somebody who never enrolled, or was erased: a load drops it
				delete(want, user)
			}
		}
		if diff := cmp.Diff(want, w.export()); diff != "" {
			r.Fatalf("stored and exported differ (-stored +exported):\n%s", diff)
		}
		for user := range want {
			one, err := w.ExportUser(context.Background(), presence.MustAddr(user))
			if err != nil || one.User != user || !maps.Equal(readable(one.Docs), want[user]) {
				r.Fatalf("%s alone: %v, %v", user, readable(one.Docs), err)
			}
		}
	})
}

// TestExport_IsAcknowledged: a write on its way, and one that is refused, are
// not exported.
func TestExport_IsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowStore{memory: newMemory()}
		w := build(t, slow.memory)
		defer w.Stop(context.Background())
		w.attach()
		w.apply(alice, Enable{})
		w.apply(alice, SetNote{Text: "old"})
		w.opt.Store = slow
		done := make(chan error, 1)
		go func() {
			_, err := w.Apply(context.Background(), Principal{Operator: true}, jid(alice), SetNote{Text: "new"})
			done <- err
		}()
		synctest.Wait()
		if got := w.export()[alice][DocNote]; got != `{"v":1,"text":"old"}` {
			t.Errorf("before it is acknowledged: %s", got)
		}
		slow.answer(nil)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := w.export()[alice][DocNote]; got != `{"v":1,"text":"new"}` {
			t.Errorf("after: %s", got)
		}
	})
}

// slowStore holds one write until it is answered.
type slowStore struct {
	*memory
	answer func(error)
}

func (s *slowStore) Save(w Write, done func(error)) {
	s.answer = func(err error) {
		if err != nil {
			done(err)
			return
		}
		s.memory.Save(w, done)
	}
}

func TestExport_HasTheDevicesAndEndsOnAnError(t *testing.T) {
	live(t, func(w *world) {
		w.apply(bob, Enable{})
		w.device(alice+"/desk", Device{Status: "here"})
		synctest.Wait()
		one, err := w.ExportUser(context.Background(), presence.MustAddr(alice))
		if err != nil {
			t.Fatal(err)
		}
		var back user
		back.restorePresence(one.Presence)
		if rs := back.person.Inputs.Resources; len(rs) != 1 || rs[0].Name != "desk" || rs[0].Status != "here" {
			t.Errorf("devices %+v", rs)
		}
		stop := errors.New("enough")
		calls := 0
		if err := w.Export(context.Background(), func(Saved) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
			t.Errorf("%d calls, then %v", calls, err)
		}
		_, err = w.ExportUser(context.Background(), presence.MustAddr(zed))
		if k, _ := KindOf(err); k != NotFound {
			t.Errorf("of a stranger: %v", err)
		}
	})
}

func TestExport_EndsWithTheEngineAndTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		w.Stop(context.Background())
		err := w.Export(context.Background(), func(Saved) error { return nil })
		if k, ok := KindOf(err); !ok || k != Unavailable {
			t.Errorf("after the stop: %v", err)
		}
		late, cancel := context.WithCancel(context.Background())
		cancel()
		w.stopped = nil // as if it had never been started
		if err := w.Export(late, func(Saved) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that ended: %v", err)
		}
	})
}

// BenchmarkExport renders users with rules of their own, a note and watchers.
func BenchmarkExport(b *testing.B) {
	for _, watchers := range []int{0, 2, 20} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) { benchmarkExport(b, watchers) })
	}
}

func benchmarkExport(b *testing.B, watchers int) {
	const users = 10_000
	e, err := New(Options{
		Domain: "presence.example.org", Hosts: []string{"example.org"}, Language: "en", Liveness: time.Minute,
		Store: newMemory(), Sender: &quietSender{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}, testRules(b))
	if err != nil {
		b.Fatal(err)
	}
	for i := range users {
		a := presence.MustAddr(fmt.Sprintf("user%d@example.org", i))
		u := e.shardOf(a).newUser(a, a.String())
		u.set.enrol = enrolDoc{V: docVersion, JID: a.String(), Enabled: true}
		u.set.rules = &rulesDoc{V: docVersion, Rules: append(privacy.Bootstrap(), privacy.Rule{Container: 300, Type: privacy.RuleUser, Value: boss})}
		u.set.choose(func(c *choices) { c.note = "Room 412" })
		for j := range watchers {
			w := fmt.Sprintf("w%d@example.org", j)
			u.set.subs.Put(presence.MustAddr(w), roster.Entry{Bare: w, Spelling: mirror, Standing: roster.Accepted, Lang: "en"})
		}
	}
	e.Start()
	defer e.Stop(context.Background())
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := e.Export(context.Background(), func(Saved) error { n++; return nil }); err != nil || n != users {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/users, "ns/user")
}
