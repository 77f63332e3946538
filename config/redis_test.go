package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRedis(t *testing.T) {
	tests := []struct {
		text string
		want RedisServer
	}{
		{"redis://127.0.0.1:6380/2", RedisServer{Scheme: "redis", Addrs: []string{"127.0.0.1:6380"}, DB: 2}},
		{"redis://db", RedisServer{Scheme: "redis", Addrs: []string{"db:6379"}}},
		{"redis://[::1]:7/0", RedisServer{Scheme: "redis", Addrs: []string{"[::1]:7"}}},
		{"redis://[::1]", RedisServer{Scheme: "redis", Addrs: []string{"[::1]:6379"}}},
		{"rediss://al%40ice:p%2Fw%25@db/", RedisServer{Scheme: "rediss", Addrs: []string{"db:6379"}, Username: "al@ice", Password: "p/w%"}},
		{"redis://:pw@db:1", RedisServer{Scheme: "redis", Addrs: []string{"db:1"}, Password: "pw"}},
		{"redis+sentinel://:pw@s1,s2:5000/mymaster/3", RedisServer{
			Scheme: "redis+sentinel", Addrs: []string{"s1:26379", "s2:5000"}, Password: "pw", Master: "mymaster", DB: 3,
		}},
		{"redis+cluster://n1:7000,n2,n3:7002", RedisServer{Scheme: "redis+cluster", Addrs: []string{"n1:7000", "n2:6379", "n3:7002"}}},
	}
	for _, tt := range tests {
		got, err := ParseRedis(tt.text)
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("ParseRedis(%q): %v (-want +got):\n%s", tt.text, err, d)
		}
	}
}

func TestParseRedis_SaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:6379":                      "begins with",
		"http://db":                           "begins with",
		"redis://":                            "host is missing",
		"redis:///0":                          "host is missing",
		"redis://db:port":                     "host is missing",
		"redis://db:99999":                    "host is missing",
		"redis://a b":                         "host is missing",
		"redis://a,b":                         "several hosts",
		"redis://db/x":                        "not a number",
		"redis://db/-1":                       "not a number",
		"redis://:%zz@db":                     "percent-encoded",
		"redis+sentinel://s1,s2":              "name of the master",
		"redis+sentinel://s1/mymaster/x":      "not a number",
		"redis+cluster://n1,,n2":              "host is missing",
		"redis+cluster://n1/3":                "database 0",
		"redis://:secret@db/x":                "not a number",
		"redis+sentinel://:secret@s1/master/": "",
	} {
		_, err := ParseRedis(text)
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("ParseRedis(%q): %v, want %q", text, err, want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("ParseRedis(%q) repeats the password: %v", text, err)
		}
	}
}
