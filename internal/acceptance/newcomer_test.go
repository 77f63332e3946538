//go:build integration

package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"presenced/client"
	"presenced/internal/testbed"
)

// TestPeople_ANewcomer names issue 7. Through commands alone a new user enrols,
// moves a contact to another level, adds a calendar, sets do-not-disturb for an
// hour and is told what three watchers see; each of them sees just that. A bot
// reads the same by IQ, HTTP, a stream and in the words of Graph, and a page of
// another origin shows it live in Chromium, by elements and by a plain image.
func TestPeople_ANewcomer(t *testing.T) {
	cal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/calendar")
		_, _ = io.WriteString(w, ics(time.Now().Add(-time.Hour), time.Now().Add(2*time.Hour)))
	}))
	defer cal.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, topologies[0], lay(people(t, "alice"), map[string]any{
		"calendar": map[string]any{"key_file": key, "user_networks": []string{"127.0.0.0/8"}},
		"networks": map[string]any{"federated": []string{"partner.example"}},
	}))
	alice, bob, robot := s.login("alice", "desk"), s.login("bob", "home"), s.login("dave", "bot")
	s.must(alice.SetContact(t.Context(), bob.Bare(), "Bob"))
	she := s.arrives(alice)

	const mirror = "alice@" + component
	told := she.fills("Start showing my availability", "I have read this and want it", "1")
	s.holds("enrolled, what she is told", told.Note.Text, []string{"Whoever adds " + mirror + " to their contacts"}, nil)
	for _, c := range []*testbed.Client{bob, robot} {
		s.must(c.Subscribe(mirror))
		s.seesAt(c, mirror, "online 3500", converge)
	}
	told = she.fills("Decide who sees how much", "What to do", "Add a rule", "Level", "Workgroup (300)", "For whom", "One person", "Which", bob.Bare())
	s.holds("of the rule, what she is told", told.Note.Text, []string{bob.Bare() + ": level Workgroup."}, nil)
	told = she.fills("Connect my calendars", "What to do", "Add a calendar", "Address", cal.URL+"/alice.ics")
	s.holds("of her calendar, what she is told", told.Note.Text, []string{"Meetings in the next two days: 1, the first from"}, nil)
	s.seesAt(robot, mirror, "dnd 6500 in-a-meeting", converge)
	told = she.fills("Have a badge for web pages and mail", "I want a badge", "1")

	bot := s.bot(robot)
	web := s.publishes(told.Note.Text)
	bot.follows("busy: in-a-meeting")
	web.shows("Busy", "before.png")
	told = she.fills("Set what others see me doing", "Show me as", "Do not disturb", "For how long", "1 hour")
	s.holds("of do-not-disturb, what she is told", told.Note.Text, []string{`"Do not disturb" until `}, nil)
	web.shows("Do not disturb", "after.png")
	bot.follows("do not disturb:")

	s.seesAt(bob, mirror, "dnd 6900 urgent-interruptions-only", converge)
	s.seesAt(robot, mirror, "dnd 9500", converge)
	she.seesAs(bob.Bare(), "true", s.asked(bob, mirror))
	she.seesAs("fred@partner.example", "false", nil)
	bot.reads(she.seesAs(robot.Bare(), "false", s.asked(robot, mirror)), mirror)
	she.says()
	s.seesAt(robot, mirror, "online 3500", converge)
}

// says takes the calendar and do-not-disturb back in a chat, in German.
func (n *newcomer) says() {
	n.Helper()
	for _, c := range [][2]string{
		{"Kalender", "1. 127.0.0.1 (iCalendar), zuletzt gelesen "}, {"kalender entfernen 1", "Entfernte Kalender: 1."},
		{"wer sieht was", "dave@" + host + " – hat Sie hinzugefügt, Stufe Kollegen"}, {"warum bob", "weil Sie eine Regel für sie haben"},
		{"aufheben", "entscheiden wieder, was gezeigt wird."},
	} {
		if got := n.writesTo(n.c, "<body xml:lang='de'>"+c[0]+"</body>"); !strings.Contains(got, c[1]) {
			n.Errorf("%q is answered %s, want %q", c[0], got, c[1])
		}
	}
}

