package testbed

import (
	"context"
	"fmt"
	"sync"
	"syscall"
)

// service is a server's process, which can be ended and started again on the
// same data and ports. Server, Redis and Postgres embed it.
type service struct {
	name  string
	start func(ctx context.Context) error // the Start of who embeds it

	mu   sync.Mutex // guards proc
	proc *process
}

// Stop ends the server politely (SIGTERM, after 15 s SIGKILL) and returns
// when it and all its helpers are gone. Stopping a stopped server is fine.
func (s *service) Stop() error { return s.end(true) }

// Kill ends the server with SIGKILL, so that nothing is flushed.
func (s *service) Kill() error { return s.end(false) }

func (s *service) end(polite bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return nil
	}
	err := s.proc.end(polite)
	s.proc = nil
	return err
}

// Restart stops and starts the server with the same data and ports.
func (s *service) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	return s.start(ctx)
}

// Stall freezes the server (SIGSTOP): its connections stay open and silent.
func (s *service) Stall() error { return s.signal(syscall.SIGSTOP) }

// Resume lets a stalled server go on.
func (s *service) Resume() error { return s.signal(syscall.SIGCONT) }

func (s *service) signal(sig syscall.Signal) error {
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
