package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/presence"
	"presenced/privacy"
)

func TestGrants_HoldAfterARestartAndErasure(t *testing.T) {
	store := newMemory()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, store)
		r := policies(t, map[string]func(*privacy.Operator){"strict": narrow})
		r.Groups = func(presence.Addr) []string { return []string{"Staff"} }
		w.Reload(r)
		w.attach()
		w.apply(alice, Enable{})
		w.apply(bob, Enable{})
		w.grant("strict", "Alice@Example.ORG", "", true)
		w.grant("strict", "nobody@example.org", "", true)
		w.grant("strict", "", "Staff", true)
		w.apply(alice, Erase{})
		w.apply(alice, Enable{})
		if got := w.held(alice); got != "strict grant-user" {
			t.Errorf("she erased herself and %q holds", got)
		}
		w.Stop(context.Background())
	})
	synctest.Test(t, func(t *testing.T) {
		w := build(t, store)
		defer w.Stop(context.Background())
		// build's rules declare no policy: nothing is shown of what it would govern.
		in, err := w.Inspect(context.Background(), root, presence.MustAddr(alice))
		want := &privacy.HeldPolicy{Name: "strict", Source: privacy.GrantedToUser, Undeclared: true}
		if d := cmp.Diff(want, in.Policy); err != nil || d != "" {
			t.Errorf("%v: -want +got:\n%s", err, d)
		}
		w.attach()
		w.device(alice+"/desk", Device{Status: "see http://x.example"})
		synctest.Wait()
		if v := w.ofUser(alice); shownText(&v) != "" || v.Availability != presence.Available {
			t.Errorf("by a policy nobody declares bob sees %+v", v)
		}
		list, err := w.Policies(context.Background(), root)
		line := PolicyLine{Name: "strict", Users: []string{}, Groups: []string{}, GrantedUsers: []string{alice, "nobody@example.org"}, GrantedGroups: []string{"Staff"}}
		if d := cmp.Diff(PolicyList{Policies: []PolicyLine{line}}, list); err != nil || d != "" {
			t.Errorf("%v: -want +got:\n%s", err, d)
		}
		w.grant("strict", alice, "", false)
		if got := w.held(alice); got != "" {
			t.Errorf("%q holds after it was revoked", got)
		}
	})
}

