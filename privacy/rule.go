package privacy

import (
	"fmt"
	"slices"
	"strings"

	"presenced/internal/presence"
)

// RuleType says whom a rule matches (S2.1).
type RuleType string

// The rule types of S2.1.
const (
	RuleUser           RuleType = "user"
	RuleGroup          RuleType = "group"
	RuleDomain         RuleType = "domain"
	RuleSubscription   RuleType = "subscription"
	RuleSameEnterprise RuleType = "sameEnterprise"
	RuleFederated      RuleType = "federated"
	RulePublicCloud    RuleType = "publicCloud"
)

// Rule places whoever it matches in a container (S2).
type Rule struct {
	Container presence.ContainerID `json:"container"`
	Type      RuleType             `json:"type"`
	Value     string               `json:"value,omitempty"` // a JID, group, domain or subscription; empty for the networks
}

// Bootstrap returns the rules every user starts with (S2.3).
func Bootstrap() []Rule {
	return []Rule{
		{presence.Colleagues, RuleSameEnterprise, ""},
		{presence.External, RuleFederated, ""},
		{presence.Blocked, RulePublicCloud, ""},
	}
}

// String is how explanations and lists write the rule.
func (r Rule) String() string {
	if r.Value == "" {
		return fmt.Sprintf("%s -> %d", r.Type, r.Container)
	}
	return fmt.Sprintf("%s %s -> %d", r.Type, r.Value, r.Container)
}

// NewRule checks r and returns it with its value in the canonical form (S2.7).
// With an unreadable roster group and subscription rules are refused (S2.6).
func (s *Site) NewRule(r Rule, rosterReadable bool) (Rule, error) {
	if (r.Type == RuleGroup || r.Type == RuleSubscription) && !rosterReadable {
		return Rule{}, fmt.Errorf("rule %q: the server does not let the component read this roster, so groups and subscriptions are unknown; name users or domains instead", r)
	}
	return s.checkRule(r)
}

// checkRule is NewRule for a rule that is already in force.
func (s *Site) checkRule(r Rule) (Rule, error) {
	if err := s.target(r.Container); err != nil {
		return Rule{}, fmt.Errorf("rule %q: %w", r, err)
	}
	v, err := s.ruleValue(r)
	if err != nil {
		return Rule{}, fmt.Errorf("rule %q: %w", r, err)
	}
	r.Value = v
	return r, nil
}

func (s *Site) ruleValue(r Rule) (string, error) {
	switch r.Type {
	case RuleUser:
		return s.userValue(r.Value)
	case RuleGroup:
		if r.Value == "" {
			return "", fmt.Errorf("a group rule names a roster group")
		}
		return r.Value, nil
	case RuleDomain:
		return s.domainValue(r.Value)
	case RuleSubscription:
		if _, ok := presence.ParseSubscription(r.Value); !ok || r.Value == "" {
			return "", fmt.Errorf("use one of none, to, from and both")
		}
		return r.Value, nil
	case RuleSameEnterprise, RuleFederated, RulePublicCloud:
		if r.Value != "" {
			return "", fmt.Errorf("this type takes no value; remove it")
		}
		return "", nil
	}
	return "", fmt.Errorf("unknown type; use user, group, domain, subscription, sameEnterprise, federated or publicCloud")
}

func (s *Site) userValue(v string) (string, error) {
	j, err := presence.ParseJID(v)
	switch {
	case err != nil:
		return "", err
	case j.Resource != "":
		return "", fmt.Errorf("write the address without a resource")
	case s.Own(j.Addr):
		return "", fmt.Errorf("the address is on the component's own domain; name the person's real address")
	}
	return j.Addr.String(), nil
}

func (s *Site) domainValue(v string) (string, error) {
	plain, wild := strings.CutPrefix(v, "*.")
	d, err := domainOf(plain)
	switch {
	case err != nil:
		return "", err
	case strings.ContainsRune(d, '*'):
		return "", fmt.Errorf("a * stands only in front, as in *.example.org")
	case d == s.component && !wild:
		return "", fmt.Errorf("this is the component's own domain; name a domain of people")
	case wild:
		return "*." + d, nil
	}
	return d, nil
}

// target holds the highest container the rules of one key name (S2.2), with
// every 32000 rule and without (S13.2).
type target struct {
	all, open presence.ContainerID
	hasOpen   bool
	set       bool
}

func (t target) add(id presence.ContainerID) target {
	if !t.set || id > t.all {
		t.all = id
	}
	t.set = true
	if id != presence.Blocked && (!t.hasOpen || id > t.open) {
		t.open, t.hasOpen = id, true
	}
	return t
}

// view says which rules count: those of a lower tier in privacy mode only where
// they target 32000 (S2.4), and none of those when asked who is admitted (S13.2).
type view struct{ privacyMode, open bool }

func (t target) pick(v view, alwaysApplies bool) (presence.ContainerID, bool) {
	switch {
	case !t.set:
		return 0, false
	case v.privacyMode && !alwaysApplies:
		return presence.Blocked, !v.open && t.all == presence.Blocked
	case v.open:
		return t.open, t.hasOpen
	}
	return t.all, true
}

// ruleSet is a compiled list of rules: one look-up per tier.
type ruleSet struct {
	users, groups, domains, wildcards map[string]target
	subscriptions                     [4]target
	networks                          [numNetworks]target
}

// compileRules compiles rules that checkRule accepted.
func compileRules(s *Site, rules []Rule) *ruleSet {
	if s.bootstrap != nil && slices.Equal(rules, Bootstrap()) {
		return s.bootstrap
	}
	rs := new(ruleSet)
	for _, r := range rules {
		rs.add(r)
	}
	return rs
}

func (rs *ruleSet) add(r Rule) {
	put := func(m *map[string]target, key string) {
		if *m == nil {
			*m = make(map[string]target)
		}
		(*m)[key] = (*m)[key].add(r.Container)
	}
	network := func(n Network) { rs.networks[n] = rs.networks[n].add(r.Container) }
	switch r.Type {
	case RuleUser:
		if a, err := presence.ParseAddr(r.Value); err == nil {
			put(&rs.users, a.Key())
		}
	case RuleGroup:
		put(&rs.groups, r.Value)
	case RuleDomain:
		if suffix, ok := strings.CutPrefix(r.Value, "*."); ok {
			put(&rs.wildcards, suffix)
		} else {
			put(&rs.domains, r.Value)
		}
	case RuleSubscription:
		sub, _ := presence.ParseSubscription(r.Value)
		rs.subscriptions[sub] = rs.subscriptions[sub].add(r.Container)
	case RuleSameEnterprise:
		network(SameEnterprise)
	case RuleFederated:
		network(Federated)
	case RulePublicCloud:
		network(PublicCloud)
	}
}
