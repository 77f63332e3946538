package commands

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

func TestTwoPages(t *testing.T) {
	d := has(settled())
	s := newServer(d)
	first := ask(t, s, "en", payload("levels", "", "execute"))
	second := ask(t, s, "en", payload("levels", first.Session, "next", "action", "put"))
	if second.Session != first.Session || second.actions() != "execute=complete prev complete" || second.Form.field(t, "container") == nil {
		t.Fatalf("second page: %+v, actions %s", second, second.actions())
	}
	back := ask(t, s, "en", payload("levels", first.Session, "prev"))
	if got := back.Form.field(t, "action").value(); got != "put" || back.actions() != "execute=next next" {
		t.Errorf("back on the first page it says %q, actions %s", got, back.actions())
	}
	ask(t, s, "en", payload("levels", first.Session, "", "action", "put"))
	done := ask(t, s, "en", payload("levels", first.Session, "complete", "container", "200", "type", "group", "value", "Team"))
	if done.Status != statusCompleted || describe(d.applied) != "PutRule{Rule:group Team -> 200}" {
		t.Errorf("%+v, applied %s", done, describe(d.applied))
	}
	if e := askError(t, s, alice, "set", payload("levels", first.Session, "complete")); e.Command != "bad-sessionid" {
		t.Errorf("a completed form answers %v", e)
	}
}

func TestOneShot_PartOfTheAnswers(t *testing.T) {
	d := has(settled())
	s := newServer(d)
	g := ask(t, s, "en", payload("levels", "", "execute", "action", "put"))
	if g.Status != statusExecuting || g.Note.Text != "" || g.Form.field(t, "container").value() != "200" {
		t.Errorf("with only the first page: %+v", g)
	}
	g = ask(t, s, "en", payload("levels", "", "execute", "action", "put", "container", "400", "value", "x@example.org"))
	if g.Note.Type != "error" || !strings.HasPrefix(g.Note.Text, `"For whom": This is needed.`) || g.Form.field(t, "value").value() != "x@example.org" || g.Form.field(t, "container").value() != "400" {
		t.Errorf("without the type: %+v", g)
	}
	g = ask(t, s, "en", payload("levels", g.Session, "complete", "container", "400", "value", "x@example.org", "type", "user"))
	if g.Status != statusCompleted || describe(d.applied) != "PutRule{Rule:user x@example.org -> 400}" {
		t.Errorf("%+v, applied %s", g, describe(d.applied))
	}
}

func TestRejectedForm_KeepsWhatWasTyped(t *testing.T) {
	d := has(settled())
	s := newServer(d)
	open := ask(t, s, "de", payload("out-of-office", "", "execute"))
	g := ask(t, s, "de", payload("out-of-office", open.Session, "complete", "on", "1", "start", "bald", "end", "", "note", "Ski & Rodel"))
	if g.Session != open.Session || g.Note.Type != "error" || !strings.HasPrefix(g.Note.Text, "„Von“: Das ist keine Zeitangabe.") {
		t.Fatalf("%+v", g)
	}
	for name, want := range map[string]string{"on": "1", "start": "bald", "end": "", "note": "Ski & Rodel"} {
		if got := g.Form.field(t, name).value(); got != want {
			t.Errorf("%s is now %q, want %q", name, got, want)
		}
	}
	g = ask(t, s, "de", payload("out-of-office", g.Session, "complete", "on", "1", "start", "2999-01-01"))
	if g.Status != statusCompleted || len(d.applied) != 1 {
		t.Errorf("%+v", g)
	}
}

func TestCancel(t *testing.T) {
	d := has(settled())
	s := newServer(d)
	open := ask(t, s, "en", payload("enable", "", "execute"))
	if g := ask(t, s, "en", payload("enable", open.Session, "cancel")); g.Status != statusCanceled || g.Session != open.Session || g.Form != nil {
		t.Errorf("%+v", g)
	}
	open = ask(t, s, "en", payload("enable", "", "execute"))
	cancelForm := strings.Replace(string(payload("enable", open.Session, "complete", "confirm", "1")), "type='submit'", "type='cancel'", 1)
	if g := ask(t, s, "en", []byte(cancelForm)); g.Status != statusCanceled {
		t.Errorf("%+v", g)
	}
	if e := askError(t, s, alice, "set", payload("enable", open.Session, "complete", "confirm", "1")); e.Command != "bad-sessionid" {
		t.Errorf("a canceled form answers %v", e)
	}
	if len(d.applied) != 0 {
		t.Errorf("applied %s", describe(d.applied))
	}
}

