package privacy

import (
	"fmt"
	"slices"
	"strings"

	"presenced/internal/presence"
)

// Watcher is who looks. Contact is the watcher's item in the owner's roster, nil
// when there is none or the roster cannot be read.
type Watcher struct {
	Addr    presence.Addr
	Contact *presence.Contact
}

func (w Watcher) subscription() presence.Subscription {
	if w.Contact == nil {
		return presence.SubNone
	}
	return w.Contact.Subscription
}

// Reason is what decided a container, in the words of scenario files.
type Reason string

// The reasons, vetoes and then tiers in the order they are tried.
const (
	ReasonSelf           Reason = "self"
	ReasonAdmin          Reason = "admin"
	ReasonFailClosed     Reason = "fail-closed"
	ReasonServerBlock    Reason = "server-block"
	ReasonPrivacyList    Reason = "privacy-list"
	ReasonUser           Reason = "user"
	ReasonGroup          Reason = "group"
	ReasonDomain         Reason = "domain"
	ReasonSubscription   Reason = "subscription"
	ReasonContact        Reason = "contact"
	ReasonSameEnterprise Reason = "sameEnterprise"
	ReasonFederated      Reason = "federated"
	ReasonPublicCloud    Reason = "publicCloud"
	ReasonDefault        Reason = "default"
)

var reasons = [...]Reason{
	ReasonSelf, ReasonAdmin, ReasonFailClosed, ReasonServerBlock, ReasonPrivacyList, ReasonUser, ReasonGroup,
	ReasonDomain, ReasonSubscription, ReasonContact, ReasonSameEnterprise, ReasonFederated, ReasonPublicCloud, ReasonDefault,
}

// Known reports whether r is one of the reasons above.
func (r Reason) Known() bool { return slices.Contains(reasons[:], r) }

// Placement is where a watcher stands.
type Placement struct {
	Container presence.ContainerID
	Base      presence.ContainerID // the column of S3's matrix that applies
	Reason    Reason               // the veto or tier that decided
	Rule      string               // the rule of that tier; only from Trace
	Match     Rule                 // the same as data, its zero value where no rule of hers decided; only from Trace
	Vetoes    []Veto               // the vetoes tried; only from Trace
}

// Veto is one veto of S8 that was tried.
type Veto struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	Cause  Cause  `json:"-"`
}

// trail records a placement for people; nil records nothing and costs nothing.
type trail struct {
	rule   string
	match  Rule
	vetoes []Veto
}

func (t *trail) veto(name string, c Cause, result string) {
	if t != nil {
		t.vetoes = append(t.vetoes, Veto{name, result, c})
	}
}

// decided writes down the rule behind a container.
func (t *trail) decided(format string, args ...any) {
	if t != nil {
		t.rule = fmt.Sprintf(format, args...)
	}
}

// Place returns w's container: the vetoes of S8.0, S8.5, S8.1, S8.2 and S8.3 in
// this order, then the tiers of S2.2. It does not allocate.
func (p *Policy) Place(w Watcher) Placement {
	c, r := p.place(w, nil)
	return Placement{Container: c, Base: p.site.Base(c), Reason: r}
}

// Trace is Place with the rule and the vetoes tried (S12).
func (p *Policy) Trace(w Watcher) Placement {
	t := new(trail)
	c, r := p.place(w, t)
	return Placement{Container: c, Base: p.site.Base(c), Reason: r, Rule: t.rule, Match: t.match, Vetoes: t.vetoes}
}

func (p *Policy) place(w Watcher, t *trail) (presence.ContainerID, Reason) {
	if w.Addr.IsZero() || p.site.Own(w.Addr) {
		if t != nil {
			t.decided("S2.7: not an address of a watcher")
		}
		return presence.DefaultContainer, ReasonDefault
	}
	if w.Addr == p.owner {
		if t != nil {
			t.decided("S8.0: her own address")
		}
		return presence.Self, ReasonSelf
	}
	if !p.rosterReadable {
		w.Contact = nil
	}
	if r, blocked := p.veto(w, t); blocked {
		return presence.Blocked, r
	}
	return p.tier(w, view{privacyMode: p.privacyMode}, t)
}

