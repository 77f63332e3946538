package privacy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"presenced/internal/presence"
)

// Item is one item of a privacy list as a server gave it (XEP-0016 §2.1).
type Item struct {
	Order   string   `json:"order"`
	Action  string   `json:"action"`
	Type    string   `json:"type,omitempty"` // empty: none given, the item matches everybody
	Value   string   `json:"value,omitempty"`
	Stanzas []string `json:"stanzas,omitempty"` // names of the child elements
	// Managed marks an item the component wrote (S8.7): checked, not obeyed.
	Managed bool `json:"managed,omitempty"`
	// Broken says what a reader met that fits no field; it fails the list (S8.5).
	Broken string `json:"broken,omitempty"`
}

// List is a privacy list as a server gave it. Broken is set by a reader that
// could not make items of it; such a list fails closed (S8.5).
type List struct {
	Name   string `json:"name,omitempty"` // as the server calls it; empty: not known
	Items  []Item `json:"items"`
	Broken string `json:"broken,omitempty"`
}

// BlockList is a XEP-0191 block list as a server gave it. Broken as in List.
type BlockList struct {
	JIDs   []string `json:"jids"`
	Broken string   `json:"broken,omitempty"`
}

// verdict is what a list says about a watcher.
type verdict uint8

const (
	listSilent  verdict = iota // no item matched: allow
	listAllows                 // ends the list; never raises a container (S8.2)
	listDenies                 // the watcher is blocked
	listUnknown                // only the unreadable roster could tell (S2.6, I3)
)

// code is the place of an item in ascending order, its lowest bit set for deny.
// The smallest code of all that match a watcher is the first match.
type code uint32

const noItem = ^code(0)

func (c code) denies() bool { return c != noItem && c&1 == 1 }

// list is a compiled privacy list. Every item of XEP-0016 matches by one exact
// key, so the first match is the smallest code of a few look-ups, however long
// the list is.
type list struct {
	jids    map[string]code // bare JIDs and domains
	parents map[string]code // deny items of domains, which also match subdomains
	groups  map[string]code
	subs    [4]code
	any     code
	// rosterDeny is the first item that would deny somebody by group or
	// subscription, for watchers whose roster item cannot be read.
	rosterDeny code
	// hidesAll: the component itself is denied, so the user hides from all who
	// look through it (as S8.1 says of block lists).
	hidesAll bool
}

// parsed is a validated item.
type parsed struct {
	order uint64
	deny  bool
	Item
	addr     presence.Addr
	resource bool
	sub      presence.Subscription
}

// compileList validates every item before it compiles the first (S8.5).
func compileList(raw *List, component string) (*list, error) {
	if raw.Broken != "" {
		return nil, fmt.Errorf("malformed list: %s", raw.Broken)
	}
	items := make([]parsed, 0, len(raw.Items))
	for _, it := range raw.Items {
		p, err := parseItem(it)
		if err != nil {
			return nil, fmt.Errorf("malformed item %q: %w", it.Order, err)
		}
		items = append(items, p)
	}
	slices.SortStableFunc(items, func(a, b parsed) int { return cmp.Compare(a.order, b.order) })
	for i := 1; i < len(items); i++ {
		if items[i].order == items[i-1].order {
			return nil, fmt.Errorf("malformed list: order %d stands twice", items[i].order)
		}
	}
	l := &list{any: noItem, rosterDeny: noItem, subs: [4]code{noItem, noItem, noItem, noItem}}
	for i := range items {
		l.add(&items[i], i)
	}
	c, ok := l.jids[component]
	l.hidesAll = ok && c.denies() && c < l.any
	return l, nil
}

func parseItem(it Item) (parsed, error) {
	p := parsed{Item: it}
	if it.Broken != "" {
		return p, fmt.Errorf("%s", it.Broken)
	}
	var err error
	if p.order, err = strconv.ParseUint(it.Order, 10, 32); err != nil {
		return p, fmt.Errorf("the order is no unsigned number")
	}
	switch it.Action {
	case "allow":
	case "deny":
		p.deny = true
	default:
		return p, fmt.Errorf("unknown action %q", it.Action)
	}
	for _, s := range it.Stanzas {
		switch s {
		case "message", "iq", "presence-in", "presence-out":
		default:
			return p, fmt.Errorf("unknown stanza kind %q", s)
		}
	}
	return p, p.match()
}

// match reads type and value.
func (p *parsed) match() error {
	switch p.Type {
	case "":
		if p.Value != "" {
			return fmt.Errorf("a value without a type")
		}
	case "jid":
		j, err := presence.ParseJID(p.Value)
		if err != nil {
			return err
		}
		p.addr, p.resource = j.Addr, j.Resource != ""
	case "group":
		if p.Value == "" {
			return fmt.Errorf("a group without a name")
		}
	case "subscription":
		sub, ok := presence.ParseSubscription(p.Value)
		if !ok || p.Value == "" {
			return fmt.Errorf("unknown subscription %q", p.Value)
		}
		p.sub = sub
	default:
		return fmt.Errorf("unknown type %q", p.Type)
	}
	return nil
}

