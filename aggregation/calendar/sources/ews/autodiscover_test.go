package ews

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

// dns is where the domains of a test are; what is not there does not exist.
type dns struct {
	hosts map[string]string // of domains, with port
	plain string            // what http://autodiscover.DOMAIN redirects to
	srv   []*net.SRV
}

// fakes asks fakes as if they were where dns says.
func fakes(t *testing.T, d dns, trust []string, servers ...*calendars.Exchange) discoverer {
	t.Helper()
	pool := x509.NewCertPool()
	for _, e := range servers {
		pool.AddCert(e.Certificate())
	}
	o := options(servers[0], sourcetest.NewClock())
	o.RootCAs = pool
	via := newTransport(o)
	t.Cleanup(via.close)
	out := discoverer{trust: trust, post: func(ctx context.Context, url string, body []byte) (*reply, error) {
		return via.post(ctx, url, login{o.Username, o.Password}, nil, body)
	}}
	d.apply(t, &out)
	return out
}

func (d dns) apply(t *testing.T, out *discoverer) {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a password went over plain http")
		}
		if d.plain != "" {
			http.Redirect(w, r, d.plain, http.StatusFound)
		}
	}))
	t.Cleanup(web.Close)
	out.hosts = func(domain string) []string {
		if h := d.hosts[domain]; h != "" {
			return []string{h}
		}
		return []string{"127.0.0.1:1"} // nobody listens there
	}
	out.plain = func(string) string { return web.URL }
	out.srv = func(context.Context, string) ([]*net.SRV, error) { return d.srv, nil }
}

func host(e *calendars.Exchange) string { return strings.TrimPrefix(e.URL, "https://") }

func TestFind_EveryWay(t *testing.T) {
	a := server(t, calendars.Basic, calendars.Options{TLS: true})
	b := server(t, calendars.Basic, calendars.Options{TLS: true})
	_, port, _ := strings.Cut(host(b), ":")
	number, err := net.LookupPort("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	at := b.URL + autodiscoverPath
	say := func(text string) func(string) (int, string) { return func(string) (int, string) { return 200, text } }
	there := map[string]string{"corp.example": host(a)}
	tests := []struct {
		name  string
		dns   dns
		says  func(string) (int, string)
		moved string // where a redirects to with 302
		trust []string
		want  string
		kind  sources.FaultKind
	}{
		{name: "at the domain", dns: dns{hosts: there}, want: a.URL},
		{name: "another address", dns: dns{hosts: map[string]string{"corp.example": host(a), "cloud.example": host(b)}},
			says: say(calendars.DiscoverAddress("alice@cloud.example")), want: b.URL},
		{name: "another URL", dns: dns{hosts: there}, says: say(calendars.DiscoverRedirect(at)), want: b.URL},
		{name: "302 over https", dns: dns{hosts: there}, moved: at, want: b.URL},
		{name: "302 over http, trusted", dns: dns{plain: at}, trust: []string{"127.0.0.1"}, want: b.URL},
		{name: "302 over http, to a stranger", dns: dns{plain: at}, kind: sources.Refused},
		{name: "302 over http, to http", dns: dns{plain: "http://" + host(b)}, trust: []string{"127.0.0.1"}, kind: sources.Refused},
		{name: "SRV, trusted", dns: dns{srv: []*net.SRV{{Target: "127.0.0.1.", Port: uint16(number)}}}, trust: []string{"127.0.0.1"}, want: b.URL},
		{name: "SRV, to a stranger", dns: dns{srv: []*net.SRV{{Target: "127.0.0.1.", Port: uint16(number)}}}, kind: sources.Refused},
		{name: "nothing", kind: sources.Unreachable},
		{name: "a circle of URLs", dns: dns{hosts: there}, says: say(calendars.DiscoverRedirect(a.URL + autodiscoverPath)), kind: sources.Malformed},
		{name: "a circle of addresses", dns: dns{hosts: there}, says: func(address string) (int, string) {
			if strings.HasPrefix(address, "alice") {
				return 200, calendars.DiscoverAddress("bob@corp.example")
			}
			return 200, calendars.DiscoverAddress("alice@corp.example")
		}, kind: sources.Malformed},
		{name: "to plain http", dns: dns{hosts: there}, says: say(calendars.DiscoverRedirect("http://" + host(b))), kind: sources.Refused},
		{name: "no such mailbox", dns: dns{hosts: there}, says: say("<Autodiscover><Response><Error><ErrorCode>500</ErrorCode></Error></Response></Autodiscover>"), kind: sources.Gone},
		{name: "something else", dns: dns{hosts: there}, says: say("OK"), kind: sources.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a.Clear()
			a.Discover = tt.says
			if tt.moved != "" {
				a.Play(calendars.Fault{Path: autodiscoverPath, Status: 302, Header: map[string]string{"Location": tt.moved}})
			}
			before := b.Hits("")
			got, steps, err := fakes(t, tt.dns, tt.trust, a, b).find(t.Context(), alice)
			if tt.want == "" {
				f := fault(t, err, tt.kind)
				if f.Remedy == "" || strings.Contains(f.Error()+f.Remedy, a.Password) {
					t.Errorf("%v, remedy %q", f, f.Remedy)
				}
			} else if err != nil || got != tt.want+"/EWS/Exchange.asmx" {
				t.Errorf("got %q, %v, want %s", got, err, tt.want)
			}
			if len(steps) == 0 {
				t.Error("no steps to tell")
			}
			if tt.kind == sources.Refused && b.Hits("") != before {
				t.Error("a stranger was asked")
			}
		})
	}
}