// veto tries S8 for somebody who is not the owner.
func (p *Policy) veto(w Watcher, t *trail) (Reason, bool) {
	if v := p.vetoes; v != nil {
		if v.walls.denies(w.Addr) {
			t.veto(VetoWall, Denied, "denied")
			return ReasonAdmin, true
		}
		t.veto(VetoWall, Passed, "passed")
	}
	if p.failsClosed() || p.rosterMightLower(w) {
		cause, why := p.why()
		t.veto(VetoFailClosed, cause, why)
		return ReasonFailClosed, true
	}
	t.veto(VetoFailClosed, Passed, "passed")
	if p.vetoes == nil {
		return "", false
	}
	return p.vetoes.lists(w, p.rosterReadable, t)
}

// lists tries S8.1, S8.2 and S8.3.
func (v *vetoes) lists(w Watcher, rosterReadable bool, t *trail) (Reason, bool) {
	if v.block.denies(w.Addr) {
		if v.block.hidesAll {
			t.veto(VetoServerBlock, DeniedAll, "denied: an entry for the component hides from everybody")
		} else {
			t.veto(VetoServerBlock, Denied, "denied")
		}
		return ReasonServerBlock, true
	}
	t.veto(VetoServerBlock, Passed, "passed")
	if v.standard != nil {
		if r, blocked := v.standard.veto(VetoPrivacyList, w, rosterReadable, t); blocked {
			return r, true
		}
	}
	if v.invisible {
		t.veto(VetoActiveList, Suspected, "denied: an unread list may be active")
		return ReasonPrivacyList, true
	}
	for _, l := range v.active {
		if r, blocked := l.veto(VetoActiveList, w, rosterReadable, t); blocked {
			return r, true
		}
	}
	return "", false
}

func (l *list) veto(name string, w Watcher, rosterReadable bool, t *trail) (Reason, bool) {
	switch l.verdict(w, rosterReadable) {
	case listDenies:
		if l.hidesAll {
			t.veto(name, DeniedAll, "denied: an item for the component hides from everybody")
		} else {
			t.veto(name, Denied, "denied")
		}
		return ReasonPrivacyList, true
	case listUnknown:
		t.veto(name, NoRoster, "the roster that would decide cannot be read")
		return ReasonFailClosed, true
	case listAllows:
		t.veto(name, Passed, "passed: an item allows")
	default:
		t.veto(name, Passed, "passed: no item matches")
	}
	return "", false
}

// why tells what failed closed.
func (p *Policy) why() (Cause, string) {
	switch {
	case !p.Loaded():
		return NotLoaded, "not loaded yet"
	case p.err != nil:
		return Malformed, p.err.Error()
	case p.state == StateError:
		return Unreadable, p.Err().Error()
	case p.state == StateStale:
		return Stale, p.Err().Error()
	}
	return NoRoster, "the roster that would decide cannot be read"
}

// tier is S2.2: the first tier with a match decides, inside it the highest id.
func (p *Policy) tier(w Watcher, v view, t *trail) (presence.ContainerID, Reason) {
	if id, ok := p.rules.users[w.Addr.Key()].pick(v, true); ok {
		return id, t.rules(RuleUser, w.Addr.Key(), id, ReasonUser)
	}
	if id, name, ok := p.group(w, v); ok {
		return id, t.rules(RuleGroup, name, id, ReasonGroup)
	}
	domain := w.Addr.Domain()
	if id, ok := p.rules.domains[domain].pick(v, false); ok {
		return id, t.rules(RuleDomain, domain, id, ReasonDomain)
	}
	if id, suffix, ok := p.rules.wildcard(domain, v); ok {
		if t != nil {
			t.matched(Rule{id, RuleDomain, "*." + suffix})
		}
		return id, ReasonDomain
	}
	if p.rosterReadable {
		sub := w.subscription()
		if id, ok := p.rules.subscriptions[sub].pick(v, false); ok {
			return id, t.rules(RuleSubscription, sub.String(), id, ReasonSubscription)
		}
		if sub.SeesOwner() {
			return p.contact(w, t), ReasonContact
		}
	}
	n := p.site.Network(w.Addr)
	if id, ok := p.rules.networks[n].pick(v, false); ok {
		return id, t.rules(networkRules[n], "", id, networkReasons[n])
	}
	if t != nil && v.privacyMode {
		t.decided("S2.4: privacy mode, and no user or group rule matches")
	} else if t != nil {
		t.decided("S2.2: no rule matches")
	}
	return presence.DefaultContainer, ReasonDefault
}

