package component

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

func TestDevice_Mapping(t *testing.T) {
	const alice = "from='alice@" + testHost + "/r1' to='" + testDomain + "'"
	long := strings.Repeat("ü", 300)
	past := time.Now().Add(-time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	plain := "device alice@" + testHost + "/r1 gone=false show= priority=0 status=\"\" idle= own=false"
	tests := []struct {
		name, in, want string
	}{
		{"plain", "<presence " + alice + "/>", plain},
		{"all of it", "<presence " + alice + "><show> dnd\n</show><status>Busy &amp; such</status><priority>5</priority><idle xmlns='urn:xmpp:idle:1' since='" + past + "'/></presence>",
			"device alice@" + testHost + "/r1 gone=false show=dnd priority=5 status=\"Busy & such\" idle=" + past + " own=false"},
		{"priority 999", "<presence " + alice + "><priority>999</priority></presence>", strings.Replace(plain, "priority=0", "priority=127", 1)},
		{"priority -999", "<presence " + alice + "><priority>-999</priority></presence>", strings.Replace(plain, "priority=0", "priority=-128", 1)},
		{"priority beyond any integer", "<presence " + alice + "><priority>-99999999999999999999999</priority></presence>", strings.Replace(plain, "priority=0", "priority=-128", 1)},
		{"priority text", "<presence " + alice + "><priority>high</priority></presence>", plain},
		{"unknown show", "<presence " + alice + "><show>unavailable</show></presence>", plain},
		{"long status", "<presence " + alice + "><status>" + long + "</status></presence>",
			strings.Replace(plain, `status=""`, fmt.Sprintf("status=%q", strings.Repeat("ü", 256)), 1)},
		{"idle nonsense", "<presence " + alice + "><idle xmlns='urn:xmpp:idle:1' since='yesterday'/></presence>", plain},
		{"own namespace", "<presence " + alice + "><enhanced xmlns='urn:presenced:1'/></presence>", strings.Replace(plain, "own=false", "own=true", 1)},
		{"unavailable", "<presence type='unavailable' " + alice + "/>", strings.Replace(plain, "gone=false", "gone=true", 1)},
		{"unavailable, malformed inside", "<presence type='unavailable' " + alice + "><a></presence>", strings.Replace(plain, "gone=false", "gone=true", 1)},
		{"bare unavailable", "<presence type='unavailable' from='alice@" + testHost + "' to='" + testDomain + "'/>", "device alice@" + testHost + " gone=true"},
		{"bare available", "<presence from='alice@" + testHost + "' to='" + testDomain + "'/>", ""},
		{"available, malformed inside", "<presence " + alice + "><a></presence>", ""},
		{"foreign", "<presence from='alice@elsewhere.localhost/r1' to='" + testDomain + "'/>", ""},
		{"the host itself", "<presence from='" + testHost + "' to='" + testDomain + "'/>", ""},
		{"not enrolled", "<presence from='eve@" + testHost + "/r1' to='" + testDomain + "'/>", ""},
		{"no from", "<presence to='" + testDomain + "'/>", ""},
		{"our own echo", "<presence from='alice@" + testDomain + "' to='" + testDomain + "'/>", ""},
		{"to somewhere else", "<presence from='alice@" + testHost + "/r1' to='bob@elsewhere.localhost'/>", ""},
		{"no to", "<presence from='alice@" + testHost + "/r1'/>", ""},
		{"error", "<presence type='error' " + alice + "/>", ""},
		{"subscribe", "<presence type='subscribe' " + alice + "/>", "consent kind=0 alice@" + testHost},
		{"unsubscribe", "<presence type='unsubscribe' " + alice + "/>", "consent kind=1 alice@" + testHost},
		{"subscribed", "<presence type='subscribed' " + alice + "/>", "consent kind=2 alice@" + testHost},
		{"unsubscribed", "<presence type='unsubscribed' " + alice + "/>", "consent kind=3 alice@" + testHost},
		{"subscribe from a stranger", "<presence type='subscribe' from='x@elsewhere.localhost' to='" + testDomain + "'/>", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			d.door.known = func(a addr) bool { return a.Local() != "eve" }
			d.ask(t, tt.in)
			got := strings.Join(d.door.all(), "\n")
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDevice_IdleInstants(t *testing.T) {
	d := newDesk(t)
	now := time.Now()
	for name, tt := range map[string]struct {
		inner string
		ago   time.Duration
	}{
		"seconds":          {"<query xmlns='jabber:iq:last' seconds='100'/>", 100 * time.Second},
		"future":           {"<idle xmlns='urn:xmpp:idle:1' since='2999-01-01T00:00:00Z'/>", 0},
		"negative seconds": {"<query xmlns='jabber:iq:last' seconds='-5'/>", -1},
		"with an offset":   {"<idle xmlns='urn:xmpp:idle:1' since='" + now.Add(-time.Minute).In(time.FixedZone("", 7200)).Format(time.RFC3339) + "'/>", time.Minute},
		"seconds before a delayed stanza": {"<query xmlns='jabber:iq:last' seconds='60'/><delay xmlns='urn:xmpp:delay' stamp='" +
			now.Add(-time.Minute).UTC().Format(time.RFC3339) + "'/>", 2 * time.Minute},
		"absurd":         {"<query xmlns='jabber:iq:last' seconds='18446744073709551615'/>", maxIdle * time.Second},
		"older than XML": {"<idle xmlns='urn:xmpp:idle:1' since='0001-01-02T00:00:00Z'/>", maxIdle * time.Second},
	} {
		raw := "<presence from='alice@" + testHost + "/1' to='" + testDomain + "'>" + tt.inner + "</presence>"
		d.ask(t, raw)
		got := d.r.idleSince(now)
		if tt.ago < 0 {
			if !got.IsZero() {
				t.Errorf("%s: %v, want none", name, got)
			}
			continue
		}
		if diff := now.Add(-tt.ago).Sub(got).Abs(); diff > 2*time.Second {
			t.Errorf("%s: %v, want %v ago", name, got, tt.ago)
		}
	}
}

func TestConsent_IsAnsweredInOrder(t *testing.T) {
	d := newDesk(t)
	to := "to='alice@" + testHost + "' from='" + testDomain + "'"
	got := d.ask(t, "<presence type='subscribe' from='alice@"+testHost+"/x' to='"+testDomain+"'/>")
	if !strings.HasPrefix(got, "<presence "+to+" type='subscribed'/><presence "+to+"><status>presenced</status><c ") {
		t.Errorf("subscribe: %s", got)
	}
	wellFormed(t, got)
	got = d.ask(t, "<presence type='unsubscribe' from='alice@"+testHost+"/x' to='"+testDomain+"'/>")
	if got != "<presence "+to+" type='unavailable'/><presence "+to+" type='unsubscribed'/>" {
		t.Errorf("unsubscribe: %s", got)
	}
	got = d.ask(t, "<presence type='probe' from='alice@"+testHost+"/x' to='"+testDomain+"'/>")
	if !strings.HasPrefix(got, "<presence to='alice@"+testHost+"/x'") {
		t.Errorf("probe: %s", got)
	}
	if got = d.ask(t, "<presence type='probe' from='x@elsewhere.localhost' to='"+testDomain+"'/>"); got != "" {
		t.Errorf("a stranger's probe: %s", got)
	}
}

func TestMirror_Spelling(t *testing.T) {
	one, two := []string{testHost}, []string{testHost, "partner.localhost"}
	tests := []struct {
		name  string
		hosts []string
		local string
		of    string
		shown string
	}{
		{"plain, one host", one, "alice", "alice@" + testHost, "alice@" + testHost},
		{"plain, two hosts", two, "alice", "nobody.invalid", ""},
		{"escaped", two, `alice\40partner.localhost`, "alice@partner.localhost", "alice@partner.localhost"},
		{"escaped, one host", one, `alice\40` + testHost, "alice@" + testHost, "alice@" + testHost},
		{"upper case", one, `ALICE\40Example.Localhost`, "alice@" + testHost, "ALICE@Example.Localhost"},
		{"escapes within the name", one, `d\5c27art\40` + testHost, `d\27art@` + testHost, `d\27art@` + testHost},
		{"two ats", one, `a\40b\40` + testHost, "nobody.invalid", ""},
		{"a resource in disguise", one, `alice\40` + testHost + `\2fphone`, "nobody.invalid", ""},
		{"our own domain", one, `alice\40` + testDomain, "nobody.invalid", ""},
		{"nothing before the at", one, `\40` + testHost, "nobody.invalid", ""},
		{"a heart", one, "♥", "♥@" + testHost, "♥@" + testHost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t, tt.hosts...)
			d.ask(t, "<presence type='subscribe' xml:lang='de' from='bob@x/1' to='"+tt.local+"@"+testDomain+"/res'/>")
			want := fmt.Sprintf("mirror kind=1 of=%s spelling=%s watcher=bob@x/1 lang=de", tt.of, tt.local+"@"+testDomain)
			if got := strings.Join(d.door.all(), "\n"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if got := d.c.targetOf(tt.local + "@" + testDomain).shown; got != tt.shown {
				t.Errorf("shown %q, want %q", got, tt.shown)
			}
		})
	}
}

func TestMirror_Kinds(t *testing.T) {
	d := newDesk(t)
	for i, typ := range []string{"probe", "subscribe", "unsubscribe", "subscribed", "unsubscribed", "", "unavailable", "error"} {
		attr := ""
		if typ != "" {
			attr = " type='" + typ + "'"
		}
		if got := d.ask(t, "<presence"+attr+" from='bob@"+testHost+"/1' to='alice@"+testDomain+"'/>"); got != "" {
			t.Errorf("%s: answered %s", typ, got)
		}
		events := d.door.all()
		if want := fmt.Sprintf("mirror kind=%d ", i); len(events) != i+1 || !strings.HasPrefix(events[i], want) {
			t.Fatalf("%s: %q, want %s", typ, events, want)
		}
	}
	d.ask(t, "<presence type='invisible' from='bob@"+testHost+"/1' to='alice@"+testDomain+"'/>")
	if n := len(d.door.all()); n != 8 {
		t.Errorf("an unknown type became an event: %q", d.door.all())
	}
}

// TestHostile sends what has killed other components and expects the link to
// stay and the next stanza to be served.
func TestHostile(t *testing.T) {
	const from = "from='mallory@" + testHost + "/x' to='" + testDomain + "'"
	const mirror = "from='mallory@" + testHost + "/x' to='alice@" + testDomain + "'"
	rows := map[string]string{
		"text in an IQ":           "<iq type='get' id='1' " + from + ">text<x xmlns='y'/></iq>",
		"text in a mirror's IQ":   "<iq type='get' id='1' " + mirror + ">text<query xmlns='jabber:iq:last'/></iq>",
		"a heart as mirror":       "<presence from='mallory@" + testHost + "/x' to='♥@" + testDomain + "'/>",
		"unknown caps hash":       "<presence " + from + "><c xmlns='http://jabber.org/protocol/caps' hash='foo' node='n' ver='v'/></presence>",
		"priority 999":            "<presence " + from + "><priority>999</priority></presence>",
		"empty IQ":                "<iq type='get'/>",
		"empty IQ with addresses": "<iq type='get' id='1' " + from + "/>",
		"IQ of an unknown type":   "<iq type='want' id='1' " + from + "><a xmlns='b'/></iq>",
		"comment":                 "<presence " + from + "><!-- x --></presence>",
		"processing instruction":  "<presence " + from + "><?x y?></presence>",
		"undefined entity":        "<presence " + from + "><status>&nbsp;</status></presence>",
		"bad UTF-8":               "<presence " + from + "><status>\xff\xfe</status></presence>",
		"control character":       "<presence " + from + "><status>\x01</status></presence>",
		"document type":           "<presence " + from + "><!DOCTYPE x></presence>",
		"mismatched tags":         "<presence " + from + "><a></b></presence>",
		"five children":           "<presence " + from + "><a/><b/><c/><d/><e/></presence>",
		"whitespace presence":     "<presence " + from + "> \n </presence>",
		"deep":                    "<message " + from + ">" + strings.Repeat("<a>", 20000) + strings.Repeat("</a>", 20000) + "</message>",
		"deep IQ":                 "<iq type='get' id='1' " + from + ">" + strings.Repeat("<a>", 20000) + strings.Repeat("</a>", 20000) + "</iq>",
		"large status":            "<presence " + from + "><status>" + strings.Repeat("x", 1<<20) + "</status></presence>",
		"large IQ":                "<iq type='set' id='1' " + mirror + "><x>" + strings.Repeat("x", 1<<20) + "</x></iq>",
		"unknown element":         "<surprise xmlns='urn:x'/>",
		"whitespace between":      " \n\n ",
		"answer nobody asked for": "<iq type='result' id='nobody' " + from + "/>",
		"error nobody asked for":  "<iq type='error' id='nobody' " + from + "/>",
		"forged self":             "<iq type='get' id='1' from='" + testDomain + "' to='" + testDomain + "'><ping xmlns='urn:xmpp:ping'/></iq>",
		"bad from":                "<presence from='@@@' to='" + testDomain + "'/>",
		"bad to":                  "<presence from='mallory@" + testHost + "/x' to='a@b@c'/>",
		"own namespace to mirror": "<presence " + mirror + "><enhanced xmlns='urn:presenced:1' availability='3500'/></presence>",
		"two bodies":              "<message " + mirror + "><body>a</body><body>b</body></message>",
		"advert that is no XML":   "<message from='" + testHost + "' to='" + testDomain + "'><privilege xmlns='urn:xmpp:privilege:2'><perm></privilege></perm></message>",
		"delegation of nothing":   "<iq type='set' id='1' from='" + testHost + "' to='" + testDomain + "'><delegation xmlns='urn:xmpp:delegation:2'/></iq>",
	}
	b := newBench(t, testbed.ComponentOptions{})
	b.c.timing.answer, b.c.timing.pingEvery = 20*time.Second, 20*time.Second
	l := b.attach(t)
	for name, raw := range rows {
		if err := l.Send(raw); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := l.Ping(b.ctx(t)); err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
	}
	if n := b.server.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
	b.say(t, l, "<presence from='alice@"+testHost+"/1' to='"+testDomain+"'/>")
	b.door.wait(t, 0, "device alice@")
}

func TestRoute_PanicCostsOneStanza(t *testing.T) {
	d := newDesk(t)
	d.door.known = func(addr) bool { panic("a bug") }
	d.ask(t, "<presence from='alice@"+testHost+"/1' to='"+testDomain+"'/>")
	d.door.known = nil
	d.ask(t, "<presence from='alice@"+testHost+"/1' to='"+testDomain+"'/>")
	if n := len(d.door.all()); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestRoute_DevicesDoNotAllocate(t *testing.T) {
	d := newDesk(t)
	d.door.known = func(addr) bool { return false }
	raw := []byte("<presence from='alice@" + testHost + "/1' to='" + testDomain + "'><show>dnd</show><status>x</status></presence>")
	mirror := []byte("<iq type='result' id='x' from='alice@" + testHost + "/1' to='" + testDomain + "'/>")
	for _, frame := range [][]byte{raw, mirror} {
		if n := testing.AllocsPerRun(100, func() { _ = d.r.route(frame) }); n != 0 {
			t.Errorf("%v allocations for %s", n, frame)
		}
	}
}

func TestCache_IsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	var c cache[int]
	c.put("kept", 1)
	for i := range 4 * cacheSize {
		c.put(fmt.Sprint(i), i)
		if _, ok := c.get([]byte("kept")); !ok {
			t.Fatalf("lost after %d", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 2*cacheSize {
		t.Errorf("%d entries", n)
	}
	if _, ok := c.get([]byte("0")); ok {
		t.Error("nothing is ever forgotten")
	}
}

// TestCache_OfACrowd: more senders than fit take turns, and are not all put in; a few
// that speak often are found nevertheless.
func TestCache_OfACrowd(t *testing.T) {
	var c cache[int]
	speak := func(name string) bool {
		_, ok := c.get([]byte(name))
		if !ok {
			c.put(name, 1)
		}
		return ok
	}
	turn := func() {
		for i := range 4 * cacheSize {
			speak(fmt.Sprint(i))
		}
	}
	turn()
	c.young, c.old = nil, nil
	turn()
	if n := len(c.young) + len(c.old); n == 0 || n > 4*cacheSize/sample {
		t.Errorf("%d of %d are kept, although none is found again", n, 4*cacheSize)
	}
	found := 0
	for range 10 * sample {
		found = 0
		for i := range 100 {
			if speak(fmt.Sprint("often", i)) {
				found++
			}
		}
	}
	if found < 90 {
		t.Errorf("%d of a hundred are found", found)
	}
}

func BenchmarkRoute(b *testing.B) {
	d := newDesk(b)
	d.door.known = func(addr) bool { return false }
	raw := []byte("<presence xml:lang='en' from='alice@" + testHost + "/r1' to='" + testDomain + "'><show>dnd</show><status>Busy</status>" +
		"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://gajim.org' ver='abc='/><x xmlns='vcard-temp:x:update'><photo/></x></presence>")
	b.ReportAllocs()
	for b.Loop() {
		_ = d.r.route(raw)
	}
}

func FuzzRoute(f *testing.F) {
	const from = "from='a@" + testHost + "/x' to='m@" + testDomain + "'"
	const own = "from='a@" + testHost + "/x' to='" + testDomain + "'"
	for _, s := range []string{
		"<presence " + own + "><show>away</show><priority>1</priority></presence>",
		"<presence type='probe' " + from + "/>", "<presence type='unavailable' " + own + "><a></presence>",
		"<iq type='get' id='1' " + from + "><query xmlns='urn:presenced:1'/></iq>",
		"<iq type='get' id='1' " + from + "><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>",
		"<iq type='get' id='1' " + own + "><query xmlns='urn:presenced:1'><presence jid='b@c'/><presence email='e'/></query></iq>",
		"<iq type='get' id='&lt;' " + from + "><vCard xmlns='vcard-temp'/></iq>",
		"<iq type='set' id='1' from='" + testHost + "' to='" + testDomain + "'><delegation xmlns='urn:xmpp:delegation:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
			"<iq xmlns='jabber:client' type='get' id='l' from='b@c/d'><query xmlns='jabber:iq:last'/></iq></forwarded></delegation></iq>",
		"<message " + from + " id='1'><body>x</body></message>",
		"<message from='" + testHost + "' to='" + testDomain + "'><privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/></privilege></message>",
		"<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
	} {
		f.Add([]byte(s))
	}
	d := newDesk(f)
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := promValue(d.c.metrics.refused["panic"])
		_ = d.r.route(frame)
		if promValue(d.c.metrics.refused["panic"]) != before {
			t.Fatalf("panic on %q", frame)
		}
		wellFormed(t, d.ask(t, "<presence type='error' from='x' to='x'/>"))
	})
}
