package component

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation"
	"presenced/component/commands"
	"presenced/internal/engine"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/internal/token"
	"presenced/internal/web"
	"presenced/privacy"
	"presenced/roster"
)

// The people of the proof. bob and fred are the watchers, eve is everybody else.
const (
	proofAlice = "alice@example.org"
	proofCarol = "carol@example.org"
	proofBob   = "bob@example.org"
	proofFred  = "fred@partner.example"
	proofZed   = "zed@nowhere.example"
	proofEve   = "eve@example.org"

	aliceMirror = `alice\40example.org@presence.example.org`
	carolMirror = `carol\40example.org@presence.example.org`
)

// proofDomains of the addresses above.
const (
	proofHost   = "example.org"
	proofDomain = "presence.example.org"
)

// keepsNothing is a store that acknowledges everything.
type keepsNothing struct{ engine.Store }

func (keepsNothing) Load(context.Context, func(engine.Saved) error) error { return nil }
func (keepsNothing) Save(_ engine.Write, done func(error))                { done(nil) }
func (keepsNothing) SavePresence(string, []byte)                          {}
func (keepsNothing) Flush(context.Context) error                          { return nil }

// proofWorld is the whole product but its configuration, around one engine, with
// one watcher who looks. It lives in a bubble of synctest, so that its instants are
// exact, and speaks bytes on all its sides.
type proofWorld struct {
	*testing.T
	watcher  string // bare JID
	e        *engine.Engine
	c        *Component
	server   *proofServer
	web      *web.Server
	client   *http.Client
	pipes    *pipeListener
	token    string
	badge    string // alice's handle
	etag     string // seen last
	phones   map[string]string
	withheld []string // by the operator, of alice
	egress   bool     // the operator has raw presence kept in
	site     *privacy.Site
	asked    int

	start time.Time
	mu    sync.Mutex          // guards seen and names
	seen  map[string][]string // what the watcher has got, with the instant, by connection
	names map[string]string
	after []func()

	slow    atomic.Bool    // the server takes its time for lists
	pending sync.WaitGroup // answers of the server
}

// fault is something that might go wrong between the engine and the watcher; the
// zero value is none.
type fault struct {
	sender  func(w *proofWorld, s engine.Sender) engine.Sender
	door    func(w *proofWorld, d web.Door) web.Door
	handler func(w *proofWorld, next http.RoundTripper) http.RoundTripper
}

