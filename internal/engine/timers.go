package engine

import (
	"container/heap"
	"time"
)

// timers is a heap of users by the instant each next wants to be woken. A user
// is in it at most once.
type timers []*user

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].wakeAt.Before(t[j].wakeAt) }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].slot, t[j].slot = i, j
}

// Push and Pop are for container/heap only.
func (t *timers) Push(x any) {
	u := x.(*user)
	u.slot = len(*t)
	*t = append(*t, u)
}

// Pop removes the last element.
func (t *timers) Pop() any {
	old := *t
	u := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	u.slot = -1
	return u
}

// set moves u to the instant at, or takes it out when at is zero.
func (t *timers) set(u *user, at time.Time) {
	switch {
	case at.IsZero() && u.slot >= 0:
		heap.Remove(t, u.slot)
	case at.IsZero():
	case u.slot < 0:
		u.wakeAt = at
		heap.Push(t, u)
	case !u.wakeAt.Equal(at):
		u.wakeAt = at
		heap.Fix(t, u.slot)
	}
}

// next returns the earliest instant; zero when nobody waits.
func (t timers) next() time.Time {
	if len(t) == 0 {
		return time.Time{}
	}
	return t[0].wakeAt
}

// earliest returns the smaller of two instants, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
