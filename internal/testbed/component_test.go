package testbed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newFake(t *testing.T, opts ComponentOptions) *ComponentServer {
	t.Helper()
	s, err := NewComponentServer(opts)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func attachTo(ctx context.Context, t *testing.T, s *ComponentServer, opts ClientOptions) (*Client, *Link) {
	t.Helper()
	c, err := DialComponentAddr(ctx, s.Addr, DefaultComponent, DefaultSecret, opts)
	must(t, err)
	t.Cleanup(func() { _ = c.Drop() })
	l, err := s.Next(ctx)
	must(t, err)
	return c, l
}

func TestComponentServer_AttachFaults(t *testing.T) {
	tests := []struct {
		fault AttachFault
		want  string // in the error of the attach
	}{
		{NotAuthorized, "not-authorized"},
		{HostUnknown, "host-unknown"},
		{Conflict, "conflict"},
		{ResetHandshake, "reset"},
		{FINHandshake, "EOF"},
		{SilentHandshake, "deadline"},
		{SilentHeader, "deadline"},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault), func(t *testing.T) {
			s := newFake(t, ComponentOptions{Attach: First(tt.fault)})
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := DialComponentAddr(ctx, s.Addr, DefaultComponent, DefaultSecret, ClientOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
			_, l := attachTo(testContext(t), t, s, ClientOptions{}) // the second is fine
			must(t, l.Ping(testContext(t)))
			if n := s.Connections(); n != 2 {
				t.Errorf("got %d connections, want 2", n)
			}
		})
	}
}

func TestComponentServer_ChecksSecretAndDomain(t *testing.T) {
	ctx := testContext(t)
	s := newFake(t, ComponentOptions{})
	_, err := DialComponentAddr(ctx, s.Addr, DefaultComponent, "wrong", ClientOptions{})
	if err == nil || !strings.Contains(err.Error(), "not-authorized") {
		t.Errorf("wrong secret: got %v, want not-authorized", err)
	}
	_, err = DialComponentAddr(ctx, s.Addr, "other.localhost", DefaultSecret, ClientOptions{})
	if err == nil || !strings.Contains(err.Error(), "host-unknown") {
		t.Errorf("wrong domain: got %v, want host-unknown", err)
	}
}

func TestComponentServer_SecondConnection(t *testing.T) {
	ctx := testContext(t)
	s := newFake(t, ComponentOptions{})
	first, _ := attachTo(ctx, t, s, ClientOptions{})
	_, err := DialComponentAddr(ctx, s.Addr, DefaultComponent, DefaultSecret, ClientOptions{})
	if err == nil || !strings.Contains(err.Error(), "conflict") {
		t.Errorf("got %v, want conflict", err)
	}
	must(t, first.Ping(ctx, DefaultHost))
	both := newFake(t, ComponentOptions{TakeBoth: true})
	attachTo(ctx, t, both, ClientOptions{})
	attachTo(ctx, t, both, ClientOptions{})
}

func TestComponentServer_RefuseAndListen(t *testing.T) {
	ctx := testContext(t)
	s := newFake(t, ComponentOptions{})
	must(t, s.Refuse())
	if _, err := DialComponentAddr(ctx, s.Addr, DefaultComponent, DefaultSecret, ClientOptions{}); err == nil {
		t.Fatal("a refusing server accepted")
	}
	must(t, s.Listen())
	attachTo(ctx, t, s, ClientOptions{})
}

func TestComponentServer_ProsodySyncPrecedesPingReply(t *testing.T) {
	ctx := testContext(t)
	s := newFake(t, ComponentOptions{Dialect: ProsodyDialect, ChunkSize: 1})
	s.SetPresence("alice@example.localhost/a", "<show>dnd</show>")
	s.SetPresence("alice@example.localhost/b", "")
	s.SetUnavailable("alice@example.localhost/b", true)
	c, l := attachTo(ctx, t, s, ClientOptions{Features: []string{"jabber:iq:last"}})
	must(t, c.Ping(ctx, DefaultHost))
	var kinds []string
	for _, got := range c.Log() {
		kinds = append(kinds, got.Kind)
	}
	if want := []string{"message", "presence", "message", "iq", "iq", "iq"}; !slices.Equal(kinds, want) {
		t.Errorf("got %v, want %v", kinds, want)
	}
	p, _ := c.LastPresence("alice@example.localhost")
	if p.Show != "dnd" || p.Delay == "" {
		t.Errorf("got %s, want dnd with delay", p)
	}
	s.SetUnavailable("alice@example.localhost/a", true)
	_, err := c.WaitPresence(ctx, "alice@example.localhost/a", func(s Stanza) bool { return s.Type == "unavailable" })
	must(t, err)
	must(t, l.Ping(ctx))
}

