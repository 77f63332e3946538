package privacy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/presence"
)

// TestI3_NarrowestLeavesNothingItGoverns: a policy that is named but cannot be found
// shows less than any other.
func TestI3_NarrowestLeavesNothingItGoverns(t *testing.T) {
	wide := Operator{
		LastActive: LastActiveExact, Granularity: time.Hour, Photo: PhotoAll, OfflineDetails: OfflineAll, Until: true,
		Links: Links{Mode: LinksWarn, Intranet: []string{"intranet.example"}, Extensions: []string{"exe"}},
	}
	want := Operator{
		Name: "gone", Granularity: time.Hour, OfflineDetails: OfflineAll, Until: true, // no keys of a named policy
		Links: Links{Mode: LinksBlock, Extensions: []string{"exe"}}, Withheld: withheldMost,
	}
	if d := cmp.Diff(want, *wide.Narrowest("gone")); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if wide.Name != "" || wide.Photo != PhotoAll || len(wide.Links.Intranet) != 1 {
		t.Errorf("the other policy was changed: %+v", wide)
	}
}

// TestI3_NarrowestKeepsTheCeiling: what the operator withholds of everybody is not
// shown because a policy cannot be found.
func TestI3_NarrowestKeepsTheCeiling(t *testing.T) {
	var o Operator
	o.Withheld, _ = ParseWithheld([]string{"state 100"})
	if g := o.Narrowest("gone").Limit(testSite(t).Column(presence.External, nil)); g != 0 {
		t.Errorf("level 100 is granted %b", g)
	}
}

func TestHeldPolicy_TellsWhy(t *testing.T) {
	for want, h := range map[string]HeldPolicy{
		"the global one":          {},
		"a (granted to the user)": {Name: "a", Source: GrantedToUser},
		"a (granted to the user, but not declared in [[policies]]: what it governs is not shown)": {Name: "a", Source: GrantedToUser, Undeclared: true},
		`a (granted to the group "Works council")`:                                                {Name: "a", Source: GrantedToGroup, Group: "Works council"},
		"a (by policies.users)":             {Name: "a", Source: ConfiguredForUser},
		`a (by policies.groups, group "x")`: {Name: "a", Source: ConfiguredForGroup, Group: "x"},
	} {
		if got := h.String(); got != want {
			t.Errorf("%+v: %q, want %q", h, got, want)
		}
	}
}
