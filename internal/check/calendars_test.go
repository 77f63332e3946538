package check

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/admin"
)

// calendarOf is a calendar with one meeting, in a zone if one is named.
func calendarOf(zone string) string {
	when := ":" + time.Now().Add(time.Hour).UTC().Format("20060102T150405Z")
	if zone != "" {
		when = ";TZID=" + zone + ":" + time.Now().Add(time.Hour).UTC().Format("20060102T150405")
	}
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART" + when + "\r\nDURATION:PT1H\r\nSUMMARY:tops3cret\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

// looked walks the calendars of a configuration.
func looked(t *testing.T, calendars string) *checker {
	t.Helper()
	c := &checker{}
	if !c.configuration(Options{Config: write(t, "127.0.0.1:5347", "s3cret", calendars)}) {
		t.Fatalf("%+v", c.Report)
	}
	return c
}

func sourceOf(kind, url, more string) string {
	return fmt.Sprintf("[[calendar.sources]]\nname = \"groupware\"\nkind = %q\nurl = %q\nusers = [\"alice@example.localhost\"]\n%s\n", kind, url, more)
}

func TestCalendars_WalksAServerInSteps(t *testing.T) {
	answer := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/calendar")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL + "/{user}.ics"
	}
	secured := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secured.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	file := filepath.Join(t.TempDir(), "alice.ics")
	if err := os.WriteFile(file, []byte(calendarOf("")), 0o600); err != nil {
		t.Fatal(err)
	}
	type step struct {
		result    Result
		found, do string
	}
	name, open := step{OK, "the name 127.0.0.1 is 127.0.0.1", ""}, step{OK, "not encrypted, on this machine", ""}
	read, zone := step{OK, "the calendar of alice@example.localhost can be read: 1 event up to", ""}, step{OK, "zone: times without one are taken in UTC", ""}
	account := "username = \"reader\"\npassword = \"tops3cret\""
	for what, c := range map[string]struct {
		source string
		want   []step
	}{
		"well":         {sourceOf("ics", answer(200, calendarOf("")), ""), []step{name, open, read, zone}},
		"a file":       {sourceOf("ics", strings.Replace(file, "alice", "{user}", 1), ""), []step{read, zone}},
		"unknown zone": {sourceOf("ics", answer(200, calendarOf("Nowhere/Else")), ""), []step{name, open, read, {Warn, "zone", "presence.timezone"}}},
		"401":          {sourceOf("ics", answer(401, ""), account), []step{name, open, {Fail, "the sign-in failed", ""}}},
		"403":          {sourceOf("ics", answer(403, ""), account), []step{name, open, {Fail, "no right (403)", "the account reader is accepted, but may not read"}}},
		"403 of none":  {sourceOf("ics", answer(403, ""), ""), []step{name, open, {Fail, "no right (403)", "set calendar.sources.username"}}},
		"404":          {sourceOf("ics", answer(404, ""), ""), []step{name, open, {Warn, "no calendar of alice@example.localhost", "shown without"}}},
		"503":          {sourceOf("ics", answer(503, ""), ""), []step{name, open, {Fail, "asks to be left alone", ""}}},
		"a page":       {sourceOf("ics", answer(200, "<html><body>Sign in</body></html>"), ""), []step{name, open, {Fail, "", ""}}},
		"no server":    {sourceOf("ics", "http://"+closed+"/{user}.ics", ""), []step{name, {Fail, "no connection", "start the server"}}},
		"no name":      {sourceOf("ics", "http://nowhere.invalid/{user}.ics", ""), []step{{Fail, "the name nowhere.invalid", "correct the host"}}},
		"no authority": {sourceOf("ics", secured.URL+"/{user}.ics", ""), []step{name, {Fail, "TLS: 127.0.0.1: its certificate is from an authority that is not trusted here", "name it in ca_file"}}},
	} {
		t.Run(what, func(t *testing.T) {
			c1 := looked(t, c.source)
			c1.calendars(t.Context())
			got := c1.steps("calendar groupware")
			if len(got) != len(c.want) {
				t.Fatalf("got %+v, want %d steps", got, len(c.want))
			}
			for i, w := range c.want {
				if got[i].Result != w.result || !strings.Contains(got[i].Found, w.found) || !strings.Contains(got[i].Do, w.do) {
					t.Errorf("got %+v, want %+v", got[i], w)
				}
			}
			text := fmt.Sprintf("%+v", c1.Report)
			if claims := strings.Contains(text, "signed in"); claims && !strings.Contains(c.source, account) || strings.Contains(text, "tops3cret") {
				t.Errorf("nobody signed in, or something private is shown: %s", text)
			}
		})
	}
}

// One user's missing file is told, whoever comes first; one calendar of all is read once.
func TestCalendars_TellsWhoHasNoFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"alice.ics", "carol.ics"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(calendarOf("")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	three := "users = [\"alice@example.localhost\", \"bob@example.localhost\", \"carol@example.localhost\"]\n"
	for file, want := range map[string][]string{
		"{user}.ics": {"no calendar of bob@example.localhost", "of 3 calendars that were tried 2 can be read", "zone"},
		"alice.ics":  {"the calendar of alice@example.localhost can be read", "zone"},
	} {
		c := looked(t, "[[calendar.sources]]\nname = \"files\"\nkind = \"ics\"\nurl = \""+dir+"/"+file+"\"\n"+three)
		c.calendars(t.Context())
		got := c.steps("calendar files")
		if len(got) != len(want) {
			t.Fatalf("%s: got %+v, want %q", file, got, want)
		}
		for i, w := range want {
			if !strings.Contains(got[i].Found, w) {
				t.Errorf("%s: got %q, want %q", file, got[i].Found, w)
			}
		}
	}
}

func TestCalendars_TellsOfTheKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	for content, want := range map[string]Result{
		"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n": OK, "short": Fail,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c := looked(t, fmt.Sprintf("[calendar]\nkey_file = %q\n", file))
		c.calendars(t.Context())
		if got := c.step(t, "calendar key"); got.Result != want || strings.Contains(got.Found, strings.TrimSpace(content)) {
			t.Errorf("of %q: %+v, want %s", content, got, want)
		}
	}
}

func TestCalendars_TellsWhatTheDaemonSays(t *testing.T) {
	for _, c := range []struct {
		is     admin.Calendar
		result Result
		found  string
	}{
		{admin.Calendar{Name: "groupware", Users: 7}, OK, "reads 7 calendars there, none since its start"},
		{admin.Calendar{Name: "groupware", Users: 7, Failing: 2, ReadAt: time.Unix(0, 0)}, Warn, "2 of them failed"},
		{admin.Calendar{Name: "groupware", Users: 7, Since: time.Unix(0, 0), Problem: "refused"}, Fail, "has failed since 19"},
	} {
		k := &checker{status: &admin.Status{Calendars: []admin.Calendar{{Name: "other"}, c.is}}}
		k.running("calendar groupware", "groupware")
		if len(k.Steps) != 1 || k.Steps[0].Result != c.result || !strings.Contains(k.Steps[0].Found, c.found) {
			t.Errorf("of %+v: %+v; want %s with %q", c.is, k.Steps, c.result, c.found)
		}
	}
}

// elsewhere is a connection to another machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

func TestStays_IsOfThisMachineOnly(t *testing.T) {
	ours, theirs := net.Pipe()
	defer func() { _, _ = ours.Close(), theirs.Close() }()
	if stays(elsewhere{ours}) || stays(ours) {
		t.Error("a connection to another machine counts as staying on this one")
	}
}
