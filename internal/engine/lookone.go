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
	q, ok := e.questions.Get().(*lookQuestion)
	if !ok {
		q = &lookQuestion{answered: make(chan struct{}, 1), limit: time.NewTimer(time.Hour)}
	}
	if !s.box.post(func(now time.Time) {
		s.look(asker, user, now, func(v presence.View) {
			q.view = v
			q.answered <- struct{}{}
		})
	}) {
		return emptyView()
	}
	q.limit.Reset(lookWait + time.Second)
	select {
	case <-q.answered:
		v := q.view
		q.limit.Stop()
		q.view = presence.View{}
		e.questions.Put(q)
		return v
	case <-ctx.Done():
	case <-q.limit.C:
	case <-e.stopped:
	}
	q.limit.Stop()
	return emptyView() // the owner may answer yet: nobody may ask with it again
}

// lookQuestion is what one asker waits with.
type lookQuestion struct {
	view     presence.View // of the owner until answered
	answered chan struct{} // capacity 1: the owner never waits
	limit    *time.Timer
}
