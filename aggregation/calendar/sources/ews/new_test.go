package ews

import (
	"strings"
	"testing"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/sourcetest"
	"presenced/internal/testbed/calendars"
)

func TestNew_SaysWhatIsMissing(t *testing.T) {
	const url = "https://mail.corp.example/EWS/Exchange.asmx"
	tests := []struct {
		name string
		o    Options
		want string // in the error; empty: none
	}{
		{"a URL", Options{URL: url}, ""},
		{"an address to find it with", Options{DiscoverAs: alice}, ""},
		{"neither", Options{}, "neither"},
		{"a URL that is none", Options{URL: "mail.corp.example"}, "the URL is none"},
		{"Basic without TLS", Options{URL: "http://mail.corp.example/EWS/Exchange.asmx", Auth: Basic}, "use https"},
		{"OAuth without a scope", Options{URL: url, Auth: OAuth, TokenURL: url}, "scope"},
		{"too many at once", Options{URL: url, Size: 101}, "between 1 and 100"},
	}
	for _, tt := range tests {
		tt.o.Password = "s3cret"
		s, err := New(tt.o)
		switch {
		case tt.want == "" && err != nil, tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v", tt.name, err)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: the error tells the password: %v", tt.name, err)
		case err == nil && s.Batch() != MaxBatch:
			t.Errorf("%s: a batch of %d", tt.name, s.Batch())
		}
	}
	e := server(t, calendars.Basic, calendars.Options{})
	e.Put(alice, calendars.Mailbox{})
	o := options(e, sourcetest.NewClock())
	for _, here := range []string{"127.0.0.1", "localhost"} { // this machine needs no TLS
		o.URL = strings.Replace(e.URL, "127.0.0.1", here, 1) + "/EWS/Exchange.asmx"
		if r := one(t, source(t, o), sources.Mailbox{Address: alice}); r.Err != nil {
			t.Errorf("at %s: %v", here, r.Err)
		}
	}
	for name, want := range map[string]bool{"": true, "NTLM": true, "basic": true, "OAuth": true, "kerberos": false} {
		if _, ok := ParseAuth(name); ok != want {
			t.Errorf("ParseAuth(%q) = %v", name, ok)
		}
	}
}
