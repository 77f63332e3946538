// Package intern keeps equal strings once, as package unique does, in half the
// memory: a daemon meets the address of a person in the rosters and among the
// watchers of dozens of others. What nobody holds any more is given back.
package intern

import (
	"strings"
	"sync"
	"weak"
)

// String is a string that is kept once: two are equal, as pointers, if and only if
// what they point at is. It is not changed.
type String = *string

// parts are the tables strings are spread over, so that owners who load rosters at
// the same time do not wait for each other.
const parts = 16

var tables [parts]table

// table holds strings until the collector has taken them.
type table struct {
	mu      sync.Mutex // guards all below
	of      map[string]weak.Pointer[string]
	sweepAt int // how many there may be before those that are gone are taken out
}

// minSweep is the size from which a table is swept.
const minSweep = 1 << 10

// Make returns the one String for s.
func Make(s string) String {
	t := &tables[place(s)]
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.of[s].Value(); p != nil {
		return p
	}
	if len(t.of) >= t.sweepAt {
		t.sweep()
	}
	own := strings.Clone(s)
	p := &own
	t.of[own] = weak.Make(p)
	return p
}

// sweep takes out what the collector has taken. It is called when there is twice
// what was left by the last one.
func (t *table) sweep() {
	live := make(map[string]weak.Pointer[string])
	for s, p := range t.of {
		if p.Value() != nil {
			live[s] = p
		}
	}
	t.of, t.sweepAt = live, max(minSweep, 2*len(live))
}

// place spreads strings that differ early, late or in their length (FNV-1a).
func place(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h % parts
}
