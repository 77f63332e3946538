package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// steps are what has to be undone, each under a name, in the order it was done.
type steps struct {
	mu   sync.Mutex // guards the fields below
	list []step
	done chan struct{} // closed when undo has ended; nil before it began
	err  error
}

type step struct {
	name string
	undo func(context.Context) error
}

// add notes how to undo what has just been done.
func (s *steps) add(name string, undo func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, step{name, undo})
}

// undo takes every step back, the last first, once; a second call waits for the
// first. A step that fails does not keep the others from being tried.
func (s *steps) undo(ctx context.Context) error {
	s.mu.Lock()
	if s.done != nil {
		s.mu.Unlock()
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	s.done = make(chan struct{})
	list := s.list
	s.mu.Unlock()
	defer close(s.done)
	var errs []error
	for _, one := range slices.Backward(list) {
		if err := one.undo(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", one.name, err))
		}
	}
	s.err = errors.Join(errs...)
	return s.err
}