// seesAs wants view-as to show what that watcher is answered over HTTP and, where
// he has asked, by IQ; and whether he may interrupt her. It returns the view.
func (n *newcomer) seesAs(who, interrupt string, iq map[string]string) map[string]string {
	n.Helper()
	view := n.views("See myself as somebody else does", "Whose view", who)
	if since, ok := view["idle"]; ok { // as presence has it; answers call it so
		view["lastActive"] = since
		delete(view, "idle")
	}
	if view["interrupt"] != interrupt || view["name"] == "" {
		n.Errorf("%s sees %v, want the name and interrupt=%s", who, view, interrupt)
	}
	p, err := n.program(who).Presence(n.Context(), n.c.Bare())
	n.must(err)
	if got := flat(&p); !maps.Equal(got, view) {
		n.Errorf("over HTTP %s is answered\n%v\nview-as shows\n%v", who, got, view)
	}
	if iq != nil && !maps.Equal(iq, view) {
		n.Errorf("by IQ %s is answered\n%v\nview-as shows\n%v", who, iq, view)
	}
	return view
}

// asked is the answer to a query of the mirror, by the names of its parts.
func (s *site) asked(c *testbed.Client, mirror string) map[string]string {
	s.Helper()
	st := s.ask(c, mirror, "<query xmlns='urn:presenced:1'/>")
	p, ok := st.Root.Find("urn:presenced:1", "presence")
	if !ok {
		s.Fatalf("%s is answered %s", c.JID, st.Raw)
	}
	parts := map[string]string{}
	for _, a := range p.Attrs {
		if a.Name.Local != "jid" && a.Name.Local != "xmlns" {
			parts[a.Name.Local] = a.Value
		}
	}
	for _, e := range p.Children {
		name := e.Name.Local
		if name == "field" {
			name = e.Attr("name")
		}
		parts[name] = e.Text
	}
	return parts
}

// flat is the same of an answer over HTTP.
func flat(p *client.Presence) map[string]string {
	parts := maps.Clone(p.Fields)
	if parts == nil {
		parts = map[string]string{}
	}
	for name, v := range map[string]string{"show": p.Show, "activity": p.Activity, "status": p.Status} {
		if v != "" {
			parts[name] = v
		}
	}
	if !p.Until.IsZero() {
		parts["until"] = p.Until.Format(time.RFC3339)
	}
	parts["availability"], parts["interrupt"] = strconv.Itoa(int(p.Availability)), strconv.FormatBool(p.Interrupt)
	return parts
}

// program is a Go program with a token for that principal.
func (s *site) program(as string) *client.Client {
	s.Helper()
	c, err := client.New("http://"+s.d.HTTPAddr, s.token(as), client.Options{})
	s.must(err)
	return c
}

// bot follows alice by a stream, and asks on every other way as the same principal.
type bot struct {
	*site
	c    *testbed.Client
	news chan client.Presence
	last client.Presence
}

func (s *site) bot(c *testbed.Client) *bot {
	s.Helper()
	b := &bot{site: s, c: c, news: make(chan client.Presence, 100)}
	program := s.program(c.Bare())
	ctx, cancel := context.WithCancel(s.Context())
	var following sync.WaitGroup
	following.Go(func() {
		_ = program.Watch(ctx, []string{"alice@" + host}, func(p client.Presence) error { b.news <- p; return nil }) // ends with the test
	})
	s.Cleanup(func() { cancel(); following.Wait() })
	return b
}

// follows waits for news of an availability and an activity.
func (b *bot) follows(want string) {
	b.Helper()
	limit := time.After(converge)
	for {
		select {
		case b.last = <-b.news:
			class := map[client.Availability]string{6500: "busy", 9500: "do not disturb"}[b.last.Availability]
			if strings.TrimSpace(class+": "+b.last.Activity) == want {
				return
			}
		case <-limit:
			b.Fatalf("the stream does not tell %q but %+v\n%s", want, b.last, b.d.LogTail())
		}
	}
}

