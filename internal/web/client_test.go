package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"presenced/client"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// clientOf is the client package with a principal's token, and no connection left
// behind.
func (s *site) clientOf(base, text string) *client.Client {
	s.Helper()
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c, err := client.New(base, text+"\n", client.Options{HTTP: h})
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func TestClient_AsksAndIsRefused(t *testing.T) {
	s := newSite(t)
	s.online()
	base := "http://" + s.listen()
	bot := s.clientOf(base, s.tokens[bob])
	p, err := bot.Presence(t.Context(), alice)
	if err != nil || !p.Availability.Free() || p.User != alice || p.Show != "" {
		t.Errorf("got %+v, %v", p, err)
	}
	all, err := bot.Presences(t.Context(), zed, alice)
	if err != nil || len(all) != 2 || !all[0].Availability.Offline() || !all[1].Availability.Free() {
		t.Errorf("got %+v, %v", all, err)
	}
	many := make([]string, client.MaxUsers+1)
	for i := range many {
		many[i] = zed
	}
	many[client.MaxUsers] = alice
	if all, err := bot.Presences(t.Context(), many...); err != nil || len(all) != len(many) || !all[client.MaxUsers].Availability.Free() {
		t.Errorf("%d of %d, %v", len(all), len(many), err)
	}

	var refused *client.Error
	if _, err := bot.Claim(t.Context(), alice, "x", client.Claim{Availability: 6500}); !errors.As(err, &refused) || refused.Status != http.StatusForbidden || refused.Detail == "" {
		t.Errorf("a token without the scope: %v", err)
	}
	if _, err := s.clientOf(base, "wrong").Presence(t.Context(), alice); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %v", err)
	}
	if err := s.clientOf(base, "wrong").Watch(t.Context(), []string{alice}, func(client.Presence) error { return nil }); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("a stream with a wrong token: %v", err)
	}
}

func TestClient_ClaimsAndReleases(t *testing.T) {
	s := newSite(t)
	s.online()
	base := "http://" + s.listen()
	bot := s.clientOf(base, s.tokens[bob])
	const phones = "phones@example.org"
	s.listApp(phones)
	_, text, err := s.o.Tokens.Create(t.Context(), token.Request{As: phones, Scopes: []token.Scope{token.Claims}, Life: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	app := s.clientOf(base, text)
	until, err := app.Claim(t.Context(), alice, "call/17 ü", client.Claim{Availability: 6500, Activity: "on-the-phone", Lease: 10 * time.Minute})
	if left := time.Until(until); err != nil || left < 9*time.Minute || left > 10*time.Minute {
		t.Errorf("the claim ends in %v, %v", left, err)
	}
	if p, err := bot.Presence(t.Context(), alice); err != nil || p.Activity != "on-the-phone" || p.Availability.Free() {
		t.Errorf("while she is on the phone: %+v, %v", p, err)
	}
	if err := app.Release(t.Context(), alice, "call/17 ü"); err != nil {
		t.Error(err)
	}
	if p, err := bot.Presence(t.Context(), alice); err != nil || !p.Availability.Free() {
		t.Errorf("after the call: %+v, %v", p, err)
	}
}

// between is a proxy before the server.
type between struct {
	base          string
	busy          atomic.Bool // refuses the next request
	came, resumed atomic.Int32
	cut           atomic.Pointer[context.CancelFunc] // breaks the latest
}

func (s *site) between() *between {
	s.Helper()
	to, _ := url.Parse("http://" + s.listen())
	b := &between{}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1, Transport: &http.Transport{DisableKeepAlives: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	b.base = s.serving(func(w http.ResponseWriter, r *http.Request) {
		b.came.Add(1)
		if r.Header.Get("Last-Event-ID") != "" {
			b.resumed.Add(1)
		}
		if b.busy.Swap(false) {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		b.cut.Store(&cancel)
		proxy.ServeHTTP(w, r.WithContext(ctx))
	})
	return b
}

// refused returns when a request was refused for which busy was set.
func (b *between) refused() {
	for b.busy.Load() {
		runtime.Gosched()
	}
}

// serving runs a server until the test ends and returns where.
func (s *site) serving(h http.HandlerFunc) string {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: patience, Handler: h}
	go func() { _ = server.Serve(l) }()
	s.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}

// TestClient_WatchGoesOnWhereItBroke: a proxy cuts the stream, and refuses once;
// nothing is told twice and nothing is lost.
func TestClient_WatchGoesOnWhereItBroke(t *testing.T) {
	s := newSite(t)
	s.online()
	p := s.between()
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan client.Presence, 16)
	ended := make(chan error, 1)
	bot := s.clientOf(p.base, s.tokens[bob])
	go func() {
		ended <- bot.Watch(ctx, []string{alice, zed}, func(p client.Presence) error { told <- p; return nil })
	}()
	next := func(user, show string) {
		t.Helper()
		select {
		case told := <-told:
			if told.User != user || told.Show != show {
				t.Fatalf("told %+v, want %s %q", told, user, show)
			}
		case <-time.After(patience):
			t.Fatalf("nothing was told of %s; %d requests came", user, p.came.Load())
		}
	}
	first := map[string]string{}
	for range 2 {
		one := <-told
		first[one.User] = one.Show
	}
	if first[alice] != "" || first[zed] != "unavailable" {
		t.Fatalf("at first %v", first)
	}
	s.device(presence.ShowDND, false)
	next(alice, "dnd")
	p.busy.Store(true)
	(*p.cut.Load())()
	p.refused()
	s.device(presence.ShowAway, false)
	next(alice, "away")
	if p.came.Load() < 3 || p.resumed.Load() == 0 {
		t.Errorf("%d requests, %d of them resume", p.came.Load(), p.resumed.Load())
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	select {
	case p := <-told:
		t.Errorf("and %+v", p)
	default:
	}
}

func TestClient_WhatIsNoAddressOrToken(t *testing.T) {
	for _, c := range []struct{ base, token, says string }{
		{"presence.example.org", "t", "http://"}, {"ftp://x", "t", "http://"}, {"http://x", " \n", "token"}, {"http://x\x7f", "t", "address"},
	} {
		if _, err := client.New(c.base, c.token, client.Options{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.base, err)
		}
	}
	// A token goes to no other host.
	var leaked atomic.Bool
	base := (&site{T: t}).serving(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			leaked.Store(r.Header.Get("Authorization") != "")
			_, _ = io.WriteString(w, "{}")
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	c := (&site{T: t}).clientOf(base, "secret")
	var refused *client.Error
	if _, err := c.Presence(t.Context(), alice); !errors.As(err, &refused) || refused.Status != http.StatusFound || leaked.Load() {
		t.Errorf("a redirect: %v, token sent on: %v", err, leaked.Load())
	}
}
