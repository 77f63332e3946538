package engine

import (
	"context"
	"time"

	"presenced/internal/presence"
)

// lookOne is Look for one user, which is most of them: the same question to the
// same owner, without what many need to be sorted.
func (e *Engine) lookOne(ctx context.Context, asker Principal, user presence.Addr) presence.View {
	s := e.shardOf(user)
	answer := make(chan presence.View, 1) // room for it: the owner never waits
	if !s.box.post(func(now time.Time) {
		s.look(asker, user, now, func(v presence.View) { answer <- v })
	}) {
		return emptyView()
	}
	limit := time.NewTimer(lookWait + time.Second)
	defer limit.Stop()
	select {
	case v := <-answer:
		return v
	case <-ctx.Done():
	case <-limit.C:
	case <-e.stopped:
	}
	return emptyView()
}
