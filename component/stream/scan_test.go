package stream

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// show renders a Stanza for comparison; absent and empty differ.
func (s *Stanza) show() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s|%s child %s|%s of %d own %v", s.Kind, s.Name.Space, s.Name.Local, s.Child.Space, s.Child.Local, s.Children, s.Own)
	for _, f := range []struct {
		name  string
		value []byte
	}{
		{"from", s.From}, {"to", s.To}, {"id", s.ID}, {"type", s.Type}, {"lang", s.Lang},
		{"show", s.Show}, {"status", s.Status}, {"priority", s.Priority}, {"idle", s.IdleSince},
		{"last", s.LastSeconds}, {"delay", s.DelayStamp},
		{"node", s.Caps.Node}, {"ver", s.Caps.Ver}, {"hash", s.Caps.Hash}, {"inner", s.inner},
	} {
		if f.value != nil {
			fmt.Fprintf(&b, " %s=%q", f.name, f.value)
		}
	}
	return b.String()
}

func scanned(t *testing.T, frame string) *Stanza {
	t.Helper()
	s := new(Stanza)
	if err := Scan([]byte(frame), s); err != nil {
		t.Fatalf("Scan(%q): %v", frame, err)
	}
	return s
}

func TestScan_Presence(t *testing.T) {
	s := scanned(t, rich)
	for _, c := range []struct {
		field     string
		got, want any
	}{
		{"kind", s.Kind, KindPresence},
		{"from", string(s.From), "alice@example.localhost/desktop.7f3a"},
		{"to", string(s.To), "presence.example.localhost"},
		{"id", string(s.ID), "p-1042"},
		{"lang", string(s.Lang), "en"},
		{"type", s.Type == nil, true},
		{"show", string(s.Show), "dnd"},
		{"status", string(s.Status), "In a meeting & not reading this until three"},
		{"priority", string(s.Priority), "5"},
		{"idle", string(s.IdleSince), "2026-11-22T10:00:00Z"},
		{"node", string(s.Caps.Node), "https://gajim.org"},
		{"ver", string(s.Caps.Ver), "q07IKJEyjvHSyhy//CH0CxmKi8w="},
		{"hash", string(s.Caps.Hash), "sha-1"},
		{"own", s.Own, false},
		{"children", s.Children, 6},
		{"child", s.Child.Is(NSAccept, "show"), true},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %v, want %v", c.field, c.got, c.want)
		}
	}
}

// TestScan_Fields gives the one field that matters in each frame.
func TestScan_Fields(t *testing.T) {
	status := func(s *Stanza) []byte { return s.Status }
	show := func(s *Stanza) []byte { return s.Show }
	from := func(s *Stanza) []byte { return s.From }
	for _, c := range []struct {
		frame string
		field func(*Stanza) []byte
		want  string
	}{
		{`<presence><status>a&amp;b&#x20AC;&#33;</status></presence>`, status, "a&b€!"},
		{`<presence><status>first</status><status>second</status></presence>`, status, "first"},
		{`<presence><status/><status>second</status></presence>`, status, ""},
		{`<presence><status>a<!-- c -->b</status></presence>`, status, "ab"},
		{`<presence><status><![CDATA[<&]]></status></presence>`, status, "<&"},
		{`<presence><status>a<b>x</b>c</status></presence>`, status, "ac"},
		{"<presence><status>a\r\nb</status></presence>", status, "a\nb"},
		{`<presence><status>grüße 😀</status></presence>`, status, "grüße 😀"},
		{`<presence><show xmlns='urn:x'>dnd</show><show>xa</show></presence>`, show, "xa"},
		{`<presence xmlns='jabber:client'><show>xa</show></presence>`, show, "xa"},
		{`<presence><x><show>dnd</show></x><show>xa</show></presence>`, show, "xa"},
		{`<c:presence xmlns:c='jabber:component:accept'><c:show>xa</c:show></c:presence>`, show, "xa"},
		{`<presence from='a&apos;b@c/&lt;&quot;'/>`, from, `a'b@c/<"`},
		{`<presence from="a'b"/>`, from, "a'b"},
		{`<presence from='a>b'/>`, from, "a>b"},
		{`<presence xmlns:x='urn:x' x:from='no' from='yes'/>`, from, "yes"},
		{`<presence><query xmlns='jabber:iq:last' seconds='77'/></presence>`, func(s *Stanza) []byte { return s.LastSeconds }, "77"},
		{`<presence><delay xmlns='urn:xmpp:delay' stamp='S'/></presence>`, func(s *Stanza) []byte { return s.DelayStamp }, "S"},
		{`<presence><priority>999</priority></presence>`, func(s *Stanza) []byte { return s.Priority }, "999"},
		{`<iq type='get'>text<x xmlns='urn:x'/></iq>`, func(s *Stanza) []byte { return s.Child.Space }, "urn:x"},
		{`<iq><q xmlns='a'>1</q><r/></iq>`, (*Stanza).Inner, `<q xmlns='a'>1</q><r/>`},
		{`<iq><!-- c --><q/></iq >`, (*Stanza).Inner, `<!-- c --><q/>`},
		{`<iq/>`, (*Stanza).Inner, ``},
		{`<stream:error><conflict xmlns='urn:e'/></stream:error>`, func(s *Stanza) []byte { return s.Name.Space }, NSStreams},
	} {
		got := c.field(scanned(t, c.frame))
		if got == nil || string(got) != c.want {
			t.Errorf("%s: got %q (nil %v), want %q", c.frame, got, got == nil, c.want)
		}
	}
}

