package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"presenced/config"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/store/boltstore"
	"presenced/internal/testbed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice  = "alice@example.localhost"
	bob    = "bob@example.localhost"
	mirror = `alice\40example.localhost@presence.example.localhost`
	// patience bounds every wait of these tests.
	patience = 20 * time.Second
)

// world is a daemon attached to a scripted server.
type world struct {
	*Daemon
	t      *testing.T
	server *testbed.ComponentServer
	config *config.Config
}

func build(t *testing.T, extra string) *world {
	t.Helper()
	server, err := testbed.NewComponentServer(testbed.ComponentOptions{
		Dialect: testbed.ProsodyDialect,
		Rosters: map[string][]testbed.RosterItem{alice: {{JID: bob, Subscription: "both"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	dir := t.TempDir()
	path := filepath.Join(dir, "presenced.toml")
	text := fmt.Sprintf(`
[store]
path = %q
[http]
metrics_listen = ""
listen = ""
[admin]
socket = %q
[component]
domain = "presence.example.localhost"
address = %q
secret = "s3cret"
hosts = ["example.localhost"]
`, filepath.Join(dir, "store"), filepath.Join(dir, "admin.sock"), server.Addr)
	if err := os.WriteFile(path, []byte(text+extra), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(path, config.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, server: server, config: c}
	w.start()
	return w
}

// start runs the daemon on the same store and server.
func (w *world) start() {
	w.t.Helper()
	d, err := New(w.config, Options{Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)), Version: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = d.Stop(context.Background()) })
	if err := d.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.Daemon = d
}

// link is the attached component as the server sees it.
func (w *world) link() *testbed.Link {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	l, err := w.server.Next(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	r := httptest.NewRecorder()
	w.healthHandler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, path, nil))
	return r.Code, r.Body.String()
}

// ready waits until /readyz answers 200.
func (w *world) ready() {
	w.t.Helper()
	limit := time.Now().Add(patience)
	for {
		code, body := w.get("/readyz")
		if code == http.StatusOK {
			return
		}
		if time.Now().After(limit) {
			w.t.Fatalf("never ready: %s", body)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// showAliceToBob has alice enrolled and online, and bob watching her.
func (w *world) showAliceToBob(l *testbed.Link) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	who, err := presence.ParseJID(alice)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.engine.Apply(ctx, engine.Principal{Operator: true}, who, engine.Enable{}); err != nil {
		w.t.Fatal(err)
	}
	w.server.SetPresence(alice+"/desk", "<show>dnd</show>")
	if err := l.Send(fmt.Sprintf(`<presence from='%s' to='%s' type='subscribe'/>`, bob, mirror)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := l.WaitFor(ctx, func(s testbed.Stanza) bool {
		return s.To == bob && s.From == mirror && s.Show == "dnd"
	}); err != nil {
		w.t.Fatalf("bob never saw alice: %v\n%v", err, l.Log())
	}
}

// cleanMark reports whether the store says that the last run ended cleanly.
func (w *world) cleanMark() (marked bool) {
	w.t.Helper()
	s, err := boltstore.Open(boltstore.Options{Dir: w.config.Store.Path})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	if err := s.Load(w.t.Context(), func(saved engine.Saved) error {
		marked = marked || string(saved.Presence) == "clean"
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return marked
}

func TestDaemon_TellsHowItIs(t *testing.T) {
	w := build(t, "")
	l := w.link()
	w.ready()
	if code, body := w.get("/livez"); code != http.StatusOK {
		t.Errorf("/livez: %d %s", code, body)
	}
	if code, body := w.get("/metrics"); code != http.StatusOK || !strings.Contains(body, "presenced_ready 1\n") ||
		!strings.Contains(body, `version="test"`) {
		t.Errorf("/metrics: %d, lacks presenced_ready or the version:\n%s", code, body)
	}
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "presenced_") {
			t.Errorf("metric %s: %s", p.Metric, p.Text)
		}
	}
	if err := w.server.Refuse(); err != nil {
		t.Fatal(err)
	}
	l.Reset()
	limit := time.Now().Add(patience)
	for {
		code, body := w.get("/readyz")
		var told struct {
			Status  string
			Reasons []struct{ Name, Since, Remedy string }
		}
		if err := json.Unmarshal([]byte(body), &told); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if code == http.StatusServiceUnavailable && told.Status == "unready" && len(told.Reasons) == 1 &&
			told.Reasons[0].Name == "link" && told.Reasons[0].Since != "" && strings.Contains(told.Reasons[0].Remedy, "refused") {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("/readyz without a server: %d %s", code, body)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// presences leaves out what goes on beside them, such as the reading of vCards.
func presences(all []testbed.Stanza) []testbed.Stanza {
	return slices.DeleteFunc(all, func(s testbed.Stanza) bool { return s.Kind != "presence" })
}

func TestStop_SaysFarewellEndsTheStreamAndMarksTheStore(t *testing.T) {
	w := build(t, "")
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	mark := l.Mark()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Done():
	case <-ctx.Done():
		t.Fatal("the stream was not closed")
	}
	said := presences(l.Since(mark))
	if len(said) != 1 || said[0].To != bob || said[0].Type != "unavailable" {
		t.Errorf("the last words were %v, want one unavailable to bob", said)
	}
	if err := w.Stop(ctx); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	if !w.cleanMark() {
		t.Error("the store does not know that the end was clean")
	}
}

func TestStop_WithoutAFarewellWatchersHearNothing(t *testing.T) {
	w := build(t, "farewell = false\n")
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	mark := l.Mark()
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := presences(l.Since(mark)); len(said) != 0 {
		t.Errorf("the last words were %v, want none", said)
	}
}

func TestStop_IsNoCleanEndWhileTheServerIsAway(t *testing.T) {
	w := build(t, "")
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	if err := w.server.Refuse(); err != nil {
		t.Fatal(err)
	}
	l.Reset()
	limit := time.Now().Add(patience)
	for code, _ := w.get("/readyz"); code == http.StatusOK; code, _ = w.get("/readyz") {
		if time.Now().After(limit) {
			t.Fatal("the lost link went unnoticed")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.cleanMark() {
		t.Error("the store trusts what watchers may never have got")
	}
}

func TestStop_IsNoCleanEndWhileTheServerReadsNothing(t *testing.T) {
	w := build(t, "")
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	l.StallReading()
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err) // what was sent fits into the kernel's buffers
	}
	if w.cleanMark() {
		t.Error("the store trusts what the server never read")
	}
}

func TestStart_NothingStaysOpenAfterAFailure(t *testing.T) {
	w := build(t, "")
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.config.HTTP.MetricsListen = "203.0.113.1:1"
	d, err := New(w.config, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if setup, ok := errors.AsType[*SetupError](d.Start(t.Context())); !ok || setup.Remedy == "" {
		t.Errorf("Start gave %v, want a SetupError with a remedy", setup)
	}
	w.config.HTTP.MetricsListen = ""
	w.start() // the store and the socket are free again
	w.ready()
}

func TestNew_SecondDaemonOnTheStoreIsASetupError(t *testing.T) {
	w := build(t, "")
	_, err := New(w.config, Options{Log: slog.New(slog.DiscardHandler)})
	if _, ok := errors.AsType[*SetupError](err); !ok || !errors.Is(err, engine.ErrInUse) {
		t.Errorf("got %v, want a SetupError that wraps ErrInUse", err)
	}
	w.ready()
}

func TestReload_RefusedRulesChangeNothing(t *testing.T) {
	w := build(t, "")
	next := *w.config
	next.Calendar.Map = []config.CalendarMap{{ShowAs: "busy", Availability: 18500}}
	if err := w.Reload(&next); err == nil {
		t.Error("a calendar table that nothing accepts was taken")
	}
	if w.Daemon.config.Load() != w.config {
		t.Error("the refused configuration is in force")
	}
	if _, text := w.get("/metrics"); !strings.Contains(text, "presenced_config_last_reload_successful 0\n") {
		t.Error("presenced_config_last_reload_successful is not 0")
	}
}
