package audit

import (
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

const (
	// window is how long the same question is counted before that is written.
	window = time.Hour
	// maxRepeats bounds the questions that are remembered for that; beyond it each
	// is written.
	maxRepeats = 65536
)

// question is all that an entry of a question says, but for when.
type question struct {
	who, user, eyes presence.Addr
	what, outcome   string
	uid             uint32
	level           presence.ContainerID
	leveled         bool
	way             engine.Way
	operator        bool
}

// repeat is how often a question came again.
type repeat struct {
	times       int64
	first, last time.Time // of those
	until       time.Time // of the window
}

// repeats counts questions that come again.
type repeats map[question]*repeat

// again reports whether a question was asked within the window before; then it is
// counted.
func (rs repeats) again(q question, at time.Time) bool {
	if r, ok := rs[q]; ok {
		if r.times == 0 {
			r.first = at
		}
		r.times++
		r.last = at
		return true
	}
	if len(rs) < maxRepeats {
		rs[q] = &repeat{until: at.Add(window)}
	}
	return false
}

// sweep says what was counted in windows that have ended, or in all of them; what
// did not come again in its own is forgotten.
func (rs repeats) sweep(now time.Time, all bool, say func(Entry)) {
	for q, r := range rs {
		over := !now.Before(r.until)
		if !over && !all {
			continue
		}
		if r.times > 0 {
			say(q.entry(r))
		}
		switch {
		case over && r.times == 0:
			delete(rs, q)
		case over:
			r.until = now.Add(window)
		}
		r.times = 0
	}
}

// about reports whether a question is one of a person's, or about her.
func (q *question) about(a presence.Addr) bool { return q.who == a || q.user == a || q.eyes == a }

// forget drops what was counted of a person.
func (rs repeats) forget(a presence.Addr) {
	for q := range rs {
		if q.about(a) {
			delete(rs, q)
		}
	}
}

func (q *question) entry(r *repeat) Entry {
	e := q.once(r.last)
	e.Times, e.Since = r.times, instant(r.first)
	return e
}

// once is the entry of one question.
func (q *question) once(at time.Time) Entry {
	d := engine.Deed{
		Who:  engine.Principal{Addr: q.who, Operator: q.operator, Way: q.way, UID: q.uid},
		What: q.what, User: q.user, Eyes: q.eyes, Outcome: q.outcome,
	}
	e := entriesOf(at, &d)[0]
	if q.leveled {
		e.Level = &q.level
	}
	return e
}

// questionOf is what a deed asks.
func questionOf(d *engine.Deed) question {
	return question{
		who: d.Who.Addr, user: d.User, eyes: d.Eyes, what: d.What, outcome: d.Outcome,
		uid: d.Who.UID, way: d.Who.Way, operator: d.Who.Operator,
	}
}
