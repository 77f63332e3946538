//go:build integration

package acceptance

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// calendarFault is what may go wrong with a source of calendars.
type calendarFault struct {
	name string
	kind string // of the metric; empty: the calendar can be read all the same
	do   func(w http.ResponseWriter, r *http.Request, text string)
}

func answers(code int, header ...string) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, _ *http.Request, _ string) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func inTwoMinutes() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) }

// instant is a time in UTC of an event.
var instant = regexp.MustCompile(`(DTSTART|DTEND):(\w+)Z`)

// calendarFaults are the faults of sources. The last one says that the user has no
// calendar, which takes her meeting away.
var calendarFaults = []calendarFault{
	{"unauthorized", "unauthorized", answers(401)},
	{"forbidden-inside", "forbidden", func(w http.ResponseWriter, r *http.Request, _ string) {
		multistatus(w, r.URL.Path, "<D:resourcetype/>", "403 Forbidden")
	}},
	{"429-seconds", "busy", answers(429, "Retry-After", "120")},
	{"429-date", "busy", answers(429, "Retry-After", inTwoMinutes())},
	{"503-seconds", "busy", answers(503, "Retry-After", "120")},
	{"503-date", "busy", answers(503, "Retry-After", inTwoMinutes())},
	{"another-host", "", nil}, // a redirect, made by the test
	{"login-page", "unauthorized", func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title><form><input type=password></form>")
	}},
	{"truncated", "malformed", func(w http.ResponseWriter, _ *http.Request, text string) {
		_, _ = io.WriteString(w, text[:len(text)/2])
	}},
	{"100-mb", "too-large", func(w http.ResponseWriter, _ *http.Request, _ string) {
		for range 100 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}},
	{"bomb", "", func(w http.ResponseWriter, _ *http.Request, text string) {
		bomb := strings.Repeat("BEGIN:VEVENT\r\nDTSTART:19700101T000000Z\r\nRRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\n"+
			"BEGIN:VEVENT\r\nDTSTART:19700101T000000Z\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\nEND:VEVENT\r\n", 1000)
		_, _ = io.WriteString(w, strings.Replace(text, "BEGIN:VEVENT", bomb+"BEGIN:VEVENT", 1))
	}},
	{"wrong-zone", "", func(w http.ResponseWriter, _ *http.Request, text string) { // hers is that of UTC
		_, _ = io.WriteString(w, instant.ReplaceAllString(text, "$1;TZID=Nowhere/Land:$2"))
	}},
	{"not-found", "gone", answers(404)},
}

// multistatus is an answer of WebDAV about one resource.
func multistatus(w http.ResponseWriter, path, prop, status string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusMultiStatus)
	_, _ = fmt.Fprintf(w, "<D:multistatus xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'><D:response><D:href>%s</D:href><D:propstat><D:prop>%s</D:prop>"+
		"<D:status>HTTP/1.1 %s</D:status></D:propstat></D:response></D:multistatus>", path, prop, status)
}

// groupware answers for all the sources. Each gives one meeting of an hour, right
// after that of the source before: the end of the run tells whether one is missing.
type groupware struct {
	began  time.Time
	broken atomic.Bool
	struck sync.Map // names of the faults that were met
	other  string   // the host that is redirected to
	leaked atomic.Bool
}

func (g *groupware) ends(sources int) time.Time {
	return g.began.Add(time.Duration(sources) * time.Hour)
}

func (g *groupware) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	elsewhere := "http://"+r.Host == g.other // where nothing is broken
	if elsewhere && r.Header.Get("Authorization") != "" {
		g.leaked.Store(true)
	}
	name, user, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	for i, f := range calendarFaults {
		if f.name != name {
			continue
		}
		text := ics(g.ends(i), g.ends(i+1))
		switch {
		case elsewhere || !g.broken.Load() || !strings.HasPrefix(user, "alice"): // one of a source's users alone
			g.well(w, r, f.name, text)
			return
		case f.do == nil:
			http.Redirect(w, r, g.other+r.URL.Path, http.StatusFound)
		default:
			f.do(w, r, text)
		}
		g.struck.Store(f.name, true)
		return
	}
	w.WriteHeader(http.StatusTeapot)
}

func (g *groupware) well(w http.ResponseWriter, r *http.Request, name, text string) {
	switch {
	case name != "forbidden-inside":
		w.Header().Set("Content-Type", "text/calendar")
		_, _ = io.WriteString(w, text)
	case r.Method == "PROPFIND":
		multistatus(w, r.URL.Path, "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>", "200 OK")
	default:
		multistatus(w, r.URL.Path+"1.ics", "<D:getetag>\"1\"</D:getetag><C:calendar-data>"+testbed.Escape(text)+"</C:calendar-data>", "200 OK")
	}
}

