package caldav

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

const both = "2 10:00, 2 12:00"

func TestDiscovery_FromAnyAddress(t *testing.T) {
	for path, want := range map[string]string{
		"": both, "/": both, "/p/{user}/": both, "/c/{user}/": both, "/c/juliet/work/": "2 10:00",
	} {
		f := newFake(t)
		s, box := f.source(Options{}, path)
		got, err := one(t, s, window, box)
		if err != nil || hours(got) != want {
			t.Fatalf("%q: got %q, %v, want %q; asked %q", path, hours(got), err, want, f.asked)
		}
		f.asked, box.State = nil, got.State
		got, err = one(t, s, window, box)
		if err != nil || !got.Unchanged || len(f.asked) != 1 {
			t.Errorf("%q again: got %+v, %v, asked %q", path, got, err, f.asked)
		}
	}
}

func TestDiscovery_NoWellKnown(t *testing.T) {
	f := newFake(t)
	f.instead = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if r.URL.Path != "/.well-known/caldav" {
			return false
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	}
	s, box := f.source(Options{}, "/")
	if got, err := one(t, s, window, box); err != nil || hours(got) != both {
		t.Errorf("got %q, %v", hours(got), err)
	}
}

// TestDiscovery_AServiceAccountIsNotEverybody: from the root a server leads to
// whoever asks, which would show the account's calendars as every user's.
func TestDiscovery_AServiceAccountIsNotEverybody(t *testing.T) {
	for path, want := range map[string]sources.FaultKind{"/": sources.Refused, "/nobody/{user}/": sources.Gone} {
		f := newFake(t)
		s, box := f.source(Options{Username: "service", Password: secret}, path)
		box.Username, box.Password = "", ""
		_, err := one(t, s, window, box)
		wantFault(t, path, err, want)
	}
	f := newFake(t)
	f.props["/c/juliet/"] += "<C:calendar-home-set><href>/c/service/</href></C:calendar-home-set>"
	s, box := f.source(Options{Username: "service", Password: secret}, "/c/{user}/")
	box.Username, box.Password = "", ""
	if got, err := one(t, s, window, box); err != nil || hours(got) != both {
		t.Errorf("a home that tells the account's: got %q, %v", hours(got), err)
	}
}

func TestDiscovery_CredentialsInTheAddress(t *testing.T) {
	f := newFake(t)
	f.instead = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if u, p, _ := r.BasicAuth(); u != "juliet" || p != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	}
	s, box := f.source(Options{Personal: true}, "/")
	box.Username, box.Password = "", ""
	box.Address = strings.Replace(box.Address, "://", "://juliet:s3cret@", 1)
	if got, err := one(t, s, window, box); err != nil || hours(got) != both {
		t.Errorf("got %q, %v", hours(got), err)
	}
	box.Address = strings.Replace(box.Address, "s3cret", "wrong", 1)
	_, err := one(t, s, window, box)
	wantFault(t, "a wrong password", err, sources.Unauthorized)
}

func TestDiscovery_CredentialsStayOnTheirHost(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked: %s", r.Header)
	}))
	defer other.Close()
	elsewhere := newFake(t)
	elsewhere.instead = func(_ http.ResponseWriter, r *http.Request, _ string) bool {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("a password went to another host for %s %s", r.Method, r.URL.Path)
		}
		return false
	}
	f := newFake(t)
	s, box := f.source(Options{}, "/")
	f.props["/p/juliet/"] = typePrincipal + "<C:calendar-home-set><href>" + strings.Replace(other.URL, "127.0.0.1", "localhost", 1) + "/</href></C:calendar-home-set>"
	_, err := one(t, s, window, box)
	wantFault(t, "a home elsewhere", err, sources.Moved)
	f.instead = func(w http.ResponseWriter, r *http.Request, _ string) bool {
		http.Redirect(w, r, elsewhere.srv.URL+r.URL.Path, http.StatusMovedPermanently)
		return true
	}
	if got, err := one(t, s, window, box); err != nil || hours(got) != both {
		t.Errorf("a server that needs no password: got %q, %v", hours(got), err)
	}
	f.instead = nil
	// Behind a proxy a server has its own scheme and port wrong.
	f.props["/p/juliet/"] = typePrincipal + "<C:calendar-home-set><href>https://127.0.0.1:1/c/juliet/</href></C:calendar-home-set>"
	if got, err := one(t, s, window, box); err != nil || hours(got) != both {
		t.Errorf("a wrong port: got %q, %v", hours(got), err)
	}
}

