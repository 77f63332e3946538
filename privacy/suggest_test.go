package privacy

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

// randomLists draw list items and rules about a few addresses and domains.
func randomLists(jids, domains []string) (*rapid.Generator[Item], *rapid.Generator[Rule]) {
	item := rapid.Custom(func(t *rapid.T) Item {
		it := Item{
			Action:  rapid.SampledFrom([]string{"allow", "deny", "deny"}).Draw(t, "action"),
			Type:    rapid.SampledFrom([]string{"", "jid", "jid", "group", "subscription"}).Draw(t, "type"),
			Stanzas: rapid.SampledFrom([][]string{nil, {"presence-out"}, {"message"}}).Draw(t, "stanzas"),
		}
		switch it.Type {
		case "jid":
			it.Value = rapid.SampledFrom(append(jids, domains...)).Draw(t, "jid")
		case "group":
			it.Value = rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group")
		case "subscription":
			it.Value = rapid.SampledFrom([]string{"none", "to", "from", "both"}).Draw(t, "sub")
		}
		return it
	})
	rule := rapid.Custom(func(t *rapid.T) Rule {
		r := Rule{Container: rapid.SampledFrom([]presence.ContainerID{0, 100, 200, 300, 400, 32000}).Draw(t, "container")}
		r.Type = rapid.SampledFrom([]RuleType{RuleUser, RuleGroup, RuleDomain, RuleSubscription, RuleFederated}).Draw(t, "type")
		switch r.Type {
		case RuleUser:
			r.Value = rapid.SampledFrom(jids).Draw(t, "jid")
		case RuleGroup:
			r.Value = rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group")
		case RuleDomain:
			r.Value = rapid.SampledFrom([]string{"", "*."}).Draw(t, "wild") + rapid.SampledFrom(domains).Draw(t, "domain")
		case RuleSubscription:
			r.Value = rapid.SampledFrom([]string{"none", "to", "from", "both"}).Draw(t, "sub")
		}
		return r
	})
	return item, rule
}

// TestSuggest_ShowsNobodyMore: with the suggested rules in place of the lists nobody
// is shown more than with the lists, whoever he is, and whom they hide is hidden.
func TestSuggest_ShowsNobodyMore(t *testing.T) {
	site := testSite(t)
	jids := []string{"bob@example.org", "fred@partner.example", "x@a.partner.example", "y@else.example", "z@b.else.example"}
	domains := []string{"partner.example", "a.partner.example", "else.example", "b.else.example", "example"}
	item, rule := randomLists(jids, domains)
	rapid.Check(t, func(t *rapid.T) {
		s := alice(append(Bootstrap(), rapid.SliceOfN(rule, 0, 6).Draw(t, "rules")...)...)
		s.PrivacyMode = rapid.Bool().Draw(t, "privacy mode")
		s.Default = &List{Items: rapid.SliceOfN(item, 0, 8).Draw(t, "items")}
		for i := range s.Default.Items {
			s.Default.Items[i].Order = itoa(i + 1)
		}
		s.Block.JIDs = rapid.SliceOfN(rapid.SampledFrom(append(jids, domains...)), 0, 2).Draw(t, "blocked")
		var contacts []presence.Contact
		for _, j := range jids {
			if rapid.Bool().Draw(t, "contact") {
				contacts = append(contacts, presence.Contact{
					Addr: presence.MustAddr(j), Subscription: presence.Subscription(rapid.IntRange(0, 3).Draw(t, "subscription")),
					Groups: rapid.SampledFrom([][]string{nil, {"g"}, {"g", "h"}}).Draw(t, "groups"),
				})
			}
		}
		got, err := Suggest(site, s, contacts)
		if err != nil {
			t.Fatal(err)
		}
		before := NewPolicy(site, s)
		s.Block, s.Default = BlockList{}, nil
		s.Rules = append(s.Rules, got...)
		after := NewPolicy(site, s)
		if before.Err() != nil || after.Err() != nil {
			t.Fatal(before.Err(), after.Err())
		}
		for _, j := range append([]string{"w@partner.example", "w@c.partner.example", "w@b.else.example", "w@example", "w@new.test", "else.example"}, jids...) {
			w := Watcher{Addr: presence.MustAddr(j)}
			for i := range contacts {
				if contacts[i].Addr == w.Addr {
					w.Contact = &contacts[i]
				}
			}
			old, now := before.Place(w), after.Place(w)
			if now.Container != old.Container && now.Container != presence.Blocked && !(old.Container == presence.Blocked && now.Container == presence.DefaultContainer) {
				t.Fatalf("%s was in %d by %s and comes into %d by %s; suggested %v", j, old.Container, old.Reason, now.Container, now.Reason, got)
			}
		}
	})
}

func TestSuggest(t *testing.T) {
	site := testSite(t)
	for _, c := range []struct {
		name  string
		s     Settings
		known []presence.Contact
		want  []Rule
		err   error
	}{
		{"no lists", alice(Bootstrap()...), nil, nil, nil},
		{"a person, and a domain with all below", withDefault(items(deny("jid", "bob@example.org"), deny("jid", "partner.example", "presence-out"))), nil,
			[]Rule{{32000, RuleUser, "bob@example.org"}, {32000, RuleDomain, "partner.example"}, {32000, RuleDomain, "*.partner.example"}}, nil},
		{"messages are not presence", withDefault(items(deny("jid", "bob@example.org", "message"))), nil, nil, nil},
		{"what an earlier item allows", withDefault(items(allow("jid", "example.org"), deny("jid", "bob@example.org"), deny("jid", "mallory@else.example"))), nil,
			[]Rule{{32000, RuleUser, "mallory@else.example"}}, nil},
		{"a block list", with(func(s *Settings) { s.Block.JIDs = []string{"bob@example.org/phone", "else.example"} }), nil,
			[]Rule{{32000, RuleUser, "bob@example.org"}, {32000, RuleDomain, "else.example"}}, nil},
		{"a rule that says the opposite is outdone", with(func(s *Settings) {
			s.Rules = append(s.Rules, Rule{300, RuleUser, "fred@partner.example"})
			s.Block.JIDs = []string{"partner.example"}
		}), nil, []Rule{{32000, RuleDomain, "partner.example"}, {32000, RuleUser, "fred@partner.example"}}, nil},
		{"one that is there already", with(func(s *Settings) {
			s.Rules = append(s.Rules, Rule{32000, RuleUser, "bob@example.org"})
			s.Block.JIDs = []string{"bob@example.org"}
		}), nil, nil, nil},
		{"the component's own items", withDefault(site.MarkEgress(must(site.WithEgress(*items(deny("jid", "bob@example.org")))))), nil,
			[]Rule{{32000, RuleUser, "bob@example.org"}}, nil},
		{"a broken list", withDefault(items(Item{Action: "deny", Type: "planet"})), nil, nil, ErrListUnread},
		{"hidden from all", withDefault(items(deny("jid", "presence.example.org"))), nil, nil, ErrListHides},
	} {
		got, err := Suggest(site, c.s, c.known)
		if !errors.Is(err, c.err) || !sameRules(got, c.want) {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, got, err, c.want, c.err)
		}
	}
}

func sameRules(a, b []Rule) bool {
	if len(a) != len(b) {
		return false
	}
	have := map[Rule]bool{}
	for _, r := range a {
		have[r] = true
	}
	for _, r := range b {
		if !have[r] {
			return false
		}
	}
	return true
}

func must(l List, _ uint64, err error) *List {
	if err != nil {
		panic(err)
	}
	return &l
}
