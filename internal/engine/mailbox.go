package engine

import (
	"slices"
	"sync"
	"time"
)

// maxMailbox bounds the events waiting for one owner. Beyond it presence keeps
// the latest per device (bounded by maxOverflow devices) and everything else is
// refused, so that a storm costs memory in proportion to devices, not to events.
const (
	maxMailbox  = 16384
	maxOverflow = 262144
)

// event is a device's presence, or anything else as a function.
type event struct {
	device Device
	run    func(now time.Time) // nil: device
}

// mailbox hands events to one owner. put never blocks.
type mailbox struct {
	mu   sync.Mutex        // guards the fields below
	in   []event           // in order of arrival, at most maxMailbox devices
	over map[string]Device // latest per full JID while in is full
	lost uint64            // events refused for want of room
	wake chan struct{}     // capacity 1: a token means in or over is not empty
}

func newMailbox() *mailbox {
	return &mailbox{over: make(map[string]Device), wake: make(chan struct{}, 1)}
}

// device queues a presence; false means that it was lost.
func (m *mailbox) device(d Device) bool {
	m.mu.Lock()
	ok := true
	switch {
	case len(m.over) == 0 && len(m.in) < maxMailbox:
		if len(m.in) == cap(m.in) { // append alone would copy a storm four times
			m.in = slices.Grow(m.in, max(len(m.in), 64))
		}
		m.in = append(m.in, event{device: d})
	default:
		key := d.User.Full()
		if _, there := m.over[key]; !there && len(m.over) >= maxOverflow {
			m.lost++
			ok = false
			break
		}
		m.over[key] = d
	}
	m.mu.Unlock()
	m.signal()
	return ok
}

// post queues a function that the network caused; false when there is no room.
func (m *mailbox) post(run func(time.Time)) bool {
	m.mu.Lock()
	if len(m.in) >= 2*maxMailbox {
		m.lost++
		m.mu.Unlock()
		return false
	}
	m.in = append(m.in, event{run: run})
	m.mu.Unlock()
	m.signal()
	return true
}

// must queues a function the daemon itself owes, such as the completion of a
// save; their number is bounded by what they complete.
func (m *mailbox) must(run func(time.Time)) {
	m.mu.Lock()
	m.in = append(m.in, event{run: run})
	m.mu.Unlock()
	m.signal()
}

func (m *mailbox) signal() {
	select {
	case m.wake <- struct{}{}:
	default: // a token is already there
	}
}

// maxSpare is the room for events that a mailbox keeps when a storm is over.
const maxSpare = 4096

// take swaps the queue with an empty one. Overflowed devices come last: they
// arrived after everything in the queue.
func (m *mailbox) take(spare []event) []event {
	m.mu.Lock()
	defer m.mu.Unlock()
	batch := m.in
	m.in = nil
	if cap(spare) <= maxSpare {
		m.in = spare[:0]
	}
	if len(m.over) > 0 {
		for _, d := range m.over {
			batch = append(batch, event{device: d})
		}
		m.over = make(map[string]Device)
	}
	return batch
}

// depth returns the number of waiting events, for the metric.
func (m *mailbox) depth() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.in) + len(m.over)
}
