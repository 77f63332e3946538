package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// BinaryEnv names a finished presenced binary to be used instead of building
// one, for tests of the shipped file.
const BinaryEnv = "TESTBED_BINARY"

// buildTimeout bounds one build on a busy machine with an empty cache.
const buildTimeout = 10 * time.Minute

// Binary returns the path of presenced, built once per process from the
// module of the working directory.
func Binary() (string, error) { return binary() }

var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(BinaryEnv); path != "" {
		return path, nil
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	return build(root, "./cmd/presenced")
})

// moduleRoot asks the go command for the module of the working directory.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("testbed: go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", errors.New("testbed: not inside the presenced module: run from its checkout or set " + BinaryEnv)
	}
	return filepath.Dir(mod), nil
}

// build compiles a package into a directory kept for this module, as one file
// per process; the files of processes that ended are removed.
func build(root, pkg string) (string, error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(root)) // a hash does not fail
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("presenced-testbed-%d-%x", os.Getuid(), h.Sum64()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	sweep(dir)
	path := filepath.Join(dir, strconv.Itoa(os.Getpid()))
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("testbed: build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// sweep removes binaries named after processes that no longer exist.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.Remove(filepath.Join(dir, e.Name())) // another sweep may be first
		}
	}
}

// Result is what a finished command left.
type Result struct {
	Stdout, Stderr string
	Code           int // -1 when a signal ended it
}

// run runs presenced; a non-zero exit code is no error.
func run(ctx context.Context, path string, env, args []string) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(cleanEnv(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		err = nil
	}
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: -1}
	if cmd.ProcessState != nil {
		r.Code = cmd.ProcessState.ExitCode()
	}
	if err != nil {
		return r, fmt.Errorf("testbed: run presenced %s: %w", strings.Join(args, " "), err)
	}
	return r, nil
}

// cleanEnv is our environment without PRESENCED_ variables, which override
// the configuration file.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PRESENCED_") {
			env = append(env, kv)
		}
	}
	return env
}
