package roster

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"presenced/internal/presence"
)

func c(jid string, sub presence.Subscription, groups ...string) presence.Contact {
	return presence.Contact{Addr: presence.MustAddr(jid), Subscription: sub, Groups: groups}
}

func TestS2_7_ContactsOfTheComponentAreDropped(t *testing.T) {
	r := New([]presence.Contact{
		c(`bob\40example.org@presence.example.org`, presence.SubBoth), c("presence.example.org", presence.SubBoth),
		c("bob@example.org", presence.SubTo), {}, c("BOB@example.org", presence.SubBoth, "Team"),
	}, "presence.example.org")
	if r.Len() != 1 {
		t.Fatalf("%d contacts, want 1", r.Len())
	}
	got, ok := r.Get(presence.MustAddr("Bob@Example.org"))
	if !ok || got.Subscription != presence.SubBoth || !slices.Equal(got.Groups, []string{"Team"}) {
		t.Errorf("got %+v, %v; want the latter of two spellings", got, ok)
	}
	if _, ok := r.Get(presence.MustAddr("presence.example.org")); ok {
		t.Error("the component is a contact")
	}
}

func TestRoster_NilIsEmpty(t *testing.T) {
	var r *Roster
	if _, ok := r.Get(presence.MustAddr("a@b.c")); ok || r.Len() != 0 || r.Groups() != nil || !r.Equal(nil) || !Diff(nil, nil).Empty() {
		t.Error("a nil roster is not empty")
	}
}

var pool = []string{"a@x.test", "b@x.test", "ab@x.test", "x.test", `d\27a@x.test`, "ä@y.test", "b@x.testing", "c@x.test"}

func drawContacts(t *rapid.T, label string) []presence.Contact {
	one := rapid.Custom(func(t *rapid.T) presence.Contact {
		groups := rapid.SampledFrom([][]string{nil, {"g"}, {"h", "g"}, {"g", "h", "g"}})
		ct := c(rapid.SampledFrom(pool).Draw(t, "jid"), presence.Subscription(rapid.IntRange(0, 3).Draw(t, "sub")), groups.Draw(t, "groups")...)
		ct.Shared = groups.Draw(t, "shared")
		return ct
	})
	return rapid.SliceOfN(one, 0, 20).Draw(t, label)
}

// TestRoster_HoldsWhatItWasGiven compares with a plain map.
func TestRoster_HoldsWhatItWasGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawContacts(t, "contacts")
		want := map[presence.Addr]presence.Contact{}
		for _, ct := range in {
			want[ct.Addr] = ct
		}
		r := New(in, "presence.test")
		if r.Len() != len(want) {
			t.Fatalf("%d contacts, want %d", r.Len(), len(want))
		}
		for _, jid := range pool {
			a := presence.MustAddr(jid)
			got, ok := r.Get(a)
			exp, known := want[a]
			if ok != known || got.Subscription != exp.Subscription ||
				!slices.Equal(got.Groups, sorted(exp.Groups)) || !slices.Equal(got.Shared, sorted(exp.Shared)) {
				t.Fatalf("%s: got %+v %v, want %+v %v", jid, got, ok, exp, known)
			}
		}
		r.Each(func(ct presence.Contact) {
			if _, ok := want[ct.Addr]; !ok {
				t.Fatalf("%s was never given", ct.Addr.Key())
			}
		})
	})
}

func TestDiff_TellsWhatChanged(t *testing.T) {
	old := New([]presence.Contact{c("a@x.test", presence.SubBoth), c("b@x.test", presence.SubBoth, "g"), c("c@x.test", presence.SubTo)}, "")
	next := New([]presence.Contact{c("a@x.test", presence.SubBoth), c("b@x.test", presence.SubBoth, "h"), c("d@x.test", presence.SubTo)}, "")
	got := fmt.Sprint(Diff(old, next))
	if want := "{[d@x.test] [c@x.test] [b@x.test]}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if old.Equal(next) || !old.Equal(old) || !slices.Equal(Removed(old, nil), Diff(old, New(nil, "")).Removed) {
		t.Error("Equal or Removed disagree")
	}
}

func TestDiff_EmptyMeansEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := New(drawContacts(t, "a"), ""), New(drawContacts(t, "b"), "")
		if Diff(a, b).Empty() != a.Equal(b) || !Diff(a, a).Empty() {
			t.Fatalf("%+v and %+v: equal %v", a, b, a.Equal(b))
		}
	})
}

func TestRoster_Groups(t *testing.T) {
	r := New([]presence.Contact{c("a@x.test", 0, "b", "a"), c("b@x.test", 0), {Addr: presence.MustAddr("c@x.test"), Shared: []string{"c", "a"}}}, "")
	if got := fmt.Sprint(r.Groups()); got != "[a b c]" {
		t.Errorf("groups %s", got)
	}
}

// BenchmarkMemory reports the heap bytes of one user's roster and subscriptions
// with 20 of each (PERFORMANCE 12).
func BenchmarkMemory(b *testing.B) {
	var contacts []presence.Contact
	for i := range 20 {
		contacts = append(contacts, c(fmt.Sprintf("user%05d@example.org", i*4001), presence.SubBoth, []string{"Team", "Friends"}[i%2]))
	}
	const users = 2000
	for b.Loop() {
		rosters, subs := make([]*Roster, users), make([]Subs, users)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range users {
			rosters[i] = New(contacts, "presence.example.org")
			for _, ct := range contacts {
				subs[i].Put(ct.Addr, Entry{Bare: ct.Addr.String(), Spelling: `alice\40example.org@presence.example.org`, Lang: "en", Standing: Accepted})
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/users, "B/user")
		runtime.KeepAlive(rosters)
		runtime.KeepAlive(subs)
	}
}
