package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// fault is one edit of one source file that breaks one rule.
type fault struct {
	rule     string // of SEMANTICS
	what     string // what goes wrong, in a few words
	file     string
	old, new string // old stands exactly once in the file
}

// table is every fault there is.
func table() []fault {
	var all []fault
	for _, part := range [][]fault{privacyFaults, projectionFaults, aggregationFaults} {
		all = append(all, part...)
	}
	return all
}

// rooms are where the faults are and where they are noticed: the pure rooms and
// the vectors.
var rooms = []string{"privacy", "aggregation", "internal/engine/eval", "internal/scenario"}

// edited returns the file with the fault.
func (f *fault) edited(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, f.file))
	if err != nil {
		return nil, fmt.Errorf("mutants: %s, %s: %w", f.rule, f.what, err)
	}
	if n := bytes.Count(text, []byte(f.old)); n != 1 {
		return nil, fmt.Errorf("mutants: %s, %s: %q stands %d times in %s, not once: bring the table up to date", f.rule, f.what, f.old, n, f.file)
	}
	return bytes.Replace(text, []byte(f.old), []byte(f.new), 1), nil
}

// room is where the fault is.
func (f *fault) room() string { return filepath.Dir(f.file) }

// treeCopy is a copy of the sources that may be broken.
type treeCopy struct {
	dir  string
	root *os.Root // at dir
}

// newCopy copies the sources and what their tests read.
func newCopy(root string) (*treeCopy, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, fmt.Errorf("mutants: copy: %w", err)
	}
	c := &treeCopy{dir: dir}
	if c.root, err = os.OpenRoot(dir); err == nil {
		err = c.take(root)
	}
	if err != nil {
		c.remove()
		return nil, fmt.Errorf("mutants: copy: %w", err)
	}
	return c, nil
}

// take copies what the rooms are built and tested from.
func (c *treeCopy) take(root string) error {
	from, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // only read
	for _, name := range []string{"go.mod", "go.sum", "aggregation", "privacy", "roster", "internal"} {
		err := fs.WalkDir(from.FS(), name, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir():
				return c.root.MkdirAll(path, 0o700)
			}
			text, err := from.ReadFile(path)
			if err != nil {
				return err
			}
			return c.root.WriteFile(path, text, 0o600)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *treeCopy) remove() {
	if c.root != nil {
		_ = c.root.Close()
	}
	_ = os.RemoveAll(c.dir)
}

// try runs the tests with a fault; by is the room that noticed it, empty for
// none. The copy is whole again afterwards.
func (c *treeCopy) try(ctx context.Context, f fault) (by string, err error) {
	broken, err := f.edited(c.dir)
	if err != nil {
		return "", err
	}
	whole, err := c.root.ReadFile(f.file)
	if err != nil {
		return "", err
	}
	if err := c.root.WriteFile(f.file, broken, 0o600); err != nil {
		return "", err
	}
	defer func() {
		if back := c.root.WriteFile(f.file, whole, 0o600); err == nil {
			err = back
		}
	}()
	if out, err := c.run(ctx, "build", "./"+f.room()); err != nil && ctx.Err() == nil {
		return "", fmt.Errorf("mutants: %s, %s: does not compile: %w\n%s", f.rule, f.what, err, out)
	}
	for _, room := range inOrder(f.room()) {
		if killed, _ := c.test(ctx, room); killed {
			return room, nil
		}
	}
	return "", nil
}

// inOrder puts a fault's own room first: it is where most are noticed.
func inOrder(own string) []string {
	order := []string{own}
	for _, room := range rooms {
		if room != own && room != "privacy" && room != "aggregation" {
			order = append(order, room)
		}
	}
	return order
}

// test reports whether the tests of a room fail.
func (c *treeCopy) test(ctx context.Context, room string) (failed bool, out string) {
	text, err := c.run(ctx, "test", "-vet=off", "-failfast", "-count=1", "-timeout=2m", "./"+room)
	_ = os.RemoveAll(filepath.Join(c.dir, room, "testdata", "rapid")) // what rapid noted must not help the next
	return err != nil, text
}

func (c *treeCopy) run(ctx context.Context, verb string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{verb, "-trimpath"}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOMAXPROCS=2", "PRESENCED_LONG=")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
