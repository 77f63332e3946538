// Package storetest is the one conformance suite of every engine.Store: what it
// asks is the contract the engine relies on, so a store that passes can take the
// place of another.
//
// It covers loading, round trips, removal and erasure, order, atomicity, the
// callbacks, presence, sizes and odd names, many goroutines, Flush, Close and
// reopening. It does not cover what only one kind of store can meet (a full
// disk, a fail-over); those tests stand beside the store.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/engine"
)

// patience bounds every wait; it is far above what any of them needs.
const patience = 30 * time.Second

// Opener opens the same store again each time it is called; the suite closes
// each before it opens the next. It fails t when it cannot.
type Opener func(t *testing.T) engine.Store

// Run runs the suite. fresh returns an Opener of a new, empty store.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, open Opener)
	}{
		{"LoadEmpty", loadEmpty},
		{"RoundTrip", roundTrip},
		{"NilRemoves", nilRemoves},
		{"Erase", erase},
		{"EraseForgetsEarlierPresence", eraseForgetsPresence},
		{"OrderPerUser", orderPerUser},
		{"WriteIsAtomic", writeIsAtomic},
		{"DoneExactlyOnce", doneExactlyOnce},
		{"DoneMaySave", doneMaySave},
		{"CallerMayReuseBuffers", reuseBuffers},
		{"PresenceLatestWins", presenceLatestWins},
		{"LargeDocument", largeDocument},
		{"OddNames", oddNames},
		{"LoadManyEndsOnError", loadEndsOnError},
		{"LoadEndsWithContext", loadEndsWithContext},
		{"LoadedSlicesAreTheCallees", loadedSlices},
		{"ConcurrentUse", concurrentUse},
		{"FlushWaitsForAll", flushWaits},
		{"FlushEndsWithContext", flushEndsWithContext},
		{"Close", closing},
		{"CloseStoresWhatWasHandedOver", closeStores},
		{"Reopen", reopen},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
}

// start opens the store and closes it at the end of the test.
func start(t *testing.T, open Opener) engine.Store {
	t.Helper()
	s := open(t)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s engine.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// save waits for the answer to w.
func save(t *testing.T, s engine.Store, w engine.Write) error {
	t.Helper()
	answer := make(chan error, 1)
	s.Save(w, func(err error) { answer <- err })
	select {
	case err := <-answer:
		return err
	case <-time.After(patience):
		t.Fatalf("no answer to the write of %.40q", w.User)
		return nil
	}
}

// mustSave wants w stored.
func mustSave(t *testing.T, s engine.Store, w engine.Write) {
	t.Helper()
	if err := save(t, s, w); err != nil {
		t.Fatalf("Save(%.40q): got %v, want nil", w.User, err)
	}
}

func flush(t *testing.T, s engine.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		t.Fatalf("Flush: %v", err)
	}
}

// load returns all that s holds, and fails when a user comes twice.
func load(t *testing.T, s engine.Store) map[string]engine.Saved {
	t.Helper()
	got := make(map[string]engine.Saved)
	err := s.Load(t.Context(), func(u engine.Saved) error {
		if _, twice := got[u.User]; twice {
			t.Errorf("user %.40q came twice", u.User)
		}
		got[u.User] = u
		return nil
	})
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return got
}

// holds compares all that s holds with want. A user without documents may come
// with a nil or an empty map.
func holds(t *testing.T, s engine.Store, want ...engine.Saved) {
	t.Helper()
	got := load(t, s)
	all := make(map[string]engine.Saved)
	for _, u := range want {
		all[u.User] = u
	}
	for user, u := range got {
		if len(u.Docs) == 0 {
			u.Docs = nil
			got[user] = u
		}
	}
	if d := cmp.Diff(all, got, cmp.Comparer(sameBytes)); d != "" {
		t.Fatalf("what is stored differs (-want +got):\n%s", shorten(d))
	}
}

// sameBytes tells an empty value from none, and is quick with large documents.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

func shorten(s string) string {
	if len(s) > 4000 {
		return s[:4000] + "..."
	}
	return s
}

// docs makes documents of name, value pairs.
func docs(pairs ...string) map[string][]byte {
	m := make(map[string][]byte)
	for p := range slices.Chunk(pairs, 2) {
		m[p[0]] = []byte(p[1])
	}
	return m
}

func loadEmpty(t *testing.T, open Opener) {
	s := start(t, open)
	holds(t, s)
	if err := s.Healthy(); err != nil {
		t.Errorf("Healthy of a new store: %v", err)
	}
}

func roundTrip(t *testing.T, open Opener) {
	s := start(t, open)
	juliet := docs(engine.DocRules, `{"v":1}`, engine.DocNote, `"hi"`, engine.DocOOF, "")
	juliet[engine.DocLists] = []byte{0, 1, 0xff, 0}
	mustSave(t, s, engine.Write{User: "juliet@example", Docs: juliet})
	mustSave(t, s, engine.Write{User: "romeo@example", Docs: docs(engine.DocEnrol, "{}")})
	mustSave(t, s, engine.Write{User: "juliet@example", Docs: docs(engine.DocNote, `"bye"`)})
	mustSave(t, s, engine.Write{User: "nurse@example"})

	want := maps.Clone(juliet)
	want[engine.DocNote] = []byte(`"bye"`)
	holds(t, s,
		engine.Saved{User: "juliet@example", Docs: want},
		engine.Saved{User: "romeo@example", Docs: docs(engine.DocEnrol, "{}")})
}

