package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/aggregation"
	"presenced/internal/engine/eval"
	"presenced/internal/presence"
	"presenced/privacy"
	"presenced/roster"
)

// wire is a Sender that writes down what leaves, one line each.
type wire struct {
	mu      sync.Mutex
	lines   []string
	lists   func(bare string, online bool) (Lists, error) // nil: no answer comes
	rosters map[string][]presence.Contact                 // by bare JID; absent: an error
	silent  bool                                          // rosters are not answered
	cards   map[string]*presence.Profile                  // by bare JID; absent: not answered
	crowded bool                                          // no card can be asked for

	unpublished error // what publishing is answered with
	e           *Engine
}

func (w *wire) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

// take returns what has left since the last call, sorted where the order of
// watchers is nobody's business.
func (w *wire) take() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.lines
	w.lines = nil
	return out
}

func (w *wire) Render(dst []byte, v *presence.View, lang string) []byte {
	return fmt.Appendf(dst, "%d %s %s %s", v.Availability, v.Activity, v.Text[presence.FieldNotePersonal], lang)
}

func (w *wire) Present(body []byte, to []Target) {
	for _, t := range to {
		w.say("%s <- %s: %s", t.To, t.From, strings.Join(strings.Fields(string(body)), " "))
	}
}
func (w *wire) Subscribed(t Target)               { w.say("%s <- %s: subscribed", t.To, t.From) }
func (w *wire) Unsubscribed(t Target)             { w.say("%s <- %s: unsubscribed", t.To, t.From) }
func (w *wire) Ask(bare string)                   { w.say("ask %s", bare) }
func (w *wire) Leave(bare string)                 { w.say("leave %s", bare) }
func (w *wire) Probe(bare string)                 { w.say("probe %s", bare) }
func (w *wire) Peek(_ presence.Addr, bare string) { w.say("peek %s", bare) }
func (w *wire) Ping(full string)                  { w.say("ping %s", full) }
func (w *wire) Notify(bare, text string)          { w.say("notify %s", bare) }
func (w *wire) Settle(host string)                { w.say("settle %s", host) }

func (w *wire) ReadLists(user presence.Addr, bare string, online bool) {
	w.mu.Lock()
	read := w.lists
	w.mu.Unlock()
	if read == nil {
		return
	}
	lists, err := read(bare, online)
	w.e.ListsRead(user, lists, err)
}

// ReadCard answers at once where there is a card; a nil one is none.
func (w *wire) ReadCard(user presence.Addr, bare string) bool {
	w.mu.Lock()
	found, ok := w.cards[bare]
	crowded := w.crowded
	w.mu.Unlock()
	if crowded {
		return false
	}
	if ok {
		w.say("card %s", bare)
		w.e.CardRead(user, found, nil)
	}
	return true
}

func (w *wire) ReadRoster(user presence.Addr, bare string) {
	w.mu.Lock()
	contacts, ok := w.rosters[bare]
	silent := w.silent
	w.mu.Unlock()
	if silent {
		return
	}
	var err error
	if !ok {
		err = errors.New("no answer")
	}
	w.e.RosterRead(user, contacts, err)
}

// memory is a Store that acknowledges at once, or refuses while fail is set.
type memory struct {
	mu       sync.Mutex
	docs     map[string]map[string][]byte
	presence map[string][]byte
	fail     error
}

func newMemory() *memory {
	return &memory{docs: map[string]map[string][]byte{}, presence: map[string][]byte{}}
}

