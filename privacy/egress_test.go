package privacy

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

// TestS8_7_EgressIsComposedAndTakenOut: the list as the server evaluates it denies
// every native contact and nobody else it did not deny before; as a policy it is what
// it was; and what is left when the items go is exactly what was there.
func TestS8_7_EgressIsComposedAndTakenOut(t *testing.T) {
	site := testSite(t)
	rapid.Check(t, func(t *rapid.T) {
		kinds := []Item{
			allow("jid", "bob@example.org"), allow("group", "Team", "presence-out"), deny("jid", "fred@partner.example"),
			deny("subscription", "both", "presence-out"), allow("", ""), deny("jid", "x@else.example", "message"), deny("group", "Team"),
		}
		l := List{Name: "work"}
		orders := rapid.Permutation([]int{0, 1, 2, 3, 5, 8, 4000000000}).Draw(t, "orders")
		for i := range rapid.IntRange(0, len(kinds)).Draw(t, "items") {
			it := rapid.SampledFrom(kinds).Draw(t, "item")
			it.Order = itoa(orders[i])
			l.Items = append(l.Items, it)
		}
		composed, shift, err := site.WithEgress(l)
		if err != nil {
			t.Fatal(err)
		}
		if !site.HasEgress(&composed) || site.HasEgress(&l) {
			t.Fatalf("the items are not told apart: %+v", composed)
		}
		raw, before := site.NewRaw(&composed, nil), site.NewRaw(&l, nil)
		policy, old := NewPolicy(site, withDefault(site.MarkEgress(&composed))), NewPolicy(site, withDefault(&l))
		for _, j := range []string{"bob@example.org", "fred@partner.example", "room@conference.example.org"} {
			for sub := range presence.Subscription(4) {
				c := presence.Contact{Addr: presence.MustAddr(j), Subscription: sub, Groups: []string{"Team"}}
				if raw.Reaches(&c) {
					t.Fatalf("%s (%s) is reached past %+v", j, sub, composed.Items)
				}
				w := Watcher{Addr: c.Addr, Contact: &c}
				if !sub.SeesOwner() && raw.standard.verdict(w, true) != before.standard.verdict(w, true) {
					t.Fatalf("%s (%s), who is no contact, is treated otherwise", j, sub)
				}
				if policy.Place(w).Container != old.Place(w).Container {
					t.Fatalf("%s (%s) is placed otherwise", j, sub)
				}
			}
		}
		back := site.WithoutEgress(composed, shift)
		slices.SortFunc(l.Items, func(a, b Item) int { return number(a) - number(b) })
		if len(l.Items) != len(back.Items) || len(l.Items) > 0 && !reflect.DeepEqual(back.Items, l.Items) {
			t.Fatalf("left:\n%+v\nwas:\n%+v", back.Items, l.Items)
		}
	})
}

func number(it Item) int {
	p, _ := parseItem(it)
	return int(p.order)
}

// TestS8_7_OnlyExactlyTheItemsAreOurs: items of the same meaning elsewhere are hers.
func TestS8_7_OnlyExactlyTheItemsAreOurs(t *testing.T) {
	site := testSite(t)
	own := deny("subscription", "both", "presence-out")
	l := must(site.WithEgress(*items(own)))
	bob := contact("bob@example.org", presence.SubBoth)
	if got := NewPolicy(site, withDefault(site.MarkEgress(l))).Place(bob); got.Container != presence.Blocked {
		t.Errorf("her own item of the same meaning is not obeyed: %+v", got)
	}
	partly := items(l.Items[0], l.Items[1])
	if site.HasEgress(partly) || !reflect.DeepEqual(site.MarkEgress(partly), partly) {
		t.Error("two of the three items count as ours")
	}
	edited := *l
	edited.Items = slices.Insert(slices.Clone(l.Items), 1, Item{Order: "77", Action: "deny", Type: "planet"})
	if _, _, err := site.WithEgress(edited); err == nil {
		t.Error("a list nobody can read would be rewritten")
	}
	full := List{}
	for i := range maxEgress + 1 {
		full.Items = append(full.Items, Item{Order: itoa(i), Action: "deny", Type: "jid", Value: "u" + itoa(i) + "@else.example"})
	}
	if _, _, err := site.WithEgress(full); err == nil {
		t.Error("a full list would become one that cannot be read")
	}
}

// TestRaw_CountsInDoubt names S8.7's self-test: what a server still sends.
func TestRaw_CountsInDoubt(t *testing.T) {
	site := testSite(t)
	bob := contact("bob@example.org", presence.SubBoth).Contact
	for _, c := range []struct {
		name  string
		list  *List
		block *BlockList
		want  bool
	}{
		{"nothing in the way", nil, nil, true},
		{"blocked", nil, &BlockList{JIDs: []string{"bob@example.org"}}, false},
		{"his domain is blocked", nil, &BlockList{JIDs: []string{"example.org"}}, false},
		{"one device blocked", nil, &BlockList{JIDs: []string{"bob@example.org/desk"}}, true},
		{"the component blocked", nil, &BlockList{JIDs: []string{"presence.example.org"}}, true},
		{"denied", items(deny("", "")), nil, false},
		{"allowed first", items(allow("group", "Team"), deny("", "")), nil, false},
		{"one device denied", items(deny("jid", "bob@example.org/desk")), nil, true},
		{"the domain above denied", items(deny("jid", "org")), nil, true},
		{"the component denied", items(deny("jid", "presence.example.org")), nil, true},
		{"nobody can read it", items(deny("planet", "earth")), nil, true},
	} {
		raw := site.NewRaw(c.list, c.block)
		if got := raw.Reaches(bob); got != c.want {
			t.Errorf("%s: reached %v, want %v", c.name, got, c.want)
		}
	}
	raw := site.NewRaw(nil, nil)
	if raw.Reaches(contact("bob@example.org", presence.SubTo).Contact) {
		t.Error("who does not see her natively counts as reached")
	}
}