// reads wants the view on every way there is. Until when she is free or busy is told
// in answers only.
func (b *bot) reads(view map[string]string, mirror string) {
	b.Helper()
	if !strings.HasPrefix(view["freeBusy"], "busy until ") {
		b.Errorf("the view %v does not tell until when her calendar has her busy", view)
	}
	delete(view, "freeBusy")
	if got := flat(&b.last); !maps.Equal(got, view) {
		b.Errorf("the stream told\n%v\nview-as shows\n%v", got, view)
	}
	text := b.token(b.c.Bare())
	for _, name := range []string{"alice@" + host, mirror, "alice@corp.example"} { // JID, mirror, e-mail address
		var graph struct{ ID, Availability, Activity string }
		status, _, body := b.open(text, "/graph/v1.0/users/"+name+"/presence")
		if err := json.NewDecoder(body).Decode(&graph); err != nil || status != http.StatusOK || graph.ID != name || graph.Availability != "DoNotDisturb" || graph.Activity != "DoNotDisturb" {
			b.Errorf("in Graph's words %s is %d %+v (%v)", name, status, graph, err)
		}
	}
	st := b.ask(b.c, component, "<query xmlns='urn:presenced:1'><presence email='alice@corp.example'/></query>")
	b.holds("the query by e-mail", st.Raw, []string{view["availability"], view["name"]}, []string{"alice@" + host})
}

// published is somebody's page in a browser, on an origin of its own.
type published struct {
	*site
	browser *testbed.Browser
	dir     string
	before  []byte
}

// intranet is a page that names alice three times: as its token may see her, by
// her badge, and by a plain image of that, which the page loads anew with news.
const intranet = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Intranet</title>
<style>body{font:18px "DejaVu Sans",sans-serif;margin:2rem} p{margin:1.2rem 0}</style>
<h1>Who is who</h1>
<p><presence-badge id="user" user="%[2]s" token="%[3]s" label="Alice"></presence-badge> Alice, as the intranet may see her</p>
<p><presence-badge id="badge" handle="%[4]s"><img src="http://%[1]s/badge/%[4]s.svg" alt=""></presence-badge> Alice, by her badge</p>
<p><img id="plain" src="http://%[1]s/badge/%[4]s.svg" alt=""> Alice, by an image</p>
<script>
const plain = document.getElementById('plain'), at = plain.src;
document.addEventListener('presence', () => { plain.src = at + '?' + Math.random(); });
</script>
<script type="module" src="http://%[1]s/indicator.js"></script>`

// publishes puts a page on the web that has a token for its origin, and opens it.
// told names her badge.
func (s *site) publishes(told string) *published {
	s.Helper()
	_, handle, _ := strings.Cut(told, "/badge/")
	handle, _, ok := strings.Cut(handle, ".svg")
	if !ok {
		s.Fatalf("her badge is told as %q", told)
	}
	text := ""
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, intranet, s.d.HTTPAddr, "alice@"+host, text, handle)
	}))
	s.Cleanup(pages.Close)
	res, err := s.d.Run(s.Context(), "token", "create", "--as", "intranet@"+host, "--origin", pages.URL, "--json")
	s.must(err)
	var made struct{ Token string }
	s.must(json.Unmarshal([]byte(res.Stdout), &made))
	text = made.Token
	p := &published{site: s, browser: testbed.RunBrowser(s.T), dir: os.Getenv("PRESENCED_PICTURES")}
	if p.dir == "" {
		p.dir = s.TempDir()
	}
	s.must(p.browser.Open(s.Context(), pages.URL))
	return p
}

// shows waits until all three tell that word, and takes a picture, which has to be
// another one than the last.
func (p *published) shows(word, picture string) {
	p.Helper()
	const look = `(() => {
		const told = (id) => document.getElementById(id)?.shadowRoot?.querySelector('button, .still')?.textContent ?? '';
		return {user: told('user'), badge: told('badge'), wide: document.getElementById('plain')?.naturalWidth ?? 0};
	})()`
	want := struct {
		User, Badge string
		Wide        int // the image grows with the word
	}{word, word, 30 + 8*len(word)}
	got := want
	for limit := time.Now().Add(2 * converge); ; time.Sleep(20 * time.Millisecond) { // the pause of a poll
		p.must(p.browser.Eval(p.Context(), look, &got))
		if got == want {
			break
		}
		if time.Now().After(limit) {
			p.Fatalf("the page shows %+v, want %+v\n%s", got, want, p.d.LogTail())
		}
	}
	file := filepath.Join(p.dir, picture)
	p.must(p.browser.Screenshot(p.Context(), file))
	taken, err := os.ReadFile(file)
	p.must(err)
	if bytes.Equal(taken, p.before) || !bytes.HasPrefix(taken, []byte("\x89PNG")) {
		p.Errorf("%s shows nothing new (%d bytes)", picture, len(taken))
	}
	p.before = taken
}
