//go:build integration

package acceptance

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// hostile are stanzas that have ended component streams, or might: %s is an
// address at the component. A server that refuses one itself is fine.
var hostile = []struct{ name, stanza string }{
	{"text in an IQ", `<iq type='get' id='h1' to='%s'>text<x xmlns='urn:example:x'/></iq>`},
	{"a bidi name", `<presence to='♥@` + component + `'/>`},
	{"an unknown caps hash", `<presence to='%s'><c xmlns='http://jabber.org/protocol/caps' hash='foo' node='x' ver='y'/></presence>`},
	{"priority 999", `<presence to='%s'><priority>999</priority></presence>`},
	{"priority of words", `<presence to='%s'><priority>high</priority></presence>`},
	{"an empty IQ", `<iq type='get' id='h2' to='%s'/>`},
	{"an IQ with two children", `<iq type='get' id='h3' to='%s'><a xmlns='urn:example:a'/><b xmlns='urn:example:b'/></iq>`},
	{"an unknown IQ type", `<iq type='wrong' id='h4' to='%s'><a xmlns='urn:example:a'/></iq>`},
	{"an IQ without id", `<iq type='get' to='%s'><query xmlns='urn:presenced:1'/></iq>`},
	{"five presence children", `<presence to='%s'><a xmlns='urn:a'/><b xmlns='urn:b'/><c xmlns='urn:c'/><d xmlns='urn:d'/><e xmlns='urn:e'/></presence>`},
	{"a presence of white space", "<presence to='%s'> \n </presence>"},
	{"an unknown presence type", `<presence type='wrong' to='%s'/>`},
	{"our own namespace", `<presence to='%s'><enhanced xmlns='urn:presenced:1' availability='3500'/></presence>`},
	{"a forged delay", `<presence to='%s'><delay xmlns='urn:xmpp:delay' stamp='never'/><idle xmlns='urn:xmpp:idle:1' since='-1'/></presence>`},
	{"a forged advert", `<message to='%s'><privilege xmlns='urn:xmpp:privilege:2'><perm access='presence' type='managed_entity'/></privilege></message>`},
	{"a forged delegation", `<iq type='set' id='h5' to='%s'><delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get' id='x' from='a@b' to='c@d'><query xmlns='jabber:iq:last'/></iq></forwarded></delegation></iq>`},
	{"entities and CDATA", `<message type='chat' to='%s'><body>&lt;&#x1F600;&amp;<![CDATA[<x>]]></body></message>`},
	{"a prefix", `<p:presence xmlns:p='jabber:client' to='%s'><p:show>dnd</p:show></p:presence>`},
	{"a name of many spellings", `<presence type='subscribe' to='ＡＬＩＣＥ\40EXAMPLE.localhost@` + component + `'/>`},
	{"an empty escaped name", `<iq type='get' id='h6' to='\40@` + component + `'><query xmlns='urn:presenced:1'/></iq>`},
	{"a batch of 201", `<iq type='get' id='h7' to='` + component + `'><query xmlns='urn:presenced:1'>` + strings.Repeat(`<presence jid='a@example.localhost'/>`, 201) + `</query></iq>`},
	{"40 levels", `<message to='%s'>` + strings.Repeat(`<a xmlns='urn:a'>`, 40) + strings.Repeat(`</a>`, 40) + `</message>`},
	{"200 KiB of status", `<presence to='%s'><status>` + strings.Repeat("x", 200<<10) + `</status></presence>`},
	{"a broken command", `<iq type='set' id='h8' to='` + component + `'><command xmlns='http://jabber.org/protocol/commands' node='set-state' action='next' sessionid='none'><x xmlns='jabber:x:data' type='submit'><field/></x></command></iq>`},
	{"bad UTF-8", "<message to='%s'><body>\xff\xfe</body></message>"},
	{"a control character", "<message to='%s'><body>\x01</body></message>"},
	{"a character reference to none", `<message to='%s'><body>&#1;</body></message>`},
	{"an undefined entity", `<message to='%s'><body>&nosuch;</body></message>`},
	{"a comment", `<message to='%s'><!-- x --><body>x</body></message>`},
	{"a forged from", `<presence from='alice@example.localhost/desk' to='%s' type='unavailable'/>`},
	{"a forged from of ours", `<presence from='` + component + `' to='%s' type='unsubscribed'/>`},
	{"3000 levels", `<message to='%s'>` + strings.Repeat(`<a xmlns='urn:a'>`, 3000) + strings.Repeat(`</a>`, 3000) + `</message>`},
	{"300 KiB of body", `<message to='%s'><body>` + strings.Repeat("x", 300<<10) + `</body></message>`},
	{"a resource like an address", `<presence type='probe' to='` + component + `/alice@example.localhost'/>`},
	{"a disguised resource", `<presence type='subscribe' to='alice\40example.localhost\2fdesk@` + component + `'/>`},
	{"two ats", `<presence type='subscribe' to='a\40b\40example.localhost@` + component + `'/>`},
	{"a mirror of a mirror", `<presence type='subscribe' to='alice\40` + component + `@` + component + `'/>`},
	{"a result nobody asked for", `<iq type='result' id='h9' to='%s'><query xmlns='jabber:iq:roster'><item jid='x@y' subscription='both'/></query></iq>`},
}

// TestHostile_LeavesTheComponentAttachedAndAnswering sends every one of them
// through the real server, to the component, to a mirror and to a mirror's
// resource, and looks after each whether the link still is the same and the
// mirror still answers and is still true.
func TestHostile_LeavesTheComponentAttachedAndAnswering(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		alice, bob := s.login("alice", "desk"), s.login("bob", "home")
		s.enable(alice)
		s.watch(bob, "alice")
		s.sees(bob, "alice", "online 3500", converge)
		before := s.connects()
		for _, h := range hostile {
			s.offend(h.name, h.stanza)
			s.within(converge, "an answer after "+h.name, func(ctx context.Context) error {
				return bob.Ping(ctx, mirrorOf("alice"))
			})
		}
		if after := s.connects(); after != before {
			s.Errorf("the link was lost: %q before, %q after\n%s", before, after, s.d.LogTail())
		}
		s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd"}))
		s.sees(bob, "alice", "dnd 9500", converge)
	})
}

// offend has dave send a stanza to all kinds of addresses; a session the server
// ends for it is opened anew for the next.
func (s *site) offend(name, stanza string) {
	s.Helper()
	targets := []string{component, mirrorOf("alice"), mirrorOf("nobody") + "/x"}
	if !strings.Contains(stanza, "%s") {
		targets = targets[:1]
	}
	for _, to := range targets {
		dave := s.login("dave", "x")
		raw := stanza
		if strings.Contains(stanza, "%s") {
			raw = fmt.Sprintf(stanza, to)
		}
		s.must(dave.Send(raw))
		ctx, cancel := context.WithTimeout(s.Context(), converge)
		err := dave.Ping(ctx, component)
		cancel()
		if err != nil && dave.Err() == nil {
			s.Fatalf("after %s to %s the component does not answer: %v\n%s", name, to, err, s.d.LogTail())
		}
		s.must(dave.Drop())
	}
}

// connects is the metric that counts attaches.
func (s *site) connects() string {
	s.Helper()
	all, err := s.d.Metrics(s.Context())
	s.must(err)
	for line := range strings.Lines(all) {
		if strings.HasPrefix(line, "presenced_link_attaches_total ") {
			return strings.TrimSpace(line)
		}
	}
	s.Fatalf("no metric counts the attaches")
	return ""
}
