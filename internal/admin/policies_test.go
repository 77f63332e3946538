package admin

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// granting is a door that writes down what is granted.
func granting(t *testing.T) (*door, func() []string) {
	var mu sync.Mutex // guards said
	var said []string
	d := &door{
		policies: engine.PolicyList{Policies: []engine.PolicyLine{
			{Name: "board", Declared: true, GrantedUsers: []string{"alice@example.org", "gone@example.org"}},
			{Name: "old", GrantedGroups: []string{"Sales"}},
			{Name: "sales", Declared: true, GrantedUsers: []string{"alice@example.org"}, GrantedGroups: []string{"R&D/EU", "Sales"}},
		}},
	}
	d.grant = func(who engine.Principal, g engine.PolicyGrant, on bool) (engine.Result, error) {
		if !who.Operator {
			t.Errorf("granted as %+v", who)
		}
		mu.Lock()
		defer mu.Unlock()
		verb := map[bool]string{true: "grant", false: "revoke"}[on]
		said = append(said, strings.Join([]string{verb, g.Policy, g.User.Bare, g.Group}, "|"))
		if g.Policy == "slaes" {
			return engine.Result{}, &engine.RefusedError{Kind: engine.NotFound, Field: "policy", Reason: "there is no policy \"slaes\"; there are sales"}
		}
		return engine.Result{Advice: []engine.Advice{engine.AdviceNoGroups}}, nil
	}
	return d, func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := said
		said = nil
		return out
	}
}

func TestPolicies_AreGrantedRevokedAndListed(t *testing.T) {
	d, said := granting(t)
	client, _, _ := serve(t, d)
	done, err := client.GrantPolicy(t.Context(), "sales", "Alice@example.org/desk", "")
	if err != nil || !slices.Equal(done.Advice, []engine.Advice{engine.AdviceNoGroups}) {
		t.Errorf("granted %+v, %v", done, err)
	}
	if _, err := client.RevokePolicy(t.Context(), "sales", "", "R&D/EU"); err != nil {
		t.Error(err)
	}
	if got, want := said(), []string{"grant|sales|Alice@example.org|", "revoke|sales||R&D/EU"}; !slices.Equal(got, want) {
		t.Errorf("the door heard %q, want %q", got, want)
	}
	_, err = client.GrantPolicy(t.Context(), "slaes", "alice@example.org", "")
	if p, ok := errors.AsType[*ProblemError](err); !ok || p.Status != 404 || p.Field != "policy" || !strings.Contains(p.Detail, "there are sales") {
		t.Errorf("an unknown policy: %+v", err)
	}
	_, err = client.GrantPolicy(t.Context(), "sales", "@", "")
	if p, ok := errors.AsType[*ProblemError](err); !ok || p.Status != 400 {
		t.Errorf("no address: %+v", err)
	}
	list, err := client.Policies(t.Context())
	if err != nil || len(list.Policies) != 3 || list.Policies[2].GrantedGroups[0] != "R&D/EU" {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestExport_CarriesTheGrants(t *testing.T) {
	d, _ := granting(t)
	key := presence.MustAddr("alice@example.org").Key()
	d.saved = []engine.Saved{
		{User: "\x01policy-user " + key, Docs: map[string][]byte{engine.DocGrants: []byte(`{"v":1}`)}},
		{User: key, Docs: map[string][]byte{engine.DocNote: []byte(`{"v":1}`)}},
	}
	client, _, _ := serve(t, d)
	got, err := exportLines(t, client, "")
	want := []string{
		`{"group":"R\u0026D/EU","policies":["sales"]}`,
		`{"group":"Sales","policies":["old","sales"]}`,
		`{"jid":"alice@example.org","settings":{"note":{"v":1}},"policies":["board","sales"]}`,
		`{"jid":"gone@example.org","policies":["board"]}`,
	}
	if err != nil || len(got) != 5 || !slices.Equal(got[1:], want) {
		t.Errorf("exported %q, %v\nwant a header and %q", got, err, want)
	}
	if got, err := exportLines(t, client, "alice@example.org"); err != nil || len(got) != 2 || got[1] != want[2] {
		t.Errorf("of alice alone: %q, %v", got, err)
	}
}

func TestImport_GrantsBeforeItSets(t *testing.T) {
	d, said := granting(t)
	var applied []string
	var mu sync.Mutex // guards applied
	d.apply = func(_ engine.Principal, user presence.JID, c engine.Change) (engine.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		what := "set"
		if c.(engine.Import).Check {
			what = "check"
		} else if user.Bare == "alice@example.org" && !slices.ContainsFunc(said(), func(s string) bool { return s == "grant|sales|alice@example.org|" }) {
			t.Error("alice's settings are in force before her ceiling")
		}
		applied = append(applied, what+" "+user.Bare)
		if user.Bare == "bad@example.org" {
			return engine.Result{}, &engine.RefusedError{Kind: engine.Invalid, Field: "rules", Reason: "no"}
		}
		return engine.Result{}, nil
	}
	client, _, _ := serve(t, d)
	header := []byte(`{"presenced_export":1,"domain":"presence.example.org"}`)
	one := func(line string, o ImportOptions) Imported {
		t.Helper()
		got, err := client.Import(t.Context(), header, [][]byte{[]byte(line)}, o)
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	for _, c := range []struct {
		line, problem string
		dry           bool
		granted       []string
		applied       []string
	}{
		{line: `{"jid":"alice@example.org","settings":{"note":{"v":1}},"policies":["sales"]}`, applied: []string{"check alice@example.org", "set alice@example.org"}},
		{line: `{"jid":"bad@example.org","settings":{"note":{"v":1}},"policies":["sales"]}`, problem: "no", applied: []string{"check bad@example.org"}},
		{line: `{"jid":"bob@example.org","settings":{"note":{"v":1}},"policies":["sales"]}`, dry: true, applied: []string{"check bob@example.org"}},
		{line: `{"jid":"bob@example.org","policies":["board"]}`, granted: []string{"grant|board|bob@example.org|"}},
		{line: `{"jid":"bob@example.org","policies":["old"]}`, problem: "is not declared here"},
		{line: `{"jid":"bob@example.org","policies":["old"]}`, dry: true, problem: "is not declared here"},
		{line: `{"group":"Sales","policies":["sales"]}`, granted: []string{"grant|sales||Sales"}},
		{line: `{"group":"Sales","jid":"bob@example.org","policies":["sales"]}`, problem: "nothing else"},
		{line: `{"group":"Sales"}`, problem: "nothing else"},
	} {
		applied = nil
		said()
		got := one(c.line, ImportOptions{DryRun: c.dry})
		if got.Imported != (c.problem == "") || !strings.Contains(got.Problem, c.problem) {
			t.Errorf("%s: %+v, want the problem %q", c.line, got, c.problem)
		}
		if heard := said(); !slices.Equal(heard, c.granted) || !slices.Equal(applied, c.applied) {
			t.Errorf("%s: %q and %q, want %q and %q", c.line, heard, applied, c.granted, c.applied)
		}
	}
}
