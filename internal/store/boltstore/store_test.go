package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"presenced/internal/engine"
	"presenced/internal/store/storetest"
)

// childEnv makes the test binary a child that does what it names.
const childEnv = "BOLTSTORE_CHILD"

func TestMain(m *testing.M) {
	if child := children[os.Getenv(childEnv)]; child != nil {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		dir := filepath.Join(t.TempDir(), "made", "by", "open")
		return func(t *testing.T) engine.Store { return mustOpen(t, dir) }
	})
}

func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

// openTuned opens a store that is closed at the end of the test.
func openTuned(t *testing.T, dir string, tn tuning) *Store {
	t.Helper()
	s, err := open(Options{Dir: dir}, tn, current)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func save(s *Store, user string, docs ...string) error {
	w := engine.Write{User: user, Docs: make(map[string][]byte)}
	for i := 0; i < len(docs); i += 2 {
		w.Docs[docs[i]] = []byte(docs[i+1])
	}
	answer := make(chan error, 1)
	s.Save(w, func(err error) { answer <- err })
	return <-answer
}

func loadAll(t testing.TB, s *Store) map[string]engine.Saved {
	t.Helper()
	got := make(map[string]engine.Saved)
	if err := s.Load(context.Background(), func(u engine.Saved) error { got[u.User] = u; return nil }); err != nil {
		t.Fatalf("Load: %v", err)
	}
	return got
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

func TestOpen_FileIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	shut(t, mustOpen(t, dir))
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, fileName): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode %o, want %o", filepath.Base(path), got, want)
		}
	}
}

func TestOpen_SecondIsInUse(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	_, err := Open(Options{Dir: dir})
	if !errors.Is(err, engine.ErrInUse) || !strings.Contains(err.Error(), "; stop it") {
		t.Errorf("second Open: got %v, want an error wrapping ErrInUse with a hint", err)
	}
	if err := save(s, "a@x", "note", "1"); err != nil {
		t.Errorf("the first store after that: %v", err)
	}
	shut(t, s)
	shut(t, mustOpen(t, dir))
}

func TestOpen_KeepsIDAndSequence(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	if err := save(s, "a@x", "note", "1"); err != nil {
		t.Fatal(err)
	}
	id, sequence := s.ID(), s.Sequence()
	shut(t, s)
	s = mustOpen(t, dir)
	defer shut(t, s)
	if len(id) != 32 || s.ID() != id || sequence != 1 || s.Sequence() != 1 {
		t.Errorf("id %q, sequence %d; reopened %q, %d; want the same id and 1", id, sequence, s.ID(), s.Sequence())
	}
	if other := mustOpen(t, t.TempDir()); other.ID() == id {
		t.Error("two stores have one id")
	} else {
		shut(t, other)
	}
}

func TestOpen_DirIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Dir: path})
	if err == nil || !strings.Contains(err.Error(), "; set store.path to a directory") {
		t.Errorf("Open: got %v, want a hint about store.path", err)
	}
}

func TestSave_UnusableIsRefused(t *testing.T) {
	s := openTuned(t, t.TempDir(), defaults)
	for _, c := range []struct{ name, user, doc, value string }{
		{"empty user", "", "note", "1"},
		{"NUL in user", "a\x00b", "note", "1"},
		{"long user", strings.Repeat("u", maxUser+1), "note", "1"},
		{"long document name", "a@x", strings.Repeat("d", maxDocName+1), "1"},
		{"large write", "a@x", "cals", strings.Repeat("v", defaults.queue.WriteBytes)},
	} {
		if err := save(s, c.user, c.doc, c.value); !errors.Is(err, engine.ErrRefused) || !strings.Contains(err.Error(), ";") {
			t.Errorf("%s: got %v, want an error wrapping ErrRefused with a hint", c.name, err)
		}
	}
	longest := strings.Repeat("u", maxUser)
	if err := save(s, longest, strings.Repeat("d", maxDocName), "1"); err != nil {
		t.Errorf("the longest names: %v", err)
	}
	s.SavePresence("a\x00b", []byte("p"))
	s.SavePresence("", []byte("p"))
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := loadAll(t, s); len(got) != 1 || len(got[longest].Docs) != 1 {
		t.Errorf("%d users are stored, want the one that was acknowledged", len(got))
	}
	if err := s.Healthy(); err != nil {
		t.Errorf("Healthy: %v", err)
	}
}

func TestPresence_WrittenWithoutASave(t *testing.T) {
	s := openTuned(t, t.TempDir(), defaults)
	for i := range 3 {
		want := fmt.Sprint(i)
		s.SavePresence("a@x", []byte(want))
		eventually(t, "presence written on its own", func() bool { return string(loadAll(t, s)["a@x"].Presence) == want })
	}
	if s.Sequence() != 0 {
		t.Errorf("sequence %d after presence only, want 0", s.Sequence())
	}
}
