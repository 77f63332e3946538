package commands

import (
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// TestLevels_Import: suggested rules are shown first, and applied as she sends them
// back.
func TestLevels_Import(t *testing.T) {
	d := has(engine.Inspection{})
	rules := []privacy.Rule{{Container: presence.Blocked, Type: privacy.RuleUser, Value: "bob@example.org"}, {Container: presence.Blocked, Type: privacy.RuleDomain, Value: "*.example.net"}}
	d.suggest = func() ([]privacy.Rule, error) { return rules, nil }
	s := newServer(d)
	g := ask(t, s, "en", payload("levels", "", "execute", "action", "import"))
	fd := g.Form.field(t, "rules")
	if g.Status != "executing" || fd.value() != "32000 user bob@example.org|32000 domain *.example.net" || len(d.applied) > 0 {
		t.Fatalf("asked %s with %q, applied %v", g.Status, fd.value(), describe(d.applied))
	}
	g = ask(t, s, "en", payload("levels", g.Session, "complete", "rules", "32000 domain *.example.net"))
	if got := describe(d.applied); g.Status != "completed" || got != "PutRules{Rules:[domain *.example.net -> 32000]}" || !strings.HasPrefix(g.Note.Text, "Rules added: 1.") {
		t.Errorf("%s %q, applied %s", g.Status, g.Note.Text, got)
	}
}

func TestLevels_ImportOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"says no more": {nil, "info: The lists on your chat server hide you from nobody"},
		"hides":        {&engine.RefusedError{Kind: engine.Invalid, Field: "hides"}, "error: \"What to do\": Your lists hide you from everybody"},
		"unread":       {&engine.RefusedError{Kind: engine.Unavailable, Field: "lists"}, "error: \"What to do\": Your lists or your contacts on the server could not be read"},
		"too many":     {&engine.RefusedError{Kind: engine.TooMany}, "error: \"What to do\": "},
	} {
		t.Run(name, func(t *testing.T) {
			d := has(engine.Inspection{})
			d.suggest = func() ([]privacy.Rule, error) { return nil, c.err }
			g := ask(t, newServer(d), "en", payload("levels", "", "execute", "action", "import"))
			if got := g.Note.Type + ": " + g.Note.Text; !strings.HasPrefix(got, c.want) || len(d.applied) > 0 {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestBlock_OnTheServerToo names S8.7: offered where it can be done, and never done
// unasked.
func TestBlock_OnTheServerToo(t *testing.T) {
	can := engine.Inspection{ServerBlocks: true, Rules: []privacy.Rule{{Container: presence.Blocked, Type: privacy.RuleUser, Value: "bob@example.org"}}}
	for _, c := range []struct {
		name, node string
		have       engine.Inspection
		fields     []string
		want       string
	}{
		{"ticked", "block", can, []string{"jid", "bob@example.org", "server", "1"}, "ServerBlock{JID:bob@example.org On:true}; Block{JID:bob@example.org}"},
		{"not ticked", "block", can, []string{"jid", "bob@example.org", "server", "0"}, "Block{JID:bob@example.org}"},
		{"not sent", "block", can, []string{"jid", "bob@example.org"}, "Block{JID:bob@example.org}"},
		{"cannot be done", "block", engine.Inspection{}, []string{"jid", "bob@example.org", "server", "1"}, "Block{JID:bob@example.org}"},
		{"unblocked", "unblock", can, []string{"jid", "bob@example.org", "server", "true"}, "ServerBlock{JID:bob@example.org On:false}; Unblock{JID:bob@example.org}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := has(c.have)
			g := ask(t, newServer(d), "en", payload(c.node, "", "execute", c.fields...))
			if got := describe(d.applied); got != c.want || g.Status != "completed" {
				t.Errorf("%s, applied %s, want %s", g.Status, got, c.want)
			}
		})
	}
	fd := ask(t, newServer(has(can)), "en", payload("block", "", "execute")).Form.field(t, "server")
	if fd.Type != "boolean" || fd.value() != "0" {
		t.Errorf("offered as %s %q", fd.Type, fd.value())
	}
}
