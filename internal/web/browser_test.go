//go:build integration

package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// testPage is somebody's page, on an origin of its own, which tells what it shows.
const testPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>
<style>body{font:16px "DejaVu Sans",sans-serif;margin:2rem} p{margin:1rem 0}</style>
<script type="module" src="http://%[1]s/indicator.js"></script>
<p><presence-badge id="badge" handle="%[2]s"><img id="still" src="http://%[1]s/badge/%[2]s.svg" alt="Alice"></presence-badge> Alice, by her badge</p>
<p><presence-badge id="user" user="alice@example.org" token="%[3]s" label="Alice"></presence-badge> Alice, as bob sees her</p>
<p><img id="image" src="http://%[1]s/badge/%[2]s.svg" alt=""> without script</p>
<p><presence-badge id="refused" user="alice@example.org" token="presenced_x"></presence-badge></p>
<script>
const report = (what) => fetch('/report', {method: 'POST', body: JSON.stringify(what)});
const image = document.getElementById('image');
const drawn = () => report({id: 'image', text: image.naturalWidth + 'x' + image.naturalHeight});
image.complete ? drawn() : image.addEventListener('load', drawn);
document.addEventListener('presence-error', (e) => report({id: e.target.id, error: e.detail}));
document.addEventListener('presence', (e) => {
  const root = e.target.shadowRoot, face = root.querySelector('button, .still');
  face.focus();
  const focused = root.activeElement === face;
  face.click(); // opens what there is to open, and once more closes it: how often one is told does not matter
  const panel = root.querySelector('.panel:not([hidden])')?.textContent ?? '';
  face.click();
  const shut = !root.querySelector('.panel:not([hidden])');
  report({id: e.target.id, text: face.textContent, label: face.getAttribute('aria-label'), role: face.getAttribute('role') ?? face.localName,
    kind: face.querySelector('svg').getAttribute('class'), drawn: face.querySelector('svg').childElementCount > 0,
    focused: focused && shut, panel});
});
</script>`

// seen is what the page reports of one element.
type seen struct {
	ID, Text, Label, Role, Kind, Panel, Error string
	Drawn                                     bool
	Focused                                   bool // and what it opens closes again
}

// TestBrowser_ShowsTheElementLive runs the element in a real Chromium, on a page
// of another origin, which a token names.
func TestBrowser_ShowsTheElementLive(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; install it with: make deps", err)
	}
	s := newSite(t)
	s.online()
	s.apply(alice, engine.SetNote{Text: "<b>Room</b> 412"})
	addr, handle := s.listen(), s.badge()
	reports := make(chan seen, 100)
	var text atomic.Value // the token
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, testPage, addr, handle, text.Load())
	})
	mux.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		var one seen
		if err := json.NewDecoder(r.Body).Decode(&one); err != nil {
			t.Error(err)
		}
		reports <- one
	})
	pages := httptest.NewServer(mux)
	defer pages.Close()
	text.Store(s.mint(bob, pages.URL))
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--remote-debugging-port=0", pages.URL)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }()

	await(t, reports, map[string]seen{
		"badge":   {ID: "badge", Text: "Available", Label: "Available", Role: "img", Kind: "available", Drawn: true, Focused: true},
		"user":    {ID: "user", Text: "Available", Label: "Alice: Available", Role: "button", Kind: "available", Drawn: true, Focused: true, Panel: "<b>Room</b> 412"},
		"image":   {ID: "image", Text: "102x20"},
		"refused": {ID: "refused", Error: "this token does not exist, was revoked or has expired"},
	})
	s.device(presence.ShowDND, false)
	await(t, reports, map[string]seen{
		"badge": {ID: "badge", Text: "Do not disturb", Label: "Do not disturb", Role: "img", Kind: "do-not-disturb", Drawn: true, Focused: true},
		"user":  {ID: "user", Text: "Do not disturb", Label: "Alice: Do not disturb", Role: "button", Kind: "do-not-disturb", Drawn: true, Focused: true, Panel: "<b>Room</b> 412"},
	})
	s.apply(alice, engine.Block{JID: bob})
	await(t, reports, map[string]seen{
		"user": {ID: "user", Text: "Offline", Label: "Alice: Offline", Role: "button", Kind: "offline", Drawn: true, Focused: true, Panel: "Offline"},
	})
	if picture := os.Getenv("PRESENCED_SCREENSHOT"); picture != "" {
		s.apply(alice, engine.Unblock{JID: bob})
		shot := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--user-data-dir="+t.TempDir(), "--window-size=700,420", "--timeout=3000", "--screenshot="+picture, pages.URL)
		if out, err := shot.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}

// await reads reports until each wanted one has come.
func await(t *testing.T, reports <-chan seen, want map[string]seen) {
	t.Helper()
	limit := time.After(2 * patience) // a browser starts slowly
	last := map[string]seen{}
	for len(want) > 0 {
		select {
		case one := <-reports:
			if last[one.ID] = one; want[one.ID] == one {
				delete(want, one.ID)
			}
		case <-limit:
			t.Fatalf("never shown: %+v\nlast were: %+v", want, last)
		}
	}
}
