package component

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Run attaches, serves and attaches again until ctx ends or Stop was called;
// it then returns nil. The only error is a *RefusedError before the first
// attach. It must be called once, after SetDoor.
func (c *Component) Run(ctx context.Context) error {
	if c.door == nil {
		return errors.New("component: no engine behind it; call SetDoor before Run")
	}
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	c.cancel = cancel
	c.mu.Unlock()
	c.pool.start(ctx)
	defer c.pool.wait()
	defer cancel()
	pause := backoff{c: c}
	var told string // the reason last logged
	for !c.stopping.Load() {
		up, err := c.session(ctx, &told)
		switch {
		case ctx.Err() != nil || c.stopping.Load():
			c.setPhase(PhaseDetached, nil)
			return nil
		case !c.everAttached():
			if r, ok := errors.AsType[*RefusedError](err); ok {
				c.setPhase(PhaseDetached, err)
				return r
			}
		}
		c.lost(err, up, &told)
		select {
		case <-time.After(pause.next(err, up)):
		case <-ctx.Done():
		}
	}
	return nil
}

// lost notes why an attempt or a link ended and logs it once per change.
func (c *Component) lost(err error, up time.Duration, told *string) {
	reason := reasonOf(err)
	c.setPhase(PhaseDetached, err)
	c.metrics.losses[reason].Inc()
	if *told == reason {
		return
	}
	*told = reason
	args := []any{"reason", reason, "error", err}
	switch {
	case reason == "conflict":
		c.log.Warn("another component holds this name", args...)
	case up > 0:
		c.log.Warn("connection to the XMPP server lost", append(args, "after", up.Round(time.Millisecond))...)
	default:
		c.log.Warn("cannot attach to the XMPP server", args...)
	}
}

// session is one attempt and, if it succeeds, the life of its link; up is how
// long the link lived.
func (c *Component) session(ctx context.Context, told *string) (up time.Duration, err error) {
	again := c.everAttached()
	c.setPhase(PhaseConnecting, nil)
	l, err := c.open(ctx)
	if err != nil {
		return 0, err
	}
	if again {
		c.log.Info("attached to the XMPP server again", "component", c.o.Domain)
	} else {
		c.log.Info("attached to the XMPP server", "component", c.o.Domain)
	}
	*told = ""
	start := time.Now()
	err = l.serve(ctx)
	return time.Since(start), err
}

// backoff is the growing pause between attempts.
type backoff struct {
	c    *Component
	wait time.Duration
}

// next returns the pause after an attempt that ended with err and a link that
// lived for up, zero if there was none.
func (b *backoff) next(err error, up time.Duration) time.Duration {
	t := b.c.timing
	if up >= t.stable {
		b.wait = 0
	}
	least := t.backoffMin
	switch reasonOf(err) {
	case "refused":
		return t.refusedRetry
	case "conflict":
		least = t.conflictMin
	}
	b.wait = min(max(2*b.wait, least), t.backoffMax)
	return b.wait/2 + rand.N(b.wait/2+1)
}

// Drain waits until everything handed over has been accepted by the kernel, or
// returns the error of ctx. Without a link there is nothing to wait for.
func (c *Component) Drain(ctx context.Context) error {
	l := c.link.Load()
	if l == nil {
		return nil
	}
	if err := c.out.Wait(ctx); err != nil {
		return err
	}
	return l.w.Flush(ctx)
}

// Stop drains, closes the stream politely and makes Run return. It may be
// called more than once. The error is that of draining; Run returns all the
// same.
func (c *Component) Stop(ctx context.Context) error {
	c.stopping.Store(true)
	err := c.Drain(ctx)
	if l := c.link.Load(); l != nil {
		l.close(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
	return err
}
