package redisstore

import (
	"fmt"
	"sync"
	"time"

	"presenced/internal/engine"
)

// health is how the last exchange with Redis went.
type health struct {
	mu   sync.Mutex // guards everything below
	err  error      // with what to do
	busy time.Time  // when the running exchange began; zero: none runs

	turned time.Time     // when the writer was last known to be awake
	pause  time.Duration // beyond it, it was not
}

func (h *health) begin(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = now
	if now.Sub(h.turned) < h.pause {
		h.turned = now // else what is found at the end counts
	}
}

func (h *health) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = time.Time{}
	h.turned = time.Now()
}

// awake reports whether the writer has turned lately.
func (h *health) awake(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Sub(h.turned) < h.pause
}

// failed remembers err and returns whether that is news.
func (h *health) failed(err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := h.err == nil || h.err.Error() != err.Error()
	h.err = err
	return news
}

// recovered forgets the error and returns whether there was one.
func (h *health) recovered() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.err != nil
	h.err = nil
	return was
}

func (h *health) get(now time.Time, stalled time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil && !h.busy.IsZero() && now.Sub(h.busy) > stalled {
		return fmt.Errorf("no answer for %v; look whether Redis is stopped or swapping", now.Sub(h.busy).Round(time.Second))
	}
	return h.err
}

func refused(cause error) error {
	return fmt.Errorf("redis store: %w: %w", engine.ErrRefused, cause)
}