func TestGrants_AreExportedAsTheStoreHoldsThem(t *testing.T) {
	live(t, func(w *world) {
		w.Reload(policies(t, map[string]func(*privacy.Operator){"a": narrow, "b": narrow}))
		w.grant("b", alice, "", true)
		w.grant("a", alice, "", true)
		w.grant("a", "", "R&D / EU", true)
		w.grant("a", "gone@example.org", "", true)
		w.grant("a", "gone@example.org", "", false)
		got := map[string]map[string][]byte{}
		if res := w.grant("a", alice, "", true); !slices.Equal(res.Advice, []Advice{AdviceNothing}) {
			t.Errorf("advice %q, want that nothing had to be changed", res.Advice)
		}
		if err := w.Export(context.Background(), func(s Saved) error {
			if Reserved(s.User) {
				got[s.User] = s.Docs
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := map[string]map[string][]byte{}
		for user, docs := range w.store.docs {
			if Reserved(user) && len(docs) > 0 {
				want[user] = docs
			}
		}
		if d := cmp.Diff(want, got); d != "" || len(got) != 2 {
			t.Errorf("-stored +exported:\n%s", d)
		}
		broken := errors.New("enough")
		if err := w.Export(context.Background(), func(Saved) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("an error of the callee: %v", err)
		}
	})
}

func TestGrants_WhatIsRefusedChangesNothing(t *testing.T) {
	live(t, func(w *world) {
		w.Reload(policies(t, map[string]func(*privacy.Operator){"sales": narrow, "board": narrow}))
		refused := func(who Principal, g PolicyGrant, on bool, kind ErrorKind, text string) {
			t.Helper()
			_, err := w.GrantPolicy(context.Background(), who, g, on)
			if k, ok := KindOf(err); !ok || k != kind || !strings.Contains(err.Error(), text) {
				t.Errorf("%+v: %v, want a refusal with %q", g, err, text)
			}
		}
		a := jid(alice)
		refused(Principal{Addr: a.Addr}, PolicyGrant{Policy: "sales", User: a}, true, NotAllowed, "only the operator")
		refused(root, PolicyGrant{Policy: "slaes", User: a}, true, NotFound, "there are board, sales")
		refused(root, PolicyGrant{Policy: "sales", User: jid("x@partner.example")}, true, NotAllowed, "not a user of a served host")
		refused(root, PolicyGrant{Policy: "sales"}, true, NotAllowed, "served host")
		refused(root, PolicyGrant{Policy: "sales", Group: "a\nb"}, true, Invalid, "a line of at most")
		refused(root, PolicyGrant{Policy: "sales", Group: strings.Repeat("g", maxGroupLength+1)}, true, Invalid, "a line of at most")
		refused(root, PolicyGrant{Policy: "sales", User: a}, false, NotFound, "not granted there")
		w.store.mu.Lock()
		w.store.fail = errors.Join(ErrRefused, errors.New("disk full"))
		w.store.mu.Unlock()
		refused(root, PolicyGrant{Policy: "sales", User: a}, true, Unavailable, "could not be stored")
		if _, err := w.Policies(context.Background(), Principal{Addr: a.Addr}); err == nil {
			t.Error("anybody may list policies")
		}
		if got := w.held(alice); got != "" || len(w.grants.policies) != 0 {
			t.Errorf("%q holds, %v is granted", got, w.grants.policies)
		}
		w.store.mu.Lock()
		w.store.fail = nil
		w.store.mu.Unlock()
		w.Reload(testRules(t))
		refused(root, PolicyGrant{Policy: "sales", User: a}, true, NotFound, "none is declared: write it as [[policies]]")
	})
}

// lazy is a store that answers when it is told to.
type lazy struct {
	*memory
	mu      sync.Mutex
	waiting []func()
}

func (l *lazy) Save(w Write, done func(error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, func() { l.memory.Save(w, done) })
}

func (l *lazy) answer() {
	l.mu.Lock()
	waiting := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	for _, f := range waiting {
		f()
	}
}

// TestGrants_OfOneUserAreMadeInTurn: each is planned on what is stored, and one
// whose caller gave up holds all the same once it is durable.
func TestGrants_OfOneUserAreMadeInTurn(t *testing.T) {
	live(t, func(w *world) {
		w.Reload(policies(t, map[string]func(*privacy.Operator){"a": narrow, "b": narrow, "c": narrow}))
		store := &lazy{memory: w.store}
		w.opt.Store = store
		impatient, cancel := context.WithCancel(context.Background())
		var wait sync.WaitGroup
		ask := func(ctx context.Context, policy string, failed *error) {
			wait.Go(func() {
				_, *failed = w.GrantPolicy(ctx, root, PolicyGrant{Policy: policy, User: jid(alice)}, true)
			})
		}
		var first, second, third error
		ask(impatient, "c", &first)
		synctest.Wait()
		ask(context.Background(), "b", &second)
		ask(impatient, "a", &third)
		synctest.Wait()
		cancel()
		synctest.Wait()
		store.answer() // c, although nobody waits for it; then it is b's turn
		synctest.Wait()
		store.answer()
		wait.Wait()
		for err, want := range map[*error]bool{&first: true, &second: false, &third: true} {
			if k, is := KindOf(*err); is != want || is && k != Unavailable {
				t.Errorf("%v, want refused %v", *err, want)
			}
		}
		if got := w.grants.policies[subject{user: presence.MustAddr(alice)}]; !slices.Equal(got, []string{"b", "c"}) {
			t.Errorf("granted are %q", got)
		}
		if got := w.held(alice); got != "b grant-user" {
			t.Errorf("%q holds", got)
		}
		w.opt.Store = w.store
	})
}

func TestGrants_AreBounded(t *testing.T) {
	live(t, func(w *world) {
		named := map[string]func(*privacy.Operator){}
		for c := 'a'; c < 'a'+maxGrantsOfOne+1; c++ {
			named[string(c)] = narrow
		}
		w.Reload(policies(t, named))
		for c := 'a'; c < 'a'+maxGrantsOfOne; c++ {
			w.grant(string(c), alice, "", true)
		}
		_, err := w.GrantPolicy(context.Background(), root, PolicyGrant{Policy: string(rune('a' + maxGrantsOfOne)), User: jid(alice)}, true)
		if k, ok := KindOf(err); !ok || k != TooMany {
			t.Errorf("one more: %v", err)
		}
	})
}

// TestLoad_AGrantThatCannotBeReadIsAnError: it is never guessed what the operator
// put on somebody.
func TestLoad_AGrantThatCannotBeReadIsAnError(t *testing.T) {
	key := subject{user: presence.MustAddr(alice)}.key()
	for name, c := range map[string]struct{ user, doc string }{
		"no JSON":    {key, `{`},
		"newer":      {key, `{"v":2,"policies":["a"]}`},
		"no address": {grantUserKeys + "\xff", `{"v":1,"policies":["a"]}`},
	} {
		g := newGrants()
		err := g.load(&Saved{User: c.user, Docs: map[string][]byte{DocGrants: []byte(c.doc)}})
		if err == nil || name == "newer" && !errors.Is(err, ErrNewerSchema) {
			t.Errorf("%s: %v", name, err)
		}
	}
	g := newGrants()
	for _, s := range []Saved{
		{User: reserved + "tokens", Docs: map[string][]byte{DocGrants: []byte(`{`)}}, // somebody else's
		{User: key, Docs: map[string][]byte{DocGrants: []byte(`{"v":1,"policies":["b","a","b"]}`)}},
	} {
		if err := g.load(&s); err != nil {
			t.Error(err)
		}
	}
	if got, _ := g.of(subject{user: presence.MustAddr(alice)}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("loaded %q", got)
	}
}
