package privacy

import (
	"errors"
	"slices"
	"strings"

	"presenced/internal/presence"
)

// What keeps lists from being told as rules.
var (
	ErrListUnread = errors.New("the lists on the server cannot be read")
	ErrListHides  = errors.New("the lists hide from everybody, which no rules can")
)

// Suggest tells the lists of s as container rules, for somebody who wants to be rid
// of them: with the suggested rules beside hers, and without the lists, nobody sees
// more than before. That takes rules of Blocked only, which can hide and never show.
// Since the order of list items and the tiers of rules are different algebras (S8.2),
// some of whom a list allowed may be hidden; s itself is not changed.
//
// contacts are her roster. Nil means that her rules say as much already. The error
// wraps ErrListUnread or ErrListHides.
func Suggest(site *Site, s Settings, contacts []presence.Contact) ([]Rule, error) {
	v, err := compileVetoes(site, &Settings{Block: s.Block, Default: s.Default})
	switch {
	case err != nil:
		return nil, errors.Join(ErrListUnread, err)
	case v == nil:
		return nil, nil
	case v.block.hidesAll || v.standard != nil && v.standard.hidesAll:
		return nil, ErrListHides
	}
	g := &suggestion{site: site, s: s, v: v, have: make(map[Rule]bool, len(s.Rules))}
	for _, r := range s.Rules {
		g.have[r] = true
	}
	g.blockList()
	if v.standard != nil {
		g.items()
		g.everybody()
	}
	g.domains()
	g.people(contacts)
	return g.out, nil
}

type suggestion struct {
	site *Site
	s    Settings
	v    *vetoes
	have map[Rule]bool
	out  []Rule
}

func (g *suggestion) add(t RuleType, value string) {
	r := Rule{presence.Blocked, t, value}
	if checked, err := g.site.checkRule(r); err == nil && !g.have[checked] {
		g.have[checked] = true
		g.out = append(g.out, checked)
	}
}

// address adds what a denied JID or domain comes to.
func (g *suggestion) address(key string) {
	if a, err := presence.ParseAddr(key); err == nil && a.Local() != "" {
		g.add(RuleUser, key)
		return
	}
	g.add(RuleDomain, key)
}

func (g *suggestion) blockList() {
	for _, key := range sortedKeys(g.v.block.keys) {
		g.address(key)
	}
}

// items adds the deny items nothing before them takes the effect from.
func (g *suggestion) items() {
	l := g.v.standard
	for _, key := range sortedKeys(l.jids) {
		c := l.jids[key]
		a, err := presence.ParseAddr(key)
		if err != nil || !c.denies() || c > l.any || a.Local() != "" && c > look(l.jids, a.Domain()) {
			continue
		}
		g.address(key)
	}
	for _, key := range sortedKeys(l.parents) {
		if l.parents[key] < l.any {
			g.add(RuleDomain, "*."+key)
		}
	}
	for _, name := range sortedKeys(l.groups) {
		if c := l.groups[name]; c.denies() && c < l.any {
			g.add(RuleGroup, name)
		}
	}
}

// everybody adds what denies by subscription, or all.
func (g *suggestion) everybody() {
	l := g.v.standard
	for sub, c := range l.subs {
		if min(c, l.any).denies() {
			g.add(RuleSubscription, presence.Subscription(sub).String())
		}
	}
}

// nobody is the local part of a stranger nobody has an item about.
const nobody = "presenced.nobody"

// domains adds to her rules on domains what the lists take back of them: those go
// before rules on subscriptions.
func (g *suggestion) domains() {
	for _, r := range g.s.Rules {
		if r.Type != RuleDomain || r.Container == presence.Blocked {
			continue
		}
		sample := nobody + "@" + r.Value
		if below, wild := strings.CutPrefix(r.Value, "*."); wild {
			sample = nobody + "@nowhere." + below
		}
		if a, err := presence.ParseAddr(sample); err == nil && g.denied(Watcher{Addr: a}) {
			g.add(RuleDomain, r.Value)
		}
	}
}

// people adds those the rules so far would still show her to: contacts, and whom
// her own rules name.
func (g *suggestion) people(contacts []presence.Contact) {
	s := g.s
	s.Block, s.Default, s.Active, s.Invisible = BlockList{}, nil, nil, false
	s.State, s.RosterReadable = StateOK, true
	s.Rules = append(slices.Clone(s.Rules), g.out...)
	p := NewPolicy(g.site, s)
	shown := func(w Watcher) {
		if id, _ := p.place(w, nil); id != presence.Blocked && id != presence.DefaultContainer && id != presence.Self && g.denied(w) {
			g.add(RuleUser, w.Addr.String())
		}
	}
	known := make(map[presence.Addr]bool, len(contacts))
	for i := range contacts {
		known[contacts[i].Addr] = true
		shown(Watcher{Addr: contacts[i].Addr, Contact: &contacts[i]})
	}
	for _, r := range g.s.Rules {
		if a, err := presence.ParseAddr(r.Value); r.Type == RuleUser && err == nil && !known[a] {
			shown(Watcher{Addr: a})
		}
	}
}

func (g *suggestion) denied(w Watcher) bool {
	_, blocked := g.v.lists(w, true, nil)
	return blocked
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
