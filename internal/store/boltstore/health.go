package boltstore

import (
	"fmt"
	"sync"
	"time"
)

// health is how the last commit went.
type health struct {
	mu    sync.Mutex // guards everything below
	err   error
	probe time.Time // when to try again; zero while healthy
	size  int       // bytes of the change refused last
	busy  time.Time // when the running commit began; zero: none runs
}

func (h *health) begin(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = now
}

func (h *health) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = time.Time{}
}

// failed remembers err and returns whether that is news.
func (h *health) failed(err error, probe time.Time, size int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := h.err == nil || h.err.Error() != err.Error()
	h.err, h.probe, h.size = err, probe, size
	return news
}

// recovered forgets the error and returns whether there was one.
func (h *health) recovered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.err != nil
	h.err, h.probe, h.size = nil, time.Time{}, 0
	return was
}

func (h *health) probeAt() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.probe
}

func (h *health) refusedSize() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.size
}

func (h *health) get(now time.Time, stallAfter time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.busy.IsZero() && now.Sub(h.busy) > stallAfter {
		return fmt.Errorf("embedded store: a write has been running for %v; look whether the disk hangs",
			now.Sub(h.busy).Round(time.Second))
	}
	if h.err != nil {
		return fmt.Errorf("embedded store: %w", h.err)
	}
	return nil
}