func TestDiscovery_AHomeThatMovedIsFoundAgain(t *testing.T) {
	f := newFake(t)
	s, box := f.source(Options{}, "/")
	got, err := one(t, s, window, box)
	if err != nil {
		t.Fatal(err)
	}
	box.State = got.State
	for _, old := range []string{"/c/juliet/", "/c/juliet/work/", "/c/juliet/family/"} {
		f.props["/new"+old] = f.props[old]
		delete(f.props, old)
	}
	f.below["/new/c/juliet/"] = []string{"/new/c/juliet/work/"}
	f.events["/new/c/juliet/work/1.ics"] = f.events["/c/juliet/work/1.ics"]
	f.props["/p/juliet/"] = strings.Replace(f.props["/p/juliet/"], "/c/juliet/", "/new/c/juliet/", 1)
	if got, err := one(t, s, window, box); err != nil || got.Unchanged || hours(got) != "2 10:00" {
		t.Errorf("got %q, %v", hours(got), err)
	}
}

func TestChanges_AreSeenByWhatTheServerTells(t *testing.T) {
	f := newFake(t)
	s, box := f.source(Options{}, "/")
	steps := []struct {
		name      string
		change    func()
		unchanged bool
	}{
		{"first", func() {}, false},
		{"nothing", func() {}, true},
		{"a ctag", func() { f.props["/c/juliet/work/"] = typeCalendar + "<S:getctag>2</S:getctag>" }, false},
		{"a sync-token", func() { f.props["/c/juliet/family/"] = typeCalendar + "<sync-token>b</sync-token>" }, false},
		{"one without either", func() { f.props["/c/juliet/work/"] = typeCalendar }, false},
		{"which is compared by its texts", func() {}, true},
		{"and they changed", func() { f.events["/c/juliet/work/3.ics"] = f.events["/c/juliet/work/1.ics"] }, false},
		{"it counts no more", func() {
			f.props["/c/juliet/work/"] += "<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"
		}, false},
		{"hours", func() { f.props["/c/juliet/family/"] += "<C:calendar-availability>x</C:calendar-availability>" }, false},
		{"the attendee", func() { box.Attendee = "j@example.org" }, false},
		{"a broken state", func() { box.State = []byte("x") }, false},
	}
	for _, step := range steps {
		step.change()
		got, err := one(t, s, window, box)
		if err != nil || got.Unchanged != step.unchanged {
			t.Errorf("%s: unchanged %v, %v", step.name, got.Unchanged, err)
		}
		box.State = got.State
	}
	later := sources.Window{From: window.From.Add(30 * time.Hour), To: window.To.Add(30 * time.Hour)}
	if got, err := one(t, s, later, box); err != nil || got.Unchanged {
		t.Errorf("a window mostly beyond the one before: unchanged %v, %v", got.Unchanged, err)
	}
}

func TestHome_WhichCalendarsCount(t *testing.T) {
	for name, tt := range map[string]struct{ props, want string }{
		"opaque":      {"<C:schedule-calendar-transp><C:opaque/></C:schedule-calendar-transp>", both},
		"transparent": {"<C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>", "2 12:00"},
		"of tasks":    {`<C:supported-calendar-component-set><C:comp name="VTODO"/></C:supported-calendar-component-set>`, "2 12:00"},
		"of both":     {`<C:supported-calendar-component-set><C:comp name="VTODO"/><C:comp name="vevent"/></C:supported-calendar-component-set>`, both},
		"empty set":   {"<C:supported-calendar-component-set/>", both},
	} {
		f := newFake(t)
		f.props["/c/juliet/work/"] += tt.props
		s, box := f.source(Options{}, "/c/juliet/")
		if got, err := one(t, s, window, box); err != nil || hours(got) != tt.want {
			t.Errorf("%s: got %q, %v, want %q", name, hours(got), err, tt.want)
		}
	}
	for _, kind := range []string{"<S:subscribed/>", `<n:deleted-calendar xmlns:n="http://nextcloud.com/ns"/>`} {
		f := newFake(t)
		f.props["/c/juliet/work/"] = strings.Replace(typeCalendar, "<C:calendar/>", "<C:calendar/>"+kind, 1)
		s, box := f.source(Options{}, "/c/juliet/")
		if got, err := one(t, s, window, box); err != nil || hours(got) != "2 12:00" {
			t.Errorf("%s: got %q, %v", kind, hours(got), err)
		}
	}
}

