package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary presenced when it is called by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"presenced": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			vectors, err := os.ReadFile(filepath.Join("..", "..", "internal", "scenario", "testdata", "vectors.yaml"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "vectors.yaml"), vectors, 0o600)
		},
	})
}

// binary returns a file that runs presenced when executed.
func binary(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "presenced")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// eventually polls ok until it holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(limit) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
