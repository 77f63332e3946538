package engine

import "container/heap"

// timers is a heap of users by the instant each next wants to be woken. A user
// is in it at most once.
type timers []*user

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].wakeAt < t[j].wakeAt }
func (t timers) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].slot, t[j].slot = int32(i), int32(j)
}

// Push and Pop are for container/heap only.
func (t *timers) Push(x any) {
	u := x.(*user)
	u.slot = int32(len(*t))
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

// set moves u to the instant at, or takes it out when there is none.
func (t *timers) set(u *user, at instant) {
	switch {
	case at == 0 && u.slot >= 0:
		heap.Remove(t, int(u.slot))
	case at == 0:
	case u.slot < 0:
		u.wakeAt = at
		heap.Push(t, u)
	case u.wakeAt != at:
		u.wakeAt = at
		heap.Fix(t, int(u.slot))
	}
}

// next returns the earliest instant; none when nobody waits.
func (t timers) next() instant {
	if len(t) == 0 {
		return 0
	}
	return t[0].wakeAt
}

// earliest returns the smaller of two instants, where none means never.
func earliest(a, b instant) instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