func nilRemoves(t *testing.T, open Opener) {
	s := start(t, open)
	mustSave(t, s, engine.Write{User: "a@x", Docs: docs("note", "1", "oof", "2")})
	mustSave(t, s, engine.Write{User: "b@x", Docs: docs("note", "3")})
	mustSave(t, s, engine.Write{User: "a@x", Docs: map[string][]byte{"note": nil, "rules": nil}})
	mustSave(t, s, engine.Write{User: "b@x", Docs: map[string][]byte{"note": nil}})
	holds(t, s, engine.Saved{User: "a@x", Docs: docs("oof", "2")})
}

func erase(t *testing.T, open Opener) {
	s := start(t, open)
	for _, user := range []string{"a@x", "a@xy", "a@"} {
		mustSave(t, s, engine.Write{User: user, Docs: docs("note", "1", "oof", "2")})
		s.SavePresence(user, []byte("p"))
	}
	flush(t, s)
	mustSave(t, s, engine.Write{User: "a@x", Erase: true})
	mustSave(t, s, engine.Write{User: "a@", Erase: true, Docs: docs("enrol", "new")})
	holds(t, s,
		engine.Saved{User: "a@", Docs: docs("enrol", "new")},
		engine.Saved{User: "a@xy", Docs: docs("note", "1", "oof", "2"), Presence: []byte("p")})
}

func eraseForgetsPresence(t *testing.T, open Opener) {
	s := start(t, open)
	s.SavePresence("a@x", []byte("before"))
	mustSave(t, s, engine.Write{User: "a@x", Erase: true})
	flush(t, s)
	holds(t, s)

	answer := make(chan error, 1)
	s.Save(engine.Write{User: "a@x", Erase: true}, func(err error) { answer <- err })
	s.SavePresence("a@x", []byte("after"))
	flush(t, s)
	if err := <-answer; err != nil {
		t.Fatalf("Save: %v", err)
	}
	holds(t, s, engine.Saved{User: "a@x", Presence: []byte("after")})
}

func presenceLatestWins(t *testing.T, open Opener) {
	s := start(t, open)
	for i := range 100 {
		s.SavePresence("a@x", fmt.Appendf(nil, "%d", i))
		s.SavePresence("b@x", fmt.Appendf(nil, "%d", i))
	}
	s.SavePresence("c@x", []byte("gone"))
	flush(t, s)
	s.SavePresence("c@x", nil)
	s.SavePresence("d@x", nil)
	mustSave(t, s, engine.Write{User: "b@x", Docs: docs("note", "1")})
	flush(t, s)
	holds(t, s,
		engine.Saved{User: "a@x", Presence: []byte("99")},
		engine.Saved{User: "b@x", Presence: []byte("99"), Docs: docs("note", "1")})
}

func largeDocument(t *testing.T, open Opener) {
	s := start(t, open)
	large := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	mustSave(t, s, engine.Write{User: "a@x", Docs: docs("cals", large, "note", "1")})
	mustSave(t, s, engine.Write{User: "b@x", Docs: docs("cals", large[1:])})
	mustSave(t, s, engine.Write{User: "b@x", Docs: docs("cals", "small")})
	holds(t, s,
		engine.Saved{User: "a@x", Docs: docs("cals", large, "note", "1")},
		engine.Saved{User: "b@x", Docs: docs("cals", "small")})
}

func oddNames(t *testing.T, open Opener) {
	s := start(t, open)
	every := make([]byte, 0, 255) // but NUL
	for b := 1; b < 256; b++ {
		every = append(every, byte(b))
	}
	var want []engine.Saved
	for i, user := range []string{
		"x", "x@", "x@y", "x@y\x01", "\x01", "\xff", "\xff\xff", "ünï@çødé.example", "朱丽叶@例子.测试", "{00}x", "a:b*c?[d]",
		" lead and trail ", "line\nbreak\r", "\xc3\x28 not UTF-8", string(every), strings.Repeat("k", 2048), strings.Repeat("k", 2047) + "\xff",
	} {
		u := engine.Saved{User: user, Docs: docs("note", fmt.Sprint(i), "", "nameless", "n:\xff*", "odd")}
		if i%2 == 0 {
			u.Presence = []byte(user)
			s.SavePresence(user, u.Presence)
		}
		mustSave(t, s, engine.Write{User: user, Docs: u.Docs})
		want = append(want, u)
	}
	flush(t, s)
	holds(t, s, want...)
	mustSave(t, s, engine.Write{User: "x@", Erase: true})
	holds(t, s, slices.Delete(want, 1, 2)...)
}