// sources is the configuration of all of them.
func (g *groupware) sources(url string) map[string]any {
	var all []any
	for _, f := range calendarFaults {
		one := map[string]any{"name": f.name, "kind": "ics", "url": url + "/" + f.name + "/{user}.ics", "username": "presenced", "password": "tops3cret"}
		if f.name == "forbidden-inside" {
			one["kind"], one["url"] = "caldav", url+"/"+f.name+"/{user}/"
		}
		all = append(all, one)
	}
	return map[string]any{"calendar": map[string]any{"sources": all}}
}

// TestFault_CalendarSources: whatever a source does to one user, she is shown as she
// was, nobody else's calendar suffers, the metrics tell it, and the daemon lives.
func TestFault_CalendarSources(t *testing.T) {
	t.Parallel()
	g := &groupware{began: time.Now().Add(-30 * time.Minute).Truncate(time.Second)}
	other := httptest.NewServer(g)
	defer other.Close()
	g.other = other.URL
	server := httptest.NewServer(g)
	defer server.Close()

	s := script(t, testbed.ComponentOptions{Dialect: testbed.ProsodyDialect})
	s.run(g.sources(server.URL), true)
	s.enable("alice", "carol")
	s.order("alice", "profile", "timezone", "Etc/GMT")
	s.fake.SetPresence("alice"+desk, "")
	s.fake.SetPresence("carol"+desk, "")
	s.subscribe("alice", bob)
	s.subscribe("carol", bob)
	whole, short := g.ends(len(calendarFaults)), g.ends(len(calendarFaults)-1)
	s.busyUntil("alice", whole)
	s.busyUntil("carol", whole)
	before, carols := len(s.story(bob, "alice")), len(s.story(bob, "carol"))

	g.broken.Store(true)
	s.order("alice", "profile", "timezone", "Africa/Abidjan") // has her calendars read anew
	for _, f := range calendarFaults {
		s.eventually(converge, "the metrics tell of "+f.name, func() string {
			if _, met := g.struck.Load(f.name); !met {
				return "nobody asked"
			}
			return s.untold(&f)
		})
	}
	s.busyUntil("alice", short)
	if got := s.story(bob, "alice")[before:]; len(got) != 1 || len(s.story(bob, "carol")) != carols {
		s.Errorf("bob was shown %q of alice and %q of carol", got, s.story(bob, "carol")[carols:])
	}
	s.readyz("ready", "", converge) // a source that failed just now is worth no alarm yet

	g.broken.Store(false)
	s.order("alice", "profile", "timezone", "Africa/Accra")
	s.busyUntil("alice", whole)
	if log, err := s.d.Log(); err != nil || g.leaked.Load() || strings.Contains(log, "tops3cret") {
		s.Errorf("credentials reached another host: %v; the log (%v):\n%s", g.leaked.Load(), err, log)
	}
}

// untold is what the metrics do not tell of a fault; empty: they tell it.
func (s *stage) untold(f *calendarFault) string {
	failed := s.metric(fmt.Sprintf(`presenced_calendar_errors_total{kind="%s",source="%s"}`, f.kind, f.name))
	failing := s.metric(fmt.Sprintf(`presenced_calendar_users_failing{source="%s"}`, f.name))
	age := s.metric(fmt.Sprintf(`presenced_calendar_age_seconds{source="%s"}`, f.name))
	well := f.kind == "" || f.kind == "gone" // no calendar is no failure
	switch {
	case f.kind != "" && failed == 0, f.kind == "" && age < 0, well && failing != 0, !well && failing == 0:
		return fmt.Sprintf("%v failed, %v are failing, age %v", failed, failing, age)
	}
	return ""
}

// busyUntil waits until bob was shown last that somebody is in a meeting until then.
func (s *stage) busyUntil(user string, end time.Time) {
	s.Helper()
	want := end.UTC().Format(time.RFC3339)
	s.eventually(2*converge, "bob sees "+user+" busy until "+want, func() string {
		last := "nothing"
		for _, st := range s.last().Log() {
			if st.Kind == "presence" && st.To == bob && st.From == mirrorOf(user) && st.Enhanced != nil {
				last = st.Enhanced.Activity + " until " + st.Enhanced.Until
			}
		}
		if last != "in-a-meeting until "+want {
			return last
		}
		return ""
	})
}
