package audit

import (
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

var _ engine.Auditor = (*Trail)(nil)

const (
	// syncEvery is how long an entry may be in the file and not on the disk.
	syncEvery = 5 * time.Second
	// sweepEvery is how often counted questions are looked at.
	sweepEvery = time.Minute
	// expireEvery is how often old files are looked for.
	expireEvery = time.Hour
	// maxBatch is how much is gathered for one write, in bytes.
	maxBatch = 256 << 10
	// retryEvery is how long a disk that failed is left alone.
	retryEvery = time.Second
)

// writer is the one goroutine that writes the files.
type writer struct {
	t       *Trail
	files   days
	repeats repeats
	buf     []byte
	lines   int64 // in buf

	unsynced bool
	failed   time.Time // when the disk failed last; zero: it works
	expired  time.Time // when old files were looked for
	swept    time.Time // when counted questions were
	told     time.Time // when the trail said last that entries were lost
}

func newWriter(t *Trail, open opener) *writer {
	return &writer{t: t, files: days{dir: t.o.Dir, open: open}, repeats: make(repeats)}
}

// run writes until the trail is closed.
func (w *writer) run() {
	defer close(w.t.done)
	w.housekeep(time.Now())
	timer := time.NewTimer(w.next())
	defer timer.Stop()
	var due time.Time // when the timer ends: what keeps coming does not put it off
	for {
		if at := time.Now().Add(w.next()); due.IsZero() || at.Before(due) {
			due = at
			timer.Reset(w.next())
		}
		select {
		case it := <-w.t.queue:
			w.take(it)
			w.drain()
			w.flush(time.Now())
		case <-w.t.erasing:
			w.drain()
			w.flush(time.Now())
			w.erase()
		case <-timer.C:
			w.housekeep(time.Now())
			due = time.Time{}
		case <-w.t.closing:
			w.end()
			return
		}
	}
}

// next is how long nothing needs to be done without being asked.
func (w *writer) next() time.Duration {
	switch {
	case w.unsynced:
		return syncEvery
	case !w.failed.IsZero(), w.t.lost.Load() > 0, len(w.repeats) > 0, w.t.owes():
		return sweepEvery
	}
	return expireEvery
}

// housekeep does what time brings.
func (w *writer) housekeep(now time.Time) {
	if now.Sub(w.swept) >= sweepEvery {
		w.swept = now
		w.repeats.sweep(now, false, w.say)
	}
	w.flush(now)
	w.sync()
	if w.t.owes() {
		w.erase()
	}
	if now.Sub(w.expired) >= expireEvery {
		w.expired = now
		if err := w.files.expire(now.Add(-time.Duration(w.t.retention.Load()))); err != nil {
			w.t.o.Log.Warn("old files of the audit trail cannot be removed", "error", err)
		}
	}
}

// drain takes what waits.
func (w *writer) drain() {
	for {
		select {
		case it := <-w.t.queue:
			w.take(it)
		default:
			return
		}
	}
}

// take makes lines of an item.
func (w *writer) take(it *item) {
	if it.turn != nil {
		w.repeats.sweep(time.Now(), true, w.say)
		w.flush(time.Now())
		it.turn <- nil
		return
	}
	w.t.waiting.Add(-it.entries())
	for _, l := range it.looked {
		q := question{
			who: it.who.Addr, user: l.user, what: "presence", uid: it.who.UID, level: l.level, leveled: true,
			way: it.who.Way, operator: it.who.Operator,
		}
		w.ask(q, it.at)
	}
	switch {
	case it.looked != nil:
	case it.deed.Change:
		w.change(&it.deed, it.at)
	default:
		w.ask(questionOf(&it.deed), it.at)
	}
	if len(w.buf) >= maxBatch {
		w.flush(time.Now())
	}
}

// ask says a question that is not a repetition.
func (w *writer) ask(q question, at time.Time) {
	if w.exempt(q.user, q.operator) {
		return
	}
	switch {
	case w.repeats.again(q, at):
	case w.files.crowded(at):
		w.t.lose(1)
	default:
		w.say(q.once(at))
	}
}

// change says what somebody changed. Who has just been erased is named no more.
func (w *writer) change(d *engine.Deed, at time.Time) {
	if w.exempt(d.User, d.Who.Operator) {
		return
	}
	for _, e := range entriesOf(at, d) {
		if d.What == "erase" && d.Outcome == "" {
			e.pseudonymise(name(d.User))
		}
		w.say(e)
	}
}

// exempt reports whether the operator wants nothing written of a user. What he does
// himself is written all the same: else he could hide it.
func (w *writer) exempt(user presence.Addr, operator bool) bool {
	return !operator && !user.IsZero() && w.t.o.Exempt != nil && w.t.o.Exempt(user)
}

func (w *writer) say(e Entry) {
	w.buf = appendLine(w.buf, &e)
	w.lines++
}

// flush writes what was said. What cannot be written is lost.
func (w *writer) flush(now time.Time) {
	lost := w.t.lost.Load()
	if now.Sub(w.told) < sweepEvery {
		lost = 0 // one line a minute says so
	}
	if w.lines == 0 && lost == 0 {
		return
	}
	if !w.failed.IsZero() && now.Sub(w.failed) < retryEvery {
		w.give()
		return
	}
	buf := w.buf
	if lost > 0 {
		buf = append(appendLine(nil, &Entry{At: instant(now), What: "lost", Who: Daemon, Lost: lost}), w.buf...)
	}
	if err := w.files.write(now, buf); err != nil {
		w.failed = now
		w.t.ail(err)
		w.give()
		return
	}
	w.failed = time.Time{}
	w.t.ail(nil)
	if lost > 0 {
		w.t.lost.Add(-lost)
		w.told = now
	}
	w.t.metrics.entries.Add(float64(w.lines))
	w.buf, w.lines, w.unsynced = w.buf[:0], 0, true
	if cap(w.buf) > 4*maxBatch {
		w.buf = nil
	}
}

// give gives up what was said.
func (w *writer) give() {
	w.t.lose(w.lines)
	w.buf, w.lines = w.buf[:0], 0
}

func (w *writer) sync() {
	if !w.unsynced {
		return
	}
	w.unsynced = false
	if err := w.files.sync(); err != nil {
		w.failed = time.Now()
		w.t.ail(err)
	}
}

// end writes everything and closes the files.
func (w *writer) end() {
	w.drain()
	now := time.Now()
	w.repeats.sweep(now, true, w.say)
	w.told = time.Time{}
	w.flush(now)
	w.sync()
	w.files.close()
}
