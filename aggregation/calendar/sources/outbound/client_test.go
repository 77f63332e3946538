package outbound

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

// secret is in every address, password and answer of these tests, and in no
// error.
const secret = "s3cret"

// wantKind checks a failure: its kind, and that it tells no secret.
func wantKind(t *testing.T, what string, err error, want sources.FaultKind) *sources.Fault {
	t.Helper()
	f, ok := errors.AsType[*sources.Fault](err)
	if !ok {
		t.Fatalf("%s: got %v, want a fault of kind %d", what, err, want)
	}
	if f.Kind != want {
		t.Errorf("%s: got kind %d (%v), want %d", what, f.Kind, err, want)
	}
	if text := fmt.Sprintf("%v %+v %s", err, f.Err, f.Remedy); strings.Contains(text, secret) {
		t.Errorf("%s: the error tells a secret: %s", what, text)
	}
	if f.Remedy == "" {
		t.Errorf("%s: nobody is told what to do about %v", what, err)
	}
	return f
}

// portOf is the port of a URL without path.
func portOf(u string) string { return u[strings.LastIndexByte(u, ':')+1:] }

// ask answers one request by h and returns what the client makes of it.
func ask(t *testing.T, o Options, h http.HandlerFunc) (*Response, error) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o.Anywhere = true
	c := New(o)
	t.Cleanup(c.Close)
	return c.Do(t.Context(), Request{URL: srv.URL + "/" + secret + "?token=" + secret, Username: "juliet", Password: secret})
}

func TestDo_AnswersAndAuthenticates(t *testing.T) {
	resp, err := ask(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "juliet" || p != secret {
			t.Errorf("asked as %q with %q", u, p)
		}
		if _, sent := r.Header["Idempotency-Key"]; sent {
			t.Error("Idempotency-Key went out")
		}
		w.Header().Set("Etag", `"1"`)
		_, _ = io.WriteString(w, "hello")
	})
	if err != nil || string(resp.Body) != "hello" || resp.Status != 200 || resp.Header.Get("Etag") != `"1"` {
		t.Fatalf("got %+v, %v", resp, err)
	}
	if strings.Contains(resp.Host(), secret) {
		t.Errorf("Host() tells %s", resp.Host())
	}
}

func TestDo_TakesUserAndPasswordFromTheAddress(t *testing.T) {
	var user, password string
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { user, password, _ = r.BasicAuth() }))
	defer srv.Close()
	c := New(Options{Anywhere: true})
	defer c.Close()
	resp, err := c.Do(t.Context(), Request{URL: strings.Replace(srv.URL, "://", "://juliet:s3cret@", 1) + "#x"})
	if err != nil || user != "juliet" || password != secret {
		t.Fatalf("asked as %q with %q: %v", user, password, err)
	}
	if resp.URL.User != nil {
		t.Error("the answer's address still has the password")
	}
}

func TestDo_StatusIsAFaultWithTheAnswer(t *testing.T) {
	tests := []struct {
		status int
		want   sources.FaultKind
	}{
		{401, sources.Unauthorized}, {403, sources.Forbidden}, {404, sources.Gone}, {410, sources.Gone},
		{429, sources.Busy}, {503, sources.Busy}, {500, sources.Broken}, {501, sources.Broken}, {502, sources.Broken},
		{400, sources.Broken}, {405, sources.Broken}, {407, sources.Broken}, {418, sources.Broken}, {451, sources.Forbidden}, {599, sources.Broken},
		{300, sources.Malformed}, {304, sources.Malformed}, {302, sources.Malformed},
	}
	for _, tt := range tests {
		resp, err := ask(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			if tt.status != 304 {
				_, _ = io.WriteString(w, "<html>why: s3cret")
			}
		})
		f := wantKind(t, strconv.Itoa(tt.status), err, tt.want)
		if f.RetryAfter != 0 {
			t.Errorf("%d: a pause of %v out of nothing", tt.status, f.RetryAfter)
		}
		if resp == nil || resp.Status != tt.status {
			t.Errorf("%d: the answer is lost: %+v", tt.status, resp)
		}
	}
}

func TestDo_NotModifiedIsNoFaultWhereItWasAsked(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }))
	defer srv.Close()
	c := New(Options{Anywhere: true})
	defer c.Close()
	for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
		resp, err := c.Do(t.Context(), Request{URL: srv.URL, Header: http.Header{name: {"x"}}})
		if err != nil || resp.Status != 304 {
			t.Errorf("%s: %+v, %v", name, resp, err)
		}
	}
}

