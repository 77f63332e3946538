package outbound

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"presenced/aggregation/calendar/sources"
)

// seen is what a request brought.
type seen struct {
	method, body, user string
	secret, depth      string
}

// catcher is a server that remembers the last request.
func catcher(t *testing.T) (*httptest.Server, *seen) {
	t.Helper()
	var got seen
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, string(body), user, r.Header.Get("X-Token") + r.Header.Get("Cookie"), r.Header.Get("Depth")}
		w.WriteHeader(http.StatusMultiStatus)
	}))
	t.Cleanup(srv.Close)
	return srv, &got
}

func report(u string) Request {
	return Request{
		Method: "REPORT", URL: u, Username: "juliet", Password: secret, Body: []byte("<query/>"),
		Header: http.Header{"X-Token": {secret}, "Cookie": {secret}, "Depth": {"1"}},
	}
}

func TestDo_CredentialsStayWithTheirHost(t *testing.T) {
	there, got := catcher(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		here := httptest.NewServer(http.RedirectHandler(strings.Replace(there.URL, "://", "://romeo:x@", 1)+"/dav", status))
		c := New(Options{Anywhere: true})
		if _, err := c.Do(t.Context(), report(here.URL)); err != nil {
			t.Fatal(err)
		}
		if want := (seen{method: "REPORT", body: "<query/>", depth: "1"}); *got != want {
			t.Errorf("%d to another host: got %+v, want %+v", status, *got, want)
		}
		c.Close()
		here.Close()
	}
}

func TestDo_CredentialsGoAlongOnTheSameHost(t *testing.T) {
	var got string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/caldav" {
			http.Redirect(w, r, "/dav/", http.StatusMovedPermanently)
			return
		}
		user, _, _ := r.BasicAuth()
		got = user + " " + r.Method + " " + r.Header.Get("X-Token") + " " + r.URL.Path
	}))
	defer srv.Close()
	c := New(Options{Anywhere: true})
	defer c.Close()
	if _, err := c.Do(t.Context(), report(srv.URL+"/.well-known/caldav")); err != nil {
		t.Fatal(err)
	}
	if want := "juliet REPORT s3cret /dav/"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDo_CredentialsDoNotComeBack(t *testing.T) {
	var here *httptest.Server
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, here.URL+"/end", http.StatusFound)
	}))
	defer there.Close()
	here = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/end" {
			http.Redirect(w, r, there.URL, http.StatusFound)
			return
		}
		if _, _, ok := r.BasicAuth(); ok {
			t.Error("another host chose where the password goes")
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer here.Close()
	c := New(Options{Anywhere: true})
	defer c.Close()
	_, err := c.Do(t.Context(), report(here.URL))
	if f := wantKind(t, "back again", err, sources.Unauthorized); !strings.Contains(f.Remedy, "redirect") {
		t.Errorf("the remedy does not explain it: %s", f.Remedy)
	}
}

func TestSameParty(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"https://a.example/x", "https://A.example:443/y", true},
		{"http://a.example/x", "https://a.example/x", true},
		{"https://a.example/x", "http://a.example/x", false},
		{"https://a.example/x", "https://a.example:8443/x", false},
		{"http://a.example:8080/x", "https://a.example/x", false},
		{"https://a.example/x", "https://b.a.example/x", false},
		{"https://a.example/x", "https://a.example./x", false},
	}
	for _, tt := range tests {
		from, _ := url.Parse(tt.from)
		to, _ := url.Parse(tt.to)
		if got := SameParty(from, to); got != tt.want {
			t.Errorf("%s to %s: got %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

func TestDo_WhatIsPostedStays(t *testing.T) {
	there, got := catcher(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		here := httptest.NewServer(http.RedirectHandler(there.URL, status))
		c := New(Options{Anywhere: true})
		r := report(here.URL)
		r.Method = http.MethodPost
		_, err := c.Do(t.Context(), r)
		wantKind(t, "POST", err, sources.Moved)
		if *got != (seen{}) {
			t.Errorf("%d: %+v was posted to another host", status, *got)
		}
		c.Close()
		here.Close()
	}
}

// What stands before a server sends people who are not signed in to its pages; that
// is not where the server is now.
func TestDo_ARedirectToALoginIsNoMove(t *testing.T) {
	for to, login := range map[string]bool{
		"https://adfs.corp.example/adfs/ls/?wa=wsignin1.0&wtrealm=x": true,
		"/owa/auth/logon.aspx?url=%2fEWS":                            true,
		"https://id.example/saml2/sso?SAMLRequest=x":                 true,
		"https://id.example/oauth2/v2.0/authorize?client_id=x":       true,
		"/account/Login": true,
		"https://mail2.corp.example/EWS/Exchange.asmx":         false,
		"https://login.microsoftonline.us/x/oauth2/v2.0/token": false,
	} {
		here := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		c := New(Options{Anywhere: true})
		r := report(here.URL)
		r.Method = http.MethodPost
		_, err := c.Do(t.Context(), r)
		kind := sources.Moved
		if login {
			kind = sources.Unauthorized
		}
		f := wantKind(t, to, err, kind)
		if errors.Is(err, ErrLoginPage) != login || strings.Contains(f.Error(), "status 200") {
			t.Errorf("%s is told as %v", to, err)
		}
		c.Close()
		here.Close()
	}
}

func TestDo_RedirectsEnd(t *testing.T) {
	hops := 0
	_, err := ask(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		hops++
		http.Redirect(w, r, "/s3cret", http.StatusFound)
	})
	wantKind(t, "a loop", err, sources.Malformed)
	if hops != maxRedirects+1 {
		t.Errorf("asked %d times, want %d", hops, maxRedirects+1)
	}
	for _, to := range []string{"", "ftp://example.org/s3cret", "http://", "http://[s3cret", "file:///s3cret", "https://example.org/" + strings.Repeat("s3cret", 1000)} {
		_, err := ask(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})
		wantKind(t, to, err, sources.Malformed)
	}
}