// counts reports whether the item decides about outgoing presence (S8.2) and is
// the user's own (S8.7).
func (p *parsed) counts() bool {
	return !p.Managed && (len(p.Stanzas) == 0 || slices.Contains(p.Stanzas, "presence-out"))
}

func (l *list) add(p *parsed, index int) {
	if !p.counts() {
		return
	}
	c := code(index) << 1
	if p.deny {
		c |= 1
	}
	switch p.Type {
	case "":
		l.any = min(l.any, c)
	case "jid":
		l.addJID(p, c)
	case "group":
		first(&l.groups, p.Value, c)
		if l.groups[p.Value] == c && p.deny {
			l.rosterDeny = min(l.rosterDeny, c)
		}
	case "subscription":
		l.subs[p.sub] = min(l.subs[p.sub], c)
		if l.subs[p.sub] == c && p.deny {
			l.rosterDeny = min(l.rosterDeny, c)
		}
	}
}

// addJID obeys S8.4: an allow of one resource never opens the whole person, a
// deny of one closes her. In the same spirit a denied domain includes its
// subdomains, as XEP-0016 §2.1 has it, and an allowed one does not, as servers
// have it.
func (l *list) addJID(p *parsed, c code) {
	if p.resource && !p.deny {
		return
	}
	first(&l.jids, p.addr.Key(), c)
	if p.deny && p.addr.Local() == "" {
		first(&l.parents, p.addr.Key(), c)
	}
}

// first keeps the smaller code of a key; items come in ascending order.
func first(m *map[string]code, key string, c code) {
	if *m == nil {
		*m = make(map[string]code)
	}
	if _, ok := (*m)[key]; !ok {
		(*m)[key] = c
	}
}

// verdict evaluates the list for w; it costs the same for any length.
func (l *list) verdict(w Watcher, rosterReadable bool) verdict {
	if l.hidesAll {
		return listDenies
	}
	domain := w.Addr.Domain()
	best := l.any
	best = min(best, look(l.jids, w.Addr.Key()), look(l.jids, domain))
	if len(l.parents) > 0 {
		for d := parent(domain); d != ""; d = parent(d) {
			best = min(best, look(l.parents, d))
		}
	}
	if !rosterReadable {
		if l.rosterDeny < best {
			return listUnknown
		}
	} else {
		best = min(best, l.subs[w.subscription()])
		if w.Contact != nil && len(l.groups) > 0 {
			best = min(best, l.group(w.Contact.Groups), l.group(w.Contact.Shared))
		}
	}
	switch {
	case best == noItem:
		return listSilent
	case best.denies():
		return listDenies
	}
	return listAllows
}

func (l *list) group(groups []string) code {
	best := noItem
	for _, g := range groups {
		best = min(best, look(l.groups, g))
	}
	return best
}

func look(m map[string]code, key string) code {
	if c, ok := m[key]; ok {
		return c
	}
	return noItem
}

// parent cuts the first label off a domain; empty when nothing is left.
func parent(domain string) string {
	_, rest, _ := strings.Cut(domain, ".")
	return rest
}

// SuspectActive reports whether a list that a user owns but that is neither her
// default nor the component's denies outgoing presence to the component or to
// everyone. Where active lists cannot be read it may be active, and she counts
// as invisible (S8.3). A malformed list is suspect.
func (s *Site) SuspectActive(raw *List) bool {
	l, err := compileList(raw, s.component)
	if err != nil {
		return true
	}
	own := Watcher{Addr: presence.MustAddr(s.component)}
	return l.any.denies() || l.verdict(own, true) == listDenies
}

// blocks is a compiled block list.
type blocks struct {
	keys     map[string]struct{}
	hidesAll bool
}

// compileBlocks validates every entry before the first is obeyed (S8.5). An
// entry with a resource widens to the bare JID or domain (S8.4).
func compileBlocks(raw *BlockList, component string) (blocks, error) {
	if raw.Broken != "" {
		return blocks{}, fmt.Errorf("malformed block list: %s", raw.Broken)
	}
	var b blocks
	for _, s := range raw.JIDs {
		a, err := presence.ParseAddr(s)
		if err != nil {
			return blocks{}, fmt.Errorf("malformed block list: %w", err)
		}
		if b.keys == nil {
			b.keys = make(map[string]struct{}, len(raw.JIDs))
		}
		b.keys[a.Key()] = struct{}{}
		b.hidesAll = b.hidesAll || a.Key() == component
	}
	return b, nil
}

// denies reports whether w is blocked: by name or by domain (XEP-0191 §3).
func (b *blocks) denies(w presence.Addr) bool {
	return b.hidesAll || b.has(w.Key()) || b.has(w.Domain())
}

func (b *blocks) has(key string) bool {
	_, ok := b.keys[key]
	return ok
}
