package main

import (
	"slices"
	"sync"

	"presenced/internal/testbed"
)

// watcher is one who has Alice's mirror in her contact list.
type watcher struct {
	name   string
	client *testbed.Client
	answer testbed.Stanza // to the last query

	mu       sync.Mutex // guards received
	received []testbed.Stanza
}

// hear returns the client's hook: it keeps every presence of the mirror but
// the answer to the subscription.
func (w *watcher) hear(news chan<- struct{}) func(testbed.Stanza) {
	return func(p testbed.Stanza) {
		if p.Kind != "presence" || testbed.Bare(p.From) != mirror || p.Type == "subscribed" {
			return
		}
		w.mu.Lock()
		w.received = append(w.received, p)
		w.mu.Unlock()
		select {
		case news <- struct{}{}:
		default: // somebody is about to look anyway
		}
	}
}

// count is the number of presences so far.
func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.received)
}

// since returns what came after the first n.
func (w *watcher) since(n int) []testbed.Stanza {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.received[n:])
}

// sees is how Alice looks to the watcher's client now.
func (w *watcher) sees() look {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.received) == 0 {
		return offline
	}
	return readLook(w.received[len(w.received)-1])
}
