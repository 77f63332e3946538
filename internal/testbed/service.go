package testbed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// service is a server's process, which can be ended and started again on the
// same data and ports. Server, Redis, Postgres, Calendar and Daemon embed it.
type service struct {
	name    string
	made    string   // the directory Close removes; empty: none
	logs    []string // files; to the last goes the output of the process
	command func() *exec.Cmd
	answers func(ctx context.Context) error // nil once it is ready; not set: nobody waits
	quit    syscall.Signal                  // asks it politely to end; 0: SIGTERM

	mu   sync.Mutex // guards proc
	proc *process
}

// home returns dir, or where that is empty a directory that Close removes.
func (s *service) home(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	var err error
	s.made, err = os.MkdirTemp("", "testbed-"+strings.ToLower(s.name)+"-")
	return s.made, err
}

// Start starts a server that was stopped or killed, with the same data and
// ports, and returns when it answers. A running server is left alone.
func (s *service) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && s.proc.alive() {
		return nil
	}
	out, err := os.OpenFile(s.logs[len(s.logs)-1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // the child holds its own copy
	if s.proc, err = startProcess(s.command(), out); err != nil {
		return fmt.Errorf("testbed: start %s: %w", s.name, err)
	}
	s.proc.quit = cmp.Or(s.quit, s.proc.quit)
	if s.answers == nil {
		return nil
	}
	if err := s.await(ctx, s.proc, s.answers); err != nil {
		return errors.Join(err, s.proc.end(false))
	}
	return nil
}

// await polls until the process answers.
func (s *service) await(ctx context.Context, p *process, answers func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		err := answers(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("testbed: %s ended before it was ready: %v\n%s", s.name, p.err, s.LogTail())
		case <-ctx.Done():
			return fmt.Errorf("testbed: %s not ready: %w (last: %v)\n%s", s.name, context.Cause(ctx), last, s.LogTail())
		}
	}
}

// Stop ends the server politely (SIGTERM, after 15 s SIGKILL) and returns
// when it and all its helpers are gone. Stopping a stopped server is fine.
func (s *service) Stop() error {
	_, err := s.end(true)
	return err
}

// Kill ends the server with SIGKILL, so that nothing is flushed.
func (s *service) Kill() error {
	_, err := s.end(false)
	return err
}

// end returns the process that ran, if one did.
func (s *service) end(polite bool) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.proc
	if p == nil {
		return nil, nil
	}
	s.proc = nil
	return p, p.end(polite)
}

// Close stops the server and removes its directory if it made it.
func (s *service) Close() error {
	err := s.Stop()
	if s.made != "" {
		err = errors.Join(err, os.RemoveAll(s.made))
	}
	return err
}

// Restart stops and starts the server with the same data and ports.
func (s *service) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Stall freezes the server (SIGSTOP): its connections stay open and silent.
func (s *service) Stall() error { return s.Signal(syscall.SIGSTOP) }

// Resume lets a stalled server go on.
func (s *service) Resume() error { return s.Signal(syscall.SIGCONT) }

// Signal signals the server and what it started.
func (s *service) Signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || !s.proc.alive() {
		return fmt.Errorf("testbed: %s is not running", s.name)
	}
	return s.proc.signalGroup(sig)
}

// PID is the server's process id, 0 when it does not run.
func (s *service) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || !s.proc.alive() {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// logTailSize is how much of each log LogTail returns, in bytes.
const logTailSize = 6 << 10

// LogTail returns the last lines of the server's logs and output.
func (s *service) LogTail() string {
	var b strings.Builder
	for _, name := range s.logs {
		fmt.Fprintf(&b, "--- %s\n%s", filepath.Base(name), fileTail(name))
	}
	return b.String()
}

func fileTail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return "(" + err.Error() + ")\n"
	}
	defer func() { _ = f.Close() }()
	if st, err := f.Stat(); err == nil && st.Size() > logTailSize {
		if _, err := f.Seek(-logTailSize, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, logTailSize))
	if err != nil {
		return err.Error()
	}
	return string(b)
}
