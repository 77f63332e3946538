package privilege

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"
)

func TestParseAdvert(t *testing.T) {
	tests := []struct {
		name, in string
		version  int
		managed  bool
		words    []string
	}{
		{
			name: "Prosody nests the namespaces",
			in: `<message from='example.localhost' to='presence.example.localhost'><privilege xmlns='urn:xmpp:privilege:2'>` +
				`<perm access='roster' type='both'/><perm access='message' type='outgoing'/><perm access='presence' type='managed_entity'/>` +
				`<perm access='iq'><namespace ns='jabber:iq:privacy' type='both'><namespace ns='vcard-temp' type='get'/></namespace></perm></privilege></message>`,
			version: 2, managed: true,
			words: []string{"privilege:2", "roster get", "roster set", "message", "presence managed_entity", "iq jabber:iq:privacy", "iq vcard-temp"},
		},
		{
			name: "ejabberd",
			in: `<message from='example.localhost' to='p'><privilege xmlns='urn:xmpp:privilege:1'><perm type='outgoing' access='message'/>` +
				`<perm type='get' access='roster'/><perm type='roster' access='presence'/></privilege></message>`,
			version: 1, managed: true,
			words: []string{"privilege:1", "roster get", "message", "presence roster"},
		},
		{
			name:    "nothing granted",
			in:      `<message><privilege xmlns='urn:xmpp:privilege:2'/></message>`,
			version: 2, words: []string{"privilege:2"},
		},
		{
			name: "delegation",
			in: `<message><delegation xmlns='urn:xmpp:delegation:1'><delegated namespace='jabber:iq:last'/>` +
				`<delegated namespace='jabber:iq:last'/></delegation></message>`,
			words: []string{"delegated jabber:iq:last"},
		},
		{
			name: "unknown access, unknown version, permission outside",
			in: `<message><perm xmlns='urn:xmpp:privilege:2' access='roster' type='both'/><privilege xmlns='urn:xmpp:privilege:9'>` +
				`<perm access='roster' type='both'/></privilege></message>`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := ParseAdvert([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := a.Words(); !slices.Equal(got, tt.words) {
				t.Errorf("words %q, want %q", got, tt.words)
			}
			if a.Grant.Managed() != tt.managed {
				t.Errorf("managed %v, want %v", a.Grant.Managed(), tt.managed)
			}
			if tt.version != 0 && a.Grant.Version != tt.version {
				t.Errorf("version %d, want %d", a.Grant.Version, tt.version)
			}
		})
	}
	if _, err := ParseAdvert([]byte("<message><privilege></message>")); err == nil {
		t.Error("mismatched tags accepted")
	}
}

func TestIsDelegationNode(t *testing.T) {
	for node, want := range map[string]bool{
		"urn:xmpp:delegation:2::jabber:iq:last":     true,
		"urn:xmpp:delegation:1:bare:jabber:iq:last": true,
		"urn:xmpp:delegation:1":                     false,
		"urn:xmpp:delegation:1:jabber:iq:last":      false,
		"":                                          false,
	} {
		if IsDelegationNode(node) != want {
			t.Errorf("IsDelegationNode(%q) = %v", node, !want)
		}
	}
}

func TestRefusal_MirrorsTheRequest(t *testing.T) {
	const in = `<iq id='x' type='set' from='example.localhost' to='presence.example.localhost'><delegation xmlns='urn:xmpp:delegation:2'>` +
		`<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get' id='l&apos;1' from='bob@example.localhost/r1'%>` +
		`<query xmlns='jabber:iq:last'/></iq></forwarded></delegation></iq>`
	for to, from := range map[string]string{"": "bob@example.localhost", " to='alice@example.localhost'": "alice@example.localhost"} {
		d, err := ParseDelegated([]byte(strings.Replace(in, "%", to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		payload := AppendRefusal([]byte("<iq>"), d, "cancel", "service-unavailable")
		back, err := ParseDelegated(append(payload, "</iq>"...))
		if err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		want := Delegated{Version: 2, Inner: InnerIQ{Type: "error", ID: "l'1", From: from, To: "bob@example.localhost/r1",
			Payload: xml.Name{Space: "jabber:client", Local: "error"}}}
		if back != want {
			t.Errorf("answer %+v, want %+v", back, want)
		}
	}
}

func TestResult_WrapsOnePayload(t *testing.T) {
	d := Delegated{Version: 1, Inner: InnerIQ{Type: "get", ID: "l1", From: "bob@example.localhost/r1", To: "alice@example.localhost"}}
	got := string(AppendResult(nil, d, []byte("<query xmlns='jabber:iq:last' seconds='77'/>")))
	want := `<delegation xmlns='urn:xmpp:delegation:1'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='result' id='l1' ` +
		`from='alice@example.localhost' to='bob@example.localhost/r1'><query xmlns='jabber:iq:last' seconds='77'/></iq></forwarded></delegation>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseDelegated_NamesThePayload(t *testing.T) {
	for payload, want := range map[string]xml.Name{
		"<query xmlns='jabber:iq:last'/>": {Space: "jabber:iq:last", Local: "query"},
		"":                                {},
		"<query xmlns='jabber:iq:last'/><x xmlns='urn:x'/>": {},
	} {
		d, err := ParseDelegated([]byte("<iq><delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
			"<iq xmlns='jabber:client' type='get' id='l'>" + payload + "</iq></forwarded></delegation></iq>"))
		if err != nil || d.Inner.Payload != want {
			t.Errorf("%q: payload %+v (%v), want %+v", payload, d.Inner.Payload, err, want)
		}
	}
}

func TestParseDelegated_RefusesOthers(t *testing.T) {
	for _, in := range []string{
		`<iq><query xmlns='jabber:iq:last'/></iq>`,
		`<iq><delegation xmlns='urn:other'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client'/></forwarded></delegation></iq>`,
		`<iq><delegation xmlns='urn:xmpp:delegation:2'/></iq>`,
		`<iq><delegation>`,
	} {
		if d, err := ParseDelegated([]byte(in)); err == nil {
			t.Errorf("%s: accepted as %+v", in, d)
		}
	}
}

// TestAdvert_TellsWhatMayBeWritten beside what may be read.
func TestAdvert_TellsWhatMayBeWritten(t *testing.T) {
	a, err := ParseAdvert([]byte("<message from='x'><privilege xmlns='urn:xmpp:privilege:2'><perm access='iq'>" +
		"<namespace ns='a' type='get'/><namespace ns='b' type='both'/><namespace ns='c' type='set'/><namespace ns='d' type='all'/></perm></privilege></message>"))
	if err != nil || a.Grant == nil {
		t.Fatal(a, err)
	}
	if got := strings.Join(a.Grant.IQ, "") + " " + strings.Join(a.Grant.IQSet, ""); got != "abc bc" {
		t.Errorf("got %q", got)
	}
}