func TestRetryAfter_SecondsDatesAndSkewedClocks(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	tests := []struct {
		name, retry, date string
		want              time.Duration
	}{
		{"none", "", "", 0},
		{"seconds", "120", "", 2 * time.Minute},
		{"a year", "31536000", "", maxRetry},
		{"more than fits", "99999999999999999999", "", 0},
		{"negative", "-5", "", 0},
		{"a date", in(5 * time.Minute), "", 5 * time.Minute},
		{"a date gone by", in(-time.Minute), "", 0},
		{"a clock an hour ahead", in(65 * time.Minute), in(time.Hour), 5 * time.Minute},
		{"a clock an hour behind", in(-55 * time.Minute), in(-time.Hour), 5 * time.Minute},
		{"a broken Date", in(time.Minute), "yesterday", time.Minute},
		{"words", "soon", "", 0},
	}
	for _, tt := range tests {
		h := http.Header{}
		h.Set("Retry-After", tt.retry)
		h.Set("Date", tt.date)
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	_, err := ask(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if f := wantKind(t, "503", err, sources.Busy); f.RetryAfter != 17*time.Second {
		t.Errorf("got a pause of %v, want 17s", f.RetryAfter)
	}
}

func TestDo_WebPagesAreFaults(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		want                    sources.FaultKind
		good                    bool
	}{
		{"login", "text/html", "<!DOCTYPE html><form><input type=password name=s3cret>", sources.Unauthorized, false},
		{"login that claims to be a calendar", "text/calendar", "\ufeff \n<HTML><title>Sign in</title>", sources.Unauthorized, false},
		{"XHTML", "text/xml", `<?xml version="1.0"?><!-- s3cret --><!DOCTYPE html><title>Login</title>`, sources.Unauthorized, false},
		{"any page", "text/html", "<html><body>My calendar s3cret", sources.Malformed, false},
		{"a calendar called a page", "text/html", "BEGIN:VCALENDAR", 0, true},
		{"XML", "text/xml", `<?xml version="1.0"?><multistatus xmlns="DAV:"/>`, 0, true},
		{"a comment without end", "text/xml", "<!-- ", 0, true},
		{"nothing", "", "", 0, true},
	}
	for _, tt := range tests {
		_, err := ask(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tt.contentType)
			_, _ = io.WriteString(w, tt.body)
		})
		if tt.good {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		wantKind(t, tt.name, err, tt.want)
	}
}

func packed(t *testing.T, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDo_Bodies(t *testing.T) {
	const limit = 1 << 20
	bomb := packed(t, strings.Repeat("0", 16*limit))
	tests := []struct {
		name     string
		encoding string
		send     func(w http.ResponseWriter)
		want     sources.FaultKind
		good     bool
	}{
		{"packed", "gzip", func(w http.ResponseWriter) { _, _ = w.Write(packed(t, "hello")) }, 0, true},
		{"packed nothing", "gzip", func(http.ResponseWriter) {}, 0, true},
		{"a bomb", "gzip", func(w http.ResponseWriter) { _, _ = w.Write(bomb) }, sources.TooLarge, false},
		{"not packed at all", "gzip", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello s3cret hello") }, sources.Malformed, false},
		{"packed and cut", "gzip", func(w http.ResponseWriter) { _, _ = w.Write(bomb[:len(bomb)/100]) }, sources.Malformed, false},
		{"packed otherwise", "br", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello") }, sources.Malformed, false},
		{"huge and says so", "", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", strconv.Itoa(100<<20))
			w.WriteHeader(200)
		}, sources.TooLarge, false},
		{"huge in pieces", "", func(w http.ResponseWriter) {
			piece := bytes.Repeat([]byte("x"), 1<<16)
			for range 100 << 4 {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		}, sources.TooLarge, false},
		{"exactly as large as is read", "", func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, limit)) }, 0, true},
		{"shorter than it says", "", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "s3cret")
		}, sources.Malformed, false},
		{"cut between pieces", "", func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "s3cret")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, sources.Malformed, false},
	}
	for _, tt := range tests {
		resp, err := ask(t, Options{MaxBody: limit}, func(w http.ResponseWriter, _ *http.Request) {
			if tt.encoding != "" {
				w.Header().Set("Content-Encoding", tt.encoding)
			}
			tt.send(w)
		})
		if tt.good {
			if err != nil || tt.name == "packed" && string(resp.Body) != "hello" {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		wantKind(t, tt.name, err, tt.want)
	}
}

func TestDo_SlowAndStalledAnswersEnd(t *testing.T) {
	for name, before := range map[string]func(http.ResponseWriter){
		"slow": func(http.ResponseWriter) {},
		"stalled": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "s3cret")
			_ = http.NewResponseController(w).Flush()
		},
	} {
		_, err := ask(t, Options{Timeout: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
			before(w)
			<-r.Context().Done()
		})
		wantKind(t, name, err, sources.Unreachable)
	}
}

func TestDo_EndsWhenItIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer srv.Close()
	c := New(Options{Anywhere: true})
	defer c.Close()
	_, err := c.Do(ctx, Request{URL: srv.URL})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if _, fault := errors.AsType[*sources.Fault](err); fault {
		t.Errorf("%v is called the server's fault", err)
	}
}

// rawServer serves connections one after the other.
func rawServer(t *testing.T, serve func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn, bufio.NewReader(conn))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestDo_WhatIsNotHTTPIsNotQuoted(t *testing.T) {
	addr := rawServer(t, func(conn net.Conn, in *bufio.Reader) {
		_, _ = in.ReadString('\n')
		_, _ = io.WriteString(conn, "220 mail.example.org s3cret ready\r\n")
	})
	c := New(Options{Anywhere: true})
	defer c.Close()
	_, err := c.Do(t.Context(), Request{URL: "http://" + addr + "/"})
	wantKind(t, "not HTTP", err, sources.Unreachable)
}

func TestDo_AsksAgainWhenAKeptConnectionIsClosed(t *testing.T) {
	conns := 0
	addr := rawServer(t, func(conn net.Conn, in *bufio.Reader) {
		conns++
		for n := range 2 {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			if n == 1 && conns == 1 {
				return // it was closed for being idle, as the request came
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	c := New(Options{Anywhere: true})
	defer c.Close()
	for range 2 {
		if _, err := c.Do(t.Context(), Request{Method: "PROPFIND", URL: "http://" + addr + "/", Body: nil}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDo_NobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	c := New(Options{Anywhere: true})
	defer c.Close()
	for what, u := range map[string]string{"refused": "http://" + addr + "/s3cret", "no such host": "https://no-such-host.invalid/s3cret"} {
		_, err := c.Do(t.Context(), Request{URL: u})
		wantKind(t, what, err, sources.Unreachable)
	}
}
