package privacy

import (
	"cmp"
	"slices"

	"presenced/internal/presence"
)

// Departed returns the user rules that go with contacts removed from the
// owner's roster (S2.5): only those without which the removed contact's
// container is lower, and none when the roster became empty in one read, which
// is more likely a fault than a decision.
func Departed(site *Site, s Settings, removed []presence.Addr, emptied bool) []Rule {
	if emptied {
		return nil
	}
	var gone []Rule
	rules := slices.Clone(s.Rules)
	for _, a := range removed {
		own := rulesFor(rules, a)
		for _, r := range own {
			without := slices.DeleteFunc(slices.Clone(rules), func(x Rule) bool { return x == r })
			if site.lowers(s, a, rules, without) {
				gone = append(gone, r)
				rules = without
			}
		}
	}
	return gone
}

// rulesFor returns the user rules naming a, highest container first.
func rulesFor(rules []Rule, a presence.Addr) []Rule {
	var out []Rule
	for _, r := range rules {
		if r.Type != RuleUser || slices.Contains(out, r) {
			continue
		}
		if b, err := presence.ParseAddr(r.Value); err == nil && a == b {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y Rule) int { return cmp.Compare(y.Container, x.Container) })
	return out
}

// lowers reports whether a, no longer a contact, sees less under the rules
// "after" than under "before", and nothing more.
func (s *Site) lowers(set Settings, a presence.Addr, before, after []Rule) bool {
	at := func(rules []Rule) Grants {
		p := NewPolicy(s, Settings{Owner: set.Owner, State: StateOK, PrivacyMode: set.PrivacyMode, Rules: rules, RosterReadable: true, Cells: set.Cells})
		id, _ := p.tier(Watcher{Addr: a}, view{privacyMode: p.privacyMode}, nil)
		return s.Column(id, p).Grants
	}
	old, now := at(before), at(after)
	return now != old && now&^old == 0
}
