package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"presenced/aggregation"
	"presenced/internal/engine"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/internal/token"
	"presenced/privacy"
	"presenced/roster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = "alice@example.org"
	bob   = "bob@example.org"
	fred  = "fred@partner.example"
	zed   = "zed@nowhere.example"
	page  = "https://intranet.example.org"
	// patience bounds every wait of these tests.
	patience = 20 * time.Second
)

// nothing keeps nothing and acknowledges everything.
type nothing struct{ engine.Store }

func (nothing) Load(context.Context, func(engine.Saved) error) error { return nil }
func (nothing) Save(_ engine.Write, done func(error))                { done(nil) }
func (nothing) SavePresence(string, []byte)                          {}
func (nothing) Flush(context.Context) error                          { return nil }

// contacts is a Sender that knows one roster and sends nothing.
type contacts struct {
	engine.Sender
	e *engine.Engine
}

func (contacts) Render(dst []byte, v *presence.View, _ string) []byte {
	return fmt.Append(dst, v.Availability)
}
func (contacts) Present([]byte, []engine.Target) {}
func (contacts) Peek(presence.Addr, string)      {}
func (contacts) Settle(string)                   {}
func (contacts) Notify(string, string)           {}
func (c contacts) ReadCard(user presence.Addr, _ string) bool {
	c.e.CardRead(user, nil, nil)
	return true
}
func (c contacts) ReadRoster(user presence.Addr, _ string) {
	c.e.RosterRead(user, []presence.Contact{
		{Addr: presence.MustAddr(bob), Subscription: presence.SubBoth},
		{Addr: presence.MustAddr(fred), Subscription: presence.SubBoth},
	}, nil)
}

// site is a server over a real engine.
type site struct {
	*testing.T
	*Server
	e      *engine.Engine
	tokens map[string]string // text by principal
	told   description3      // what openapi.yaml says, held against every answer
}

func siteRules(tb testing.TB) *engine.Rules {
	tb.Helper()
	where, err := privacy.NewSite(privacy.SiteOptions{
		Component: "presence.example.org",
		Networks:  privacy.Networks{Enterprise: []string{"example.org"}, Federated: []string{"partner.example"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &engine.Rules{
		System:  eval.System{Aggregation: aggregation.Default(), Operator: privacy.DefaultOperator(), Site: where},
		Refresh: time.Minute, MaxStale: 24 * time.Hour, Limits: roster.Limits{Watchers: 1000, Requests: 200},
	}
}

// listApp has the operator list an app that may claim for everybody.
func (s *site) listApp(jid string) {
	s.Helper()
	r := siteRules(s)
	r.Enrolment.Apps = map[presence.Addr]bool{presence.MustAddr(jid): true}
	s.e.Reload(r)
}

func newEngine(tb testing.TB) *engine.Engine {
	tb.Helper()
	c := &contacts{}
	e, err := engine.New(engine.Options{
		Domain: "presence.example.org", Hosts: []string{"example.org"}, Language: "en", Liveness: time.Minute,
		Store: nothing{}, Sender: c, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}, siteRules(tb))
	if err != nil {
		tb.Fatal(err)
	}
	c.e = e
	e.Start()
	tb.Cleanup(func() { e.Stop(context.Background()) })
	e.Attached(time.Now())
	e.HostReady(engine.Host{Name: "example.org", Managed: true, Reports: true, Roster: true, Complete: true})
	e.HostSynced("example.org")
	return e
}

// find is what the component does, without its mirrors.
func find(name string) (a presence.Addr, byEmail bool) {
	if name == "a.smith@corp.example" {
		return presence.MustAddr(alice), true
	}
	a, err := presence.ParseAddr(name)
	if err != nil {
		return presence.MustAddr("nobody.invalid"), false
	}
	return a, false
}

func newKeep(rate, burst int) *token.Keep {
	return token.New(token.Options{
		Store: nothing{}, Domain: presence.MustAddr("presence.example.org"), Log: slog.New(slog.DiscardHandler), Rate: rate, Burst: burst,
	})
}

func newSite(t *testing.T) *site {
	t.Helper()
	e := newEngine(t)
	keep := newKeep(100000, 100000)
	s := &site{T: t, e: e, tokens: map[string]string{}, told: describe(t)}
	s.Server = New(Options{
		Door: e, Follow: e, Claims: e, Tokens: keep, Find: find, Ready: func() bool { return true },
		Language: "en", Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	s.key = [32]byte{1} // so that two servers can be compared
	for _, as := range []string{alice, bob, fred, zed} {
		s.tokens[as] = s.mint(as, page)
	}
	return s
}

func (s *site) mint(as string, origins ...string) string {
	s.Helper()
	_, text, err := s.o.Tokens.Create(s.Context(), token.Request{As: as, Scopes: []token.Scope{token.Read}, Life: time.Hour, Origins: origins}, time.Now())
	if err != nil {
		s.Fatal(err)
	}
	return text
}

func (s *site) apply(user string, c engine.Change) {
	s.Helper()
	j, err := presence.ParseJID(user)
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.e.Apply(s.Context(), engine.Principal{Operator: true}, j, c); err != nil {
		s.Fatal(err)
	}
}

// device tells of alice's desk and returns when that counts.
func (s *site) device(show presence.Show, gone bool) {
	s.Helper()
	j, _ := presence.ParseJID(alice + "/desk")
	s.e.Device(engine.Device{User: j, Show: show, Gone: gone})
	s.apply(alice, engine.ClearState{}) // goes through the same mailbox
}

// online has alice enrolled and available.
func (s *site) online() {
	s.Helper()
	s.apply(alice, engine.Enable{})
	s.device(presence.ShowNone, false)
}

// reply is an answer that has been read.
type reply struct {
	StatusCode int
	Header     http.Header
	body       string
}

// ask sends one request as the principal (empty: without a token) and holds the
// answer against the description.
func (s *site) ask(as, method, path, body string, header ...string) reply {
	s.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if as != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[as])
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	s.told.hold(s.T, r, w.Code, w.Header(), w.Body.Bytes())
	return reply{w.Code, w.Header(), w.Body.String()}
}

// whole is everything of an answer that may tell something.
func (r reply) whole(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	head := r.Header.Clone()
	head.Del("Date")
	if err := head.Write(&b); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d\n%s\n%s", r.StatusCode, b.String(), r.body)
}

// listen serves on a real port and returns its address.
func (s *site) listen() string {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	s.Serve(l)
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			s.Error(err)
		}
	})
	return l.Addr().String()
}
