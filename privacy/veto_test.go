package privacy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

func itoa(i int) string { return strconv.Itoa(i) }

// items numbers items in the order given.
func items(in ...Item) *List {
	for i := range in {
		if in[i].Order == "" {
			in[i].Order = itoa(10 * (i + 1))
		}
	}
	return &List{Items: in}
}

func deny(typ, value string, stanzas ...string) Item {
	return Item{Action: "deny", Type: typ, Value: value, Stanzas: stanzas}
}

func allow(typ, value string, stanzas ...string) Item {
	return Item{Action: "allow", Type: typ, Value: value, Stanzas: stanzas}
}

func withDefault(l *List) Settings {
	s := alice(Bootstrap()...)
	s.Default = l
	return s
}

func with(f func(*Settings)) Settings {
	s := alice(Bootstrap()...)
	f(&s)
	return s
}

func TestS8_0_SelfAndWall(t *testing.T) {
	wall := func(w ...string) Settings { return with(func(s *Settings) { s.Walls = w }) }
	broken := wall("bob@example.org")
	broken.State = StateError
	checkPlacing(t, testSite(t), []placing{
		{"self", wall("*"), who("ALICE@example.org/x"), 1, ReasonSelf},
		{"named", wall("bob@example.org"), who("bob@example.org"), 32000, ReasonAdmin},
		{"not named", wall("bob@example.org"), who("boss@example.org"), 200, ReasonSameEnterprise},
		{"domain", wall("partner.example"), who("fred@partner.example"), 32000, ReasonAdmin},
		{"all", wall("*"), who("fred@partner.example"), 32000, ReasonAdmin},
		{"the wall comes before fail-closed", broken, who("bob@example.org"), 32000, ReasonAdmin},
		{"a wall nobody can read hides from all", wall("a@b@c"), who("bob@example.org"), 32000, ReasonAdmin},
	})
}

func TestS8_1_BlockList(t *testing.T) {
	block := func(j ...string) Settings { return with(func(s *Settings) { s.Block.JIDs = j }) }
	checkPlacing(t, testSite(t), []placing{
		{"by name", block("Bob@EXAMPLE.org"), who("bob@example.org"), 32000, ReasonServerBlock},
		{"by domain", block("partner.example"), contact("fred@partner.example", presence.SubBoth), 32000, ReasonServerBlock},
		{"others", block("partner.example"), who("bob@example.org"), 200, ReasonSameEnterprise},
		{"a resource widens (S8.4)", block("bob@example.org/phone"), who("bob@example.org"), 32000, ReasonServerBlock},
		{"the component hides from all", block("presence.example.org"), who("bob@example.org"), 32000, ReasonServerBlock},
		{"but not from herself", block("presence.example.org"), who("alice@example.org"), 1, ReasonSelf},
		{"a mirror is not the component", block(`bob\40example.org@presence.example.org`), who("bob@example.org"), 200, ReasonSameEnterprise},
		{"no exception by rule", with(func(s *Settings) {
			s.Block.JIDs = []string{"bob@example.org"}
			s.Rules = append(s.Rules, Rule{400, RuleUser, "bob@example.org"})
		}), who("bob@example.org"), 32000, ReasonServerBlock},
		{"before the privacy list", with(func(s *Settings) {
			s.Block.JIDs = []string{"bob@example.org"}
			s.Default = items(deny("", ""))
		}), who("bob@example.org"), 32000, ReasonServerBlock},
	})
}

