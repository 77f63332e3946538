//go:build integration

package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/presence"
	"presenced/internal/testbed"
)

// shown is a page of elements in a browser.
type shown struct {
	*site
	browser *testbed.Browser
}

// show opens a page with a body, in which ADDRESS, HANDLE and TOKEN stand for what
// they say.
func show(t *testing.T, body string) *shown {
	t.Helper()
	s := newSite(t)
	s.online()
	addr, handle := s.listen(), s.badge()
	var page atomic.Value
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, page.Load())
	}))
	t.Cleanup(pages.Close)
	s.tokens["page"] = s.mint(bob, pages.URL)
	page.Store(strings.NewReplacer("ADDRESS", addr, "HANDLE", handle, "TOKEN", s.tokens["page"]).Replace(
		`<!doctype html><meta name="viewport" content="width=device-width"><title>Page</title>` +
			`<script type="module" src="http://ADDRESS/indicator.js"></script>` + body))
	b := testbed.RunBrowser(t)
	if err := b.Open(t.Context(), pages.URL); err != nil {
		t.Fatal(err)
	}
	return &shown{s, b}
}

// until waits for an expression to become want.
func (s *shown) until(expression, want string) {
	s.Helper()
	var got string
	for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err := s.browser.Eval(s.Context(), "String("+expression+")", &got); err != nil {
			s.Fatal(err)
		}
		if got == want {
			return
		}
	}
	s.Errorf("%s is %q, want %q", expression, got, want)
}

const user = `<presence-badge user="alice@example.org" token="TOKEN"></presence-badge>`

// word is what an element says, whether or not it was told anything yet.
const word = `document.querySelector('presence-badge')?.shadowRoot?.querySelector('button span').textContent`

// TestBrowser_ARevokedTokenShowsNothing: what somebody may not see any more does not
// stay on a page that was open.
func TestBrowser_ARevokedTokenShowsNothing(t *testing.T) {
	s := show(t, user)
	s.until(word, "Available")
	id := strings.Split(s.tokens["page"], "_")[1]
	if err := s.o.Tokens.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	s.until(word, "Offline")
}

// TestBrowser_AStreamThatIsGoneShowsNothing: nobody knows then what is true.
func TestBrowser_AStreamThatIsGoneShowsNothing(t *testing.T) {
	s := show(t, user+`<script>const real = fetch;
		window.cut = () => { window.fetch = () => Promise.reject(new Error('cut')); stop.abort(); };
		const stop = new AbortController();
		window.fetch = (url, o) => { o.signal.addEventListener('abort', () => stop.abort()); return real(url, {...o, signal: stop.signal}); };</script>`)
	s.until(word, "Available")
	s.until("void cut()", "undefined")
	s.until(word, "Offline")
	s.until("void (window.fetch = real)", "undefined")
	s.until(word, "Available")
}

// TestBrowser_APageMayHaveManyElements, more than one stream takes.
func TestBrowser_APageMayHaveManyElements(t *testing.T) {
	var body strings.Builder
	for i := range maxBadges + 5 {
		_, _ = fmt.Fprintf(&body, `<presence-badge handle="nobodys%d"></presence-badge>`, i)
	}
	for i := range maxFollowed + 5 {
		_, _ = fmt.Fprintf(&body, `<presence-badge user="somebody-with-quite-a-long-name-%d@department.example.org" token="TOKEN"></presence-badge>`, i)
	}
	s := show(t, body.String())
	s.until(`[...document.querySelectorAll('presence-badge')].filter((e) => e.shadowRoot).length`, fmt.Sprint(maxBadges+maxFollowed+10))
}

// TestBrowser_ThePanelStaysOnThePage, wherever its element stands.
func TestBrowser_ThePanelStaysOnThePage(t *testing.T) {
	s := show(t, `<p style="text-align:right;margin:0">`+user+`</p>`)
	s.until(word, "Available")
	s.until(`(() => { const r = document.querySelector('presence-badge').shadowRoot; r.querySelector('button').click();
		const at = r.querySelector('.panel').getBoundingClientRect();
		return at.width > 0 && at.left >= 0 && at.right <= document.documentElement.clientWidth; })()`, "true")
}

// TestBrowser_TheElementSpeaksThePagesLanguage, English where it knows no other.
func TestBrowser_TheElementSpeaksThePagesLanguage(t *testing.T) {
	for lang, want := range map[string]string{"de-AT": "Verfügbar", "fr": "Available"} {
		s := show(t, `<p lang="`+lang+`">`+user+`</p>`)
		s.until(word, want)
	}
}

// TestBrowser_ThePanelTellsTheDay of an end that is not today's, and a note with a
// colon does not hide it.
func TestBrowser_ThePanelTellsTheDay(t *testing.T) {
	s := show(t, user)
	s.until(word, "Available")
	s.until(`(() => { const e = document.querySelector('presence-badge'), told = { user: 'x', availability: 6500, until: '2099-03-02T12:00:00Z', interrupt: false };
		const panel = (more) => { e.show({ fields: {}, ...told, ...more }); return e.shadowRoot.querySelector('.panel').textContent; };
		return [panel({}).includes('2099'), panel({ status: 'Room: 4', fields: { notePersonal: 'Room: 4' } }).includes('2099'),
			panel({ status: 'In a meeting until 12:00' })]; })()`, "true,true,In a meeting until 12:00")
}

// TestBrowser_MarksAreSeenInForcedColours: there shapes have the colour of text, and
// what is drawn on them that of the page.
func TestBrowser_MarksAreSeenInForcedColours(t *testing.T) {
	s := show(t, user)
	s.device(presence.ShowDND, false)
	s.until(word, "Do not disturb")
	if err := s.browser.Prefer(t.Context(), "forced-colors", "active"); err != nil {
		t.Fatal(err)
	}
	s.until(`(() => { const probe = document.createElement('i'); probe.style.cssText = 'color:CanvasText;background:Canvas;forced-color-adjust:none';
		document.body.append(probe); const want = getComputedStyle(probe), svg = document.querySelector('presence-badge').shadowRoot.querySelector('svg');
		return [getComputedStyle(svg).color === want.color, getComputedStyle(svg.querySelector('path')).stroke === want.backgroundColor]; })()`, "true,true")
}
