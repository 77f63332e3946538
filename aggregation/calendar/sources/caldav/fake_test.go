package caldav

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// secret is in passwords and events, and in no error.
const secret = "s3cret"

var window = sources.Window{
	From: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC),
	To:   time.Date(2026, 11, 4, 8, 0, 0, 0, time.UTC),
}

// fake is a CalDAV server that says what a test wants.
type fake struct {
	t   *testing.T
	srv *httptest.Server
	// props are the answers to PROPFIND: the inside of prop, by path.
	props map[string]string
	// below are the members of a collection.
	below map[string][]string
	// events are the texts, by path; those that start with "Z" are found by
	// RRULE only.
	events map[string]string
	// instead answers what it wants to itself.
	instead func(w http.ResponseWriter, r *http.Request, body string) bool
	asked   []string
}

const (
	typeHome      = "<resourcetype><collection/></resourcetype>"
	typePrincipal = "<resourcetype><principal/></resourcetype>"
	typeCalendar  = "<resourcetype><collection/><C:calendar/></resourcetype>"
	whoIsJuliet   = "<current-user-principal><href>/p/juliet/</href></current-user-principal>"
)

// newFake returns a server with one user, two calendars and an event in each.
func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{
		t: t,
		props: map[string]string{
			"/":                 typeHome + whoIsJuliet,
			"/p/juliet/":        typePrincipal + whoIsJuliet + "<C:calendar-home-set><href>/c/juliet/</href></C:calendar-home-set>",
			"/c/juliet/":        typeHome + whoIsJuliet,
			"/c/juliet/work/":   typeCalendar + "<S:getctag>1</S:getctag>",
			"/c/juliet/family/": typeCalendar + "<sync-token>a</sync-token>",
		},
		below: map[string][]string{"/c/juliet/": {"/c/juliet/work/", "/c/juliet/family/"}},
		events: map[string]string{
			"/c/juliet/work/1.ics":   event("1", "DTSTART:20261102T100000Z\nDTEND:20261102T110000Z"),
			"/c/juliet/family/2.ics": event("2", "DTSTART:20261102T120000Z\nDTEND:20261102T130000Z"),
		},
	}
	f.srv = httptest.NewServer(f)
	t.Cleanup(f.srv.Close)
	return f
}

func event(uid, lines string) string {
	return "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:" + uid + "\nSUMMARY:" + secret + "\n" + lines + "\nEND:VEVENT\nEND:VCALENDAR\n"
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	body := string(raw)
	what := r.Method
	for _, name := range []string{"calendar-query", "calendar-multiget", "free-busy-query"} {
		if strings.Contains(body, "<C:"+name) {
			what = name
		}
	}
	f.asked = append(f.asked, what+" "+r.URL.Path)
	if f.instead != nil && f.instead(w, r, body) {
		return
	}
	switch {
	case r.URL.Path == "/.well-known/caldav":
		http.Redirect(w, r, "/", http.StatusMovedPermanently)
	case r.Method == "PROPFIND" && f.props[r.URL.Path] != "":
		all := []string{f.told(r.URL.Path)}
		if r.Header.Get("Depth") == "1" {
			for _, p := range f.below[r.URL.Path] {
				all = append(all, f.told(p))
			}
			for _, p := range f.in(r.URL.Path) {
				all = append(all, answer(p, ok("<getetag>\"1\"</getetag>")))
			}
		}
		multi(w, all...)
	case what == "calendar-query":
		var all []string
		for _, p := range f.in(r.URL.Path) {
			if strings.Contains(body, "RRULE") == strings.HasPrefix(f.events[p], "Z") || !strings.Contains(body, "-filter name=\"R") && !strings.Contains(body, "time-range") {
				all = append(all, f.object(p))
			}
		}
		multi(w, all...)
	case what == "calendar-multiget":
		var all []string
		for _, p := range f.in(r.URL.Path) {
			if strings.Contains(body, "<href>"+escaped(p)+"</href>") {
				all = append(all, f.object(p))
			}
		}
		multi(w, all...)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// told is the response of one resource.
func (f *fake) told(path string) string {
	if strings.HasPrefix(f.props[path], "<response>") {
		return f.props[path]
	}
	return answer(path, ok(f.props[path]), failed("<displayname/>", 404))
}

// in returns the objects of a calendar.
func (f *fake) in(path string) []string {
	var all []string
	for p := range f.events {
		if strings.HasPrefix(p, path) && !strings.Contains(strings.TrimPrefix(p, path), "/") {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
}

func (f *fake) object(path string) string {
	if strings.HasPrefix(f.events[path], "<propstat>") || strings.HasPrefix(f.events[path], "<status>") {
		return answer(path, f.events[path])
	}
	return answer(path, ok("<C:calendar-data>"+escaped(strings.TrimPrefix(f.events[path], "Z"))+"</C:calendar-data>"))
}

func answer(href string, parts ...string) string {
	return "<response><href>" + escaped(href) + "</href>" + strings.Join(parts, "") + "</response>"
}

func ok(props string) string { return failed(props, 200) }

func failed(props string, status int) string {
	return fmt.Sprintf("<propstat><prop>%s</prop><status>HTTP/1.1 %d X</status></propstat>", props, status)
}

func multi(w http.ResponseWriter, responses ...string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusMultiStatus)
	_, _ = io.WriteString(w, prolog+"<multistatus"+spaces+">"+strings.Join(responses, "")+"</multistatus>")
}

// source returns a source that asks the fake, and juliet's mailbox at a path.
func (f *fake) source(o Options, path string) (*Source, sources.Mailbox) {
	f.t.Helper()
	o.Client = outbound.New(outbound.Options{Anywhere: true, Timeout: 5 * time.Second, MaxBody: 4 << 20})
	f.t.Cleanup(o.Client.Close)
	return New(o), sources.Mailbox{User: "juliet@example.org", Address: f.srv.URL + path, Username: "juliet", Password: secret}
}

// one fetches one mailbox; the error is either of Fetch's.
func one(t *testing.T, s *Source, w sources.Window, box sources.Mailbox) (sources.Result, error) {
	t.Helper()
	results, err := s.Fetch(t.Context(), w, []sources.Mailbox{box})
	if err != nil {
		return sources.Result{}, err
	}
	if len(results) != 1 {
		t.Fatalf("%d results for one mailbox", len(results))
	}
	if len(results[0].State) > 1<<10 {
		t.Errorf("the state takes %d bytes", len(results[0].State))
	}
	if warnings := strings.Join(results[0].Schedule.Warnings, "\n"); strings.Contains(warnings, secret) {
		t.Errorf("a warning tells a secret: %s", warnings)
	}
	return results[0], results[0].Err
}

func wantFault(t *testing.T, what string, err error, want sources.FaultKind) {
	t.Helper()
	f, ok := errors.AsType[*sources.Fault](err)
	if !ok || f.Kind != want {
		t.Errorf("%s: got %v, want a fault of kind %d", what, err, want)
		return
	}
	if text := fmt.Sprint(err, f.Remedy); strings.Contains(text, secret) {
		t.Errorf("%s: the error tells a secret: %s", what, text)
	}
	if f.Remedy == "" {
		t.Errorf("%s: nobody is told what to do about %v", what, err)
	}
}

// hours are the starts of the events, in words short enough for a table.
func hours(r sources.Result) string {
	var all []string
	for _, e := range r.Schedule.Events {
		all = append(all, e.Start.Format("2 15:04"))
	}
	return strings.Join(all, ", ")
}
