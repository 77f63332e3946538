package calendar

import (
	"cmp"
	"slices"
	"time"

	"presenced/internal/presence"
)

// busyTypes are the values of FBTYPE (RFC 5545 §3.2.9) and BUSYTYPE (RFC 7953
// §3.2). One that nobody knows is busy.
func busyType(s string) presence.EventKind {
	switch s {
	case "FREE":
		return presence.EventFree
	case "BUSY-UNAVAILABLE":
		return presence.EventOOF
	case "BUSY-TENTATIVE":
		return presence.EventTentative
	}
	return presence.EventBusy
}

// freeBusy adds what published free/busy times say. Radicale answers with one
// VFREEBUSY per event, the type a property of it.
func (e *expander) freeBusy(all []*component) {
	h := home{zone: e.zones.user, user: e.zones.user}
	for _, c := range all {
		for _, p := range c.periods {
			if kind := busyType(p.busyType); kind != presence.EventFree {
				z := e.zones.of(p.start, h.zone)
				takes := e.periodLength(&p, h, length{})
				e.add(occurrence{start: instant(p.start.sec, z), end: takes.end(p.start.sec, z), is: c, kind: kind})
			}
		}
		if len(c.periods) > 0 || c.busyType == "" || !c.hasStart || c.broken != "" {
			continue
		}
		if kind := busyType(c.busyType); kind != presence.EventFree {
			z := e.zones.of(c.start, h.zone)
			e.add(occurrence{start: instant(c.start.sec, z), end: e.extent(c).end(c.start.sec, z), is: c, kind: kind})
		}
	}
}

// offHours returns the times outside of the hours that VAVAILABILITY components
// (RFC 7953) offer. Of several that cover an instant the one with the highest
// priority decides: 1 is the highest, 0 the lowest.
func (e *expander) offHours(all []*component) []presence.Event {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *component) int {
		return cmp.Compare((a.priority+9)%10, (b.priority+9)%10)
	})
	var off []presence.Event
	var decided []span
	for _, c := range all {
		covers := e.covers(c)
		e.events(c.children)
		var open []span
		for _, o := range e.found {
			open = append(open, span{time.Unix(o.start, 0).UTC(), time.Unix(o.end, 0).UTC()})
		}
		e.found = e.found[:0]
		kind := presence.EventOOF
		if c.busyType != "" {
			kind = busyType(c.busyType)
		}
		for _, s := range without(without(covers, union(open)), decided) {
			if len(off) < maxOccurrences {
				off = append(off, presence.Event{Start: s.start, End: s.end, Kind: kind})
			}
		}
		decided = union(append(decided, covers...))
	}
	return off
}

// covers returns which part of the window a VAVAILABILITY speaks of: all of it
// where it does not say.
func (e *expander) covers(c *component) []span {
	from, to := e.from, e.to
	if c.hasStart {
		z := e.zones.of(c.start, e.zones.user)
		from = max(from, instant(c.start.sec, z))
		if c.hasLength && !c.hasEnd {
			to = min(to, c.length.end(c.start.sec, z))
		}
	}
	if c.hasEnd {
		to = min(to, instant(c.end.sec, e.zones.of(c.end, e.zones.user)))
	}
	if from >= to || c.broken != "" {
		return nil
	}
	return []span{{time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC()}}
}