var (
	networkReasons = [numNetworks]Reason{ReasonDefault, ReasonSameEnterprise, ReasonFederated, ReasonPublicCloud}
	networkRules   = [numNetworks]RuleType{"", RuleSameEnterprise, RuleFederated, RulePublicCloud}
)

// rules writes down the rule that matched. The value is copied, so that nothing
// of a watcher outlives a placement nobody asked to be explained.
func (t *trail) rules(typ RuleType, value string, id presence.ContainerID, r Reason) Reason {
	if t != nil {
		t.matched(Rule{id, typ, strings.Clone(value)})
	}
	return r
}

func (t *trail) matched(r Rule) { t.match, t.rule = r, r.String() }

// contact is the implicit contact tier of S2.2.
func (p *Policy) contact(w Watcher, t *trail) presence.ContainerID {
	id := presence.External
	if p.site.Network(w.Addr) == SameEnterprise {
		id = presence.Colleagues
	}
	if t != nil {
		t.decided("contact %s -> %d", w.subscription(), id)
	}
	return id
}

// group returns the highest container of the watcher's roster groups.
func (p *Policy) group(w Watcher, v view) (best presence.ContainerID, name string, found bool) {
	if w.Contact == nil || len(p.rules.groups) == 0 {
		return 0, "", false
	}
	try := func(groups []string) {
		for _, g := range groups {
			if id, ok := p.rules.groups[g].pick(v, true); ok && (!found || id > best) {
				best, name, found = id, g, true
			}
		}
	}
	try(w.Contact.Groups)
	if p.site.sharedGroups {
		try(w.Contact.Shared)
	}
	return best, name, found
}

// wildcard finds the longest wildcard that covers d.
func (rs *ruleSet) wildcard(d string, v view) (presence.ContainerID, string, bool) {
	if len(rs.wildcards) == 0 {
		return 0, "", false
	}
	for suffix := parent(d); suffix != ""; suffix = parent(suffix) {
		if id, ok := rs.wildcards[suffix].pick(v, false); ok {
			return id, suffix, true
		}
	}
	return 0, "", false
}

// rosterMightLower is S2.6: the roster cannot be read, no user rule decides, and
// a group or subscription rule could place w lower than what else is known does.
func (p *Policy) rosterMightLower(w Watcher) bool {
	if p.rosterReadable || !p.rules.needRoster() {
		return false
	}
	v := view{privacyMode: p.privacyMode}
	id, r := p.tier(w, v, nil)
	return r != ReasonUser && p.lowered(id, v)
}

func (rs *ruleSet) needRoster() bool {
	return len(rs.groups) > 0 || rs.subscriptions != [4]target{}
}

// lowered reports whether any group or subscription rule shows less than id does.
func (p *Policy) lowered(id presence.ContainerID, v view) bool {
	from := p.site.Column(id, p).Grants
	for _, t := range p.rules.groups {
		if to, ok := t.pick(v, true); ok && from&^p.site.Column(to, p).Grants != 0 {
			return true
		}
	}
	for _, t := range p.rules.subscriptions {
		if to, ok := t.pick(v, false); ok && from&^p.site.Column(to, p).Grants != 0 {
			return true
		}
	}
	return false
}

// Admits reports the first part of S13.2: with every veto and every 32000 rule
// left out w's tier is neither 0 nor 32000, and w is a contact who may see the
// owner or privacy mode is off. The owner is always admitted.
func (p *Policy) Admits(w Watcher) bool {
	if w.Addr.IsZero() || p.site.Own(w.Addr) {
		return false
	}
	if w.Addr == p.owner {
		return true
	}
	if !p.rosterReadable {
		w.Contact = nil
	}
	v := view{privacyMode: p.privacyMode, open: true}
	id, r := p.tier(w, v, nil)
	if id == presence.DefaultContainer || id == presence.Blocked {
		return false
	}
	if !p.rosterReadable && r != ReasonUser && p.mightClose(v) {
		return false
	}
	return !p.privacyMode || w.subscription().SeesOwner()
}

// mightClose reports whether an unreadable roster could place somebody in 0,
// which S13.2 does not admit (I3).
func (p *Policy) mightClose(v view) bool {
	for _, t := range p.rules.groups {
		if to, ok := t.pick(v, true); ok && to == presence.DefaultContainer {
			return true
		}
	}
	for _, t := range p.rules.subscriptions {
		if to, ok := t.pick(v, false); ok && to == presence.DefaultContainer {
			return true
		}
	}
	return false
}
