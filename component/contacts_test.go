package component

import (
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/testbed"
)

// TestMirrorOf_IsUnderstood: whatever address a user has, her mirror's is hers.
func TestMirrorOf_IsUnderstood(t *testing.T) {
	for _, c := range []struct{ user, one, two string }{
		{"alice@a.example", "alice@presence.example.localhost", `alice\40a.example@presence.example.localhost`},
		{`d\27artagnan@a.example`, `d\27artagnan@presence.example.localhost`, `d\5c27artagnan\40a.example@presence.example.localhost`},
		{`odd\40name@a.example`, `odd\5c40name\40a.example@presence.example.localhost`, `odd\5c40name\40a.example@presence.example.localhost`},
	} {
		user := presence.MustAddr(c.user)
		for want, d := range map[string]*desk{c.one: newDesk(t, "a.example"), c.two: newDesk(t, "a.example", "b.example")} {
			got := d.c.MirrorOf(user)
			a, err := presence.ParseAddr(got)
			if err != nil || got != want {
				t.Errorf("the mirror of %s is %s, %v; want %s", c.user, got, err, want)
				continue
			}
			if back, ok := d.c.Mirrored(a); !ok || back != user {
				t.Errorf("%s is the mirror of %s, %v; want %s", got, back, ok, user)
			}
		}
	}
	d := newDesk(t, "a.example", "b.example")
	for _, other := range []string{"alice@a.example", "presence.example.localhost", "alice@presence.example.localhost"} {
		if of, ok := d.c.Mirrored(presence.MustAddr(other)); ok {
			t.Errorf("%s is taken for the mirror of %s", other, of)
		}
	}
}

// TestWriteContacts_OneItemEach, all on their way at once; the first error is told
// when all are answered.
func TestWriteContacts_OneItemEach(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect, OnIQ: func(s testbed.Stanza) (testbed.IQReply, bool) {
		if s.Type != "set" || !strings.Contains(s.Raw, nsRoster) {
			return testbed.IQReply{}, false
		}
		if strings.Contains(s.Raw, "remove") {
			return testbed.IQReply{Condition: "item-not-found"}, true
		}
		return testbed.IQReply{}, true
	}})
	l := b.attach(t)
	b.door.wait(t, 0, "attached")
	user := presence.MustAddr("alice@example.localhost")
	b.c.WriteContacts(user, "alice@example.localhost", []engine.ContactStep{
		{Mirror: "bob@presence.example.localhost", Name: "Bob <b>", Group: "Presence"}, {Mirror: "carol@presence.example.localhost", Remove: true},
	})
	b.door.wait(t, 0, "contacts alice@example.localhost err=component: contacts: component: answered with error item-not-found")
	var sent []string
	for _, s := range l.Log() {
		if _, item, ok := strings.Cut(s.Raw, "<query xmlns='jabber:iq:roster'>"); ok && s.Type == "set" {
			sent = append(sent, item)
		}
	}
	want := "<item jid='bob@presence.example.localhost' subscription='to' name='Bob &lt;b>'><group>Presence</group></item></query></iq>" +
		"<item jid='carol@presence.example.localhost' subscription='remove'></item></query></iq>"
	if got := strings.Join(sent, ""); got != want && got != strings.ReplaceAll(want, "&lt;b>", "&lt;b&gt;") {
		t.Errorf("sent\n%s, want\n%s", got, want)
	}
}

// TestSuggestContacts_IsXEP0144 with words for clients that do not know it.
func TestSuggestContacts_IsXEP0144(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	l := b.attach(t)
	b.door.wait(t, 0, "attached")
	b.c.SuggestContacts("alice@example.localhost", "Look & add:", []engine.ContactStep{{Mirror: "bob@presence.example.localhost", Group: "Presence"}})
	s, err := l.WaitFor(b.ctx(t), func(s testbed.Stanza) bool { return s.Kind == "message" })
	want := "<message from='presence.example.localhost' to='alice@example.localhost'><body>Look &amp; add:\nbob@presence.example.localhost</body>" +
		"<x xmlns='http://jabber.org/protocol/rosterx'><item jid='bob@presence.example.localhost' action='add'><group>Presence</group></item></x></message>"
	if err != nil || s.Raw != want {
		t.Errorf("sent %s, %v; want\n%s", s.Raw, err, want)
	}
}

// TestHost_MaySetRosters as the advert says.
func TestHost_MaySetRosters(t *testing.T) {
	b := newBench(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	ready := make(chan engine.Host, 8)
	b.door.onReady = func(h engine.Host) { ready <- h }
	b.attach(t)
	if h := <-ready; !h.Sets || !h.Roster {
		t.Errorf("the host is said to be %+v", h)
	}
}
