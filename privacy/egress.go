package privacy

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"presenced/internal/presence"
)

// EgressList is the name of the privacy list that is made for a user who has no
// default one (S8.7).
const EgressList = "presenced"

// egressFirst is the order of the first egress item. Items of the user that stand
// before the fourth place move up.
const egressFirst = 1

// maxEgress is the longest list egress items are put into: what is read back may
// have 10,000 items, three of them ours.
const maxEgress = 10000 - 3

// EgressItems are the items of S8.7 (b), in their order: presence may go to the
// component, and to no contact who sees it natively. Whoever is no contact, a
// group chat too, is left alone, which is why there is no catch-all.
func (s *Site) EgressItems() []Item {
	out := []string{"presence-out"}
	return []Item{
		{Action: "allow", Type: "jid", Value: s.component, Stanzas: out},
		{Action: "deny", Type: "subscription", Value: "both", Stanzas: out},
		{Action: "deny", Type: "subscription", Value: "from", Stanzas: out},
	}
}

// WithEgress puts the egress items before a user's own, which they can only narrow:
// two of them deny, and the third is about the component alone. Her items keep their
// numbers where there is room before them, else each grows by shift. A list that
// cannot be read is an error: it is never rewritten.
func (s *Site) WithEgress(l List) (out List, shift uint64, err error) {
	own, err := s.sorted(&l)
	switch {
	case err != nil:
		return l, 0, err
	case len(own) > maxEgress:
		return l, 0, fmt.Errorf("a list of %d items has no room for three more", len(own))
	case len(own) == 0:
	case own[0].order < egressFirst+3:
		shift = egressFirst + 3 - own[0].order
		if own[len(own)-1].order > math.MaxUint32-shift {
			return l, 0, fmt.Errorf("the orders of the list leave no room for items before them")
		}
	}
	out = List{Name: l.Name, Items: s.EgressItems()}
	for i := range out.Items {
		out.Items[i].Order = strconv.Itoa(egressFirst + i)
	}
	for _, p := range own {
		p.Order = strconv.FormatUint(p.order+shift, 10)
		out.Items = append(out.Items, p.Item)
	}
	return out, shift, nil
}

// WithoutEgress takes the egress items out again, and the shift from the orders of
// the rest where that is possible. A list without them stays as it is.
func (s *Site) WithoutEgress(l List, shift uint64) List {
	own, err := s.sorted(&l)
	at := s.egressAt(own)
	if err != nil || at < 0 {
		return l
	}
	own = slices.Delete(own, at, at+3)
	if len(own) > 0 && own[0].order < shift {
		shift = 0 // she has numbered them anew since
	}
	out := List{Name: l.Name, Items: []Item{}}
	for _, p := range own {
		p.Order = strconv.FormatUint(p.order-shift, 10)
		out.Items = append(out.Items, p.Item)
	}
	return out
}

// HasEgress reports whether the egress items stand in a list, next to each other
// and in their order.
func (s *Site) HasEgress(l *List) bool {
	own, err := s.sorted(l)
	return err == nil && s.egressAt(own) >= 0
}

// MarkEgress returns the list with exactly the egress items marked as managed, so
// that S8.2 does not obey them; other items of the same meaning are the user's own.
func (s *Site) MarkEgress(l *List) *List {
	own, err := s.sorted(l)
	at := s.egressAt(own)
	if err != nil || at < 0 {
		return l
	}
	out := List{Name: l.Name, Items: make([]Item, len(own))}
	for i := range own {
		out.Items[i] = own[i].Item
		out.Items[i].Managed = i >= at && i < at+3
	}
	return &out
}

// sorted validates a list (S8.5) and returns its items in ascending order.
func (s *Site) sorted(l *List) ([]parsed, error) {
	if _, err := compileList(l, s.component); err != nil {
		return nil, err
	}
	items := make([]parsed, len(l.Items))
	for i := range l.Items {
		p, err := parseItem(l.Items[i])
		if err != nil {
			return nil, err
		}
		items[i] = p
	}
	slices.SortFunc(items, func(a, b parsed) int { return cmp.Compare(a.order, b.order) })
	return items, nil
}

// egressAt returns where the egress items begin, -1 where they are not all there.
func (s *Site) egressAt(items []parsed) int {
	want := s.EgressItems()
	for i := 0; i+len(want) <= len(items); i++ {
		if s.same(&items[i], &want[0]) && s.same(&items[i+1], &want[1]) && s.same(&items[i+2], &want[2]) {
			return i
		}
	}
	return -1
}

func (s *Site) same(p *parsed, want *Item) bool {
	if p.Action != want.Action || p.Type != want.Type || !slices.Equal(p.Stanzas, want.Stanzas) {
		return false
	}
	if p.Type == "jid" {
		return !p.resource && p.addr.Key() == s.component
	}
	return p.Value == want.Value
}

// Raw tells to which contacts a user's own server sends her presence, around the
// component (S8.7).
type Raw struct {
	standard *list
	block    blocks
	open     bool // what keeps it from them cannot be read
}

// NewRaw compiles what a server was last heard to keep: the default list, nil for
// none, with the egress items obeyed, and the block list. In doubt presence counts
// as sent: deny items of one resource leave the others, and a domain does not
// include its subdomains, as servers have it.
func (s *Site) NewRaw(standard *List, block *BlockList) Raw {
	var r Raw
	if standard != nil {
		strict := List{Broken: standard.Broken}
		for _, it := range standard.Items {
			it.Managed = false
			if p, err := parseItem(it); err == nil && p.Type == "jid" && p.resource && p.deny {
				continue
			}
			strict.Items = append(strict.Items, it)
		}
		l, err := compileList(&strict, s.component)
		if err != nil {
			return Raw{open: true}
		}
		l.parents, l.hidesAll = nil, false
		r.standard = l
	}
	if block != nil {
		strict := BlockList{Broken: block.Broken}
		for _, jid := range block.JIDs {
			if j, err := presence.ParseJID(jid); err != nil || j.Resource == "" {
				strict.JIDs = append(strict.JIDs, jid)
			}
		}
		b, err := compileBlocks(&strict, "")
		if err != nil {
			return Raw{open: true}
		}
		r.block = b
	}
	return r
}

// Reaches reports whether a contact is sent her raw presence. Who is subscribed to
// the component only is no contact.
func (r *Raw) Reaches(c *presence.Contact) bool {
	switch {
	case !c.Subscription.SeesOwner():
		return false
	case r.open:
		return true
	}
	return !r.block.denies(c.Addr) &&
		(r.standard == nil || r.standard.verdict(Watcher{Addr: c.Addr, Contact: c}, true) != listDenies)
}