func TestHome_EveryPropstatIsLookedAt(t *testing.T) {
	const work = "/c/juliet/work/"
	denied := func(status int) string { return answer(work, failed(typeCalendar, status)) }
	whole := func(status int) string {
		return answer(work, fmt.Sprintf("<status>HTTP/1.1 %d X</status>", status))
	}
	tests := []struct {
		name, work string
		want       sources.FaultKind
		good       string // what is left; empty: a fault
	}{
		{"403 of one calendar", denied(403), 0, "2 12:00"},
		{"403 of one response", whole(403), 0, "2 12:00"},
		{"404 of one", whole(404), 0, "2 12:00"},
		{"401", denied(401), sources.Unauthorized, ""},
		{"500", denied(500), sources.Broken, ""},
		{"503", whole(503), sources.Busy, ""},
	}
	for _, tt := range tests {
		f := newFake(t)
		f.props[work] = tt.work
		s, box := f.source(Options{}, "/c/juliet/")
		got, err := one(t, s, window, box)
		if tt.good == "" {
			wantFault(t, tt.name, err, tt.want)
		} else if err != nil || hours(got) != tt.good {
			t.Errorf("%s: got %q, %v, want %q", tt.name, hours(got), err, tt.good)
		}
	}
	f := newFake(t)
	f.props[work], f.props["/c/juliet/family/"] = denied(403), answer("/c/juliet/family/", failed(typeCalendar, 403))
	s, box := f.source(Options{}, "/c/juliet/")
	_, err := one(t, s, window, box)
	wantFault(t, "403 of all", err, sources.Forbidden)
	f.below["/c/juliet/"] = nil
	_, err = one(t, s, window, box)
	wantFault(t, "no calendars", err, sources.Gone)
}

func TestHours_OfTheInboxFirst(t *testing.T) {
	hours := func(until string) string {
		return "<C:calendar-availability>BEGIN:VCALENDAR\nBEGIN:VAVAILABILITY\nBEGIN:AVAILABLE\nUID:a\nDTSTART:20261102T080000Z\nDTEND:20261102T" +
			until + "0000Z\nRRULE:FREQ=DAILY\nEND:AVAILABLE\nEND:VAVAILABILITY\nEND:VCALENDAR\n</C:calendar-availability>"
	}
	const inbox = "<resourcetype><C:schedule-inbox/></resourcetype>"
	starts := func(f *fake) string {
		t.Helper()
		s, box := f.source(Options{}, "/")
		got, err := one(t, s, window, box)
		if err != nil || len(got.Schedule.OffHours) == 0 {
			t.Fatalf("got %+v, %v", got, err)
		}
		return got.Schedule.OffHours[0].Start.Format("15:04")
	}
	f := newFake(t)
	f.props["/c/juliet/work/"] += hours("16")
	if got := starts(f); got != "16:00" {
		t.Errorf("of a calendar: off from %s", got)
	}
	f.props["/c/juliet/inbox/"], f.below["/c/juliet/"] = inbox+hours("17"), append(f.below["/c/juliet/"], "/c/juliet/inbox/")
	if got := starts(f); got != "17:00" {
		t.Errorf("of an inbox in the home: off from %s", got)
	}
	f.below["/c/juliet/"] = f.below["/c/juliet/"][:2]
	f.props["/in/"] = inbox + hours("18")
	f.props["/p/juliet/"] += "<C:schedule-inbox-URL><href>/in/</href></C:schedule-inbox-URL>"
	if got := starts(f); got != "18:00" {
		t.Errorf("of an inbox elsewhere: off from %s", got)
	}
	delete(f.props, "/in/")
	if got := starts(f); got != "16:00" {
		t.Errorf("of an inbox that is not there: off from %s", got)
	}
}

