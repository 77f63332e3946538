package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"presenced/internal/token"
)

// TestTokens_ThatAreOver: one that has expired, was revoked, is another daemon's or
// is put together of two is refused alike on every path, however often it is sent.
func TestTokens_ThatAreOver(t *testing.T) {
	s := newSite(t)
	s.online()
	both := token.Request{As: bob, Scopes: []token.Scope{token.Read, token.Claims}, Life: token.MinLife}
	made := func(k *token.Keep, at time.Time) (token.Token, string) {
		tok, text, err := k.Create(t.Context(), both, at)
		if err != nil {
			t.Fatal(err)
		}
		return tok, text
	}
	_, expired := made(s.o.Tokens, time.Now().Add(-token.MinLife-time.Second))
	_, foreign := made(newKeep(10, 10), time.Now())
	tok, revoked := made(s.o.Tokens, time.Now())
	_, mine := made(s.o.Tokens, time.Now())
	s.tokens["mine"] = mine
	for _, path := range []string{"/v1/presence/" + alice, "/v1/stream?user=" + alice} {
		if res := s.ask("mine", "HEAD", path, ""); res.StatusCode != http.StatusOK {
			t.Fatalf("one in force: %s: %d", path, res.StatusCode)
		}
	}
	if err := s.o.Tokens.Revoke(t.Context(), tok.ID); err != nil {
		t.Fatal(err)
	}
	cut := strings.LastIndexByte(mine, '_')
	for name, text := range map[string]string{
		"expired": expired, "revoked": revoked, "foreign": foreign, "of two": expired[:strings.LastIndexByte(expired, '_')] + mine[cut:], "half": mine[:cut], "twice": mine + mine,
	} {
		s.tokens["x"] = text
		for _, c := range [][3]string{
			{"GET", "/v1/presence/" + alice, ""}, {"POST", "/v1/presence", `{"users":["` + alice + `"]}`}, {"GET", "/v1/stream?user=" + alice, ""},
			{"GET", "/graph/v1.0/users/" + alice + "/presence", ""}, {"PUT", ofAlice, aCall}, {"DELETE", ofAlice, ""},
		} {
			first, again := s.ask("x", c[0], c[1], c[2]), s.ask("x", c[0], c[1], c[2])
			if first.StatusCode != http.StatusUnauthorized || first.whole(t) != again.whole(t) || !strings.Contains(first.body, "does not exist, was revoked or has expired") {
				t.Errorf("%s: %s %s: %s", name, c[0], c[1], first.whole(t))
			}
		}
	}
}

// TestStream_EndsWhenItsTokenExpires, and not before.
func TestStream_EndsWhenItsTokenExpires(t *testing.T) {
	s := newSite(t)
	s.withBob()
	tok, text, err := s.o.Tokens.Create(t.Context(), token.Request{As: bob, Scopes: []token.Scope{token.Read}, Life: token.MinLife}, time.Now().Add(2*time.Second-token.MinLife))
	if err != nil {
		t.Fatal(err)
	}
	s.tokens["short"] = text
	e := s.open(s.listen(), "short", "", alice)
	e.next()
	if one := e.next(); one.data != "" {
		t.Errorf("after the end: %+v", one)
	}
	if early := time.Until(tok.Expires); early > 0 {
		t.Errorf("the stream ended %v before its token", early)
	}
}

// TestInjection_ARequestWritesNoHeader: what stands in a name comes back as JSON,
// in a body, and nowhere else.
func TestInjection_ARequestWritesNoHeader(t *testing.T) {
	s := newSite(t)
	s.online()
	addr := s.listen()
	const evil = "x%0d%0aX-Injected:%201%0d%0a%0d%0a%3Cscript%3E@example.org"
	me := s.claimant(alice)
	for _, c := range []struct{ as, method, path string }{
		{bob, "GET", "/v1/presence/" + evil}, {bob, "GET", "/graph/v1.0/users/" + evil + "/presence"}, {bob, "HEAD", "/v1/stream?user=" + evil},
		{bob, "GET", "/badge/" + evil + ".svg"}, {bob, "GET", "/" + evil}, {bob, "GET", "//evil.example/%2e%2e/" + evil}, {bob, "OPTIONS", "/v1/presence/" + evil},
		{me, "DELETE", "/v1/users/" + evil + "/claims/" + evil}, {bob, "GET", "/badge/stream?handle=" + evil},
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nOrigin: %s\r\nConnection: close\r\n\r\n", c.method, c.path, addr, s.tokens[c.as], page); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: c.method}) //nolint:bodyclose // it ends with the connection
		if err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		for name, values := range res.Header {
			if all := strings.Join(values, " "); name == "X-Injected" || strings.Contains(all, "Injected") && name != "Location" || strings.Contains(all, "<script") {
				t.Errorf("%s %s: %s: %q", c.method, c.path, name, values)
			}
		}
		if to := res.Header.Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, "://") {
			t.Errorf("%s leads to %s", c.path, to)
		}
		if kind := res.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") && res.StatusCode < 300 || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s is answered with %q, %v", c.path, kind, res.Header)
		}
		_ = conn.Close()
	}
}

// TestInjection_ANameMakesNoMessage: a stream carries a name of several lines in
// one line, as JSON, and no message of its own making.
func TestInjection_ANameMakesNoMessage(t *testing.T) {
	s := newSite(t)
	s.online()
	const name = "x\r\n\r\nevent: presence\ndata: {\"user\":\"forged\"}\n\nid: 7\u2028@example.org"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.listen()+"/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	q := r.URL.Query()
	q.Add("user", name)
	q.Add("user", alice)
	r.URL.RawQuery = q.Encode()
	r.Header.Set("Authorization", "Bearer "+s.tokens[bob])
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	told := map[string]bool{}
	for len(told) < 2 && lines.Scan() {
		line := lines.Text()
		field, value, _ := strings.Cut(line, ": ")
		switch field {
		case "", "retry", "id":
		case "event":
			if value != "presence" {
				t.Errorf("the event %q", value)
			}
		case "data":
			var one struct{ User string }
			if err := json.Unmarshal([]byte(value), &one); err != nil || one.User != name && one.User != alice {
				t.Fatalf("%v: %q", err, line)
			}
			told[one.User] = true
		default:
			t.Errorf("the line %q", line)
		}
	}
	if !told[name] || !told[alice] {
		t.Errorf("told of %v", told)
	}
}