func TestScan_Kind(t *testing.T) {
	for frame, want := range map[string]Kind{
		`<presence/>`:                         KindPresence,
		`<message/>`:                          KindMessage,
		`<iq/>`:                               KindIQ,
		`<iq xmlns='jabber:client'/>`:         KindIQ,
		`<iq xmlns='jabber:server'/>`:         KindIQ,
		`<iq xmlns=''/>`:                      KindOther,
		`<presence xmlns='urn:presenced:1'/>`: KindOther,
		`<handshake/>`:                        KindOther,
		`<x:presence xmlns:x='urn:x'/>`:       KindOther,
		`<x:presence/>`:                       KindOther,
	} {
		if got := scanned(t, frame).Kind; got != want {
			t.Errorf("%s: got %v, want %v", frame, got, want)
		}
	}
}

func TestScan_OwnNamespaceIsSeenAnywhere(t *testing.T) {
	for frame, want := range map[string]bool{
		`<presence><enhanced xmlns='urn:presenced:1'/></presence>`:                                true,
		`<presence><a xmlns='u'><b><c xmlns='urn:presenced:1'/></b></a></presence>`:               true,
		`<message><p:x xmlns:p='urn:presenced:1'/></message>`:                                     true,
		`<presence><x xmlns='a' xmlns:p='urn:presenced:1' p:y='1'/></presence>`:                   true,
		`<presence xmlns:p='urn:presenced:1' p:y='1'/>`:                                           true,
		`<presence xmlns:p='urn:presenced:1'/>`:                                                   false,
		`<presence><status>urn:presenced:1</status></presence>`:                                   false,
		`<presence><x xmlns='urn:presenced:10'/></presence>`:                                      false,
		`<presence><x xmlns='urn:&#112;resenced:1'/></presence>`:                                  true,
		`<iq xmlns='urn:presenced:1'/>`:                                                           true,
		`<presence><x xmlns='urn:x'/><y/><z xmlns='urn:x'><w xmlns='urn:y'/></z></presence>`:      false,
		`<presence><x xmlns='urn:x'><x xmlns='urn:presenced:1'></x></x><show>a</show></presence>`: true,
	} {
		if got := scanned(t, frame).Own; got != want {
			t.Errorf("%s: got %v, want %v", frame, got, want)
		}
	}
}

// TestScan_Malformed lists what costs a stanza, and after each a good one is
// read by the same Stanza: nothing of the bad one is left.
func TestScan_Malformed(t *testing.T) {
	s := new(Stanza)
	for _, frame := range []string{
		``, ` `, `x`, `<presence>`, `</presence>`, `<presence/><presence/>`, ` <presence/>`, `<presence/> `,
		`<presence><a></presence></a>`, `<presence></Presence>`, `<presence a=b/>`, `<presence a/>`,
		`<presence a='<'/>`, `<presence / >`, `< presence/>`, `<presence from='a' from='b'/>`,
		`<presence xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>`,
		`<presence><status>&nbsp;</status></presence>`, `<presence id='&nbsp;'/>`, `<presence>&</presence>`,
		"<presence><status>\xff</status></presence>", "<presence><status>\xc0\x80</status></presence>",
		"<presence><status>\xed\xa0\x80</status></presence>", "<presence id='\xe2\x82'/>",
		"<presence><status>\x01</status></presence>", "<presence><status>\x00</status></presence>",
		"<presence><status>\uFFFE</status></presence>", `<presence><status>&#0;</status></presence>`,
		`<presence><status>&#xFFFF;</status></presence>`, `<presence><status>&#1114112;</status></presence>`,
		`<presence><status>&#99999999999999999999;</status></presence>`, `<presence><status>&#x;</status></presence>`,
		`<presence><status>a]]>b</status></presence>`, `<presence><status><![CDATA[</status></presence>`,
		`<!DOCTYPE x><presence/>`, `<presence><!DOCTYPE x [<!ENTITY a 'b'>]></presence>`,
		`<!-- c --><presence/>`, `<presence/><!-- c -->`, `<?xml version='1.0'?><presence/>`,
		`</stream:stream><presence/>`, `<presence></presence></stream:stream>`, `<presence></stream:stream>`,
		`<présence a:b:c='1'/>`,
	} {
		var syntax *SyntaxError
		if err := Scan([]byte(frame), s); !errors.As(err, &syntax) {
			t.Errorf("Scan(%q) = %v, want a *SyntaxError; read %s", frame, err, s.show())
			continue
		}
		if err := Scan([]byte(gone), s); err != nil || s.show() != scanned(t, gone).show() {
			t.Errorf("after %q: %v, %s", frame, err, s.show())
		}
	}
}

