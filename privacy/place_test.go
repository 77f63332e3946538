package privacy

import (
	"strings"
	"testing"

	"presenced/internal/presence"
)

func testSite(t testing.TB) *Site {
	t.Helper()
	s, err := NewSite(SiteOptions{
		Component: "presence.example.org",
		Networks: Networks{
			Enterprise:  []string{"example.org", "Bücher.example"},
			Federated:   []string{"partner.example"},
			PublicCloud: []string{"jabber.example"},
		},
		Containers: map[presence.ContainerID]presence.ContainerID{350: presence.External, 450: presence.Workgroup},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// alice returns readable settings with the given rules.
func alice(rules ...Rule) Settings {
	return Settings{Owner: presence.MustAddr("alice@example.org"), State: StateOK, Rules: rules, RosterReadable: true}
}

func who(jid string) Watcher { return Watcher{Addr: presence.MustAddr(jid)} }

func contact(jid string, sub presence.Subscription, groups ...string) Watcher {
	a := presence.MustAddr(jid)
	return Watcher{Addr: a, Contact: &presence.Contact{Addr: a, Subscription: sub, Groups: groups}}
}

type placing struct {
	name string
	set  Settings
	w    Watcher
	id   presence.ContainerID
	why  Reason
}

func checkPlacing(t *testing.T, site *Site, cases []placing) {
	t.Helper()
	for _, c := range cases {
		p := NewPolicy(site, c.set)
		got := p.Place(c.w)
		if got.Container != c.id || got.Reason != c.why {
			t.Errorf("%s: %s is in %d by %s, want %d by %s", c.name, c.w.Addr.Key(), got.Container, got.Reason, c.id, c.why)
		}
		traced := p.Trace(c.w)
		if traced.Container != got.Container || traced.Reason != got.Reason || traced.Rule == "" && got.Reason != ReasonAdmin && got.Container != presence.Blocked {
			t.Errorf("%s: traced %+v, placed %+v", c.name, traced, got)
		}
	}
}

func TestS1_RulesNameKnownContainersOnly(t *testing.T) {
	site := testSite(t)
	for id, ok := range map[presence.ContainerID]bool{
		0: true, 1: false, 2: false, 3: false, 4: false, 100: true, 200: true, 300: true, 350: true, 400: true, 450: true, 500: false, 32000: true, 32001: false,
	} {
		_, err := site.NewRule(Rule{id, RuleUser, "bob@example.org"}, true)
		if (err == nil) != ok {
			t.Errorf("container %d: %v, want accepted %v", id, err, ok)
		}
	}
}

func TestS1_CustomContainers(t *testing.T) {
	for _, c := range []struct {
		id, base presence.ContainerID
		ok       bool
	}{
		{4, 100, true}, {31999, 400, true}, {3, 100, false}, {0, 100, false}, {1, 400, false}, {32000, 100, false},
		{100, 100, false}, {400, 300, false}, {500, 0, false}, {500, 1, false}, {500, 350, false}, {500, 32000, false},
	} {
		if err := CheckCustom(c.id, c.base); (err == nil) != c.ok {
			t.Errorf("custom %d based on %d: %v, want accepted %v", c.id, c.base, err, c.ok)
		}
	}
}

func TestS1_ContainerTakenAwaySinceShowsNothing(t *testing.T) {
	p := NewPolicy(testSite(t), alice(Rule{777, RuleUser, "bob@example.org"}))
	got := p.Place(who("bob@example.org"))
	if got.Container != 777 || GrantsOf(got.Base) != 0 || p.Err() != nil {
		t.Errorf("got %+v, err %v; want an unknown container that grants nothing", got, p.Err())
	}
	if p := NewPolicy(testSite(t), alice(Rule{1, RuleUser, "bob@example.org"})); p.Place(who("bob@example.org")).Reason != ReasonFailClosed {
		t.Error("a stored rule that names Self was obeyed")
	}
}

func TestS2_1_RuleValues(t *testing.T) {
	site := testSite(t)
	for _, c := range []struct {
		in   Rule
		want string // empty: refused
	}{
		{Rule{200, RuleUser, "Bob@Example.ORG"}, "bob@example.org"},
		{Rule{200, RuleUser, `d\27artagnan@example.org`}, `d\27artagnan@example.org`},
		{Rule{200, RuleUser, "bob@example.org/phone"}, ""},
		{Rule{200, RuleUser, ""}, ""},
		{Rule{200, RuleGroup, "Team"}, "Team"},
		{Rule{200, RuleGroup, ""}, ""},
		{Rule{200, RuleDomain, "BÜCHER.example"}, "xn--bcher-kva.example"},
		{Rule{200, RuleDomain, "*.Example.org"}, "*.example.org"},
		{Rule{200, RuleDomain, "bob@example.org"}, ""},
		{Rule{200, RuleDomain, "*"}, ""},
		{Rule{200, RuleDomain, "a.*.org"}, ""},
		{Rule{200, RuleSubscription, "both"}, "both"},
		{Rule{200, RuleSubscription, ""}, ""},
		{Rule{200, RuleSubscription, "often"}, ""},
		{Rule{200, RuleFederated, "x"}, ""},
		{Rule{200, "everyone", ""}, ""},
	} {
		got, err := site.NewRule(c.in, true)
		if c.want == "" {
			if err == nil {
				t.Errorf("%v was accepted as %v", c.in, got)
			}
			continue
		}
		if err != nil || got.Value != c.want {
			t.Errorf("%v gives %q, %v; want %q", c.in, got.Value, err, c.want)
		}
	}
}

func TestS2_1_NetworksAreExclusive(t *testing.T) {
	_, err := NewSite(SiteOptions{Component: "p.example.org", Networks: Networks{Enterprise: []string{"a.example"}, PublicCloud: []string{"A.example"}}})
	if err == nil || !strings.Contains(err.Error(), "two networks") {
		t.Errorf("a domain in two networks: %v", err)
	}
	site := testSite(t)
	for jid, want := range map[string]Network{
		"x@example.org": SameEnterprise, "x@sub.example.org": Unknown, "x@bücher.example": SameEnterprise,
		"x@partner.example": Federated, "x@jabber.example": PublicCloud, "x@else.example": Unknown,
	} {
		if got := site.Network(presence.MustAddr(jid)); got != want {
			t.Errorf("%s is in network %d, want %d", jid, got, want)
		}
	}
}

func TestS2_2_FirstTierThenHighestID(t *testing.T) {
	all := []Rule{
		{100, RuleUser, "u@x.a.example"}, {400, RuleGroup, "Team"}, {200, RuleGroup, "Audit"},
		{300, RuleDomain, "x.a.example"}, {32000, RuleDomain, "*.a.example"}, {400, RuleDomain, "*.example"},
		{200, RuleSubscription, "to"}, {0, RuleSubscription, "both"},
		{200, RuleSameEnterprise, ""}, {100, RuleFederated, ""}, {32000, RulePublicCloud, ""},
	}
	checkPlacing(t, testSite(t), []placing{
		{"user beats group and domain", alice(all...), contact("u@x.a.example", presence.SubBoth, "Team"), 100, ReasonUser},
		{"group beats domain, highest group wins", alice(all...), contact("v@x.a.example", presence.SubNone, "Audit", "Team"), 400, ReasonGroup},
		{"exact domain beats a blocking wildcard", alice(all...), who("v@x.a.example"), 300, ReasonDomain},
		{"longest wildcard", alice(all...), who("v@y.a.example"), 32000, ReasonDomain},
		{"shorter wildcard", alice(all...), who("v@y.z.example"), 400, ReasonDomain},
		{"wildcard is not its own suffix", alice(all...), who("v@a.example"), 400, ReasonDomain},
		{"subscription beats the implicit contact", alice(all...), contact("v@elsewhere.test", presence.SubBoth), 0, ReasonSubscription},
		{"subscription to", alice(all...), contact("v@elsewhere.test", presence.SubTo), 200, ReasonSubscription},
		{"implicit contact, same enterprise", alice(all...), contact("v@example.org", presence.SubFrom), 200, ReasonContact},
		{"implicit contact, elsewhere", alice(Bootstrap()...), contact("v@jabber.example", presence.SubBoth), 100, ReasonContact},
		{"to is no implicit contact", alice(Bootstrap()...), contact("v@jabber.example", presence.SubTo), 32000, ReasonPublicCloud},
		{"sameEnterprise", alice(all...), who("v@example.org"), 200, ReasonSameEnterprise},
		{"federated", alice(Bootstrap()...), who("v@partner.example"), 100, ReasonFederated},
		{"publicCloud", alice(Bootstrap()...), who("v@jabber.example"), 32000, ReasonPublicCloud},
		{"nobody", alice(all...), who("v@elsewhere.test"), 0, ReasonDefault},
		{"named allow beats blocked domain", alice(Rule{32000, RuleDomain, "b.test"}, Rule{200, RuleUser, "w@b.test"}), who("w@b.test"), 200, ReasonUser},
		{"400 and 32000 is blocked", alice(Rule{32000, RuleUser, "w@b.test"}, Rule{400, RuleUser, "w@b.test"}), who("w@b.test"), 32000, ReasonUser},
		{"custom id", alice(Rule{350, RuleUser, "w@b.test"}, Rule{300, RuleUser, "w@b.test"}), who("w@b.test"), 350, ReasonUser},
		{"strangers have subscription none", alice(Rule{100, RuleSubscription, "none"}), who("w@b.test"), 100, ReasonSubscription},
		{"a domain watches", alice(Rule{100, RuleDomain, "b.test"}), who("b.test"), 100, ReasonDomain},
	})
}

func TestS2_2_SharedGroupsOnlyWhenConfigured(t *testing.T) {
	w := contact("v@elsewhere.test", presence.SubNone)
	w.Contact.Shared = []string{"Staff"}
	set := alice(Rule{300, RuleGroup, "Staff"})
	checkPlacing(t, testSite(t), []placing{{"off", set, w, 0, ReasonDefault}})
	on, err := NewSite(SiteOptions{Component: "presence.example.org", SharedGroups: true})
	if err != nil {
		t.Fatal(err)
	}
	checkPlacing(t, on, []placing{{"on", set, w, 300, ReasonGroup}})
}

func TestS2_3_Bootstrap(t *testing.T) {
	checkPlacing(t, testSite(t), []placing{
		{"enterprise", alice(Bootstrap()...), who("b@example.org"), 200, ReasonSameEnterprise},
		{"federated", alice(Bootstrap()...), who("b@partner.example"), 100, ReasonFederated},
		{"public cloud", alice(Bootstrap()...), who("b@jabber.example"), 32000, ReasonPublicCloud},
		{"unknown", alice(Bootstrap()...), who("b@else.test"), 0, ReasonDefault},
	})
}

func TestS2_4_PrivacyMode(t *testing.T) {
	set := alice(
		Rule{300, RuleUser, "u@else.test"}, Rule{200, RuleGroup, "Team"},
		Rule{200, RuleDomain, "open.test"}, Rule{32000, RuleDomain, "*.shut.test"}, Rule{200, RuleDomain, "x.shut.test"},
		Rule{200, RuleSubscription, "to"}, Rule{32000, RuleSubscription, "from"},
		Rule{200, RuleSameEnterprise, ""}, Rule{100, RuleFederated, ""}, Rule{32000, RulePublicCloud, ""})
	set.PrivacyMode = true
	checkPlacing(t, testSite(t), []placing{
		{"user applies", set, who("u@else.test"), 300, ReasonUser},
		{"group applies", set, contact("v@else.test", presence.SubNone, "Team"), 200, ReasonGroup},
		{"domain does not", set, who("v@open.test"), 0, ReasonDefault},
		{"a domain does where it blocks", set, who("v@y.shut.test"), 32000, ReasonDomain},
		{"an exact domain that does not count does not hide the wildcard", set, who("v@x.shut.test"), 32000, ReasonDomain},
		{"subscription does not", set, contact("v@else.test", presence.SubTo), 0, ReasonDefault},
		{"subscription does where it blocks", set, contact("v@else.test", presence.SubFrom), 32000, ReasonSubscription},
		{"contact applies", set, contact("v@example.org", presence.SubBoth), 200, ReasonContact},
		{"network does not", set, who("v@example.org"), 0, ReasonDefault},
		{"network does where it blocks", set, who("v@jabber.example"), 32000, ReasonPublicCloud},
	})
}

func TestS2_5_DepartedRules(t *testing.T) {
	site := testSite(t)
	bob := presence.MustAddr("bob@example.org")
	for _, c := range []struct {
		name  string
		rules []Rule
		gone  []presence.ContainerID
	}{
		{"a raising rule goes", []Rule{{400, RuleUser, "bob@example.org"}, {200, RuleSameEnterprise, ""}}, []presence.ContainerID{400}},
		{"a block stays", []Rule{{32000, RuleUser, "bob@example.org"}, {200, RuleSameEnterprise, ""}}, nil},
		{"a lowering rule stays", []Rule{{100, RuleUser, "bob@example.org"}, {200, RuleSameEnterprise, ""}}, nil},
		{"without difference it stays", []Rule{{200, RuleUser, "bob@example.org"}, {200, RuleSameEnterprise, ""}}, nil},
		{"from 400 to 300 is no lowering: the meeting is gained", []Rule{{400, RuleUser, "bob@example.org"}, {300, RuleDomain, "example.org"}}, nil},
		{"both go, highest first", []Rule{{200, RuleUser, "bob@example.org"}, {400, RuleUser, "BOB@example.org"}}, []presence.ContainerID{400, 200}},
		{"a block above it stays with it", []Rule{{32000, RuleUser, "bob@example.org"}, {400, RuleUser, "bob@example.org"}}, nil},
		{"others' rules stay", []Rule{{400, RuleUser, "eve@example.org"}}, nil},
	} {
		got := Departed(site, alice(c.rules...), []presence.Addr{bob}, false)
		ok := len(got) == len(c.gone)
		for i := range min(len(got), len(c.gone)) {
			ok = ok && got[i].Container == c.gone[i]
		}
		if !ok {
			t.Errorf("%s: %v, want containers %v", c.name, got, c.gone)
		}
		if got := Departed(site, alice(c.rules...), []presence.Addr{bob}, true); got != nil {
			t.Errorf("%s: a roster emptied in one read lost %v", c.name, got)
		}
	}
}

func TestS2_6_UnreadableRoster(t *testing.T) {
	site := testSite(t)
	for _, typ := range []RuleType{RuleGroup, RuleSubscription} {
		if _, err := site.NewRule(Rule{100, typ, "both"}, false); err == nil || !strings.Contains(err.Error(), "roster") {
			t.Errorf("a new %s rule: %v, want a refusal that names the roster", typ, err)
		}
	}
	blind := func(rules ...Rule) Settings {
		s := alice(append(rules, Bootstrap()...)...)
		s.RosterReadable = false
		return s
	}
	private := blind(Rule{100, RuleSubscription, "both"})
	private.PrivacyMode = true
	w := contact("w@example.org", presence.SubBoth, "Team")
	checkPlacing(t, site, []placing{
		{"no roster rule: as nobody's contact", blind(), w, 200, ReasonSameEnterprise},
		{"contacts are unknown", blind(), contact("w@else.test", presence.SubBoth), 0, ReasonDefault},
		{"a group that could lower", blind(Rule{100, RuleGroup, "Team"}), w, 32000, ReasonFailClosed},
		{"a group that could block", blind(Rule{32000, RuleGroup, "Team"}), w, 32000, ReasonFailClosed},
		{"a group that only raises", blind(Rule{300, RuleGroup, "Team"}), w, 200, ReasonSameEnterprise},
		{"nothing below 0", blind(Rule{32000, RuleGroup, "Team"}), contact("w@else.test", presence.SubBoth), 0, ReasonDefault},
		{"a subscription that could lower", blind(Rule{0, RuleSubscription, "none"}), w, 32000, ReasonFailClosed},
		{"a user rule decides", blind(Rule{32000, RuleGroup, "Team"}, Rule{300, RuleUser, "w@example.org"}), w, 300, ReasonUser},
		{"in privacy mode it does not count", private, w, 0, ReasonDefault},
		{"the owner sees herself", blind(Rule{32000, RuleGroup, "Team"}), who("alice@example.org"), 1, ReasonSelf},
	})
}

func TestS2_7_OneAddressOneWatcher(t *testing.T) {
	site := testSite(t)
	set := alice(Rule{400, RuleUser, "STRASSE@bücher.example"})
	for _, jid := range []string{"straße@bücher.example", "Strasse@BÜCHER.example/home", "ｓｔｒａｓｓｅ@xn--bcher-kva.example"} {
		if got := NewPolicy(site, set).Place(who(jid)); got.Reason != ReasonUser {
			t.Errorf("%s is placed by %s", jid, got.Reason)
		}
	}
	for _, r := range []Rule{{200, RuleUser, `bob\40example.org@presence.example.org`}, {200, RuleDomain, "PRESENCE.example.org"}, {200, RuleUser, "presence.example.org"}} {
		if _, err := site.NewRule(r, true); err == nil {
			t.Errorf("%v targets the component's own domain and was accepted", r)
		}
	}
	mirror := contact(`bob\40example.org@presence.example.org`, presence.SubBoth, "Team")
	checkPlacing(t, site, []placing{
		{"a mirror is never a watcher", alice(Rule{400, RuleGroup, "Team"}, Rule{400, RuleDomain, "*.example.org"}), mirror, 0, ReasonDefault},
		{"nor is nobody", alice(), Watcher{}, 0, ReasonDefault},
	})
}

func TestS12_TraceNamesTheRule(t *testing.T) {
	p := NewPolicy(testSite(t), alice(append(Bootstrap(), Rule{300, RuleUser, "u@else.test"}, Rule{300, RuleGroup, "Team"},
		Rule{100, RuleDomain, "a.test"}, Rule{100, RuleDomain, "*.a.test"}, Rule{200, RuleSubscription, "to"})...))
	for _, c := range []struct {
		w    Watcher
		want string
	}{
		{who("alice@example.org"), "S8.0: her own address"},
		{who("u@else.test"), "user u@else.test -> 300"},
		{contact("v@else.test", presence.SubNone, "Team"), "group Team -> 300"},
		{who("v@a.test"), "domain a.test -> 100"},
		{who("v@x.y.a.test"), "domain *.a.test -> 100"},
		{contact("v@else.test", presence.SubTo), "subscription to -> 200"},
		{contact("v@else.test", presence.SubFrom), "contact from -> 100"},
		{who("v@jabber.example"), "publicCloud -> 32000"},
		{who("v@else.test"), "S2.2: no rule matches"},
		{who("x@presence.example.org"), "S2.7: not an address of a watcher"},
	} {
		if got := p.Trace(c.w).Rule; got != c.want {
			t.Errorf("%s: %q, want %q", c.w.Addr.Key(), got, c.want)
		}
	}
}

func TestPlace_DoesNotAllocate(t *testing.T) {
	set := alice(append(Bootstrap(), Rule{300, RuleUser, "boss@example.org"}, Rule{300, RuleGroup, "Team"}, Rule{100, RuleDomain, "*.b.test"})...)
	set.Block = BlockList{JIDs: []string{"eve@example.org"}}
	set.Default = &List{Items: []Item{{Order: "1", Action: "deny", Type: "jid", Value: "mallory@example.org"}}}
	set.Walls = []string{"rival@example.org"}
	p := NewPolicy(testSite(t), set)
	for _, w := range []Watcher{
		contact("bob@a.b.test", presence.SubBoth, "Other", "Team"), who("bob@a.b.test"), who("boss@example.org"),
		contact("zed@else.test", presence.SubBoth), who("zed@else.test"), who("rival@example.org"), who("alice@example.org"),
	} {
		if n := testing.AllocsPerRun(100, func() { p.Place(w); p.Admits(w) }); n != 0 {
			t.Errorf("%s: %v allocations", w.Addr.Key(), n)
		}
	}
}

func BenchmarkPlace(b *testing.B) {
	set := alice(Bootstrap()...)
	var items []Item
	for i := range 1000 {
		jid := "user" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "@example.org"
		set.Rules = append(set.Rules, Rule{200, RuleUser, jid})
		items = append(items, Item{Order: itoa(i), Action: "deny", Type: "jid", Value: "no" + jid})
	}
	set.Default = &List{Items: items}
	p := NewPolicy(testSite(b), set)
	w := contact("bob@example.org", presence.SubBoth, "Team")
	b.ReportAllocs()
	for b.Loop() {
		p.Place(w)
	}
}