func TestComponentServer_EjabberdHidesDropsUnlessSubscribed(t *testing.T) {
	ctx := testContext(t)
	s := newFake(t, ComponentOptions{Dialect: EjabberdDialect, Approve: func(user, _ string) bool { return user == "bob@example.localhost" }})
	s.SetPresence("alice@example.localhost/a", "")
	s.SetPresence("bob@example.localhost/b", "<show>away</show>")
	c, _ := attachTo(ctx, t, s, ClientOptions{})
	must(t, c.Ping(ctx, DefaultHost))
	if p, ok := c.LastPresence("alice@example.localhost"); ok {
		t.Errorf("presence at the attach: %s", p)
	}
	must(t, c.Presence(PresenceOptions{From: "svc@" + DefaultComponent, To: "bob@example.localhost", Type: "subscribe"}))
	_, err := c.WaitPresence(ctx, "bob@example.localhost/b", func(s Stanza) bool { return s.Show == "away" })
	must(t, err)
	s.SetUnavailable("alice@example.localhost/a", true)
	s.SetUnavailable("bob@example.localhost/b", true)
	_, err = c.WaitPresence(ctx, "bob@example.localhost/b", func(s Stanza) bool { return s.Type == "unavailable" })
	must(t, err)
	must(t, c.Ping(ctx, DefaultHost))
	if p, ok := c.LastPresence("alice@example.localhost"); ok {
		t.Errorf("a dropped session was told to the managing entity: %s", p)
	}
}

func TestComponentServer_AnswersRosterAndPrivilegedIQ(t *testing.T) {
	ctx := testContext(t)
	s := newFake(t, ComponentOptions{
		Dialect: ProsodyDialect,
		Rosters: map[string][]RosterItem{"alice@example.localhost": {{JID: "bob@example.localhost", Name: "B & co", Subscription: "both", Groups: []string{"Work"}}}},
		PrivilegedIQ: func(user string, inner Element) (string, bool) {
			return "<blocklist xmlns='urn:xmpp:blocking'><item jid='mallory@example.localhost'/></blocklist>", user == "alice@example.localhost"
		},
	})
	c, _ := attachTo(ctx, t, s, ClientOptions{})
	reply, err := c.IQ(ctx, "get", "alice@example.localhost", "<query xmlns='jabber:iq:roster'/>")
	must(t, err)
	items := RosterItems(reply.Root.Children[0])
	if len(items) != 1 || items[0].Name != "B & co" || !slices.Equal(items[0].Groups, []string{"Work"}) {
		t.Errorf("got roster %+v from %s", items, reply)
	}
	wrapped := "<privileged_iq xmlns='urn:xmpp:privilege:2'><iq xmlns='jabber:client' type='get' id='w'><blocklist xmlns='urn:xmpp:blocking'/></iq></privileged_iq>"
	reply, err = c.IQ(ctx, "get", "alice@example.localhost", wrapped)
	must(t, err)
	if item, ok := reply.Root.Find("urn:xmpp:blocking", "item"); !ok || item.Attr("jid") != "mallory@example.localhost" {
		t.Errorf("got block list %s", reply)
	}
	if _, err = c.IQ(ctx, "get", "bob@example.localhost", wrapped); err == nil || !strings.Contains(err.Error(), "internal-server-error") {
		t.Errorf("got %v, want internal-server-error", err)
	}
}

