package roster

import (
	"slices"

	"presenced/internal/presence"
)

// Roster is the compact, unchanging copy of a user's roster: who, with which
// subscription, in which groups. Names of contacts are not kept.
type Roster struct {
	keys  keys
	items []item // for each key; absent: no contact
	sets  *sets
}

// item is a subscription, in two bits, and the number of a combination of groups.
type item uint16

func (i item) sub() presence.Subscription { return presence.Subscription(i & 3) }
func (i item) set() int                   { return int(i >> 2) }

// sets are the distinct combinations of groups; the first is none.
type sets []groups

type groups struct{ own, shared []string }

// noGroups is all that most rosters have. It is not changed.
var noGroups = &sets{{}}

// maxSets bounds the combinations of groups; a contact of a further one counts
// as in no group.
const maxSets = 1<<14 - 1

// New copies contacts. Contacts without an address or on domain, the component's
// own, are dropped (S2.7); of two with one address the latter counts.
func New(contacts []presence.Contact, domain string) *Roster {
	byAddr := make(map[presence.Addr]int, len(contacts))
	addrs := make([]presence.Addr, 0, len(contacts))
	for i := range contacts {
		a := contacts[i].Addr
		if a.IsZero() || a.Domain() == domain {
			continue
		}
		if _, twice := byAddr[a]; !twice {
			addrs = append(addrs, a)
		}
		byAddr[a] = i
	}
	slices.SortFunc(addrs, presence.Addr.Compare)
	r := &Roster{keys: pack(addrs), items: make([]item, len(addrs)), sets: noGroups}
	for i, a := range addrs {
		c := &contacts[byAddr[a]]
		r.items[i] = item(c.Subscription&3) | item(r.set(c))<<2
	}
	return r
}

// set returns the index of c's combination of groups.
func (r *Roster) set(c *presence.Contact) int {
	g := groups{own: sorted(c.Groups), shared: sorted(c.Shared)}
	for i, s := range *r.sets {
		if slices.Equal(s.own, g.own) && slices.Equal(s.shared, g.shared) {
			return i
		}
	}
	if len(*r.sets) >= maxSets {
		return 0
	}
	if r.sets == noGroups {
		r.sets = &sets{{}}
	}
	*r.sets = append(*r.sets, g)
	return len(*r.sets) - 1
}

// on returns the roster with its items beside other keys, all of its own among
// them.
func (r *Roster) on(other keys) *Roster {
	out := &Roster{keys: other, items: make([]item, len(other)), sets: r.sets}
	next := 0
	for i := range other {
		out.items[i] = absent
		if next < len(r.keys) && r.keys[next] == other[i] {
			out.items[i] = r.items[next]
			next++
		}
	}
	return out
}

func sorted(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

// Len returns the number of contacts; a nil roster has none.
func (r *Roster) Len() int {
	if r == nil {
		return 0
	}
	n := 0
	for _, it := range r.items {
		if it != absent {
			n++
		}
	}
	return n
}

// Get returns the contact with that address. Its groups must not be changed. A
// nil roster has none.
func (r *Roster) Get(a presence.Addr) (presence.Contact, bool) {
	if r == nil {
		return presence.Contact{}, false
	}
	i, ok := r.keys.find(a)
	if !ok || r.items[i] == absent {
		return presence.Contact{}, false
	}
	return r.contact(i, a), true
}

func (r *Roster) contact(i int, a presence.Addr) presence.Contact {
	it := r.items[i]
	set := &(*r.sets)[it.set()]
	return presence.Contact{Addr: a, Subscription: it.sub(), Groups: set.own, Shared: set.shared}
}

// Each calls f once per contact, in the order of the addresses.
func (r *Roster) Each(f func(presence.Contact)) {
	if r == nil {
		return
	}
	for i, it := range r.items {
		if it != absent {
			f(r.contact(i, r.keys.addr(i)))
		}
	}
}

// Groups returns the names of all groups, sorted; shared ones are included.
func (r *Roster) Groups() []string {
	if r == nil {
		return nil
	}
	var out []string
	for _, s := range *r.sets {
		out = append(append(out, s.own...), s.shared...)
	}
	return sorted(out)
}

// Equal reports whether both hold the same contacts in the same groups.
func (r *Roster) Equal(other *Roster) bool {
	if r.Len() != other.Len() {
		return false
	}
	same := true
	r.Each(func(c presence.Contact) {
		d, ok := other.Get(c.Addr)
		same = same && ok && equal(c, d)
	})
	return same
}

func equal(a, b presence.Contact) bool {
	return a.Subscription == b.Subscription && slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Shared, b.Shared)
}

// Removed returns who is in old and no longer in next (S2.5).
func Removed(old, next *Roster) []presence.Addr { return Diff(old, next).Removed }

// Changes is the difference of two readings of a roster.
type Changes struct {
	Added, Removed, Changed []presence.Addr // sorted
}

// Empty reports whether nothing changed.
func (c Changes) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// Diff compares two readings; nil stands for an empty roster.
func Diff(old, next *Roster) Changes {
	var out Changes
	old.Each(func(c presence.Contact) {
		switch d, ok := next.Get(c.Addr); {
		case !ok:
			out.Removed = append(out.Removed, c.Addr)
		case !equal(c, d):
			out.Changed = append(out.Changed, c.Addr)
		}
	})
	next.Each(func(c presence.Contact) {
		if _, ok := old.Get(c.Addr); !ok {
			out.Added = append(out.Added, c.Addr)
		}
	})
	return out
}
