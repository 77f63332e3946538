package outbox

import (
	"slices"

	"presenced/internal/engine"
)

// op is one stanza held for a pair.
type op struct {
	to   string // the bare JID of the pair, or one of its devices
	end  []byte // everything behind the addresses, shared between pairs
	keep bool   // a subscription stanza: not superseded by presence
}

// entry is what is held for one pair, in the order in which it must leave.
type entry struct {
	pair  engine.Target // To is bare
	ops   []op
	first [1]op // the usual case without a further allocation
}

// add appends p and drops what it supersedes. Presence to the bare JID reaches
// every device and so supersedes all presence, presence to a device only that
// for the same device.
func (e *entry) add(p op) {
	bare := p.to == e.pair.To
	if p.keep {
		if n := len(e.ops); n > 0 && e.ops[n-1].keep && e.ops[n-1].to == p.to && &e.ops[n-1].end[0] == &p.end[0] {
			return // the same said twice in a row
		}
	} else {
		e.ops = slices.DeleteFunc(e.ops, func(q op) bool { return !q.keep && (bare || q.to == p.to) })
	}
	if len(e.ops) >= maxOps {
		p = e.shrink(p)
	}
	e.ops = append(e.ops, p)
}

// shrink makes room: many devices are told the latest presence as one, and of
// the subscription stanzas the last two, which settle the state, stay.
func (e *entry) shrink(p op) op {
	latest := p
	kept := e.ops[:0:0]
	for _, q := range e.ops {
		if q.keep {
			kept = append(kept, q)
		} else if p.keep {
			latest = q
		}
	}
	kept = kept[max(0, len(kept)-2):]
	if !p.keep {
		latest.to = e.pair.To
	} else if !latest.keep {
		latest.to = e.pair.To
		kept = append(kept, latest)
		latest = p
	}
	e.ops = kept
	return latest
}
