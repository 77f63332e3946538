package queue

import "sync"

// Answer is a callback and what it is told.
type Answer struct {
	Done func(error)
	Err  error
	Free func() // called after Done; nil: nothing to free
}

// Answers calls the callbacks one after the other, apart from the writer, so
// that a slow one does not hold up the store and a refusal does not wait for it.
//
// The list is not bounded by itself: accepted writes keep their place in the
// inbox until they are answered, and a refusal, which must neither block its
// caller nor be dropped, takes one entry until its callback ran.
type Answers struct {
	mu      sync.Mutex // guards the fields below
	list    []Answer
	running bool
}

// Add appends as and sees to it that somebody calls them. The goroutine lives
// only while there are answers, so a closed store can still refuse and leaves
// nothing running.
func (a *Answers) Add(as ...Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, as...)
	if !a.running && len(a.list) > 0 {
		a.running = true
		go a.run()
	}
}

func (a *Answers) run() {
	for {
		list := a.take()
		if list == nil {
			return
		}
		for _, an := range list {
			an.Done(an.Err)
			if an.Free != nil {
				an.Free()
			}
		}
	}
}

func (a *Answers) take() []Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	a.running = len(list) > 0
	return list
}

// Drain waits for all answers added before.
func (a *Answers) Drain() {
	passed := make(chan struct{})
	a.Add(Answer{Done: func(error) { close(passed) }})
	<-passed
}