func TestFind_ARefusalEndsTheSearch(t *testing.T) {
	a := server(t, calendars.Basic, calendars.Options{TLS: true})
	d := fakes(t, dns{hosts: map[string]string{"corp.example": host(a)}}, nil, a)
	a.Password = "another"
	_, steps, err := d.find(t.Context(), alice)
	fault(t, err, sources.Unauthorized)
	if len(steps) != 1 {
		t.Errorf("a wrong password was tried at %d places", len(steps))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := d.find(ctx, alice); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// The domain itself often is a web site: what that says to a request it knows
// nothing of is no reason not to look where Exchange is.
func TestFind_AWebSiteAtTheDomainDoesNotEndTheSearch(t *testing.T) {
	site := server(t, calendars.Basic, calendars.Options{TLS: true})
	a := server(t, calendars.Basic, calendars.Options{TLS: true})
	for name, says := range map[string]calendars.Fault{
		"a page with a login": {Trouble: calendars.Login},
		"a page":              {Status: 200, Body: "<!doctype html><title>Welcome</title>"},
		"to its login":        {Status: 302, Header: map[string]string{"Location": site.URL + "/account/login?next=/"}},
		"404":                 {Status: 404},
		"403":                 {Status: 403},
		"405":                 {Status: 405},
		"429":                 {Status: 429},
		"503":                 {Status: 503},
	} {
		site.Clear()
		site.Play(says)
		d := fakes(t, dns{}, nil, site, a)
		d.hosts = func(string) []string { return []string{host(site), host(a)} }
		if got, steps, err := d.find(t.Context(), alice); err != nil || got != a.URL+"/EWS/Exchange.asmx" {
			t.Errorf("%s: got %q, %v after %v", name, got, err, steps)
		}
	}
	if n := site.Hits("/account/"); n != 0 {
		t.Errorf("a page to log in on got the credentials %d times", n)
	}
	// What the site says is told where nothing else was found.
	site.Clear()
	site.Play(calendars.Fault{Status: 503, Header: map[string]string{"Retry-After": "90"}})
	_, _, err := fakes(t, dns{hosts: map[string]string{"corp.example": host(site)}}, nil, site).find(t.Context(), alice)
	if f := fault(t, err, sources.Busy); f.RetryAfter != 90*time.Second {
		t.Errorf("the wait is %v, want 90 s", f.RetryAfter)
	}
}

func TestSource_FindsItsServerAndFindsItAgain(t *testing.T) {
	a := server(t, calendars.Basic, calendars.Options{TLS: true})
	b := server(t, calendars.Basic, calendars.Options{TLS: true})
	for _, e := range []*calendars.Exchange{a, b} {
		e.Put(alice, calendars.Mailbox{})
	}
	clock := sourcetest.NewClock()
	o := options(a, clock)
	o.URL, o.DiscoverAs = "", "service@corp.example"
	o.RootCAs.AddCert(b.Certificate())
	s := source(t, o)
	s.tune = func(d *discoverer) {
		dns{hosts: map[string]string{"corp.example": host(a)}}.apply(t, d)
	}
	for range 2 {
		if r := one(t, s, sources.Mailbox{Address: alice}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if n := a.Hits(autodiscoverPath); n != 1 {
		t.Errorf("the server was looked for %d times", n)
	}
	if found, steps, err := s.Discover(t.Context()); err != nil || found != a.URL+"/EWS/Exchange.asmx" || len(steps) != 1 || steps[0].Where != a.URL+autodiscoverPath {
		t.Errorf("a troubleshooter is told %q, %v, %v", found, steps, err)
	}
	a.Discover = func(string) (int, string) { return 200, calendars.DiscoverURL(b.URL + "/EWS/Exchange.asmx") }
	a.Play(calendars.Fault{Path: "/EWS/", Status: http.StatusNotFound})
	clock.Move(rediscover + 1)
	fails(t, s)
	if r := one(t, s, sources.Mailbox{Address: alice}); r.Err != nil || b.Hits("/EWS/") != 1 {
		t.Errorf("after the mailboxes moved: %v, the new server was asked %d times", r.Err, b.Hits("/EWS/"))
	}
}