// TestScan_FastPathTakesHonestStanzas keeps the fast path from rotting into
// one that always gives up, which no differential test would notice.
func TestScan_FastPathTakesHonestStanzas(t *testing.T) {
	for _, frame := range []string{
		rich, plain, gone,
		`<iq type='get' id='1'>text<x xmlns='urn:x'/></iq>`,
		`<presence><status>grüße 😀 &#x1F600; &lt;3</status></presence>`,
		"<presence>\n\t<show>away</show>\n</presence>",
		`<iq type="result" id="2"><query xmlns="jabber:iq:roster"><item jid="a@b" name="Bob &amp; co"><group>F</group></item></query></iq>`,
		`<presence><priority>999</priority></presence>`,
	} {
		if s := new(Stanza); !scanFast([]byte(frame), s) {
			t.Errorf("fast path gave up on %s", frame)
		}
	}
}

func TestScan_DoesNotAllocate(t *testing.T) {
	s := new(Stanza)
	for _, frame := range [][]byte{[]byte(rich), []byte(plain), []byte(gone)} {
		if n := testing.AllocsPerRun(100, func() { _ = Scan(frame, s) }); n != 0 {
			t.Errorf("%s: %v allocations", frame, n)
		}
	}
}

func TestScan_DeepFrameNeedsNoRecursion(t *testing.T) {
	deep := "<presence>" + strings.Repeat("<a>", 100_000) + strings.Repeat("</a>", 100_000) + "</presence>"
	if s := scanned(t, deep); s.Children != 1 {
		t.Errorf("children: got %d, want 1", s.Children)
	}
}

func TestDecode(t *testing.T) {
	var e struct {
		XMLName   xml.Name
		Condition struct{ XMLName xml.Name } `xml:",any"`
	}
	frame := `<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`
	if err := Decode([]byte(frame), &e); err != nil {
		t.Fatal(err)
	}
	if e.XMLName.Space != NSStreams || e.Condition.XMLName.Local != "host-unknown" {
		t.Errorf("got %+v", e)
	}
	var q struct {
		XMLName xml.Name `xml:"jabber:component:accept iq"`
		ID      string   `xml:"id,attr"`
	}
	if err := Decode([]byte(`<iq id='7'/>`), &q); err != nil || q.ID != "7" {
		t.Errorf("got %+v, %v", q, err)
	}
	if err := Decode([]byte(`<iq id='&nbsp;'/>`), &q); err == nil {
		t.Error("undefined entity accepted")
	}
}

func TestNewDecoder_EndsAtTheFrame(t *testing.T) {
	d := NewDecoder([]byte(`<iq><ping xmlns='urn:xmpp:ping'/></iq>`))
	var names []string
	for {
		tok, err := d.Token()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			break
		}
		if s, ok := tok.(xml.StartElement); ok {
			names = append(names, s.Name.Space+"|"+s.Name.Local)
		}
	}
	if got := strings.Join(names, " "); got != NSAccept+"|iq urn:xmpp:ping|ping" {
		t.Errorf("got %s", got)
	}
}

// FuzzScan holds the fast path to the slow one: whatever the fast path takes,
// the slow path takes with the same values, into a Stanza used before.
func FuzzScan(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		kept := bytes.Clone(frame)
		var fast, slow Stanza
		_ = Scan([]byte(rich), &fast)
		fast.reset()
		ok := scanFast(frame, &fast)
		if !bytes.Equal(frame, kept) {
			t.Fatalf("frame %q changed into %q", kept, frame)
		}
		if !ok {
			err := Scan(frame, &fast)
			if slowErr := scanSlow(frame, &slow); (err == nil) != (slowErr == nil) {
				t.Fatalf("%q: Scan %v, slow %v", frame, err, slowErr)
			}
			return
		}
		if err := scanSlow(frame, &slow); err != nil {
			t.Fatalf("%q: fast accepts, slow says %v", frame, err)
		}
		if got, want := fast.show(), slow.show(); got != want {
			t.Fatalf("%q:\nfast %s\nslow %s", frame, got, want)
		}
	})
}
