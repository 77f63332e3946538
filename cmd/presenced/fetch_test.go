package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const oneHour = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260610T080000Z\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n"

// site is a web server with calendars, and all that is wrong with such servers.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	serve := func(path string, f func(http.ResponseWriter, *http.Request)) { mux.HandleFunc("GET "+path, f) }
	serve("/s3cret.ics", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(oneHour)) })
	serve("/zipped.ics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(oneHour))
		_ = z.Close()
	})
	serve("/signed.ics", func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "alice" || password != "pa55" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(oneHour))
	})
	serve("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.PathValue("code"), &code)
		w.WriteHeader(code)
	})
	serve("/moved.ics", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/s3cret.ics", http.StatusFound) })
	serve("/round.ics", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round.ics", http.StatusFound) })
	serve("/plain.ics", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/s3cret.ics", http.StatusFound)
	})
	serve("/file.ics", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	serve("/page.ics", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Please sign in</html>")) })
	serve("/cut.ics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(oneHour)+100))
		_, _ = w.Write([]byte(oneHour))
	})
	serve("/huge.ics", func(w http.ResponseWriter, _ *http.Request) {
		for chunk := bytes.Repeat([]byte("X-JUNK:x\n"), 1<<17); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// busy runs the command and returns what it printed and its exit code.
func busy(args ...string) (stdout, stderr string, code int) {
	var out, err bytes.Buffer
	code = run(append([]string{"calendar", "busy", "--from", "2026-06-10", "--to", "2026-06-11"}, args...), &out, &err)
	return out.String(), err.String(), code
}

func TestCalendarBusy_ReadsAddresses(t *testing.T) {
	plain := site(t)
	const want = "Wed 2026-06-10 08:00 +00:00  Wed 2026-06-10 09:00 +00:00  busy\n"
	for _, address := range []string{
		plain.URL + "/s3cret.ics", plain.URL + "/zipped.ics", plain.URL + "/moved.ics",
		strings.Replace(plain.URL, "//", "//alice:pa55@", 1) + "/signed.ics",
	} {
		if stdout, stderr, code := busy(address); stdout != want || stderr != "" || code != exitFine {
			t.Errorf("%s: got %q, %q, exit code %d", address, stdout, stderr, code)
		}
	}
}

func TestCalendarBusy_SaysWhatIsWrongWithAnAddress(t *testing.T) {
	plain := site(t)
	encrypted := httptest.NewUnstartedServer(plain.Config.Handler)
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0) // that its certificate is refused is the point
	encrypted.StartTLS()
	t.Cleanup(encrypted.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	tests := []struct{ address, want string }{
		{plain.URL + "/status/401", "401 Unauthorized; give the account as"},
		{plain.URL + "/status/403", "403 Forbidden; the account may not"},
		{plain.URL + "/status/404", "404 Not Found; is the path right?"},
		{plain.URL + "/status/503", "503 Service Unavailable; the server is in trouble"},
		{plain.URL + "/status/429", "429 Too Many Requests; the server is in trouble"},
		{plain.URL + "/status/204", "204 No Content; a calendar comes with 200"},
		{plain.URL + "/status/418", "418 I'm a teapot; is it the address of a calendar?"},
		{plain.URL + "/round.ics", "redirects without end"},
		{plain.URL + "/file.ics", "redirects from http to file, which is not followed"},
		{plain.URL + "/page.ics", "not an iCalendar file"},
		{plain.URL + "/cut.ics", "the answer was cut off; try again"},
		{plain.URL + "/huge.ics", "larger than 32 MiB; is it a calendar?"},
		{strings.Replace(plain.URL, "http:", "https:", 1) + "/s3cret.ics", "does not speak TLS"},
		{encrypted.URL + "/s3cret.ics", "certificate"},
		{"http://" + closed.Addr().String() + "/s3cret.ics", "is the server running, and the port right?"},
	}
	for _, tt := range tests {
		stdout, stderr, code := busy(tt.address)
		if code != exitProblem || stdout != "" || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: got %q, %q, exit code %d; want %q", tt.address, stdout, stderr, code, tt.want)
		}
		if u, err := url.Parse(tt.address); err != nil || strings.Contains(stderr, u.Path) {
			t.Errorf("the secret path is shown: %q", stderr)
		}
	}
}

func TestFetch_NoPasswordInErrors(t *testing.T) {
	for _, address := range []string{"http://alice:pa55@127.0.0.1:1/s3cret.ics", "http://alice:pa55@[::1/s3cret.ics", "http://alice:pa55@/s3cret.ics"} {
		_, stderr, code := busy(address)
		if code == exitFine || strings.Contains(stderr, "pa55") || strings.Contains(stderr, "s3cret") {
			t.Errorf("got %q, exit code %d", stderr, code)
		}
	}
}

func TestFetch_IsNotLedOutOfEncryption(t *testing.T) {
	at := func(s string) *http.Request {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Request{URL: u}
	}
	tests := []struct {
		from, to string
		ok       bool
	}{
		{"http://a/", "http://b/", true}, {"http://a/", "https://a/", true},
		{"https://a/", "https://b/", true}, {"https://a/", "http://a/", false},
		{"http://a/", "file:///etc/passwd", false},
	}
	for _, tt := range tests {
		if err := mayRedirect(at(tt.to), []*http.Request{at(tt.from)}); (err == nil) != tt.ok {
			t.Errorf("%s to %s: %v", tt.from, tt.to, err)
		}
	}
}

func TestFetch_AServerThatNeverEndsIsNotWaitedFor(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow.ics" {
			_, _ = w.Write([]byte("BEGIN:VCALENDAR\n"))
			w.(http.Flusher).Flush()
		}
		<-release
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(release) })
	for _, path := range []string{"/silent.ics", "/slow.ics"} {
		u, err := url.Parse(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err = fetch(ctx, u)
		cancel()
		if err == nil || !strings.Contains(err.Error(), "no whole answer within 30s") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestFetch_AnUnknownNameIsCalledSo(t *testing.T) {
	err := unreachable(&url.Error{Op: "Get", URL: "http://x/s3cret", Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}})
	if want := "x is not known to the DNS; is it spelled right?"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
