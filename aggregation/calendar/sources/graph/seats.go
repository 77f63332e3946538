package graph

import (
	"context"
	"strings"
	"sync"
)

// seats bounds how many requests run at once for one mailbox. It holds those that
// run and nothing else.
type seats struct {
	mu    sync.Mutex // guards the rest
	taken map[string]int
	freed chan struct{} // closed when a seat becomes free; nil: nobody waits
}

// take waits for a seat.
func (s *seats) take(ctx context.Context, address string) error {
	key := strings.ToLower(address)
	for {
		s.mu.Lock()
		if s.taken == nil {
			s.taken = map[string]int{}
		}
		if s.taken[key] < MaxPerMailbox {
			s.taken[key]++
			s.mu.Unlock()
			return nil
		}
		if s.freed == nil {
			s.freed = make(chan struct{})
		}
		freed := s.freed
		s.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *seats) leave(address string) {
	key := strings.ToLower(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[key]--; s.taken[key] == 0 {
		delete(s.taken, key)
	}
	if s.freed != nil {
		close(s.freed)
		s.freed = nil
	}
}
