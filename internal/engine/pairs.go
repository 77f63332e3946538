package engine

import (
	"cmp"
	"slices"
	"time"
)

// pair is one watcher of a group: her row in user.sorted, and whether what she was
// last sent differs from what the others were. A user has dozens of them, so that
// is all a pair is; the few that differ are in group.odds.
type pair uint16

const oddPair pair = 1 << 15 // a row is less: roster bounds the entries

func (p pair) row() int  { return int(p &^ oddPair) }
func (p pair) odd() bool { return p&oddPair != 0 }

// last is what a watcher was last sent.
type last struct {
	sent  uint64 // digest of the rendering; 0: unknown, must be sent
	at    stamp  // of that sending
	fresh bool   // has just come into the group: sent without pacing
	muted bool   // it bounced: silent until the next probe or subscribe (S14)
}

// like reports whether two watchers need the same from now on. Who is muted is
// like nobody.
func (l last) like(m last) bool {
	return l.sent == m.sent && l.fresh == m.fresh && !l.muted && !m.muted
}

// odd is a watcher of a group who is not as the others are.
type odd struct {
	row uint16
	last
}

// find returns where among the odd ones the pair's row stands, or would.
func (g *group) find(p pair) (int, bool) {
	return slices.BinarySearchFunc(g.odd(), uint16(p.row()), func(o odd, row uint16) int { return cmp.Compare(o.row, row) })
}

// odd are the pairs that are not as the others are. What it returns is g's own.
func (g *group) odd() []odd {
	if g.odds == nil {
		return nil
	}
	return *g.odds
}

// setOdd keeps them in as much memory as they need.
func (g *group) setOdd(list []odd) {
	switch {
	case len(list) == 0:
		g.odds = nil
	case g.odds == nil:
		kept := list // else every call would allocate
		g.odds = &kept
	default:
		*g.odds = list
	}
}

// last is what a pair of the group was last sent.
func (g *group) last(p pair) last {
	if !p.odd() {
		return g.common
	}
	at, _ := g.find(p)
	return g.odd()[at].last
}

// put notes what the i-th pair was last sent.
func (g *group) put(i int, l last) {
	p := g.pairs[i]
	at, known := g.find(p)
	switch o := (odd{row: uint16(p.row()), last: l}); {
	case l.like(g.common):
		// A sending counts as the latest of its like: then something may be sent
		// again in vain, never too little.
		g.common.at = max(g.common.at, l.at)
		if known {
			g.setOdd(slices.Delete(g.odd(), at, at+1))
		}
		g.pairs[i] &^= oddPair
	case known:
		g.odd()[at] = o
	default:
		g.setOdd(slices.Insert(g.odd(), at, o))
		g.pairs[i] |= oddPair
	}
}

// fill notes what each pair was last sent, where most are alike.
func (g *group) fill(of []last) {
	g.common = majority(of)
	var list []odd
	for i, l := range of {
		g.pairs[i] &^= oddPair
		if l.like(g.common) {
			g.common.at = max(g.common.at, l.at)
			continue
		}
		list = append(list, odd{row: uint16(g.pairs[i]), last: l})
		g.pairs[i] |= oddPair
	}
	g.setOdd(slices.Clip(list))
}

// majority returns what most of them are like, if most are like anything.
func majority(of []last) (common last) {
	votes := 0
	for _, l := range of {
		switch {
		case l.muted:
		case votes == 0:
			common, votes = l, 1
		case l.like(common):
			votes++
		default:
			votes--
		}
	}
	return common
}

// each calls f for every pair of the group, in the order of the rows.
func (g *group) each(f func(i int, l last)) {
	next, list := 0, g.odd()
	for i, p := range g.pairs {
		if !p.odd() {
			f(i, g.common)
			continue
		}
		f(i, list[next].last)
		next++
	}
}

// change puts f(l) in the place of what each pair was last sent.
func (g *group) change(f func(i int, l last) last) {
	of := make([]last, 0, len(g.pairs))
	g.each(func(i int, l last) { of = append(of, f(i, l)) })
	g.fill(of)
}

// uncertain makes unknown what was sent and may not have arrived: everything but a
// plain unavailable that was confirmed.
func (g *group) uncertain(offline uint64, confirmed instant) {
	doubt := func(l *last) {
		if l.sent != offline || l.at.after(confirmed) {
			l.sent, l.fresh, g.pending = 0, true, true
		}
	}
	doubt(&g.common)
	for i := range g.odd() {
		doubt(&g.odd()[i].last)
	}
}

// sent tells that the rendering with that digest now goes to the group, with
// freshOnly only to those that have just come into it, and calls to for each pair
// that has not been sent it.
func (g *group) sent(digest uint64, at stamp, freshOnly bool, to func(p pair)) {
	all := !freshOnly || g.common.fresh // afterwards most have been sent this
	most := all && g.common.sent != digest
	next, list := 0, g.odd()
	keep := list[:0]
	for i, p := range g.pairs {
		if p.odd() {
			o := &list[next]
			next++
			if o.goes(digest, at, freshOnly) {
				to(p)
			}
			if !all || o.muted || o.sent != digest {
				keep = append(keep, *o)
				continue
			}
			g.pairs[i] &^= oddPair // as the others are
			g.common.at = max(g.common.at, o.at)
		} else if most {
			to(p)
		}
	}
	g.setOdd(keep)
	if all {
		g.common.fresh, g.common.sent = false, digest
	}
	if most {
		g.common.at = at
	}
}

// goes notes that a rendering is for the watcher, and reports whether she has to be
// sent it.
func (l *last) goes(digest uint64, at stamp, freshOnly bool) bool {
	if freshOnly && !l.fresh {
		return false
	}
	l.fresh = false
	if l.muted || l.sent == digest {
		return false
	}
	l.sent, l.at = digest, at
	return true
}

// send hands the rendering to the pairs that have not been sent it; with
// freshOnly only to those that have just come into the group.
func (u *user) send(g *group, body []byte, digest uint64, now time.Time, freshOnly bool) {
	to := u.sh.targets[:0]
	g.sent(digest, u.sh.e.instant(now).stamp(), freshOnly, func(p pair) { to = append(to, u.target(p)) })
	u.sh.targets = to
	if len(to) == 0 {
		return
	}
	u.sh.e.opt.Sender.Present(body, to)
	u.sh.e.metrics.sent.Add(float64(len(to)))
}
