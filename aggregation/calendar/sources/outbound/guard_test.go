package outbound

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"presenced/aggregation/calendar/sources"
)

func TestPublic_KnowsWhatIsInside(t *testing.T) {
	tests := []struct {
		addr string
		want bool
	}{
		{"93.184.215.14", true}, {"1.1.1.1", true}, {"100.63.255.255", true}, {"172.32.0.1", true},
		{"2606:4700::1111", true}, {"::ffff:1.1.1.1", true}, {"64:ff9b::1.1.1.1", true},
		{"0.0.0.0", false}, {"10.1.2.3", false}, {"100.64.0.1", false}, {"100.100.100.200", false},
		{"127.0.0.1", false}, {"127.255.0.9", false}, {"168.63.129.16", false}, {"169.254.169.254", false},
		{"172.16.0.1", false}, {"172.31.255.255", false}, {"192.0.0.192", false}, {"192.168.1.1", false},
		{"198.18.0.1", false}, {"203.0.113.5", false}, {"224.0.0.1", false}, {"239.1.1.1", false}, {"255.255.255.255", false},
		{"::", false}, {"::1", false}, {"::127.0.0.1", false}, {"::ffff:127.0.0.1", false}, {"::ffff:10.0.0.1", false},
		{"64:ff9b::127.0.0.1", false}, {"64:ff9b::10.0.0.1", false}, {"64:ff9b::a9fe:a9fe", false}, {"64:ff9b:1::1", false},
		{"fe80::1", false}, {"fe80::1%eth0", false}, {"fec0::1", false}, {"fc00::1", false}, {"fd00:ec2::254", false},
		{"ff02::1", false}, {"2001::1", false}, {"2001:db8::1", false}, {"2002:7f00:1::", false}, {"100::1", false}, {"3fff::1", false},
	}
	for _, tt := range tests {
		if got := Public(netip.MustParseAddr(tt.addr)); got != tt.want {
			t.Errorf("Public(%s) = %v, want %v", tt.addr, got, tt.want)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

func TestGuard_JudgesPortsToo(t *testing.T) {
	tests := []struct {
		address string
		refused bool
	}{
		{"1.1.1.1:443", false}, {"1.1.1.1:80", false}, {"1.1.1.1:8443", false}, {"[2606:4700::1111]:443", false},
		{"1.1.1.1:25", true}, {"1.1.1.1:1023", true}, {"10.0.0.1:443", true}, {"[::ffff:10.0.0.1]:443", true},
		{"192.168.7.1:25", false}, {"[::ffff:192.168.7.1]:443", false}, // allowed by the operator
		{"not an address", true},
	}
	g := guard{allow: prefixes("192.168.7.0/24")}
	for _, tt := range tests {
		if err := g.check("tcp", tt.address, nil); (err != nil) != tt.refused {
			t.Errorf("%s: %v, want refused: %v", tt.address, err, tt.refused)
		}
		if err := (guard{anywhere: true}).check("tcp", tt.address, nil); err != nil {
			t.Errorf("%s: refused where everything may be asked", tt.address)
		}
	}
}

// TestDo_JudgesWhatANameResolvesTo asks for this machine in several spellings.
func TestDo_JudgesWhatANameResolvesTo(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the guard let a request through")
	}))
	defer srv.Close()
	port := portOf(srv.URL)
	c := New(Options{})
	defer c.Close()
	for _, host := range []string{"localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		_, err := c.Do(t.Context(), Request{URL: "http://" + host + ":" + port + "/"})
		wantKind(t, host, err, sources.Refused)
	}
}

func TestDo_JudgesWhereARedirectLeads(t *testing.T) {
	for _, to := range []string{"http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "https://127.0.0.2/"} {
		srv := httptest.NewServer(http.RedirectHandler(to, http.StatusFound))
		c := New(Options{Allow: prefixes("127.0.0.1/32")})
		_, err := c.Do(t.Context(), Request{URL: srv.URL})
		wantKind(t, to, err, sources.Refused)
		c.Close()
		srv.Close()
	}
}

func TestDo_RefusesWhatIsNoWebAddress(t *testing.T) {
	c := New(Options{Anywhere: true})
	defer c.Close()
	for _, u := range []string{"", "ftp://example.org/s3cret", "file:///etc/s3cret", "https:///s3cret", "//example.org/s3cret", "https://exa mple/s3cret", "gopher://s3cret"} {
		_, err := c.Do(t.Context(), Request{URL: u})
		wantKind(t, u, err, sources.Refused)
	}
}

func TestDo_SendsNoPasswordInTheOpen(t *testing.T) {
	c := New(Options{})
	defer c.Close()
	for _, r := range []Request{
		{URL: "http://example.org/", Username: "u", Password: "s3cret"},
		{URL: "http://u:s3cret@example.org/"},
		{URL: "http://example.org/", Header: http.Header{"Authorization": {"Bearer s3cret"}}},
	} {
		_, err := c.Do(t.Context(), r)
		wantKind(t, r.URL, err, sources.Refused)
	}
}
