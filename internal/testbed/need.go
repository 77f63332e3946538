package testbed

import (
	"context"
	"errors"
	"os"
)

// SkipEnv is the variable that lets NeedServers skip instead of fail.
const SkipEnv = "PRESENCED_SKIP_SERVERS"

// TB is the part of testing.TB the helpers use; the package itself does not
// import testing, because the demo and the benchmarks link it.
type TB interface {
	Helper()
	Cleanup(func())
	Context() context.Context
	Failed() bool
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	TempDir() string
}

// NeedServers fails the test when Prosody or ejabberd is missing. It skips
// only where PRESENCED_SKIP_SERVERS=1, so that a green run means they ran.
func NeedServers(t TB) {
	t.Helper()
	skip(t)
	_, err := needEjabberd()
	if err = errors.Join(err, needProsody()); err != nil {
		t.Fatalf("%v\n(or set %s=1 to skip)", err, SkipEnv)
	}
}

func skip(t TB) {
	t.Helper()
	if os.Getenv(SkipEnv) == "1" {
		t.Skipf("%s=1: test needs real servers", SkipEnv)
	}
}

// RunServer starts a server for the duration of a test, in the test's own
// directory.
func RunServer(t TB, kind Kind, opts Options) *Server {
	t.Helper()
	NeedServers(t)
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	start := StartProsody
	if kind == Ejabberd {
		start = StartEjabberd
	}
	return runFor(t, func() (*Server, error) { return start(t.Context(), opts) })
}

// runFor starts something for the duration of a test, and shows the end of its log
// when the test fails.
func runFor[R interface {
	LogTail() string
	Close() error
}](t TB, start func() (R, error)) R {
	t.Helper()
	r, err := start()
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", r.LogTail())
		}
		if err := r.Close(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return r
}
