package token

import (
	"sync"
	"time"
)

// pace is a rate limit with a burst (GCRA): one instant says all.
type pace struct {
	mu    sync.Mutex // guards full
	full  time.Time  // when everything taken so far has been paid back
	each  time.Duration
	depth time.Duration // how far full may lie ahead
}

func newPace(rate, burst int) pace {
	each := time.Second / time.Duration(max(rate, 1))
	return pace{each: each, depth: each * time.Duration(max(burst, 1))}
}

// take uses up n, or says how long to wait. More than the whole burst is taken
// when nothing else has been: else it could never be.
func (p *pace) take(n int, now time.Time) (wait time.Duration) {
	cost := min(time.Duration(n)*p.each, p.depth)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full.Before(now) {
		p.full = now
	}
	if late := p.full.Add(cost).Sub(now) - p.depth; late > 0 {
		return late
	}
	p.full = p.full.Add(cost)
	return 0
}