// TestHugeValues_AreToldAndNotSentBack, whatever field they are in.
func TestHugeValues_AreToldAndNotSentBack(t *testing.T) {
	huge := strings.Repeat("ü", 5000)
	for _, c := range [][]string{
		{"note", "text", "5000 characters, and at most 256"}, {"set-state", "until", "5000 characters, and at most 2048"},
		{"block", "jid", "5000 characters, and at most 2048"}, {"profile", "timezone", "5000 characters, and at most 2048"},
		{"levels", "action", "5000 characters, and at most 2048"}, {"enable", "confirm", "5000 characters, and at most 2048"},
	} {
		d := has(settled())
		if c[0] == "enable" {
			d = stranger()
		}
		g := ask(t, newServer(d), "en", payload(c[0], "", "execute", c[1], huge))
		if g.Status != statusExecuting || !strings.Contains(g.Note.Text, c[2]) || len(d.applied) != 0 {
			t.Errorf("%s: %s %q", c[0], g.Status, g.Note.Text)
		}
		if v := g.Form.field(t, c[1]).value(); len(v) > maxValue {
			t.Errorf("%s sends %d bytes back", c[0], len(v))
		}
	}
}

func TestProtocolErrors(t *testing.T) {
	s := newServer(has(settled()))
	open := func(node string) string { return ask(t, s, "en", payload(node, "", "execute")).Session }
	twoForms := strings.Replace(string(payload("note", "", "execute", "text", "a")), "</command>", submit("text", "b")+"</command>", 1)
	var many []string
	for i := range maxFields + 1 {
		many = append(many, "f"+itoa(i), "x")
	}
	for _, c := range []struct {
		name string
		p    []byte
		want string
	}{
		{"unknown command", payload("reboot", "", "execute"), "cancel item-not-found "},
		{"no command", payload("", "", "execute"), "cancel item-not-found "},
		{"unknown action", payload("note", "", "explode"), "modify bad-request malformed-action"},
		{"unknown session", payload("note", "nope", "complete", "text", "x"), "modify bad-request bad-sessionid"},
		{"complete without a session", payload("note", "", "complete", "text", "x"), "modify bad-request bad-sessionid"},
		{"cancel without a session", payload("note", "", "cancel"), "modify bad-request bad-sessionid"},
		{"session of another command", payload("block", open("note"), "complete", "jid", "x@y"), "modify bad-request bad-sessionid"},
		{"prev on the first page", payload("levels", open("levels"), "prev"), "modify bad-request bad-action"},
		{"complete before the last page", payload("levels", open("levels"), "complete", "action", "list"), "modify bad-request bad-action"},
		{"complete without a form", payload("note", open("note"), "complete"), "modify bad-request bad-payload"},
		{"two forms", []byte(twoForms), "modify bad-request bad-payload"},
		{"not a submission", []byte(strings.Replace(string(payload("note", "", "", "text", "a")), "submit", "result", 1)), "modify bad-request bad-payload"},
		{"too many fields", payload("note", "", "", many...), "modify bad-request bad-payload"},
		{"cut off", []byte("<command xmlns='" + NSCommands + "' node='note'><x>"), "modify bad-request bad-payload"},
	} {
		e := askError(t, s, alice, "set", c.p)
		if got := e.Type + " " + e.Condition + " " + e.Command; got != c.want || e.Text == "" {
			t.Errorf("%s: got %q, want %q, text %q", c.name, got, c.want, e.Text)
		}
	}
	if e := askError(t, s, alice, "get", payload("note", "", "execute")); e.Condition != "bad-request" {
		t.Errorf("a get is answered with %v", e)
	}
}

// TestNextOnTheLastPage: slixmpp and Poezio send every form with it, whatever was
// offered, and there is one thing only it can mean.
func TestNextOnTheLastPage(t *testing.T) {
	d := has(settled())
	s := newServer(d)
	open := ask(t, s, "en", payload("note", "", "execute")).Session
	if g := ask(t, s, "en", payload("note", open, "next", "text", "x")); g.Status != statusCompleted || describe(d.applied) != "SetNote{Text:x}" {
		t.Errorf("%+v, applied %s", g, describe(d.applied))
	}
}

