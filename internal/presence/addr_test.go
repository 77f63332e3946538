package presence

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestParseJID_SpellingsOfOneAccountAreOneAddr(t *testing.T) {
	for _, group := range [][]string{
		{"alice@example.org", "Alice@Example.ORG", "ALICE@example.org/phone", "alice@example.org.", "ａｌｉｃｅ@example.org", "alice@ｅｘａｍｐｌｅ.org", "alice@example。org"},
		{"straße@bücher.example", "STRASSE@xn--bcher-kva.example", "strasse@BÜCHER.example"},
		{`d\27artagnan@example.org`, `D\27Artagnan@example.org`},
		{`a\5c40b@example.org`, `A\5C40b@example.org`},
		{"example.org", "EXAMPLE.org/x"},
	} {
		want := MustAddr(group[0])
		for _, s := range group[1:] {
			if got := MustAddr(s); got != want {
				t.Errorf("ParseAddr(%q) = %q, want the key of %q, %q", s, got.Key(), group[0], want.Key())
			}
		}
	}
}

func TestParseJID_DifferentAccountsDiffer(t *testing.T) {
	pairs := [][2]string{
		{`a\40b@c.example`, `a\5c40b@c.example`},
		{"alice@example.org", "alice@example.com"},
		{"example.org", "x@example.org"},
		{`a\20b@example.org`, "ab@example.org"},
	}
	for _, p := range pairs {
		if MustAddr(p[0]) == MustAddr(p[1]) {
			t.Errorf("%q and %q are one Addr", p[0], p[1])
		}
	}
}

func TestParseJID_KeepsSpellingAndResource(t *testing.T) {
	j, err := ParseJID("Alice@Example.org/Home / desk@1")
	if err != nil || j.Bare != "Alice@Example.org" || j.Resource != "Home / desk@1" || j.Full() != "Alice@Example.org/Home / desk@1" {
		t.Fatalf("got %+v, %v", j, err)
	}
}

func TestParseJID_Refuses(t *testing.T) {
	long := make([]byte, 1024)
	for i := range long {
		long[i] = 'a'
	}
	for _, s := range []string{"", "@example.org", "alice@", "a@b@c", "alice@example.org/", "al\xffice@example.org", string(long) + "@example.org", "."} {
		if _, err := ParseJID(s); !errors.Is(err, ErrAddress) {
			t.Errorf("ParseJID(%.20q) = %v, want ErrAddress", s, err)
		}
	}
}

func TestAddr_StringParsesToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringOfN(rapid.Rune(), 1, 30, 200).Draw(t, "local")
		domain := rapid.SampledFrom([]string{"example.org", "Bücher.example", "xn--bcher-kva.example", "EXAMPLE.org"}).Draw(t, "domain")
		a, err := ParseAddr(Escape(local) + "@" + domain)
		if err != nil {
			t.Skip()
		}
		b, err := ParseAddr(a.String())
		if err != nil || a != b {
			t.Fatalf("%q: key %q, string %q, again %q (%v)", local, a.Key(), a.String(), b.Key(), err)
		}
		if Unescape(Escape(local)) != local {
			t.Fatalf("Unescape(Escape(%q)) = %q", local, Unescape(Escape(local)))
		}
	})
}

func TestAvailability_ClassAndPoint(t *testing.T) {
	for _, c := range []struct {
		a     Availability
		class Class
	}{
		{0, ClassUnset}, {2999, ClassUnset}, {3000, ClassAvailable}, {4499, ClassAvailable}, {4500, ClassAvailableIdle},
		{5999, ClassAvailableIdle}, {6000, ClassBusy}, {7499, ClassBusy}, {7500, ClassBusyIdle}, {9000, ClassDoNotDisturb},
		{11999, ClassDoNotDisturb}, {12000, ClassBeRightBack}, {15000, ClassAway}, {17999, ClassAway}, {18000, ClassOffline},
	} {
		if got := c.a.Class(); got != c.class {
			t.Errorf("%d is %v, want %v", c.a, got, c.class)
		}
		if c.class != ClassUnset && c.class.Point().Class() != c.class {
			t.Errorf("the point of %v lies in %v", c.class, c.class.Point().Class())
		}
	}
}

// TestShowOf_EveryClass names S4.2.
func TestShowOf_EveryClass(t *testing.T) {
	for _, c := range []struct {
		a    Availability
		t    Activity
		want Show
	}{
		{3500, "", ShowNone}, {3500, FreeForChat, ShowChat}, {5000, "", ShowAway}, {5000, FreeForChat, ShowAway},
		{6500, InAMeeting, ShowDND}, {7500, "", ShowDND}, {9500, "", ShowDND}, {12500, OutOfOfficeA, ShowAway},
		{15500, "", ShowAway}, {15500, OutOfOfficeA, ShowXA}, {15500, OffWork, ShowXA}, {15500, ExtendedAway, ShowXA},
		{18500, OutOfOfficeA, ShowUnavailable}, {0, "", ShowUnavailable},
	} {
		if got := ShowOf(c.a, c.t); got != c.want {
			t.Errorf("ShowOf(%d, %q) = %q, want %q", c.a, c.t, got, c.want)
		}
	}
}

func TestNames_RoundTrip(t *testing.T) {
	for f := range NumFields {
		if got, ok := ParseField(f.String()); !ok || got != f {
			t.Errorf("field %d %q parses to %d, %v", f, f, got, ok)
		}
	}
	for s := SubNone; s <= SubBoth; s++ {
		if got, ok := ParseSubscription(s.String()); !ok || got != s {
			t.Errorf("subscription %q", s)
		}
	}
	for k := EventFree; k <= EventElsewhere; k++ {
		if got, ok := ParseEventKind(k.String()); !ok || got != k {
			t.Errorf("event kind %q", k)
		}
	}
	for s := range ShowUnavailable {
		if got, ok := ParseShow(s.String()); !ok || got != s {
			t.Errorf("show %q", s)
		}
	}
	for c := ClassAvailable; c <= ClassOffline; c++ {
		if ClassNamed(c.String()) != c {
			t.Errorf("class %q", c)
		}
	}
}
