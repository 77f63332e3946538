//go:build linux

package boltstore

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"presenced/internal/engine"
)

// tmpfs mounts a file system of size and unmounts it at the end, even when a test
// that failed left a file open.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("presenced-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// ballast takes n bytes of the file system; removing it frees them.
func ballast(t *testing.T, dir string, n int) (remove func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	if err := os.WriteFile(path, make([]byte, n), 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiskFull_RefusesServesOnAndRecovers(t *testing.T) {
	dir := tmpfs(t, "2m")
	remove := ballast(t, dir, 1<<20)
	tn := defaults
	tn.probeEvery = 10 * time.Millisecond
	s, err := open(Options{Dir: dir}, tn, current)
	if err != nil {
		t.Fatal(err)
	}
	stored, refusals := fillUp(t, s)
	if refusals == 0 || len(stored) < 5 {
		t.Fatalf("%d writes stored, %d refused; want some of both", len(stored), refusals)
	}
	if err := s.Healthy(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "; free some space") {
		t.Errorf("Healthy on a full disk: %v", err)
	}
	s.SavePresence("p@x", []byte("later"))
	wantStored(t, s, stored)

	remove()
	eventually(t, "recovery without a save", func() bool { return s.Healthy() == nil })
	if err := save(s, "late@x", "cals", strings.Repeat("l", 200<<10)); err != nil {
		t.Errorf("after the recovery: %v", err)
	}
	stored["late@x"] = strings.Repeat("l", 200<<10)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := string(loadAll(t, s)["p@x"].Presence); got != "later" {
		t.Errorf("presence of the full time: got %q, want it written after the recovery", got)
	}
	shut(t, s)
	s = mustOpen(t, dir)
	defer shut(t, s)
	wantStored(t, s, stored)
}

// fillUp saves until many writes were refused; it returns what was stored. The
// sizes vary, so that the disk ends at every step of a commit.
func fillUp(t *testing.T, s *Store) (stored map[string]string, refusals int) {
	t.Helper()
	stored = make(map[string]string)
	for i := 0; refusals < 60 && i < 500; i++ {
		user, value := fmt.Sprintf("u%d@x", i), strings.Repeat(fmt.Sprint(i%10), 1+i*7919%60000)
		switch err := save(s, user, "cals", value); {
		case err == nil:
			stored[user] = value
		case !errors.Is(err, engine.ErrRefused):
			t.Fatalf("write %d: got %v, want an error wrapping ErrRefused", i, err)
		default:
			refusals++
		}
	}
	return stored, refusals
}

// wantStored looks for exactly the stored writes, presence aside.
func wantStored(t *testing.T, s *Store, stored map[string]string) {
	t.Helper()
	got := loadAll(t, s)
	for user, value := range stored {
		if string(got[user].Docs["cals"]) != value {
			t.Errorf("%s: the acknowledged document is not there", user)
		}
		delete(got, user)
	}
	for user, u := range got {
		if len(u.Docs) > 0 {
			t.Errorf("%s: a refused document is there", user)
		}
	}
}

func TestDiskFull_AtTheStart(t *testing.T) {
	dir := tmpfs(t, "64k")
	ballast(t, dir, 60<<10)
	_, err := Open(Options{Dir: dir})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "; free some space") {
		t.Fatalf("Open: got %v, want ENOSPC with a hint", err)
	}
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	shut(t, mustOpen(t, dir)) // nothing half made is in the way
}

func TestDiskReadOnly_AtTheStart(t *testing.T) {
	// A file system with a file open for writing turns read-only only by itself,
	// after an error; a start on one can be tested.
	dir := tmpfs(t, "4m")
	shut(t, mustOpen(t, dir))
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "; mount") {
		t.Errorf("Open: got %v, want EROFS with a hint", err)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	shut(t, mustOpen(t, dir))
}

// TestFileSizeLimit needs no root: a child may not write beyond 1 MiB.
func TestFileSizeLimit_RefusesAndRecovers(t *testing.T) {
	dir := t.TempDir()
	cmd := child("limit", dir)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("child: %v\n%s", err, out)
	}
	s := mustOpen(t, dir)
	defer shut(t, s)
	got := loadAll(t, s)
	for line := range strings.Lines(string(out)) {
		user := strings.TrimSpace(line)
		if got[user].Docs["cals"] == nil {
			t.Errorf("%s: acknowledged and not there", user)
		}
		delete(got, user)
	}
	for user := range got {
		t.Errorf("%s: refused and there", user)
	}
}

// limitChild prints the users it stored; it fails when the limit is not refused
// properly or not recovered from. The Go runtime swallows the SIGXFSZ that comes
// with EFBIG, so a process has nothing to do about it.
func limitChild() int {
	tn := defaults
	tn.probeEvery = 10 * time.Millisecond
	s, err := open(Options{Dir: os.Getenv("BOLTSTORE_DIR")}, tn, current)
	if err != nil {
		return complain("open", err)
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return complain("getrlimit", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: old.Max}); err != nil {
		return complain("setrlimit", err)
	}
	refusals := 0
	for i := 0; refusals < 20; i++ {
		user := fmt.Sprintf("u%d@x", i)
		switch err := save(s, user, "cals", strings.Repeat("c", 50000)); {
		case err == nil:
			fmt.Println(user)
		case !errors.Is(err, engine.ErrRefused) || !strings.Contains(err.Error(), "; raise the file size limit") || i == 0:
			return complain("save", err)
		default:
			refusals++
		}
	}
	if s.Healthy() == nil {
		return complain("healthy at the limit", nil)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return complain("setrlimit", err)
	}
	for deadline := time.Now().Add(10 * time.Second); s.Healthy() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return complain("recovery", s.Healthy())
		}
	}
	if err := save(s, "late@x", "cals", strings.Repeat("l", 100000)); err != nil {
		return complain("save after the recovery", err)
	}
	fmt.Println("late@x")
	return 0 // without Close, as after a crash
}

func complain(what string, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	return 1
}
