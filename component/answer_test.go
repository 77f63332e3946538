package component

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"presenced/component/commands"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

type addr = presence.Addr

// promValue reads a counter.
func promValue(c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		panic(err)
	}
	return m.GetCounter().GetValue()
}

const (
	asker   = "bob@" + testHost + "/r"
	mirrorA = "alice@" + testDomain
)

// iq renders a request of the asker.
func iq(typ, to, payload string) string {
	return "<iq type='" + typ + "' id='q1' from='" + asker + "' to='" + to + "'>" + payload + "</iq>"
}

// resultOf and errorOf render the answers to iq.
func resultOf(to, payload string) string {
	return "<iq type='result' id='q1' from='" + to + "' to='" + asker + "'>" + payload + "</iq>"
}

func errorOf(to, typ, condition string) string {
	return "<iq type='error' id='q1' from='" + to + "' to='" + asker + "'><error type='" + typ + "'><" + condition + " xmlns='" + nsStanzas + "'/></error></iq>"
}

func TestMirrorIQ_Constants(t *testing.T) {
	d := newDesk(t)
	info := "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/>" +
		"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>" +
		"<feature var='jabber:iq:version'/><feature var='urn:presenced:1'/><feature var='urn:xmpp:ping'/><feature var='vcard-temp'/></query>"
	const offline = "<query xmlns='urn:presenced:1'><presence jid='alice@" + testHost + "' availability='18500' show='unavailable' interrupt='false'/></query>"
	tests := []struct{ name, in, want string }{
		{"disco info", iq("get", mirrorA, "<query xmlns='http://jabber.org/protocol/disco#info'/>"), resultOf(mirrorA, info)},
		{"disco info, unknown node", iq("get", mirrorA, "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>"), errorOf(mirrorA, "cancel", "item-not-found")},
		{"disco items", iq("get", mirrorA, "<query xmlns='http://jabber.org/protocol/disco#items'/>"), resultOf(mirrorA, "<query xmlns='http://jabber.org/protocol/disco#items'/>")},
		{"ping", iq("get", mirrorA, "<ping xmlns='urn:xmpp:ping'/>"), resultOf(mirrorA, "")},
		{"ping to a resource", iq("get", mirrorA+"/x&apos;", "<ping xmlns='urn:xmpp:ping'/>"), resultOf(mirrorA+"/x&apos;", "")},
		{"version", iq("get", mirrorA, "<query xmlns='jabber:iq:version'/>"), resultOf(mirrorA, "<query xmlns='jabber:iq:version'><name>presenced</name><version>1</version></query>")},
		{"query", iq("get", mirrorA, "<query xmlns='urn:presenced:1'/>"), resultOf(mirrorA, offline)},
		{"query set", iq("set", mirrorA, "<query xmlns='urn:presenced:1'/>"), errorOf(mirrorA, "cancel", "service-unavailable")},
		{"vCard", iq("get", mirrorA, "<vCard xmlns='vcard-temp'/>"), resultOf(mirrorA, "<vCard xmlns='vcard-temp'/>")},
		{"vCard set", iq("set", mirrorA, "<vCard xmlns='vcard-temp'/>"), errorOf(mirrorA, "cancel", "service-unavailable")},
		{"last activity", iq("get", mirrorA, "<query xmlns='jabber:iq:last'/>"), errorOf(mirrorA, "cancel", "service-unavailable")},
		{"anything else", iq("get", mirrorA, "<x xmlns='urn:x'/>"), errorOf(mirrorA, "cancel", "service-unavailable")},
		{"no child", iq("get", mirrorA, ""), errorOf(mirrorA, "modify", "bad-request")},
		{"two children", iq("get", mirrorA, "<a xmlns='b'/><c xmlns='d'/>"), errorOf(mirrorA, "modify", "bad-request")},
		{"malformed", iq("get", mirrorA, "<a></b>"), errorOf(mirrorA, "modify", "bad-request")},
		{"result", iq("result", mirrorA, "<a xmlns='b'/>"), ""},
		{"error", iq("error", mirrorA, "<a xmlns='b'/>"), ""},
		{"another spelling", iq("get", `alice\40`+testHost+"@"+testDomain, "<query xmlns='urn:presenced:1'/>"), resultOf(`alice\40`+testHost+"@"+testDomain, offline)},
	}
	for _, tt := range tests {
		if got := d.ask(t, tt.in); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestDisco_CapsAreThoseOfTheAnswer(t *testing.T) {
	d := newDesk(t)
	for to, id := range map[string]identity{mirrorA: d.c.texts.mirror, testDomain: d.c.texts.self} {
		got := d.ask(t, iq("get", to, "<query xmlns='http://jabber.org/protocol/disco#info' node='"+id.node+"'/>"))
		var x struct {
			Query struct {
				Node     string `xml:"node,attr"`
				Identity []struct {
					Category string `xml:"category,attr"`
					Type     string `xml:"type,attr"`
					Name     string `xml:"name,attr"`
				} `xml:"identity"`
				Features []struct {
					Var string `xml:"var,attr"`
				} `xml:"feature"`
			} `xml:"query"`
		}
		if err := xml.Unmarshal([]byte(got), &x); err != nil {
			t.Fatal(err)
		}
		// XEP-0115 §5.1, by hand.
		s := x.Query.Identity[0].Category + "/" + x.Query.Identity[0].Type + "//" + x.Query.Identity[0].Name + "<"
		var vars []string
		for _, f := range x.Query.Features {
			vars = append(vars, f.Var)
		}
		slices.Sort(vars)
		s += strings.Join(vars, "<") + "<"
		sum := sha1.Sum([]byte(s))
		ver := base64.StdEncoding.EncodeToString(sum[:])
		if x.Query.Node != capsNode+"#"+ver {
			t.Errorf("%s: node %s, want the hash %s of %s", to, x.Query.Node, ver, s)
		}
		if !strings.Contains(string(id.caps), "ver='"+ver+"'") {
			t.Errorf("%s: caps %s", to, id.caps)
		}
	}
}

// meeting is a view with a bit of everything.
func meeting() presence.View {
	v := presence.View{Container: presence.Workgroup, Availability: presence.Busy, Activity: presence.InAMeeting, Interrupt: true,
		Until: time.Date(2026, 11, 22, 15, 0, 0, 123, time.FixedZone("", 3600)), LastActive: time.Now().Add(-77 * time.Second)}
	v.Text[presence.FieldName] = "Alice <A>"
	v.Text[presence.FieldEmail] = "alice@" + testHost
	v.Text[presence.FieldCompany] = "ACME & Co"
	v.Text[presence.FieldWorkPhone] = "+49 1"
	v.Text[presence.FieldMobilePhone] = "+49 2"
	v.Text[presence.FieldOffice] = "3.14"
	v.Text[presence.FieldNotePersonal] = "Back 'soon'"
	return v
}

func TestMirrorIQ_Granted(t *testing.T) {
	d := newDesk(t)
	v := meeting()
	d.door.look = func(_ context.Context, who engine.Principal, users []addr) []presence.View {
		if who.JID != "bob@"+testHost || who.Addr != presence.MustAddr("bob@"+testHost) || who.Operator ||
			len(users) != 1 || users[0] != presence.MustAddr("alice@"+testHost) {
			t.Errorf("looked as %+v at %v", who, users)
		}
		return []presence.View{v}
	}
	last := v.LastActive.UTC().Format("2006-01-02T15:04:05Z")
	tests := []struct{ name, payload, want string }{
		{"query", "<query xmlns='urn:presenced:1'/>", "<query xmlns='urn:presenced:1'><presence jid='alice@" + testHost +
			"' availability='6500' show='dnd' interrupt='true' activity='in-a-meeting' until='2026-11-22T14:00:00Z'><status>Back &apos;soon&apos;</status>" +
			"<field name='name'>Alice &lt;A&gt;</field><field name='email'>alice@" + testHost + "</field><field name='company'>ACME &amp; Co</field>" +
			"<field name='office'>3.14</field><field name='workPhone'>+49 1</field><field name='mobilePhone'>+49 2</field>" +
			"<field name='notePersonal'>Back &apos;soon&apos;</field><field name='lastActive'>" + last + "</field></presence></query>"},
		{"vCard", "<vCard xmlns='vcard-temp'/>", "<vCard xmlns='vcard-temp'><FN>Alice &lt;A&gt;</FN><ADR><WORK/><EXTADD>3.14</EXTADD></ADR>" +
			"<TEL><WORK/><VOICE/><NUMBER>+49 1</NUMBER></TEL><TEL><CELL/><NUMBER>+49 2</NUMBER></TEL>" +
			"<EMAIL><INTERNET/><USERID>alice@" + testHost + "</USERID></EMAIL><ORG><ORGNAME>ACME &amp; Co</ORGNAME></ORG></vCard>"},
		{"last activity", "<query xmlns='jabber:iq:last'/>", "<query xmlns='jabber:iq:last' seconds='77'/>"},
	}
	for _, tt := range tests {
		if got := d.ask(t, iq("get", mirrorA, tt.payload)); got != resultOf(mirrorA, tt.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, resultOf(mirrorA, tt.want))
		}
	}
}

func TestBatch(t *testing.T) {
	d := newDesk(t)
	v := meeting()
	d.door.look = func(_ context.Context, _ engine.Principal, users []addr) []presence.View {
		views := make([]presence.View, len(users))
		for i, u := range users {
			views[i] = presence.OfflineView(presence.DefaultContainer)
			if u == presence.MustAddr("alice@"+testHost) {
				views[i] = v
			}
		}
		return views
	}
	query := func(children string) string {
		return iq("get", testDomain, "<query xmlns='urn:presenced:1'>"+children+"</query>")
	}
	got := d.ask(t, query("<presence jid='alice@"+testDomain+"'/><presence email='who@x'/><presence jid='Alice@"+testHost+"'/>"+
		"<presence jid='@@'/><presence jid='eve@"+testHost+"'/>"))
	wellFormed(t, got)
	const off = " availability='18500' show='unavailable' interrupt='false'/>"
	parts := strings.SplitAfter(got, "</presence>")
	if len(parts) != 3 || !strings.Contains(parts[0], "<presence jid='alice@"+testDomain+"' availability='6500'") ||
		!strings.HasPrefix(parts[1], "<presence email='who@x'"+off+"<presence jid='Alice@"+testHost+"' availability='6500'") ||
		parts[2] != "<presence jid='@@'"+off+"<presence jid='eve@"+testHost+"'"+off+"</query></iq>" {
		t.Errorf("got %q", parts)
	}
	if got := d.ask(t, query("")); got != resultOf(testDomain, "<query xmlns='urn:presenced:1'></query>") {
		t.Errorf("empty: %s", got)
	}
	if got := d.ask(t, query(strings.Repeat("<presence jid='a@b'/>", 200))); strings.Count(got, "<presence") != 200 {
		t.Errorf("200: %.200s", got)
	}
	if got := d.ask(t, query(strings.Repeat("<presence jid='a@b'/>", 201))); !strings.Contains(got, "<policy-violation") {
		t.Errorf("201: %.200s", got)
	}
	for _, bad := range []string{"<presence/>", "<presence jid='a@b' email='c'/>"} {
		if got := d.ask(t, query(bad)); got != errorOf(testDomain, "modify", "bad-request") {
			t.Errorf("%s: %s", bad, got)
		}
	}
	v.Text[presence.FieldOffice] = strings.Repeat("x", 2000)
	if got := d.ask(t, query(strings.Repeat("<presence jid='alice@"+testHost+"'/>", 200))); !strings.Contains(got, "<policy-violation") {
		t.Errorf("an answer of %d bytes was sent", len(got))
	}
}

// fakeCommands is a Commands of func fields.
type fakeCommands struct {
	iq func(from presence.JID, typ, lang string, payload []byte) ([]byte, *commands.StanzaError, bool)
}

func (f fakeCommands) IQ(_ context.Context, from presence.JID, typ, lang string, payload []byte) ([]byte, *commands.StanzaError, bool) {
	return f.iq(from, typ, lang, payload)
}

func (fakeCommands) Chat(_ context.Context, from presence.JID, lang, body string) (string, bool) {
	return "you said " + body + " in " + lang, from.Addr.Domain() == testHost
}

func (fakeCommands) Encrypted(_ context.Context, _ presence.JID, lang string) (string, bool) {
	return "cannot read " + lang, true
}

func (fakeCommands) Items(string) []commands.Item {
	return []commands.Item{{Node: "enable", Name: "Turn on & go"}}
}

func (fakeCommands) Info(node, _ string) ([]byte, bool) {
	return []byte("<query xmlns='http://jabber.org/protocol/disco#info' node='" + node + "'/>"), node == "enable"
}

func TestOwnIQ(t *testing.T) {
	d := newDesk(t)
	d.c.SetCommands(fakeCommands{iq: func(from presence.JID, typ, lang string, payload []byte) ([]byte, *commands.StanzaError, bool) {
		switch {
		case strings.Contains(string(payload), "bad"):
			return nil, &commands.StanzaError{Type: "modify", Condition: "bad-request"}, true
		case strings.Contains(string(payload), "other"):
			return nil, nil, false
		}
		return []byte("<done xmlns='" + commands.NSCommands + "' by='" + from.Full() + "' typ='" + typ + "'/>"), nil, true
	}})
	const info = "http://jabber.org/protocol/disco#info"
	const items = "http://jabber.org/protocol/disco#items"
	tests := []struct{ name, in, want string }{
		{"ping", iq("get", testDomain, "<ping xmlns='urn:xmpp:ping'/>"), resultOf(testDomain, "")},
		{"ping to a resource", iq("get", testDomain+"/x", "<ping xmlns='urn:xmpp:ping'/>"), resultOf(testDomain+"/x", "")},
		{"items", iq("get", testDomain, "<query xmlns='"+items+"'/>"), resultOf(testDomain, "<query xmlns='"+items+"'/>")},
		{"list of commands", iq("get", testDomain, "<query xmlns='"+items+"' node='http://jabber.org/protocol/commands'/>"),
			resultOf(testDomain, "<query xmlns='"+items+"' node='http://jabber.org/protocol/commands'><item jid='"+testDomain+"' node='enable' name='Turn on &amp; go'/></query>")},
		{"info on a command", iq("get", testDomain, "<query xmlns='"+info+"' node='enable'/>"), resultOf(testDomain, "<query xmlns='"+info+"' node='enable'/>")},
		{"info on another node", iq("get", testDomain, "<query xmlns='"+info+"' node='x'/>"), errorOf(testDomain, "cancel", "item-not-found")},
		{"items of another node", iq("get", testDomain, "<query xmlns='"+items+"' node='x'/>"), errorOf(testDomain, "cancel", "item-not-found")},
		{"delegation disco from a user", iq("get", testDomain, "<query xmlns='"+info+"' node='urn:xmpp:delegation:2::jabber:iq:last'/>"), errorOf(testDomain, "cancel", "item-not-found")},
		{"command", iq("set", testDomain, "<command xmlns='"+commands.NSCommands+"' node='x'/>"),
			resultOf(testDomain, "<done xmlns='"+commands.NSCommands+"' by='"+asker+"' typ='set'/>")},
		{"bad command", iq("set", testDomain, "<command xmlns='"+commands.NSCommands+"' node='bad'/>"), errorOf(testDomain, "modify", "bad-request")},
		{"not a command after all", iq("set", testDomain, "<other xmlns='"+commands.NSCommands+"'/>"), errorOf(testDomain, "cancel", "service-unavailable")},
		{"register", iq("get", testDomain, "<query xmlns='jabber:iq:register'/>"), resultOf(testDomain, "<done xmlns='"+commands.NSCommands+"' by='"+asker+"' typ='get'/>")},
		{"vCard", iq("get", testDomain, "<vCard xmlns='vcard-temp'/>"), resultOf(testDomain, string(d.c.texts.vcard))},
		{"last", iq("get", testDomain, "<query xmlns='jabber:iq:last'/>"), errorOf(testDomain, "cancel", "service-unavailable")},
		{"delegation from a user", iq("set", testDomain, "<delegation xmlns='urn:xmpp:delegation:2'/>"), errorOf(testDomain, "cancel", "service-unavailable")},
		{"from ourselves", "<iq type='get' id='1' from='" + testDomain + "' to='" + testDomain + "'><ping xmlns='urn:xmpp:ping'/></iq>", ""},
		{"without id", "<iq type='get' from='" + asker + "' to='" + testDomain + "'><ping xmlns='urn:xmpp:ping'/></iq>", ""},
	}
	for _, tt := range tests {
		if got := d.ask(t, tt.in); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
	wellFormed(t, d.ask(t, iq("get", testDomain, "<query xmlns='"+info+"'/>")))
}

func TestDelegation_IsAlwaysAnswered(t *testing.T) {
	d := newDesk(t)
	for _, node := range []string{"urn:xmpp:delegation:2::jabber:iq:last", "urn:xmpp:delegation:1:bare:jabber:iq:last"} {
		got := d.ask(t, "<iq type='get' id='n' from='"+testHost+"' to='"+testDomain+"'><query xmlns='"+nsDiscoInfo+"' node='"+node+"'/></iq>")
		want := "<iq type='result' id='n' from='" + testDomain + "' to='" + testHost + "'><query xmlns='" + nsDiscoInfo + "' node='" + node + "'/></iq>"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	got := d.ask(t, "<iq type='set' id='n' from='"+testHost+"' to='"+testDomain+"'><delegation xmlns='urn:xmpp:delegation:1'>"+
		"<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='get' id='l' from='b@c/d' to='e@"+testHost+"'>"+
		"<query xmlns='jabber:iq:last'/></iq></forwarded></delegation></iq>")
	if !strings.HasPrefix(got, "<iq type='result' id='n' from='"+testDomain+"' to='"+testHost+"'><delegation xmlns='urn:xmpp:delegation:1'>") ||
		!strings.Contains(got, "type='error' id='l' from='e@"+testHost+"' to='b@c/d'") || !strings.Contains(got, "<service-unavailable") {
		t.Error(got)
	}
}

func TestPool_BusyIsToldAndFreedAgain(t *testing.T) {
	d := newDesk(t)
	release := make(chan struct{})
	d.door.look = func(context.Context, engine.Principal, []addr) []presence.View { <-release; return nil }
	query := []byte(iq("get", mirrorA, "<query xmlns='urn:presenced:1'/>"))
	for range maxJobsEach + 1 {
		_ = d.r.route(query)
	}
	if got := promValue(d.c.metrics.jobsRefused); got != 1 {
		t.Errorf("%v refused, want 1", got)
	}
	close(release)
	out := d.ask(t, "<presence type='error' from='x' to='x'/>")
	if n := strings.Count(out, "<resource-constraint"); n != 1 {
		t.Errorf("%d refusals in %.300s", n, out)
	}
	if n := strings.Count(out, "type='result'"); n != maxJobsEach {
		t.Errorf("%d answers, want %d", n, maxJobsEach)
	}
	if got := d.ask(t, string(query)); !strings.Contains(got, "type='result'") {
		t.Errorf("afterwards: %s", got)
	}
}
