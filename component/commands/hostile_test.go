package commands

import (
	"strings"
	"testing"
	"unicode/utf8"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// evil are values nobody writes by accident.
var evil = []string{
	"'/><presence type='unavailable'/><x a='", "]]></value></field></x></command><!-- ", "&amp;&#0;&lt;script&gt;", "%s%n%!d", "\u202eten\u202c", "\u2028\u2029\r\n\t",
	strings.Repeat("ü", maxValue/2), strings.Repeat("<", 4000), "../../etc/passwd", "NaN", "-1", "99999999999999999999", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "+∞", "{{.}}", "'; DROP TABLE users; --",
}

// TestHostileFields: whatever stands in a field, of any page of any command, the
// answer is one element, not longer than one may be, with what was written escaped;
// and where a choice, an address or a switch is asked for, nothing is changed.
func TestHostileFields(t *testing.T) {
	in := busy()
	in.Calendars, in.Watchers = hers.Calendars, []engine.Watcher{{JID: "bob@example.org"}}
	for _, c := range table {
		for _, page := range pagesOf(t, shelved(has(in), &shelf{keeps: true}), "en", c.node) {
			for i := range page.Fields {
				fd := &page.Fields[i]
				if fd.Type == "fixed" {
					continue
				}
				for _, v := range evil {
					d := has(in)
					spoil(t, shelved(d, &shelf{keeps: true}), c.node, &page, fd.Var, v)
					if len(d.applied) > 0 && !strings.HasPrefix(fd.Type, "text-") {
						t.Errorf("%s: %s=%.40q applied %.200s", c.node, fd.Var, v, describe(d.applied))
					}
				}
			}
		}
	}
}

// spoil fills in a form as it came, all but one field, and sends it in one shot.
func spoil(t *testing.T, s *Server, node string, page *opened, name, value string) {
	t.Helper()
	fields := []string{"unknown", "x", "", "no name", "confirm2", "1"}
	if page.action != "" {
		fields = append(fields, "action", page.action)
	}
	for i := range page.Fields {
		if fd := &page.Fields[i]; fd.Type != "fixed" && fd.Var != name {
			fields = append(fields, fd.Var, fd.value())
		}
	}
	one := "<field var='" + name + "'><value>" + string(stream.AppendText(nil, value)) + "</value></field></x>"
	p := strings.Replace(string(payload(node, "", "execute", fields...)), "</x>", one, 1)
	out, serr, handled := s.IQ(t.Context(), jid(t, alice), "set", "de", []byte(p))
	switch {
	case !handled:
		t.Errorf("%s is not handled", p)
	case serr != nil:
		wellFormed(t, serr.Append(nil))
	default:
		wellFormed(t, out)
		if len(out) > 128<<10 || !utf8.Valid(out) || strings.Contains(string(out), "<presence") || strings.Contains(string(out), "<!--") {
			t.Errorf("%s %s=%.40q is answered %.300s", node, name, value, out)
		}
	}
}

// TestUnknownFields are left out, also where they have the name of another form's.
func TestUnknownFields(t *testing.T) {
	d := has(settled())
	g := ask(t, newServer(d), "en", payload("note", "", "execute", "text", "hello", "confirm", "1", "jid", "mallory@example.net", "server", "1", "on", "0"))
	if g.Status != statusCompleted || describe(d.applied) != "SetNote{Text:hello}" {
		t.Errorf("%+v, applied %s", g.Note, describe(d.applied))
	}
}

// spellings of one person, and of nobody.
var (
	ofBob = []string{
		"bob@example.net", "BOB@Example.NET", " bob@example.net ", "bob@example.net/Home", "Bob@example.net/a/b@c", "ｂｏｂ@example.net",
		"xmpp:bob@example.net", "XMPP:Bob@Example.net?message;body=hi", "bob@example.net.", "\tbob@EXAMPLE.net\n",
	}
	ofNobody = []string{
		"bob@", "@example.net", "bob@@example.net", "bob@exa mple.net", "\u202ebob@example.net", "bob@example.net/" + strings.Repeat("x", 1024), "bob@<example.net>",
		strings.Repeat("x", 1024) + "@example.net", "bob@" + strings.Repeat("x", 1024) + ".net", "bob\x7f@example.net", "xmpp:", "xmpp:@", "bob@example..net", "bob@-.example",
	}
)

// TestSpellings: each command that takes an address takes it as people write it,
// and what is none is told while the form is open.
func TestSpellings(t *testing.T) {
	bob := presence.MustAddr("bob@example.net")
	for node, more := range map[string][]string{
		"block": nil, "view-as": nil, "explain": nil, "interruptions": {"action", "add"}, "apps": {"action", "add"},
	} {
		for _, as := range ofBob {
			var asked presence.Addr
			d := has(busy())
			d.explain = func(_ engine.Principal, of, w presence.Addr) (engine.Explained, error) {
				asked = w
				return engine.Explained{User: of, Watcher: w}, nil
			}
			g := ask(t, newServer(d), "en", payload(node, "", "execute", append(more, "jid", as)...))
			for _, c := range d.applied {
				asked = addrIn(t, c)
			}
			if g.Status != statusCompleted || g.Note.Type == "error" || asked != bob {
				t.Errorf("%s of %q: %s %q, about %s", node, as, g.Status, g.Note.Text, asked)
			}
		}
		for _, as := range ofNobody {
			d := has(busy())
			if g := ask(t, newServer(d), "en", payload(node, "", "execute", append(more, "jid", as)...)); g.Status != statusExecuting || g.Note.Type != "error" || len(d.applied) != 0 {
				t.Errorf("%s of %.40q: %s %q, applied %s", node, as, g.Status, g.Note.Text, describe(d.applied))
			}
		}
	}
}

// TestSpellings_OfRulesAndRequests: an option is the same option in each spelling,
// and a rule is about a bare address.
func TestSpellings_OfRulesAndRequests(t *testing.T) {
	for _, as := range ofBob {
		d := has(settled())
		g := ask(t, newServer(d), "en", payload("requests", "", "execute", "requests", as, "decision", refuse))
		if describe(d.applied) != "Refuse{Watcher:bob@example.net}" {
			t.Errorf("the request of %q: %q, applied %s", as, g.Note.Text, describe(d.applied))
		}
		d = has(settled())
		g = ask(t, newServer(d), "en", payload("levels", "", "execute", "action", "put", "container", "300", "type", "user", "value", as))
		if strings.Contains(as, "/") {
			if g.Status != statusExecuting || len(d.applied) != 0 {
				t.Errorf("a rule for %q: %q, applied %s", as, g.Note.Text, describe(d.applied))
			}
			continue
		}
		if len(d.applied) != 1 || addrIn(t, d.applied[0]) != presence.MustAddr("bob@example.net") {
			t.Errorf("a rule for %q: %q, applied %s", as, g.Note.Text, describe(d.applied))
		}
	}
	for _, as := range ofNobody {
		d := has(settled())
		for _, fields := range [][]string{{"requests", as, "decision", refuse}, {"requests", as + "|bob@example.net", "decision", "approve-200"}} {
			if g := ask(t, newServer(d), "en", payload("requests", "", "execute", fields...)); g.Status != statusExecuting || len(d.applied) != 0 {
				t.Errorf("the request of %.40q: %+v, applied %s", as, g.Note, describe(d.applied))
			}
		}
		if g := ask(t, newServer(d), "en", payload("levels", "", "execute", "action", "put", "container", "300", "type", "user", "value", as)); g.Status != statusExecuting || len(d.applied) != 0 {
			t.Errorf("a rule for %.40q: %+v, applied %s", as, g.Note, describe(d.applied))
		}
	}
}

// addrIn is the address a change is about.
func addrIn(t *testing.T, c engine.Change) presence.Addr {
	t.Helper()
	value := ""
	switch c := c.(type) {
	case engine.Block:
		value = c.JID
	case engine.SetPriority:
		value = c.JID
	case engine.AllowApp:
		value = c.JID
	case engine.PutRule:
		if c.Rule.Type != privacy.RuleUser {
			t.Errorf("%+v is about no person", c)
		}
		value = c.Rule.Value
	}
	a, err := presence.ParseAddr(value)
	if err != nil {
		t.Errorf("%+v: %v", c, err)
	}
	return a
}
