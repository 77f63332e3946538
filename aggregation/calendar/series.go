package calendar

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"presenced/internal/presence"
)

// expander turns components into occurrences inside a window of Unix time.
type expander struct {
	zones    *zones
	warnings *warnings
	from, to int64
	found    []occurrence
	full     bool
}

// occurrence is one instance of a component, [start, end) in Unix time.
type occurrence struct {
	start, end int64
	is         *component
	kind       presence.EventKind
}

// series is everything that shares a UID.
type series struct {
	masters   []*component
	overrides []*component
}

// newer orders two versions of the same thing (RFC 5546 §2.1.5).
func newer(a, b *component) int {
	return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.stamp, b.stamp))
}

// group sorts components by UID, in the order of the text. Of two versions of an
// event only the newer one counts; where they do not tell which that is, both do.
func (e *expander) group(all []*component) []*series {
	var groups []*series
	byUID := map[string]*series{}
	for _, c := range all {
		if !e.usable(c) {
			continue
		}
		s := byUID[c.uid]
		if s == nil || c.uid == "" {
			s = &series{}
			groups = append(groups, s)
			byUID[c.uid] = s
		}
		switch {
		case c.hasOriginal:
			s.overrides = append(s.overrides, c)
		case len(s.masters) == 0 || newer(c, s.masters[0]) > 0:
			s.masters = append(s.masters[:0], c)
		case newer(c, s.masters[0]) == 0:
			s.masters = append(s.masters, c)
		}
	}
	return groups
}

// usable drops what has no time at all.
func (e *expander) usable(c *component) bool {
	if c.broken == "" && !c.hasStart && !(c.cancelled && !c.hasOriginal) { // who calls off need not say when
		if c.hasOriginal {
			c.start, c.hasStart = c.original, true
			return true
		}
		c.broken = "it has no DTSTART"
	}
	if c.broken != "" {
		e.warnings.add(c.line, c.label()+"left out: "+c.broken)
	}
	return c.broken == ""
}

func (e *expander) events(all []*component) {
	for _, s := range e.group(all) {
		e.expand(s)
	}
}

// expand adds the occurrences of one series.
func (e *expander) expand(s *series) {
	overrides := s.overrides
	if len(overrides) > 1 {
		overrides = e.latest(overrides)
	}
	if len(s.masters) > 0 {
		overrides = s.inherited(overrides)
	}
	for _, m := range s.masters {
		if e.zones.work.left -= replacing * int64(len(overrides)); e.zones.work.left < 0 && len(overrides) > 0 {
			e.warnings.add(m.line, m.label()+"left out: "+e.zones.work.spent())
			continue
		}
		e.instances(m, overrides)
	}
	for _, o := range overrides {
		takes := e.extent(o)
		if takes == (length{}) && !o.hasEnd && !o.hasLength && len(s.masters) > 0 {
			takes = e.extent(s.masters[0])
		}
		e.place(o, o.start.sec, e.zones.of(o.start, e.zones.user), takes)
	}
}

// inherited gives overrides what they do not say themselves: that the series is
// private, and that all of it was called off after they were made.
func (s *series) inherited(overrides []*component) []*component {
	m := s.masters[0]
	return slices.DeleteFunc(overrides, func(o *component) bool {
		o.private = o.private || m.private && !o.classed
		return m.cancelled && newer(m, o) > 0
	})
}

// latest keeps the newest of the overrides of the same instance.
func (e *expander) latest(all []*component) []*component {
	kept := make([]*component, 0, len(all))
	at := map[int64]int{}
	for _, o := range all {
		key := instant(o.original.sec, e.zones.of(o.original, e.zones.of(o.start, e.zones.user)))
		i, doubled := at[key]
		switch {
		case !doubled:
			at[key] = len(kept)
			kept = append(kept, o)
		case newer(o, kept[i]) >= 0:
			kept[i] = o
		}
	}
	return kept
}

// extent returns how long a component takes. A DTEND is as many days where both
// ends are days, else exactly as many seconds (RFC 5545 §3.8.5.3). A day event
// that ends when it begins takes a day, as those who write that mean it.
func (e *expander) extent(c *component) length {
	switch {
	case c.hasEnd && c.start.date && c.end.date:
		days := dayOf(c.end.sec) - dayOf(c.start.sec)
		if days == 0 {
			days = 1
		}
		return length{days: days}
	case c.hasEnd:
		home := e.zones.of(c.start, e.zones.user)
		return length{seconds: instant(c.end.sec, e.zones.of(c.end, home)) - instant(c.start.sec, home)}
	case c.hasLength:
		return c.length
	case c.start.date:
		return length{days: 1}
	}
	return length{}
}

// end returns when something that starts at the wall time sec is over.
func (l length) end(sec int64, z zone) int64 {
	if l.days == 0 {
		return instant(sec, z) + l.seconds
	}
	return instant(sec+l.days*day, z) + l.seconds
}

// place adds an occurrence if it touches the window.
func (e *expander) place(c *component, sec int64, z zone, takes length) {
	e.add(occurrence{start: instant(sec, z), end: takes.end(sec, z), is: c})
}

func (e *expander) add(o occurrence) {
	if o.start >= o.end || o.start >= e.to || o.end <= e.from {
		return
	}
	if len(e.found) >= maxOccurrences {
		if !e.full {
			e.warnings.add(0, "more than "+strconv.Itoa(maxOccurrences)+" occurrences in the window; the others are left out")
		}
		e.full = true
		return
	}
	e.found = append(e.found, o)
}

// result returns the occurrences found so far, each once, and forgets them.
func (e *expander) result() []presence.Event {
	slices.SortStableFunc(e.found, func(a, b occurrence) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(a.is.line, b.is.line))
	})
	e.found = slices.Compact(e.found)
	events := make([]presence.Event, len(e.found))
	for i, o := range e.found {
		events[i] = o.event()
	}
	e.found = nil
	return events
}

// event is the occurrence in the words of presence (S6.1, S6.2).
func (o *occurrence) event() presence.Event {
	c := o.is
	kind, declined := c.show.kind, false
	if c.invited == user {
		declined = c.answer == "DECLINED" || c.answer == "DELEGATED"
	}
	if !c.show.given {
		kind = presence.EventBusy
		if c.tentative || c.undecided() {
			kind = presence.EventTentative
		}
	}
	if o.kind != presence.EventFree { // VFREEBUSY
		kind = o.kind
	}
	return presence.Event{
		Start: time.Unix(o.start, 0).UTC(), End: time.Unix(o.end, 0).UTC(), Kind: kind,
		Subject: c.subject, Location: c.location, Categories: c.categories,
		Private: c.private, AllDay: c.start.date || c.allDay,
		Cancelled: c.cancelled, Declined: declined,
		// MS-OXCICAL: TRANSP counts only where there is no BUSYSTATUS, or working
		// elsewhere would be lost.
		Transparent: c.transparent && !c.show.given,
		Attendees:   c.others || (c.organizer == somebody && c.invited == user),
	}
}

// undecided reports whether the user is invited and has not said yes or no. Who
// organizes it comes, unless she says otherwise.
func (c *component) undecided() bool {
	if c.invited != user || c.answer == "ACCEPTED" {
		return false
	}
	return c.organizer != user || c.answer == "TENTATIVE"
}