func (m *memory) Load(_ context.Context, each func(Saved) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	users := map[string]bool{}
	for u := range m.docs {
		users[u] = true
	}
	for u := range m.presence {
		users[u] = true
	}
	for u := range users {
		if err := each(Saved{User: u, Docs: m.docs[u], Presence: m.presence[u]}); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Save(w Write, done func(error)) {
	m.mu.Lock()
	err := m.fail
	if err == nil {
		if w.Erase {
			delete(m.docs, w.User)
			delete(m.presence, w.User)
		}
		for name, doc := range w.Docs {
			if m.docs[w.User] == nil {
				m.docs[w.User] = map[string][]byte{}
			}
			if doc == nil {
				delete(m.docs[w.User], name)
			} else {
				m.docs[w.User][name] = doc
			}
		}
	}
	m.mu.Unlock()
	done(err)
}

func (m *memory) SavePresence(user string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if data == nil {
		delete(m.presence, user)
		return
	}
	m.presence[user] = data
}
func (m *memory) Flush(context.Context) error { return nil }
func (m *memory) Healthy() error              { return nil }
func (m *memory) Close(context.Context) error { return nil }

var (
	_ Sender = (*wire)(nil)
	_ Store  = (*memory)(nil)
)

// world is an engine with its surroundings, inside a synctest bubble.
type world struct {
	*testing.T
	*Engine
	out   *wire
	store *memory
	host  Host
}

const (
	alice  = "alice@example.org"
	bob    = "bob@example.org"
	boss   = "boss@example.org"
	fred   = "fred@partner.example"
	zed    = "zed@nowhere.example"
	mirror = `alice\40example.org@presence.example.org`
)

func testRules(t testing.TB) *Rules {
	site, err := privacy.NewSite(privacy.SiteOptions{
		Component: "presence.example.org",
		Networks:  privacy.Networks{Enterprise: []string{"example.org"}, Federated: []string{"partner.example"}, PublicCloud: []string{"jabber.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Rules{
		System:  eval.System{Aggregation: aggregation.Default(), Operator: privacy.DefaultOperator(), Site: site},
		Refresh: time.Minute, MaxStale: 24 * time.Hour, Limits: roster.Limits{Watchers: 1000, Requests: 200},
	}
}

// build makes an engine over a store and attaches a privileged host that has
// told everything.
func build(t *testing.T, store *memory) *world {
	w := &world{T: t, out: &wire{rosters: map[string][]presence.Contact{}}, store: store,
		host: Host{Name: "example.org", Managed: true, Reports: true, Roster: true, Complete: true}}
	w.out.rosters[alice] = []presence.Contact{
		{Addr: presence.MustAddr(bob), Subscription: presence.SubBoth, Groups: []string{"Team"}},
		{Addr: presence.MustAddr(boss), Subscription: presence.SubBoth},
		{Addr: presence.MustAddr(fred), Subscription: presence.SubBoth},
	}
	e, err := New(Options{
		Domain: "presence.example.org", Hosts: []string{"example.org"}, Language: "en", Liveness: time.Minute,
		Farewell: true, Store: store, Sender: w.out, Publisher: w.out, Registerer: prometheus.NewRegistry(), Shards: 2,
		Log: slog.New(slog.DiscardHandler),
	}, testRules(t))
	if err != nil {
		t.Fatal(err)
	}
	w.Engine, w.out.e = e, e
	if err := e.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Start()
	return w
}

func (w *world) attach() {
	w.Attached(time.Now())
	w.HostReady(w.host)
	synctest.Wait()
	w.HostSynced(w.host.Name)
	w.out.take()
}

// live runs a story with alice enrolled and the link up.
func live(t *testing.T, story func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newMemory())
		defer w.Stop(context.Background())
		w.attach()
		w.apply(alice, Enable{})
		w.out.take()
		story(w)
	})
}

func jid(s string) presence.JID {
	j, err := presence.ParseJID(s)
	if err != nil {
		panic(err)
	}
	return j
}

func (w *world) apply(user string, c Change) Result {
	w.Helper()
	r, err := w.Apply(context.Background(), Principal{Addr: presence.MustAddr(user), JID: user}, jid(user), c)
	if err != nil {
		w.Fatalf("%T: %v", c, err)
	}
	return r
}

func (w *world) device(full string, d Device) {
	d.User = jid(full)
	w.Device(d)
}

func (w *world) mirrorEvent(k MirrorKind, watcher string) {
	w.Mirror(Mirror{Kind: k, Presentity: presence.MustAddr(alice), Spelling: mirror, Watcher: jid(watcher)})
}

// watch lets a watcher subscribe and forgets what that sends.
func (w *world) watch(watchers ...string) {
	for _, s := range watchers {
		w.mirrorEvent(MirrorSubscribe, s)
	}
	w.out.take()
}

// expect compares what has left with the wanted lines.
func (w *world) expect(want ...string) {
	w.Helper()
	got := w.out.take()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Fatalf("left:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func to(watcher, what string) string { return watcher + " <- " + mirror + ": " + what }
