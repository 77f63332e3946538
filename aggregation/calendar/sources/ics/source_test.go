package ics

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// secret is in addresses, passwords and texts, and in no error.
const secret = "s3cret"

var window = sources.Window{
	From: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC),
	To:   time.Date(2026, 11, 4, 8, 0, 0, 0, time.UTC),
}

// meeting is a calendar with one event at 10:00 of the window's first day.
func meeting(subject string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261102T100000Z\r\nDTEND:20261102T110000Z\r\nSUMMARY:" +
		subject + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

// serve starts a server and returns a source for it and its one mailbox.
func serve(t *testing.T, o Options, h http.HandlerFunc) (*Source, sources.Mailbox) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.Client = outbound.New(outbound.Options{Anywhere: true, Timeout: 2 * time.Second, MaxBody: 1 << 20})
	t.Cleanup(o.Client.Close)
	return New(o), sources.Mailbox{User: "juliet@example.org", Address: srv.URL + "/{user}/" + secret + ".ics"}
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

func TestURL_IsAskedOnConditionAndComparedByItsHash(t *testing.T) {
	body, etag, conditional := meeting("one"), `"1"`, true
	var asked []string
	s, box := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("If-None-Match")+" "+r.Header.Get("If-Modified-Since"))
		if conditional && r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Etag", etag)
		w.Header().Set("Last-Modified", "Mon, 02 Nov 2026 07:00:00 GMT")
		_, _ = io.WriteString(w, body)
	})
	steps := []struct {
		name      string
		change    func()
		unchanged bool
		asks      string
	}{
		{"first", func() {}, false, " "},
		{"nothing new", func() {}, true, `"1" Mon, 02 Nov 2026 07:00:00 GMT`},
		{"another tag of the same text", func() { etag = `"2"` }, true, `"1" Mon, 02 Nov 2026 07:00:00 GMT`},
		{"the condition is ignored", func() { conditional = false }, true, `"2" Mon, 02 Nov 2026 07:00:00 GMT`},
		{"another text with the same tag", func() { body = meeting("two") }, false, `"2" Mon, 02 Nov 2026 07:00:00 GMT`},
		{"no tag", func() { etag = "" }, true, `"2" Mon, 02 Nov 2026 07:00:00 GMT`},
		{"no tag again", func() {}, true, ` Mon, 02 Nov 2026 07:00:00 GMT`},
		{"a tag as long as a novel", func() { etag = strings.Repeat("x", 4000) }, true, ` Mon, 02 Nov 2026 07:00:00 GMT`},
		{"which is not kept", func() {}, true, ` Mon, 02 Nov 2026 07:00:00 GMT`},
		{"a user of another address", func() { box.Attendee = "mailto:j@example.org" }, false, " "},
		{"a broken state", func() { box.State = []byte("{") }, false, " "},
	}
	for _, step := range steps {
		asked = nil
		step.change()
		got, err := one(t, s, window, box)
		if err != nil || got.Unchanged != step.unchanged || !got.Unchanged && len(got.Schedule.Events) != 1 {
			t.Fatalf("%s: got %+v, %v", step.name, got, err)
		}
		if len(asked) != 1 || asked[0] != step.asks {
			t.Errorf("%s: asked with %q, want %q", step.name, asked, step.asks)
		}
		box.State = got.State
	}
}

func TestURL_IsExpandedAnewBeforeItsWindowEnds(t *testing.T) {
	s, box := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Etag", `"1"`)
		_, _ = io.WriteString(w, strings.Replace(meeting("daily"), "SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY", 1))
	})
	fresh := 0
	for hour := 0; hour <= 72; hour += 8 {
		d := time.Duration(hour) * time.Hour
		got, err := one(t, s, sources.Window{From: window.From.Add(d), To: window.To.Add(d)}, box)
		if err != nil {
			t.Fatal(err)
		}
		if box.State = got.State; !got.Unchanged {
			fresh++
		}
	}
	if fresh != 3 { // at 0, 32 and 64 hours
		t.Errorf("expanded %d times in three days, want 3", fresh)
	}
}

func TestURL_CredentialsOfTheMailboxComeFirst(t *testing.T) {
	var asked string
	h := func(w http.ResponseWriter, r *http.Request) {
		u, p, _ := r.BasicAuth()
		asked = u + ":" + p + " " + r.URL.Path
		_, _ = io.WriteString(w, meeting("x"))
	}
	o := Options{Username: "service", Password: "p"}
	s, box := serve(t, o, h)
	own := box
	own.Username, own.Password = "juliet", "q"
	o.Personal = true
	personal, theirs := serve(t, o, h)
	for _, tt := range []struct {
		s    *Source
		box  sources.Mailbox
		want string
	}{{s, box, "service:p"}, {s, own, "juliet:q"}, {personal, theirs, ":"}} {
		if _, err := one(t, tt.s, window, tt.box); err != nil {
			t.Fatal(err)
		}
		if want := tt.want + " /juliet/s3cret.ics"; asked != want {
			t.Errorf("got %q, want %q", asked, want)
		}
	}
}

