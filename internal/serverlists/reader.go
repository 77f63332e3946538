package serverlists

import (
	"context"
	"errors"
	"sync"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// Bounds of a reader.
const (
	// maxWaiting is how many users may wait for a reading, each once. It is above
	// what one host has; whoever comes later is told that it failed, and asks again.
	maxWaiting = 1 << 18
	// lookAgain is the pause between two looks at a database that is away.
	lookAgain = time.Second
)

var errWaiting = errors.New("too many users wait for their lists to be read; see what slows the database down")

// database is what a Reader reads from: a Source.
type database interface {
	Read(ctx context.Context, user presence.Addr, bare string) (engine.Lists, error)
	Inspect(ctx context.Context) (Found, error)
	Close() error
}

// Answer takes a reading; engine.Engine.ListsRead is one. It must not block.
type Answer func(user presence.Addr, lists engine.Lists, err error)

// Reader reads the lists of one host's users beside whoever asks, a few at once
// (the connections of its Source), the others in order. It is the
// engine.ListReader of that host.
//
// A database that is away costs it one look a second: once several readings in a
// row have failed, whoever asks is told so without another attempt, so that
// nobody waits in line for a time limit. What the engine makes of an error is
// S8.5 and S11.
type Reader struct {
	// read, inspect and shut are the database's methods, until Close cancels them.
	read    func(wanted) (engine.Lists, error)
	inspect func() error
	shut    func() error
	most    int // readings at once
	answer  Answer
	cancel  context.CancelFunc
	ended   <-chan struct{} // closed by cancel
	work    sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	waiting []wanted
	known   map[presence.Addr]*reading
	flying  int
	closed  bool
	looking bool  // somebody looks whether the database is there
	away    error // why it counts as away; nil: it does not
	since   time.Time
	inARow  int // readings that failed since one went well
	done    Readings
}

var _ engine.ListReader = (*Reader)(nil)

// wanted is a user whose lists are to be read.
type wanted struct {
	user presence.Addr
	bare string
}

// reading is one that waits or is under way.
type reading struct {
	flies bool
	again bool // asked for once more while it was under way
}

// Readings counts what became of questions.
type Readings struct{ Well, Failed uint64 }

// State is how a reader's database does.
type State struct {
	Away     error     // why nothing can be read, and what to do; nil: it can
	Since    time.Time // when that began; zero without Away
	Waiting  int       // users who wait, those under way included
	Readings Readings  // since the reader was made
}

// NewReader begins to read from s, which it closes with itself, and looks at once
// whether the database is there.
func NewReader(s *Source, answer Answer) *Reader {
	return newReader(s, s.conns, answer)
}

func newReader(db database, most int, answer Answer) *Reader {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Reader{
		read: func(w wanted) (engine.Lists, error) { return db.Read(ctx, w.user, w.bare) },
		inspect: func() error {
			_, err := db.Inspect(ctx)
			return err
		},
		shut: db.Close, most: most, answer: answer, cancel: cancel, ended: ctx.Done(),
		known: make(map[presence.Addr]*reading), looking: true,
	}
	r.work.Go(r.look)
	return r
}

// ReadLists asks for a user's lists; a database does not care whether she is
// online. It never blocks. Where the same question is under way, the answer will be
// of a reading that began after this call.
func (r *Reader) ReadLists(user presence.Addr, bare string, _ bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	is := r.known[user]
	switch {
	case r.closed: // nobody is told anything any more
	case is != nil:
		is.again = is.again || is.flies
	case r.away != nil:
		r.refuse(user, r.away)
	case len(r.waiting) >= maxWaiting:
		r.refuse(user, errWaiting)
	default:
		r.known[user] = &reading{}
		r.waiting = append(r.waiting, wanted{user, bare})
		if r.flying < r.most {
			r.flying++
			r.work.Go(r.run)
		}
	}
}

// refuse answers without a reading; mu is held.
func (r *Reader) refuse(user presence.Addr, err error) {
	r.done.Failed++
	r.work.Go(func() { r.answer(user, engine.Lists{}, err) })
}

// run reads until nobody waits.
func (r *Reader) run() {
	for {
		w, ok, err := r.next()
		if !ok {
			return
		}
		var lists engine.Lists
		if err == nil {
			lists, err = r.read(w)
			r.judge(err)
		}
		if r.finish(w, err) {
			r.answer(w.user, lists, err)
		}
	}
}

// next takes a question; an error is the answer to it.
func (r *Reader) next() (w wanted, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.waiting) == 0 {
		r.flying--
		return w, false, nil
	}
	w = r.waiting[0]
	if r.waiting = r.waiting[1:]; len(r.waiting) == 0 {
		r.waiting = nil // a whole host's worth, after an attach
	}
	r.known[w.user].flies = true
	return w, true, r.away
}

// finish ends a question. It is answered unless it was asked once more meanwhile,
// which puts it at the end of the line, or the reader was closed.
func (r *Reader) finish(w wanted, err error) (tell bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	if err != nil {
		r.done.Failed++
	} else {
		r.done.Well++
	}
	if r.known[w.user].again {
		r.known[w.user] = &reading{}
		r.waiting = append(r.waiting, w)
		return false
	}
	if delete(r.known, w.user); len(r.known) == 0 {
		r.known = make(map[presence.Addr]*reading) // and the memory of the old one goes
	}
	return true
}

// judge takes the database as away after as many failures in a row as readings go
// on at once, and at least two: one alone may be the fault of one user's rows.
func (r *Reader) judge(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.inARow = 0
		return
	}
	if r.inARow++; r.inARow >= max(r.most, 2) && !r.closed {
		r.left(err)
	}
}

// left notes that the database is away and has somebody look for it; mu is held.
func (r *Reader) left(err error) {
	if r.away == nil {
		r.since = time.Now()
	}
	if r.away = err; !r.looking {
		r.looking = true
		r.work.Go(r.look)
	}
}

// look looks for the database until it is there.
func (r *Reader) look() {
	pause := time.NewTimer(lookAgain)
	defer pause.Stop()
	for {
		if r.looked(r.inspect()) {
			return
		}
		pause.Reset(lookAgain)
		select {
		case <-pause.C:
		case <-r.ended:
			return
		}
	}
}

// looked takes what a look found; true means that it was the last one.
func (r *Reader) looked(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return true
	}
	if err != nil {
		r.left(err)
		return false
	}
	r.away, r.since, r.inARow, r.looking = nil, time.Time{}, 0, false
	return true
}

// State tells how the database does. It does not ask it.
func (r *Reader) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return State{Away: r.away, Since: r.since, Waiting: len(r.known), Readings: r.done}
}

// Close ends readings under way and the connections. When it returns nobody is
// told anything any more; what was asked stays without an answer.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.closed = true
	r.waiting = nil
	r.mu.Unlock()
	r.cancel()
	r.work.Wait()
	return r.shut()
}