func TestFetch_Faults(t *testing.T) {
	tests := []struct {
		name string
		h    http.HandlerFunc
		want sources.FaultKind
	}{
		{"401", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, sources.Unauthorized},
		{"403", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, sources.Forbidden},
		{"404", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, sources.Gone},
		{"405", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(405) }, sources.Broken},
		{"429", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, sources.Busy},
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, sources.Broken},
		{"503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, sources.Busy},
		{"200", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("BEGIN:VCALENDAR s3cret")) }, sources.Malformed},
		{"a login page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html><title>Login s3cret")) }, sources.Unauthorized},
		{"an empty 207", func(w http.ResponseWriter, _ *http.Request) { multi(w) }, sources.Malformed},
		{"401 inside", func(w http.ResponseWriter, r *http.Request) { multi(w, answer(r.URL.Path, failed(typeHome, 401))) }, sources.Unauthorized},
		{"403 inside", func(w http.ResponseWriter, r *http.Request) { multi(w, answer(r.URL.Path, failed(typeHome, 403))) }, sources.Forbidden},
		{"nobody", func(w http.ResponseWriter, r *http.Request) {
			multi(w, answer(r.URL.Path, ok(typePrincipal+"<current-user-principal><unauthenticated/></current-user-principal>")))
		}, sources.Unauthorized},
		{"redirects without end", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, sources.Malformed},
		{"half an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(207)
			_, _ = w.Write([]byte("<multistatus xmlns='DAV:'><response><href>s3cret"))
		}, sources.Malformed},
		{"more than is read", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(207)
			for range 100 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, sources.TooLarge},
	}
	for _, tt := range tests {
		for _, path := range []string{"/", "/c/{user}/"} {
			f := newFake(t)
			f.instead = func(w http.ResponseWriter, r *http.Request, _ string) bool { tt.h(w, r); return true }
			s, box := f.source(Options{}, path)
			_, err := one(t, s, window, box)
			want := tt.want
			if path == "/" && want == sources.Gone { // no server says nothing about a user
				want = sources.Malformed
			}
			wantFault(t, tt.name+" at "+path, err, want)
		}
	}
}

func TestFetch_AServersFaultIsEverybodysButNotAUsersOwn(t *testing.T) {
	f := newFake(t)
	s, box := f.source(Options{}, "/")
	personal, _ := f.source(Options{Personal: true}, "/")
	f.srv.Close()
	if _, err := s.Fetch(t.Context(), window, []sources.Mailbox{box}); sources.KindOf(err) != sources.Unreachable {
		t.Errorf("the operator's: got %v", err)
	}
	results, err := personal.Fetch(t.Context(), window, []sources.Mailbox{box})
	if err != nil || sources.KindOf(results[0].Err) != sources.Unreachable {
		t.Errorf("a user's: got %+v, %v", results, err)
	}
}

func TestFetch_EndsWithItsContext(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.instead = func(http.ResponseWriter, *http.Request, string) bool { cancel(); return false }
	s, box := f.source(Options{Personal: true}, "/")
	if _, err := s.Fetch(ctx, window, []sources.Mailbox{box}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}

func TestState_HasRoomForNoNovel(t *testing.T) {
	f := newFake(t)
	long := "/c/" + strings.Repeat("x", 900) + "/"
	f.props[long], f.below[long] = typeHome, []string{"/c/juliet/work/"}
	f.props["/p/juliet/"] = strings.Replace(f.props["/p/juliet/"], "/c/juliet/", long, 1)
	s, box := f.source(Options{}, "/")
	got, err := one(t, s, window, box) // which looks at the size
	if err != nil {
		t.Fatal(err)
	}
	var kept state
	if err := json.Unmarshal(got.State, &kept); err != nil || kept.Mark == "" || slices.Contains(kept.Place.Homes, long) {
		t.Errorf("got %s, %v", got.State, err)
	}
	box.State = got.State
	if got, err = one(t, s, window, box); err != nil || !got.Unchanged {
		t.Errorf("unchanged %v, %v", got.Unchanged, err)
	}
}