func TestURL_Faults(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	text := func(contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name   string
		h      http.HandlerFunc
		want   sources.FaultKind
		server bool // every mailbox would meet it
	}{
		{"401", status(401), sources.Unauthorized, false},
		{"403", status(403), sources.Forbidden, false},
		{"404", status(404), sources.Gone, false},
		{"410", status(410), sources.Gone, false},
		{"429", status(429), sources.Busy, true},
		{"500", status(500), sources.Broken, false},
		{"503", status(503), sources.Busy, true},
		{"a login page", text("text/html", "<!doctype html><input type=password value=s3cret>"), sources.Unauthorized, false},
		{"a page", text("text/html", "<html>s3cret</html>"), sources.Malformed, false},
		{"JSON", text("application/json", `{"s3cret":1}`), sources.Malformed, false},
		{"nothing", text("text/calendar", ""), sources.Malformed, false},
		{"half a calendar", text("text/calendar", meeting(secret)[:120]), sources.Malformed, false},
		{"100 MB", func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, sources.TooLarge, false},
		{"redirects without end", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, sources.Malformed, false},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, sources.Unreachable, true},
	}
	for _, tt := range tests {
		for _, personal := range []bool{false, true} {
			s, box := serve(t, Options{Personal: personal}, tt.h)
			results, err := s.Fetch(t.Context(), window, []sources.Mailbox{box})
			if own := err == nil; own != (personal || !tt.server) {
				t.Errorf("%s, personal %v: the failure is the mailbox's: %v", tt.name, personal, own)
			}
			if err == nil {
				err = results[0].Err
			}
			wantFault(t, tt.name, err, tt.want)
		}
	}
}

func TestURL_AnythingInThePublicReadsAsACalendar(t *testing.T) {
	s, box := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, meeting("wrongly labelled"))
	})
	if got, err := one(t, s, window, box); err != nil || len(got.Schedule.Events) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestURL_ARecurrenceBombEnds(t *testing.T) {
	s, box := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		bomb := "BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:19700101T000000Z\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\nEND:VEVENT\r\n" +
			"BEGIN:VEVENT\r\nUID:s%d\r\nDTSTART:19700101T000000Z\r\nRRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\n"
		var b strings.Builder
		for n := range 2000 {
			fmt.Fprintf(&b, bomb, n, n)
		}
		_, _ = io.WriteString(w, strings.Replace(meeting("x"), "BEGIN:VEVENT", b.String()+"BEGIN:VEVENT", 1))
	})
	got, err := one(t, s, window, box)
	if err != nil || len(got.Schedule.Warnings) == 0 {
		t.Errorf("got %+v, %v, want warnings", got, err)
	}
}

func TestURL_AZoneNobodyKnowsIsTheUsers(t *testing.T) {
	s, box := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Replace(meeting("x"), "DTSTART:20261102T100000Z\r\nDTEND:20261102T110000Z",
			"DTSTART;TZID=Nowhere/Land:20261102T100000\r\nDTEND;TZID=Nowhere/Land:20261102T110000", 1))
	})
	box.Zone = time.FixedZone("her own", -3600)
	got, err := one(t, s, window, box)
	if err != nil || len(got.Schedule.Events) != 1 || got.Schedule.Events[0].Start.Hour() != 11 || len(got.Schedule.Warnings) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestURL_ARedirectIntoTheHouseIsRefused(t *testing.T) {
	srv := httptest.NewServer(http.RedirectHandler("http://10.0.0.1/s3cret.ics", http.StatusFound))
	defer srv.Close()
	c := outbound.New(outbound.Options{Allow: loopback})
	defer c.Close()
	_, err := one(t, New(Options{Client: c, Personal: true}), window, sources.Mailbox{User: "a@b", Address: srv.URL})
	wantFault(t, "redirect", err, sources.Refused)
}

func TestSecured(t *testing.T) {
	for in, want := range map[string]string{
		"webcal://x/y": "https://x/y", "WebCal://x": "https://x", "webcals://x": "https://x",
		"http://x": "http://x", "webcal:": "webcal:",
	} {
		if got := secured(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