func TestLink_EndsInEveryWay(t *testing.T) {
	ways := map[string]struct {
		end  func(*Link) error
		want string
	}{
		"reset":        {func(l *Link) error { l.Reset(); return nil }, "reset"},
		"fin":          {(*Link).FIN, "EOF"},
		"close":        {(*Link).CloseStream, "closed by the peer"},
		"stream error": {func(l *Link) error { return l.StreamError("system-shutdown") }, "closed by the peer"},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			ctx := testContext(t)
			s := newFake(t, ComponentOptions{Latency: 10 * time.Millisecond})
			c, l := attachTo(ctx, t, s, ClientOptions{})
			must(t, way.end(l))
			select {
			case <-c.Done():
			case <-ctx.Done():
				t.Fatal("the component saw no end")
			}
			if err := c.Err(); !strings.Contains(err.Error(), way.want) {
				t.Errorf("got %v, want %q", err, way.want)
			}
			must(t, c.Drop())
			<-l.Done()
			attachTo(ctx, t, s, ClientOptions{})
		})
	}
}

func TestLink_StallKeepsStanzasForLater(t *testing.T) {
	ctx := testContext(t)
	s := newFake(t, ComponentOptions{})
	c, l := attachTo(ctx, t, s, ClientOptions{})
	must(t, c.Ping(ctx, DefaultHost))
	l.StallReading()
	mark := l.Mark()
	must(t, c.Message("alice@example.localhost", "one"))
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if got, err := l.WaitAfter(short, mark, func(Stanza) bool { return true }); err == nil {
		t.Errorf("a stalled server read %s", got)
	}
	l.ResumeReading()
	got, err := l.WaitAfter(ctx, mark, func(s Stanza) bool { return s.Kind == "message" })
	must(t, err)
	if got.Body != "one" || got.From != DefaultComponent {
		t.Errorf("got %s", got)
	}
	l.StallReading()
	must(t, s.Close()) // also out of a stall
}

func TestLink_CountOnlyCountsAndStillAnswers(t *testing.T) {
	ctx := testContext(t)
	var seen int
	s := newFake(t, ComponentOptions{CountOnly: true, OnBytes: func(p []byte) { seen += len(p) }})
	c, l := attachTo(ctx, t, s, ClientOptions{NoLog: true})
	const n = 20_000
	one := "<presence from='alice@presence.example.localhost' to='bob@example.localhost/r'><show>dnd</show><status>a &gt; \"b\" / 'c'</status><c xmlns='x' ver='a/>b'/></presence>"
	batch := strings.Repeat(one, 1000)
	begin := time.Now()
	for range n / 1000 {
		must(t, c.Send(batch))
	}
	must(t, c.Ping(ctx, DefaultHost))
	got := l.Traffic()
	if got.Presences != n || got.Messages != 0 || got.IQs != 1 {
		t.Errorf("got %+v, want %d presences and 1 iq", got, n)
	}
	if len(l.Log()) != 0 {
		t.Errorf("count-only kept %d stanzas", len(l.Log()))
	}
	var sum int64
	for _, v := range l.PerSecond() {
		sum += v
	}
	if sum != n+1 || int64(seen) != got.Bytes {
		t.Errorf("per second sum %d, want %d; hook saw %d bytes, want %d", sum, n+1, seen, got.Bytes)
	}
	t.Logf("%.0f stanzas per second", n/time.Since(begin).Seconds())
}

func TestFramer_CutsAnywhere(t *testing.T) {
	const first = "<presence from=\"a'>b\" to='x/>y'><show/><a><b c='</presence>'>t&gt;</b></a></presence>"
	const second = "<iq type='get' id='1'/>"
	text := " \n" + first + "  " + second + "<message><body>x</body></message></stream:stream>trailing"
	for cut := range len(text) {
		var got []string
		f := &framer{
			want: func(kind byte) bool { return kind != 'm' },
			emit: func(kind byte, raw []byte) { got = append(got, fmt.Sprintf("%c%s", kind, raw)) },
		}
		f.feed([]byte(text[:cut]))
		f.feed([]byte(text[cut:]))
		if want := []string{"p" + first, "i" + second, "m"}; !slices.Equal(got, want) || !f.ended {
			t.Fatalf("cut at %d: got %q ended %t, want %q", cut, got, f.ended, want)
		}
	}
}

func TestNeedServers_SaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := needEjabberd()
	for _, got := range []error{needProsody(), err} {
		if got == nil || !strings.Contains(got.Error(), "apt-get install") {
			t.Errorf("got %v, want the apt line", got)
		}
	}
}