func TestS8_2_DefaultListAsWritten(t *testing.T) {
	bob := contact("bob@example.org", presence.SubBoth, "Team")
	stranger := who("zed@example.org")
	checkPlacing(t, testSite(t), []placing{
		{"ascending order, not as listed", withDefault(&List{Items: []Item{
			{Order: "20", Action: "deny", Type: "group", Value: "Team"},
			{Order: "9", Action: "allow", Type: "jid", Value: "bob@example.org"},
		}}), bob, 200, ReasonContact},
		{"deny by group", withDefault(items(deny("group", "Team"))), bob, 32000, ReasonPrivacyList},
		{"deny by subscription", withDefault(items(deny("subscription", "both"))), bob, 32000, ReasonPrivacyList},
		{"none includes the unknown", withDefault(items(deny("subscription", "none"))), stranger, 32000, ReasonPrivacyList},
		{"no match allows", withDefault(items(deny("jid", "eve@example.org"))), bob, 200, ReasonContact},
		{"message only does not count", withDefault(items(deny("", "", "message"), allow("", ""))), bob, 200, ReasonContact},
		{"presence-in only does not count", withDefault(items(deny("", "", "presence-in", "iq"))), bob, 200, ReasonContact},
		{"presence-out among others counts", withDefault(items(deny("", "", "message", "presence-out"))), bob, 32000, ReasonPrivacyList},
		{"allow ends the list", withDefault(items(allow("group", "Team"), deny("", ""))), bob, 200, ReasonContact},
		{"allow never raises", withDefault(items(allow("", ""))), who("zed@else.test"), 0, ReasonDefault},
		{"the rest is denied", withDefault(items(allow("group", "Team"), deny("", ""))), stranger, 32000, ReasonPrivacyList},
		{"by domain", withDefault(items(deny("jid", "example.org"))), bob, 32000, ReasonPrivacyList},
		{"a denied domain includes subdomains", withDefault(items(deny("jid", "org"))), bob, 32000, ReasonPrivacyList},
		{"an allowed one does not", withDefault(items(allow("jid", "org"), deny("", ""))), bob, 32000, ReasonPrivacyList},
		{"shared groups count as the server counts them", withDefault(items(deny("group", "Staff"))),
			Watcher{bob.Addr, &presence.Contact{Addr: bob.Addr, Shared: []string{"Staff"}}}, 32000, ReasonPrivacyList},
		{"denying the component denies all", withDefault(items(deny("jid", "presence.example.org", "presence-out"))), bob, 32000, ReasonPrivacyList},
		{"unless it was allowed before", withDefault(items(allow("jid", "presence.example.org"), deny("jid", "presence.example.org"))), bob, 200, ReasonContact},
		{"empty list", withDefault(&List{}), bob, 200, ReasonContact},
	})
}

func TestS8_3_ActiveListHidesTheAccount(t *testing.T) {
	bob := contact("bob@example.org", presence.SubBoth)
	active := func(l ...List) Settings {
		return with(func(s *Settings) { s.Default, s.Active = items(allow("", "")), l })
	}
	checkPlacing(t, testSite(t), []placing{
		{"one session denies", active(*items(allow("", "")), *items(deny("subscription", "both", "presence-out"))), bob, 32000, ReasonPrivacyList},
		{"none denies", active(*items(allow("", ""))), bob, 200, ReasonContact},
		{"malformed", active(*items(deny("what", ""))), bob, 32000, ReasonFailClosed},
		{"suspected", with(func(s *Settings) { s.Invisible = true }), bob, 32000, ReasonPrivacyList},
		{"not from herself", with(func(s *Settings) { s.Invisible = true }), who("alice@example.org"), 1, ReasonSelf},
	})
	site := testSite(t)
	for _, c := range []struct {
		list *List
		want bool
	}{
		{items(deny("", "")), true},
		{items(deny("", "", "presence-out")), true},
		{items(deny("", "", "message")), false},
		{items(deny("jid", "presence.example.org")), true},
		{items(allow("jid", "bob@example.org"), deny("", "")), true},
		{items(allow("jid", "presence.example.org"), deny("", "")), true}, // everyone else
		{items(deny("jid", "bob@example.org")), false},
		{items(deny("subscription", "none")), true}, // the component is in no roster
		{items(Item{Action: "sometimes"}), true},
	} {
		if got := site.SuspectActive(c.list); got != c.want {
			t.Errorf("%+v is suspect: %v, want %v", c.list.Items, got, c.want)
		}
	}
}

func TestS8_4_ItemsWithResources(t *testing.T) {
	bob := contact("bob@example.org", presence.SubBoth)
	checkPlacing(t, testSite(t), []placing{
		{"deny widens to the bare JID", withDefault(items(deny("jid", "bob@example.org/phone"))), bob, 32000, ReasonPrivacyList},
		{"deny widens to the domain", withDefault(items(deny("jid", "example.org/x"))), bob, 32000, ReasonPrivacyList},
		{"allow never matches", withDefault(items(allow("jid", "bob@example.org/home"), deny("jid", "bob@example.org"))), bob, 32000, ReasonPrivacyList},
	})
}

