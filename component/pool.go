package component

import (
	"context"
	"sync"
	"time"

	"presenced/internal/presence"
)

const (
	// workers answer what needs the engine. They mostly wait.
	workers = 16
	// maxJobs wait for a worker; more are refused.
	maxJobs = 1024
	// maxJobsEach is how many one account may have waiting or running, so that
	// nobody can take the workers from the others.
	maxJobsEach = 32
	// jobTime bounds one job: Look waits 10 s for a user that is being loaded.
	jobTime = 12 * time.Second
)

// job is a request to be answered by a worker.
type job struct {
	asker presence.Addr
	do    func(ctx context.Context)
}

// pool runs jobs beside the reader.
type pool struct {
	jobs    chan job // full: refused
	running sync.WaitGroup

	mu   sync.Mutex            // guards each
	each map[presence.Addr]int // jobs waiting or running, by asker
}

func newPool() *pool {
	return &pool{jobs: make(chan job, maxJobs), each: map[presence.Addr]int{}}
}

// start runs the workers until ctx ends.
func (p *pool) start(ctx context.Context) {
	for range workers {
		p.running.Go(func() { p.worker(ctx) })
	}
}

// wait returns when the workers have ended.
func (p *pool) wait() { p.running.Wait() }

func (p *pool) worker(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-p.jobs:
			p.run(ctx, j)
		}
	}
}

func (p *pool) run(ctx context.Context, j job) {
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	defer p.release(j.asker)
	j.do(ctx)
}

// submit takes a job; false where the asker or everybody has too many.
func (p *pool) submit(j job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.each[j.asker] >= maxJobsEach {
		return false
	}
	select {
	case p.jobs <- j:
		p.each[j.asker]++
		return true
	default:
		return false
	}
}

func (p *pool) release(asker presence.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.each[asker]--; p.each[asker] <= 0 {
		delete(p.each, asker)
	}
}