// TestProtocolError_NamesTheSession: slixmpp and Poezio drop an error that does not,
// and their user waits for ever.
func TestProtocolError_NamesTheSession(t *testing.T) {
	s := newServer(has(settled()))
	e := askError(t, s, alice, "set", payload("note", "no<pe", "complete", "text", "x"))
	want := "<command xmlns='" + NSCommands + "' node='note' sessionid='no&lt;pe'/><error type='modify'>"
	if got := string(e.Append(nil)); !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want it to begin with %s", got, want)
	}
	if got := string(askError(t, s, alice, "set", payload("note", "", "cancel")).Append(nil)); !strings.HasPrefix(got, "<error ") {
		t.Errorf("without a session: %s", got)
	}
}

func TestProtocolError_LeavesTheFormOpen(t *testing.T) {
	d := has(settled())
	s := newServer(d)
	open := ask(t, s, "en", payload("note", "", "execute")).Session
	askError(t, s, alice, "set", payload("note", open, "prev"))
	askError(t, s, alice, "set", payload("block", open, "complete", "jid", "x@y"))
	askError(t, s, "bob@example.org", "set", payload("note", open, "complete", "text", "mine"))
	if g := ask(t, s, "en", payload("note", open, "complete", "text", "still here")); g.Status != statusCompleted || describe(d.applied) != "SetNote{Text:still here}" {
		t.Errorf("%+v, applied %s", g, describe(d.applied))
	}
}

// TestOutside holds that whoever is no user of a served host gets one constant
// answer, and that the door is not even asked.
func TestOutside(t *testing.T) {
	s := newServer(&fakeDoor{})
	for _, from := range []string{"bob@example.net", "example.org", "alice@presence.example.org", "alice@example.org.evil"} {
		for _, p := range [][]byte{payload("note", "", "execute"), payload("nonsense", "x", "explode"), []byte("<command xmlns='" + NSCommands + "' node='enable'><")} {
			e := askError(t, s, from, "set", p)
			if got := string(e.Append(nil)); got != "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" {
				t.Errorf("%s: %s", from, got)
			}
		}
		for _, p := range []string{"", "<remove/>", "<username>x</username>", "<"} {
			for _, typ := range []string{"get", "set"} {
				e := askError(t, s, from, typ, []byte("<query xmlns='jabber:iq:register'>"+p+"</query>"))
				if got := string(e.Append(nil)); got != "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" {
					t.Errorf("%s: %s", from, got)
				}
			}
		}
	}
}

func TestServedHost_InAnySpelling(t *testing.T) {
	s := New(has(settled()), Options{Domain: "p.example", Hosts: []string{"Bücher.Example"}})
	for _, from := range []string{"a@bücher.example", "a@xn--bcher-kva.example"} {
		if _, serr, _ := s.IQ(t.Context(), jid(t, from), "set", "", payload("note", "", "execute")); serr != nil {
			t.Errorf("%s: %v", from, serr)
		}
	}
}

func TestIQ_OtherPayloadsAreNotOurs(t *testing.T) {
	s := newServer(has(settled()))
	for _, c := range []struct{ typ, p string }{
		{"result", string(payload("note", "", ""))}, {"error", string(payload("note", "", ""))},
		{"set", "<command node='note'/>"}, {"set", "<query xmlns='jabber:iq:roster'/>"}, {"get", "plain"}, {"get", ""}, {"get", "<"},
		{"set", "<x:command xmlns:x='urn:x'/>"},
	} {
		if out, serr, handled := s.IQ(t.Context(), jid(t, alice), c.typ, "", []byte(c.p)); handled || out != nil || serr != nil {
			t.Errorf("%s %s: %s, %v", c.typ, c.p, out, serr)
		}
	}
	if g := ask(t, s, "", []byte("<c:command xmlns:c='"+NSCommands+"' node='note'/>")); g.Form == nil {
		t.Errorf("a prefix is not understood: %+v", g)
	}
}

func TestPrincipal_IsTheSender(t *testing.T) {
	d := has(settled())
	d.apply = func(who engine.Principal, user presence.JID, _ engine.Change) (engine.Result, error) {
		if who.Operator || who.Addr != user.Addr || who.JID != "Alice@Example.org" || user.Full() != "Alice@Example.org" {
			t.Errorf("applied as %+v for %+v", who, user)
		}
		return engine.Result{}, nil
	}
	if _, serr, _ := newServer(d).IQ(t.Context(), jid(t, "Alice@Example.org/phone"), "set", "", payload("disable", "", "")); serr != nil || len(d.applied) != 1 {
		t.Error(serr, d.applied)
	}
}