func TestS8_5_FailClosed(t *testing.T) {
	bob := contact("bob@example.org", presence.SubBoth)
	site := testSite(t)
	for name, set := range map[string]Settings{
		"loading":             with(func(s *Settings) { s.State = StateLoading }),
		"error":               with(func(s *Settings) { s.State = StateError }),
		"stale":               with(func(s *Settings) { s.State = StateStale }),
		"zero settings":       {Owner: presence.MustAddr("alice@example.org")},
		"duplicate order":     withDefault(&List{Items: []Item{{Order: "1", Action: "allow"}, {Order: "1", Action: "deny", Type: "jid", Value: "x@y.test"}}}),
		"same order spelled":  withDefault(&List{Items: []Item{{Order: "1", Action: "allow"}, {Order: "01", Action: "allow"}}}),
		"no order":            withDefault(&List{Items: []Item{{Action: "allow"}}}),
		"negative order":      withDefault(items(Item{Order: "-1", Action: "allow"})),
		"huge order":          withDefault(items(Item{Order: "4294967296", Action: "allow"})),
		"unknown action":      withDefault(items(Item{Action: "Deny"})),
		"no action":           withDefault(items(Item{})),
		"unknown type":        withDefault(items(allow("", ""), Item{Action: "allow", Type: "domain", Value: "a.test"})),
		"bad jid":             withDefault(items(allow("jid", "a@b@c"))),
		"empty jid":           withDefault(items(allow("jid", ""))),
		"empty group":         withDefault(items(allow("group", ""))),
		"unknown sub":         withDefault(items(allow("subscription", "Both"))),
		"empty sub":           withDefault(items(allow("subscription", ""))),
		"value without type":  withDefault(items(allow("", "bob@example.org"))),
		"unknown stanza":      withDefault(items(allow("", "", "presence"))),
		"broken item":         withDefault(items(Item{Action: "allow", Broken: "x"})),
		"broken list":         withDefault(&List{Broken: "x"}),
		"broken managed item": withDefault(items(Item{Action: "deny", Type: "group", Managed: true})),
		"behind an allow-all": withDefault(items(allow("", ""), deny("what", "x"))),
		"message only":        withDefault(items(Item{Action: "what", Stanzas: []string{"message"}})),
		"block list":          with(func(s *Settings) { s.Block.JIDs = []string{"x@y.test", ""} }),
		"broken block list":   with(func(s *Settings) { s.Block.Broken = "x" }),
		"stored rule":         with(func(s *Settings) { s.Rules = append(s.Rules, Rule{200, "everyone", ""}) }),
	} {
		p := NewPolicy(site, set)
		if got := p.Place(bob); got.Container != presence.Blocked || got.Reason != ReasonFailClosed {
			t.Errorf("%s: bob is in %d by %s", name, got.Container, got.Reason)
		}
		if got := p.Place(who("alice@example.org")); got.Container != presence.Self {
			t.Errorf("%s: alice is in %d by %s", name, got.Container, got.Reason)
		}
		loading := set.State == StateLoading
		if p.Loaded() == loading || (p.Err() == nil) != loading {
			t.Errorf("%s: loaded %v, err %v", name, p.Loaded(), p.Err())
		}
	}
}

func TestS8_7_ManagedItemsAreNotHerPolicy(t *testing.T) {
	managed := func(i Item) Item { i.Managed = true; return i }
	set := withDefault(items(
		managed(allow("jid", "presence.example.org", "presence-out")),
		deny("jid", "boss@example.org"),
		managed(deny("subscription", "both", "presence-out")),
		managed(deny("subscription", "from", "presence-out"))))
	checkPlacing(t, testSite(t), []placing{
		{"excluded", set, contact("bob@example.org", presence.SubBoth), 200, ReasonContact},
		{"hers count", set, contact("boss@example.org", presence.SubBoth), 32000, ReasonPrivacyList},
	})
}

func TestS2_6_ListsOverAnUnreadableRoster(t *testing.T) {
	blind := func(l *List) Settings {
		s := withDefault(l)
		s.RosterReadable = false
		return s
	}
	bob := contact("bob@example.org", presence.SubBoth, "Team")
	checkPlacing(t, testSite(t), []placing{
		{"a deny that may apply", blind(items(deny("group", "Team"))), bob, 32000, ReasonFailClosed},
		{"after an allow that surely applies", blind(items(allow("jid", "bob@example.org"), deny("group", "Team"))), bob, 200, ReasonSameEnterprise},
		{"an allow that may not apply", blind(items(allow("group", "Team"), deny("", ""))), bob, 32000, ReasonPrivacyList},
		{"shadowed by its own allow", blind(items(allow("group", "Team"), deny("group", "Team"))), bob, 200, ReasonSameEnterprise},
	})
}

