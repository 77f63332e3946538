package boltstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"presenced/internal/engine"
)

// renameDoc is a made-up migration: a document gets another name everywhere.
func renameDoc(from, to string) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		settings, moved := tx.Bucket(settingsBucket), make(map[string][]byte)
		err := settings.ForEach(func(k, v []byte) error {
			if user, ok := strings.CutSuffix(string(k), "\x00"+from); ok {
				moved[user] = append([]byte{}, v...)
			}
			return nil
		})
		for user, v := range moved {
			err = errors.Join(err, settings.Delete(settingsKey(user, from)), settings.Put(settingsKey(user, to), v))
		}
		return err
	}
}

var madeUp = schema{version: 3, migrations: map[uint32]func(*bolt.Tx) error{
	1: renameDoc("note", "memo"),
	2: renameDoc("memo", "text"),
}}

// schema1 makes a store of schema 1 that holds one note.
func schema1(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := mustOpen(t, dir)
	if err := save(s, "a@x", "note", "hi"); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	return dir
}

func TestOpen_OlderSchemaIsCopiedAndMigrated(t *testing.T) {
	dir := schema1(t)
	for range 2 { // the second finds nothing to do
		s, err := open(Options{Dir: dir}, defaults, madeUp)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(loadAll(t, s)["a@x"].Docs["text"]); got != "hi" {
			t.Errorf("migrated document: got %q, want %q", got, "hi")
		}
		shut(t, s)
	}
	backup := filepath.Join(dir, fileName+".bak-schema1")
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("copy: %v, %v; want mode 600", info, err)
	}
	restored := t.TempDir()
	if err := os.Rename(backup, filepath.Join(restored, fileName)); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, restored)
	defer shut(t, s)
	if got := string(loadAll(t, s)["a@x"].Docs["note"]); got != "hi" {
		t.Errorf("document in the copy: got %q, want %q", got, "hi")
	}
}

func TestOpen_FailedMigrationChangesNothing(t *testing.T) {
	dir := schema1(t)
	no := errors.New("no")
	for _, second := range []func(*bolt.Tx) error{nil, func(*bolt.Tx) error { return no }, func(*bolt.Tx) error { panic("oops") }} {
		sch := schema{version: 3, migrations: map[uint32]func(*bolt.Tx) error{1: renameDoc("note", "memo"), 2: second}}
		s, err := open(Options{Dir: dir}, defaults, sch)
		if err == nil {
			shut(t, s)
			t.Fatal("open: got nil, want an error")
		}
		if !strings.Contains(err.Error(), ";") {
			t.Errorf("open: %v has no hint", err)
		}
		s = mustOpen(t, dir) // schema 1 still, and not locked
		if got := string(loadAll(t, s)["a@x"].Docs["note"]); got != "hi" {
			t.Errorf("after %v: got %q, want %q", err, got, "hi")
		}
		shut(t, s)
	}
}

func TestOpen_NewerSchemaIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	s, err := open(Options{Dir: dir}, defaults, madeUp)
	if err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	before, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(Options{Dir: dir})
	if !errors.Is(err, engine.ErrNewerSchema) || !strings.Contains(err.Error(), "; install") {
		t.Errorf("Open: got %v, want an error wrapping ErrNewerSchema with a hint", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil || string(after) != string(before) {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestOpen_ForeignFileIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, errForeign) {
		t.Errorf("Open: got %v, want %v", err, errForeign)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("their file: %v", err)
	}
}

// TestOpen_DamagedFile cuts and overwrites the file in many places. The store
// may find nothing wrong (free pages), but must never panic or hang, and what it
// refuses must say what to do.
func TestOpen_DamagedFile(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for i := range 40 {
		if err := save(s, strings.Repeat("u", i+1), "note", strings.Repeat("n", 500), "cals", strings.Repeat("c", 6000)); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, s)
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	try := func(what string, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		err := use(t, dir)
		if err == nil {
			return
		}
		refused++
		if !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), "restore a backup") {
			t.Errorf("%s: %v does not say what to do", what, err)
		}
	}
	for _, cut := range []int{1, 100, 4096, 8192, 12288, 16384, len(whole) / 2} {
		try("cut", whole[:cut])
	}
	if refused != 7 {
		t.Errorf("%d of 7 cut files were refused", refused)
	}
	for page := 0; page < len(whole); page += 4096 {
		for _, fill := range []string{"\x00", "\xff", "garbage "} {
			data := append([]byte(nil), whole...)
			copy(data[page:page+4096], strings.Repeat(fill, 4096/len(fill)))
			try("page", data)
		}
	}
	if refused < 16 {
		t.Errorf("only %d damaged files were noticed", refused)
	}
}

func TestOpen_CutFileIsMeasured(t *testing.T) {
	dir := schema1(t)
	if err := os.Truncate(filepath.Join(dir, fileName), 5*4096); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "20480 bytes of ") {
		t.Errorf("Open: got %v, want how much of the file is there", err)
	}
}

// TestRunning_FileIsCutShort takes pages from under the mapping of an open store,
// which is a SIGBUS for whoever reads them.
func TestRunning_FileIsCutShort(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for i := range 40 {
		if err := save(s, strings.Repeat("u", i+1), "cals", strings.Repeat("c", 6000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(dir, fileName), 2*4096); err != nil {
		t.Fatal(err)
	}
	err := s.Load(t.Context(), func(engine.Saved) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("Load: got %v, want damage with a hint", err)
	}
	if err := save(s, "u", "note", "1"); !errors.Is(err, engine.ErrRefused) || s.Healthy() == nil {
		t.Errorf("Save: got %v, want it refused; Healthy: %v", err, s.Healthy())
	}
	if err := s.Close(t.Context()); err == nil {
		t.Error("Close: got nil, want the damage")
	}
}

// use opens the store in dir, reads, writes and closes it.
func use(t *testing.T, dir string) error {
	s, err := Open(Options{Dir: dir})
	if err != nil {
		return err
	}
	err = s.Load(context.Background(), func(engine.Saved) error { return nil })
	saved := save(s, "u", "note", strings.Repeat("x", 9000))
	if saved != nil && s.Healthy() == nil {
		t.Errorf("healthy after %v", saved)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	closed := s.Close(ctx)
	return errors.Join(err, saved, closed)
}
