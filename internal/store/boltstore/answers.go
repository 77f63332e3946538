package boltstore

import "sync"

// answer is a callback and what it is told.
type answer struct {
	done func(error)
	err  error
	free func() // called after done; nil: nothing to free
}

// answers calls the callbacks one after the other, apart from the writer, so
// that a slow one does not hold up the disk and a refusal does not wait for it.
//
// The list is not bounded by itself: accepted writes keep their place in the
// inbox until they are answered, and a refusal, which must neither block its
// caller nor be dropped, takes one entry until its callback ran.
type answers struct {
	mu      sync.Mutex // guards the fields below
	list    []answer
	running bool
}

// add appends as and sees to it that somebody calls them. The goroutine lives
// only while there are answers, so a closed store can still refuse and leaves
// nothing running.
func (a *answers) add(as ...answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, as...)
	if !a.running && len(a.list) > 0 {
		a.running = true
		go a.run()
	}
}

func (a *answers) run() {
	for {
		list := a.take()
		if list == nil {
			return
		}
		for _, an := range list {
			an.done(an.err)
			if an.free != nil {
				an.free()
			}
		}
	}
}

func (a *answers) take() []answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	a.running = len(list) > 0
	return list
}

// drain waits for all answers added before.
func (a *answers) drain() {
	passed := make(chan struct{})
	a.add(answer{done: func(error) { close(passed) }})
	<-passed
}