func TestS13_2_Admits(t *testing.T) {
	site := testSite(t)
	private := func(s Settings) Settings { s.PrivacyMode = true; return s }
	blind := func(s Settings) Settings { s.RosterReadable = false; return s }
	for _, c := range []struct {
		name string
		set  Settings
		w    Watcher
		want bool
	}{
		{"by network", alice(Bootstrap()...), who("b@example.org"), true},
		{"by nobody", alice(Bootstrap()...), who("b@else.test"), false},
		{"a blocking rule is left out, nothing is below it", alice(Bootstrap()...), who("b@jabber.example"), false},
		{"a blocking rule is left out, the next tier admits", alice(append(Bootstrap(), Rule{32000, RuleUser, "b@example.org"})...), who("b@example.org"), true},
		{"a blocking rule is left out of its tier", alice(Rule{32000, RuleUser, "b@else.test"}, Rule{400, RuleUser, "b@else.test"}), who("b@else.test"), true},
		{"a rule to 0 counts", alice(append(Bootstrap(), Rule{0, RuleUser, "b@example.org"})...), who("b@example.org"), false},
		{"vetoes are left out", with(func(s *Settings) {
			s.Block.JIDs, s.Walls, s.State = []string{"b@example.org"}, []string{"*"}, StateError
			s.Default = items(deny("", ""))
		}), who("b@example.org"), true},
		{"privacy mode: a user rule alone", private(alice(Rule{200, RuleUser, "b@else.test"})), who("b@else.test"), false},
		{"privacy mode: subscribed", private(alice()), contact("b@else.test", presence.SubFrom), true},
		{"privacy mode: to", private(alice(Rule{200, RuleUser, "b@else.test"})), contact("b@else.test", presence.SubTo), false},
		{"privacy mode: a blocking domain rule is left out", private(alice(Rule{32000, RuleDomain, "else.test"})), contact("b@else.test", presence.SubFrom), true},
		{"unreadable roster: by network", blind(alice(Bootstrap()...)), contact("b@example.org", presence.SubBoth), true},
		{"unreadable roster: a group might close", blind(alice(append(Bootstrap(), Rule{0, RuleGroup, "Out"})...)), who("b@example.org"), false},
		{"self", alice(), who("alice@example.org"), true},
		{"a mirror", alice(Rule{200, RuleDomain, "*.example.org"}), who("x@presence.example.org"), false},
	} {
		if got := NewPolicy(site, c.set).Admits(c.w); got != c.want {
			t.Errorf("%s: admitted %v, want %v", c.name, got, c.want)
		}
	}
}

// naive evaluates a list item by item as XEP-0016 §2 tells it, with S8.4 and the
// stricter reading of domains.
func naive(l *List, w Watcher) verdict {
	sorted := slices.Clone(l.Items)
	slices.SortFunc(sorted, func(a, b Item) int {
		x, _ := strconv.Atoi(a.Order)
		y, _ := strconv.Atoi(b.Order)
		return x - y
	})
	for _, it := range sorted {
		if it.Managed || len(it.Stanzas) > 0 && !slices.Contains(it.Stanzas, "presence-out") || !naiveMatch(it, w) {
			continue
		}
		if it.Action == "deny" {
			return listDenies
		}
		return listAllows
	}
	return listSilent
}

func naiveMatch(it Item, w Watcher) bool {
	switch it.Type {
	case "jid":
		j, _ := presence.ParseJID(it.Value)
		if j.Resource != "" && it.Action == "allow" {
			return false
		}
		if j.Addr.Local() != "" {
			return j.Addr == w.Addr
		}
		domain := w.Addr.Domain()
		return domain == j.Addr.Domain() || it.Action == "deny" && strings.HasSuffix(domain, "."+j.Addr.Domain())
	case "group":
		return w.Contact != nil && slices.Contains(w.Contact.Groups, it.Value)
	case "subscription":
		return w.subscription().String() == it.Value
	}
	return true
}