func TestSessions_Expire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(has(settled()))
		open := ask(t, s, "en", payload("note", "", "execute")).Session
		time.Sleep(sessionLife - time.Second)
		open = ask(t, s, "en", payload("note", open, "complete", "text", "a|b")).Session // touched
		time.Sleep(sessionLife)
		if e := askError(t, s, alice, "set", payload("note", open, "complete", "text", "x")); e.Command != "session-expired" || e.Condition != "not-allowed" || e.Type != "cancel" {
			t.Errorf("after %v: %v", sessionLife, e)
		}
		if e := askError(t, s, "bob@example.org", "set", payload("note", open, "complete", "text", "x")); e.Command != "bad-sessionid" {
			t.Errorf("to somebody else: %v", e)
		}
		time.Sleep(sessionGrace)
		ask(t, s, "en", payload("block", "", "execute"))
		if n := len(s.sessions.byID); n != 1 {
			t.Errorf("%d forms are kept", n)
		}
	})
}

func TestSessions_AreBounded(t *testing.T) {
	s := newServer(has(settled()))
	var mine []string
	for range maxUserSessions + 1 {
		mine = append(mine, ask(t, s, "en", payload("note", "", "execute")).Session)
	}
	if e := askError(t, s, alice, "set", payload("note", mine[0], "cancel")); e.Command != "bad-sessionid" {
		t.Errorf("the oldest of %d forms answers %v", len(mine), e)
	}
	if g := ask(t, s, "en", payload("note", mine[1], "cancel")); g.Status != statusCanceled {
		t.Errorf("%+v", g)
	}
	now := time.Now()
	for i := range maxSessions + 100 {
		s.sessions.put(&session{id: "s" + itoa(i), user: presence.MustAddr("u" + itoa(i) + "@example.org")}, now)
	}
	if n, users, order := len(s.sessions.byID), len(s.sessions.byUser), s.sessions.order.Len(); n != maxSessions || users != maxSessions || order != maxSessions {
		t.Errorf("%d forms of %d users are kept, %d in order", n, users, order)
	}
	if got, _ := s.sessions.take("s99", presence.MustAddr("u99@example.org"), now); got != nil {
		t.Error("the oldest form did not make room")
	}
	if got, _ := s.sessions.take("s100", presence.MustAddr("u100@example.org"), now); got == nil {
		t.Error("a form that is not the oldest is gone")
	}
}

func TestItemsAndInfo(t *testing.T) {
	s := newServer(has(settled()))
	var nodes []string
	for _, item := range s.Items("de") {
		nodes = append(nodes, item.Node)
		if item.JID != "presence.example.org" || item.Name == "" {
			t.Errorf("%+v", item)
		}
		info, ok := s.Info(item.Node, "de")
		wellFormed(t, info)
		if !ok || !strings.Contains(string(info), "type='command-node'") || !strings.Contains(string(info), "<feature var='http://jabber.org/protocol/commands'/><feature var='jabber:x:data'/>") {
			t.Errorf("%s: %s", item.Node, info)
		}
	}
	if got, want := strings.Join(nodes, " "), "enable disable set-state clear-state note out-of-office profile calendar levels block unblock requests interruptions apps badge privacy-mode view-as explain watchers export erase"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if info, ok := s.Info(NSCommands, ""); !ok || !strings.Contains(string(info), "type='command-list'") {
		t.Errorf("the list itself: %s", info)
	}
	if _, ok := s.Info("explode", ""); ok {
		t.Error("an unknown node has info")
	}
}

func TestLanguage(t *testing.T) {
	s := New(has(settled()), Options{Domain: "p.example", Hosts: []string{"example.org"}, Language: "de"})
	tagged := []byte(strings.Replace(string(payload("clear-state", "", "")), "<command", "<command xml:lang='en-GB'", 1))
	for _, c := range []struct {
		lang string
		p    []byte
		want string
	}{
		{"", payload("clear-state", "", ""), "de"}, {"en", payload("clear-state", "", ""), "en"},
		{"fr", payload("clear-state", "", ""), "de"}, {"de", tagged, "en"},
	} {
		if g := ask(t, s, c.lang, c.p); g.Lang != c.want || strings.HasPrefix(g.Note.Text, "Ihre") != (c.want == "de") {
			t.Errorf("%q: %+v", c.lang, g)
		}
	}
}