// newProofWorld starts everything and attaches. contacts are alice's and carol's.
func newProofWorld(t *testing.T, watcher string, wrong fault) *proofWorld {
	t.Helper()
	w := &proofWorld{T: t, watcher: watcher, start: time.Now(), seen: map[string][]string{}, names: map[string]string{}, phones: map[string]string{}}
	var err error
	w.site, err = privacy.NewSite(privacy.SiteOptions{
		Component: proofDomain,
		Networks:  privacy.Networks{Enterprise: []string{proofHost}, Federated: []string{"partner.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.server = &proofServer{w: w, contacts: []string{proofBob, proofFred}, lists: map[string]string{}}
	w.c, err = New(Options{
		Domain: proofDomain, Hosts: []string{proofHost}, Secret: func() string { return "" }, Dial: w.server.dial,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.c.timing.tick, w.c.timing.pingEvery = 5*time.Second, 5*time.Minute // thousands of these are the proof's time
	var sender engine.Sender = w.c
	if wrong.sender != nil {
		sender = wrong.sender(w, w.c)
	}
	w.e, err = engine.New(engine.Options{
		Domain: proofDomain, Hosts: []string{proofHost}, Language: "en", Liveness: time.Minute,
		Store: keepsNothing{}, Sender: sender, ListWriter: w.c, Contacts: w.c, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Shards: 1,
	}, w.rules())
	if err != nil {
		t.Fatal(err)
	}
	w.e.SetAuditor(deaf{})
	w.c.SetDoor(w.e)
	w.c.SetCommands(commands.New(w.e, commands.Options{Domain: proofDomain, Hosts: []string{proofHost}}))
	w.e.Start()
	w.openWeb(wrong)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { _ = w.c.Run(ctx); close(ended) }()
	w.after = append(w.after, func() { cancel(); <-ended; w.e.Stop(context.Background()); w.pending.Wait() })
	time.Sleep(10 * time.Second) // attached and settled
	return w
}

// rules are the operator's. Everything that could tell too much is on.
func (w *proofWorld) rules() *engine.Rules {
	op := privacy.DefaultOperator()
	op.LastActive = privacy.LastActiveExact
	closed := engine.Policy{Operator: op, Users: map[presence.Addr]bool{presence.MustAddr(proofAlice): true}}
	closed.Operator.Name = "closed"
	closed.Operator.Withheld, _ = privacy.ParseWithheld(w.withheld)
	phones := maps.Clone(w.phones)
	return &engine.Rules{
		System:       eval.System{Aggregation: aggregation.Default(), Operator: op, Site: w.site},
		Provisioning: true, Refresh: 10 * time.Minute, MaxStale: 24 * time.Hour, Limits: roster.Limits{Watchers: 1000, Requests: 200}, Egress: w.egress,
		Policies: []engine.Policy{closed},
		Directory: func(a presence.Addr) *presence.Profile {
			if a.Local() != "alice" {
				return nil
			}
			p := &presence.Profile{}
			p.Text[presence.FieldName], p.Text[presence.FieldWorkPhone] = "Alice", "100"
			p.Text[presence.FieldMobilePhone], p.Text[presence.FieldHomePhone] = phones["mobile"], phones["home"]
			return p
		},
	}
}

// openWeb serves HTTP over pipes and makes the watcher's token.
func (w *proofWorld) openWeb(wrong fault) {
	keep := token.New(token.Options{
		Store: keepsNothing{}, Domain: presence.MustAddr(proofDomain), Log: slog.New(slog.DiscardHandler), Rate: 100000, Burst: 100000,
	})
	var door web.Door = w.e
	if wrong.door != nil {
		door = wrong.door(w, door)
	}
	w.web = web.New(web.Options{
		Door: door, Follow: w.e, Claims: w.e, Tokens: keep, Find: w.c.Find, Ready: func() bool { return true },
		// The worst there could be: every notice of somebody whose calendar is read is heard.
		Noticed:  func(_ string, user presence.Addr, _ string, _ bool) bool { return user.Key() == proofAlice },
		Language: "en", Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	w.pipes = &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	w.web.Serve(w.pipes)
	carrier := &http.Transport{DialContext: w.pipes.dial}
	w.client = &http.Client{Transport: carrier}
	if wrong.handler != nil {
		w.client.Transport = wrong.handler(w, carrier)
	}
	_, text, err := keep.Create(context.Background(), token.Request{As: w.watcher, Scopes: []token.Scope{token.Read, token.Claims}, Life: 60 * 24 * time.Hour}, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	w.token = text
	w.after = append(w.after, func() {
		carrier.CloseIdleConnections()
		_ = w.web.Close(context.Background())
	})
}

// close ends everything that was started, the latest first.
func (w *proofWorld) close() {
	for _, end := range slices.Backward(w.after) {
		end()
	}
}

// apply makes a change for a user; what is refused is refused in both worlds.
func (w *proofWorld) apply(user string, c engine.Change) {
	_, _ = w.e.Apply(context.Background(), engine.Principal{Addr: presence.MustAddr(user), JID: user}, mustJID(user), c)
}

// got notes what the watcher has got on a connection. The order of what comes on
// two of them at one instant is nobody's.
func (w *proofWorld) got(on, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	on = w.anonymous(on)
	w.seen[on] = append(w.seen[on], fmt.Sprintf("+%s %s: ", time.Since(w.start), on)+w.anonymous(what))
}

// more is got for a stream, where it is nobody's in how many pieces comes what is
// sent at one instant.
func (w *proofWorld) more(on, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	on = w.anonymous(on)
	head := fmt.Sprintf("+%s %s: ", time.Since(w.start), on)
	if n := len(w.seen[on]); n > 1 && strings.HasPrefix(w.seen[on][n-1], head) {
		w.seen[on][n-1] += w.anonymous(what)
		return
	}
	w.seen[on] = append(w.seen[on], head+w.anonymous(what))
}

// all is what he has got, connection by connection.
func (w *proofWorld) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, on := range slices.Sorted(maps.Keys(w.seen)) {
		out = append(out, w.seen[on]...)
	}
	return out
}

// random finds what is drawn anew in each run: keyed digests, and ids.
var random = regexp.MustCompile(`"[A-Za-z0-9_-]{22}"|sessionid='[^']+'|\bid='[A-Z2-7]{16}(?:[A-Z2-7]{10})?'|id: [0-9a-f]{12}-`)

// anonymous gives random names others that tell which were equal and in what order
// they came, which is all that somebody can learn from them. The caller holds mu.
func (w *proofWorld) anonymous(what string) string {
	if w.badge != "" {
		what = strings.ReplaceAll(what, w.badge, "BADGE")
	}
	return random.ReplaceAllStringFunc(what, func(name string) string {
		if w.names[name] == "" {
			w.names[name] = fmt.Sprintf("<random %d>", len(w.names))
		}
		return w.names[name]
	})
}

// say sends what somebody's client said, and returns when it has been dealt with.
func (w *proofWorld) say(stanzas ...string) {
	w.server.write(strings.Join(stanzas, ""))
	synctest.Wait()
}

// id is another one for each stanza of the watcher's.
func (w *proofWorld) id() string {
	w.asked++
	return fmt.Sprintf("w%d", w.asked)
}

// iq is a question of the watcher's.
func (w *proofWorld) iq(typ, to, payload string) {
	w.say(fmt.Sprintf("<iq type='%s' id='%s' from='%s/w' to='%s'>%s</iq>", typ, w.id(), w.watcher, to, payload))
}

// presence is one that the watcher sends to a mirror.
func (w *proofWorld) presence(typ, to string) {
	if typ != "" {
		typ = " type='" + typ + "'"
	}
	from := w.watcher
	if typ == "" || strings.Contains(typ, "probe") {
		from += "/w"
	}
	w.say(fmt.Sprintf("<presence%s from='%s' to='%s'/>", typ, from, to))
}

// http asks as the watcher and notes all of the answer.
func (w *proofWorld) http(method, path, body string, header ...string) {
	w.Helper()
	r, err := http.NewRequest(method, "http://presence"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := w.client.Do(r)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	if tag := res.Header.Get("Etag"); tag != "" {
		w.etag = tag
	}
	w.got("http", method+" "+path+": "+headOf(res)+string(text))
}

// headOf is the head of an answer, but the date.
func headOf(res *http.Response) string {
	var b strings.Builder
	res.Header.Del("Date")
	_ = res.Header.Write(&b)
	return fmt.Sprintf("%d %s", res.StatusCode, strings.ReplaceAll(b.String(), "\r\n", "; "))
}

// follow opens a stream of the watcher's and notes each piece when it comes.
func (w *proofWorld) follow(path string) {
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://presence"+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	res, err := w.client.Do(r) //nolint:bodyclose // the end of the world closes it
	if err != nil {
		w.Fatal(err)
	}
	w.got(path, headOf(res))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 64<<10)
		for {
			n, err := res.Body.Read(buf)
			if n > 0 {
				w.more(path, string(buf[:n]))
			}
			if err != nil {
				return
			}
		}
	}()
	w.after = append(w.after, func() { cancel(); <-ended; _ = res.Body.Close() })
}

// pipeListener accepts connections that never leave the process.
type pipeListener struct {
	conns  chan net.Conn // nothing waits in it
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