// drawnJIDs are what items and block lists are about; who asks is among them.
var drawnJIDs = []string{"a@x.test", "b@x.test", "a@sub.x.test", "x.test", "sub.x.test", "test", "a@x.test/r", "x.test/r", "A@X.test"}

func drawList(t *rapid.T) *List {
	item := rapid.Custom(func(t *rapid.T) Item {
		it := Item{
			Action:  rapid.SampledFrom([]string{"allow", "deny"}).Draw(t, "action"),
			Type:    rapid.SampledFrom([]string{"", "jid", "jid", "jid", "group", "subscription"}).Draw(t, "type"),
			Stanzas: rapid.SampledFrom([][]string{nil, {"presence-out"}, {"message"}, {"iq", "presence-out"}}).Draw(t, "stanzas"),
			Managed: rapid.IntRange(0, 9).Draw(t, "managed") == 0,
		}
		switch it.Type {
		case "jid":
			it.Value = rapid.SampledFrom(drawnJIDs).Draw(t, "jid")
		case "group":
			it.Value = rapid.SampledFrom([]string{"g", "h"}).Draw(t, "group")
		case "subscription":
			it.Value = rapid.SampledFrom([]string{"none", "to", "from", "both"}).Draw(t, "sub")
		}
		return it
	})
	l := &List{Items: rapid.SliceOfN(item, 0, 12).Draw(t, "items")}
	orders := rapid.Permutation([]int{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 4000000000}).Draw(t, "orders")
	for i := range l.Items {
		l.Items[i].Order = itoa(orders[i])
	}
	return l
}

// drawWatcher makes a watcher whom items may be about.
func drawWatcher(t *rapid.T, jid string) Watcher {
	if !rapid.Bool().Draw(t, "contact") {
		return who(jid)
	}
	return contact(jid, presence.Subscription(rapid.IntRange(0, 3).Draw(t, "sub")), rapid.SampledFrom([][]string{nil, {"g"}, {"h", "g"}}).Draw(t, "groups")...)
}

var drawnWatchers = []string{"a@x.test", "b@x.test", "c@x.test", "a@sub.x.test", "x.test", "sub.x.test", "a@else.example"}

func TestList_EqualsTheNaiveEvaluator(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawList(t)
		c, err := compileList(l, "presence.test")
		if err != nil {
			t.Fatal(err)
		}
		for _, jid := range drawnWatchers {
			w := drawWatcher(t, jid)
			if got, want := c.verdict(w, true), naive(l, w); got != want {
				t.Fatalf("%s %+v: compiled %d, naive %d\n%s", jid, w.Contact, got, want, fmt.Sprintf("%+v", l.Items))
			}
		}
	})
}

// naiveVeto asks one list after the other, in the order of S8: the block list
// (XEP-0191: an entry is the bare JID or its domain), the default list, then every
// active one.
func naiveVeto(s *Settings, w Watcher) (Reason, bool) {
	for _, entry := range s.Block.JIDs {
		bare, _, _ := strings.Cut(strings.ToLower(entry), "/")
		if bare == w.Addr.Key() || bare == w.Addr.Domain() {
			return ReasonServerBlock, true
		}
	}
	for _, l := range append([]List{*s.Default}, s.Active...) {
		if naive(&l, w) == listDenies {
			return ReasonPrivacyList, true
		}
	}
	return "", false
}

// TestS8_AllListsEqualTheNaiveOrder: whatever a user's lists say together, who is
// blocked and by which is what asking them one by one gives.
func TestS8_AllListsEqualTheNaiveOrder(t *testing.T) {
	site := testSite(t)
	rapid.Check(t, func(t *rapid.T) {
		set := alice(Bootstrap()...)
		set.Block.JIDs = rapid.SliceOfN(rapid.SampledFrom(drawnJIDs), 0, 3).Draw(t, "blocked")
		set.Default = drawList(t)
		for range rapid.IntRange(0, 2).Draw(t, "active") {
			set.Active = append(set.Active, *drawList(t))
		}
		p := NewPolicy(site, set)
		for _, jid := range drawnWatchers {
			w := drawWatcher(t, jid)
			got := p.Place(w)
			want, blocked := naiveVeto(&set, w)
			if blocked != (got.Container == presence.Blocked) || blocked && got.Reason != want {
				t.Fatalf("%s %+v is in %d by %s; one by one: %v by %s\n%+v", jid, w.Contact, got.Container, got.Reason, blocked, want, set)
			}
		}
	})
}
