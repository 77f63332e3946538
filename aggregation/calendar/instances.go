package calendar

import (
	"cmp"
	"slices"
)

// keys are the instances of a series that do not count: exceptions, and those an
// override replaces. They are told by instant, by day, or both.
type keys struct {
	instants map[int64]bool
	days     map[int64]bool
}

// home is the clock a series is kept by.
type home struct {
	zone   zone
	user   zone
	allDay bool
}

// key returns what tells an instance of the series apart. An all-day series goes
// by days, whatever form the day was written in; midnight UTC is the day as
// written.
func (h home) key(m moment, z zone) (key int64, byDay bool) {
	switch {
	case m.date:
		return dayOf(m.sec), true
	case !h.allDay:
		return instant(m.sec, z), false
	case m.zone == utc && m.sec%day != 0:
		return dayOf(shown(m.sec, h.user)), true
	}
	return dayOf(m.sec), true
}

func (k *keys) add(key int64, byDay bool) {
	set := &k.instants
	if byDay {
		set = &k.days
	}
	if *set == nil {
		*set = map[int64]bool{}
	}
	(*set)[key] = true
}

// have reports whether the instance at the wall time sec, which is the instant
// at, is among them.
func (k *keys) have(sec, at int64) bool {
	return k.instants[at] || k.days[dayOf(sec)]
}

// later is an override with RANGE=THISANDFUTURE: what begins after the instance
// it replaces follows it.
type later struct {
	is    *component
	from  int64 // the wall time of the instance it replaces
	zone  zone
	takes length
}

// instances adds the occurrences of a master, without those replaced by
// overrides. Overrides are looked up by what they replace; where they moved to
// is theirs alone.
func (e *expander) instances(m *component, overrides []*component) {
	h := home{zone: e.zones.of(m.start, e.zones.user), user: e.zones.user, allDay: m.start.date}
	takes := e.extent(m)
	if len(m.rules)+len(m.rdates)+len(m.exdates)+len(overrides) == 0 {
		e.place(m, m.start.sec, h.zone, takes)
		return
	}
	var gone keys
	for _, d := range m.exdates {
		gone.add(h.key(d, e.zones.of(d, h.zone)))
	}
	longest, furthest := takes.most(), int64(0)
	var follow []later
	for _, o := range overrides {
		gone.add(h.key(o.original, e.zones.of(o.original, h.zone)))
		if o.thisAndFuture {
			f := e.later(o, h)
			follow = append(follow, f)
			longest = max(longest, f.takes.most())
			furthest = max(furthest, o.start.sec-f.from, f.from-o.start.sec)
		}
	}
	slices.SortStableFunc(follow, func(a, b later) int { return cmp.Compare(a.from, b.from) })
	for _, d := range m.rdates {
		longest = max(longest, e.periodLength(&d, h, takes).most())
	}
	lo, hi := e.from-longest-furthest-2*day, e.to+furthest+2*day
	for _, r := range m.exrules {
		e.rule(m, r, h, lo, hi, func(sec int64) { gone.add(instant(sec, h.zone), false) })
	}
	one := func(sec int64, takes length) {
		if gone.have(sec, instant(sec, h.zone)) {
			return
		}
		if f := latest(follow, sec); f != nil {
			e.place(f.is, f.is.start.sec+sec-f.from, f.zone, f.takes)
			return
		}
		e.place(m, sec, h.zone, takes)
	}
	if len(m.rules) == 0 {
		one(m.start.sec, takes)
	}
	for _, r := range m.rules {
		e.rule(m, r, h, lo, hi, func(sec int64) { one(sec, takes) })
	}
	for _, d := range m.rdates {
		one(e.wall(d.start, h), e.periodLength(&d, h, takes))
	}
}

// rule expands one rule of m between two wall times.
func (e *expander) rule(m *component, r *rule, h home, lo, hi int64, emit func(sec int64)) {
	if e.full {
		return
	}
	if wrong := e.zones.work.expand(r, m.start.sec, h.until(r), lo, hi, emit); wrong != "" {
		e.warnings.add(m.line, m.label()+"its rule is not followed to the end: "+wrong)
	}
}

// until returns the last wall second in which an instance may begin. RFC 5545
// wants the type of DTSTART, and UTC for a series with a zone; programs write
// all mixtures. A DATE ends a series of times with that day.
func (h home) until(r *rule) int64 {
	u := r.until
	switch {
	case !r.hasUntil:
		return never
	case u.date && !h.allDay:
		return u.sec + day - 1
	case h.allDay && u.zone == utc && u.sec%day != 0 && (u.sec+1)%day != 0:
		return dayOf(shown(u.sec, h.user)) * day
	case h.allDay:
		return dayOf(u.sec) * day
	case u.zone == utc:
		return shown(u.sec, h.zone)
	}
	return u.sec
}

// wall returns a moment on the clock of the series.
func (e *expander) wall(m moment, h home) int64 {
	switch {
	case h.allDay:
		key, _ := h.key(m, h.zone)
		return key * day
	case m.date:
		return m.sec
	}
	return shown(instant(m.sec, e.zones.of(m, h.zone)), h.zone)
}

func (e *expander) later(o *component, h home) later {
	return later{is: o, from: e.wall(o.original, h), zone: e.zones.of(o.start, h.zone), takes: e.extent(o)}
}

// latest returns the last override that the instance at sec follows; all are
// sorted by from.
func latest(all []later, sec int64) *later {
	i, _ := slices.BinarySearchFunc(all, sec, func(f later, sec int64) int { return cmp.Compare(f.from, sec) })
	if i == 0 {
		return nil
	}
	return &all[i-1]
}

// periodLength returns how long an RDATE takes, or a FREEBUSY period.
func (e *expander) periodLength(p *period, h home, otherwise length) length {
	switch {
	case p.hasLength:
		return p.length
	case p.hasEnd:
		return length{seconds: instant(p.end.sec, e.zones.of(p.end, h.zone)) - instant(p.start.sec, e.zones.of(p.start, h.zone))}
	}
	return otherwise
}
