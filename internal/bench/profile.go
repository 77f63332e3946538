package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// profiler is a file that is laid over cmd/presenced for a profile and for
// nothing else: the shipped binary cannot profile itself.
//
//go:embed profiler.go.txt
var profiler []byte

// profilerEnv names the directory to the profiler.
const profilerEnv = "BENCH_PROFILE_DIR"

// profile puts loads on a daemon with the profiler in it and leaves
// cpu-N.pprof and allocs-N.pprof: in DIR/usual of rows 8 (N = 1) and 15 (N = 2),
// in DIR/many of row 1, DIR/stored of row 3 and DIR/http (N = 1), and in DIR/heap heap-N.pprof, what row 12 counts.
func profile(ctx context.Context, f flags, out io.Writer) (err error) {
	dir, err := filepath.Abs(f.profile)
	if err != nil {
		return err
	}
	binary, err := buildProfiled(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(binary))) }()
	l := &lab{size: full(), out: out}
	if f.quick {
		l.size = quick()
	}
	for _, part := range []struct {
		name  string
		row   int
		plan  plan
		loads func(s *site) []func() error
	}{
		{"usual", 8, l.usual(), func(s *site) []func() error { return []func() error{s.steadily(ctx), s.repeatedly(ctx)} }},
		{"many", 1, l.many(), func(s *site) []func() error { return []func() error{s.repeatedly(ctx)} }},
		{"stored", 3, l.storing(), func(s *site) []func() error { return []func() error{s.storing(ctx)} }},
		{"http", rowHTTP, l.answers(), func(s *site) []func() error { return []func() error{s.answering(ctx)} }},
		{"heap", 12, l.sized(l.size.weighed), nil},
	} {
		if !f.wants(part.row) {
			continue
		}
		part.plan.binary = binary
		if part.loads == nil {
			if _, err := l.weigh(ctx, part.plan, filepath.Join(dir, part.name)); err != nil {
				return err
			}
			continue
		}
		if err := l.profile(ctx, filepath.Join(dir, part.name), part.plan, part.loads); err != nil {
			return err
		}
	}
	say(out, "profiles written; read them with: go tool pprof -top FILE")
	return nil
}

// profile puts loads on one site.
func (l *lab) profile(ctx context.Context, dir string, p plan, loads func(s *site) []func() error) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	p.env = []string{profilerEnv + "=" + dir}
	s, err := l.open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for i, load := range loads(s) {
		if err := s.profiled(ctx, dir, i+1, load); err != nil {
			return err
		}
	}
	return nil
}

// steadily is the load of row 8, twice as long.
func (s *site) steadily(ctx context.Context) func() error {
	return func() error {
		_, _, err := s.load(ctx, 2*s.size.loadFor)
		return err
	}
}

// storing is the load of rows 3 and 4, some times.
func (s *site) storing(ctx context.Context) func() error {
	return func() error {
		for range s.size.runs {
			if _, _, err := s.burstStored(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// answering is the load of row http.
func (s *site) answering(ctx context.Context) func() error {
	return func() error {
		questions, err := s.questions(ctx)
		if err != nil {
			return err
		}
		_, _, err = rate(ctx, s.daemon.HTTPAddr, s.daemon.PID(), questions, s.size.runs*s.size.requests)
		return err
	}
}

// repeatedly is the load of rows 1 and 15.
func (s *site) repeatedly(ctx context.Context) func() error {
	return func() error {
		for range changesAtOnce {
			if _, _, err := s.burst(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// profiled runs a load between two signals to the profiler.
func (s *site) profiled(ctx context.Context, dir string, n int, load func() error) error {
	if err := s.rest(ctx); err != nil {
		return err
	}
	if err := s.daemon.Signal(syscall.SIGUSR2); err != nil {
		return err
	}
	if err := appears(ctx, filepath.Join(dir, fmt.Sprintf("cpu-%d.pprof", n))); err != nil {
		return err
	}
	if err := load(); err != nil {
		return err
	}
	if err := s.daemon.Signal(syscall.SIGUSR2); err != nil {
		return err
	}
	return appears(ctx, filepath.Join(dir, fmt.Sprintf("allocs-%d.pprof", n)))
}

// appears waits for a file of the profiler.
func appears(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, errLate)
	defer cancel()
	for {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
}

// buildProfiled builds cmd/presenced with the profiler laid over it.
func buildProfiled(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	dir, err := os.MkdirTemp("", "bench-profile-")
	if err != nil {
		return "", err
	}
	source, overlay := filepath.Join(dir, "profiler.go"), filepath.Join(dir, "overlay.json")
	place := filepath.Join(strings.TrimSpace(string(root)), "cmd", "presenced", "profiler.go")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{place: source}})
	if err == nil {
		err = errors.Join(os.WriteFile(source, profiler, 0o600), os.WriteFile(overlay, text, 0o600))
	}
	binary := filepath.Join(dir, "presenced")
	if err == nil {
		var told []byte
		if told, err = exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, "presenced/cmd/presenced").CombinedOutput(); err != nil {
			err = fmt.Errorf("build with the profiler: %w\n%s", err, told)
		}
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return binary, nil
}
