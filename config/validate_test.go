package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each line below minimal has one mistake; want is part of its message.
func TestValidate_OneMistake(t *testing.T) {
	for text, want := range map[string]string{
		"[networks]\nfederated = [\"*\"]":                                            "not a domain",
		"[networks]\nenterprise = [\"*.\"]":                                          "not a domain",
		"[networks]\nfederated=[\"a.b\"]\npublic_cloud=[\"A.b\"]":                    "is also in networks.federated",
		"[enrolment]\nusers = [\"example.org\"]":                                     "not a JID",
		"[enrolment]\nusers = [\"a@example.org/x\"]":                                 "not a bare JID",
		"[enrolment]\nusers = [\"@example.org\"]":                                    "not a JID",
		"[enrolment]\nmode = \"optin\"":                                              `did you mean "opt-in"`,
		"[presence]\nidle_after = \"10m\"":                                           "no later than it is idle",
		"[presence]\naway_after = \"5m\"":                                            "presence.away_after",
		"[presence]\nidle_after = 300":                                               "presence.idle_after = 300: not a duration",
		"[presence]\ntimezone = \"Local\"":                                           "not a known time zone",
		"[presence]\ntimezone = \"../etc\"":                                          "not a known time zone",
		"[privacy]\nrefresh = \"999ms\"":                                             "is too small; write 1s",
		"[privacy]\nmax_stale = \"30s\"":                                             "shorter than privacy.refresh",
		"[[privacy.containers]]":                                                     "privacy.containers[0].name: is missing",
		"[[privacy.containers]]\nid=3\nname=\"x\"\nbase=100":                         "is too small",
		"[[privacy.containers]]\nid=32000\nname=\"x\"\nbase=100":                     "is too large",
		"[[privacy.walls]]\nusers = []\nhidden_from=[\"*\"]":                         "privacy.walls[0].users = []: is empty",
		"[[privacy.walls]]\nusers=[\"a@x.y\"]\nhidden_from=[\"*\"]":                  "is not of a served host",
		"[[privacy.walls]]\nusers=[\"*\"]\nhidden_from=[\"a b\"]":                    "not a JID",
		"[[privacy.walls]]\nusers=[\"*\"]\nhidden_from=[\"a@presence.example.org\"]": "component's own domain",
		"[[privacy.lists_sql]]\nhost=\"x.y\"\ndriver=\"sqlite\"\ndsn=\"d\"":          "is not a served host",
		"[[privacy.lists_sql]]\nhost=\"example.org\"\ndriver=\"mssql\"\ndsn=\"d\"":   "not a value of this key",
		"[[privacy.lists_sql]]\nhost=\"example.org\"\ndriver=\"sqlite\"":             "privacy.lists_sql[0].dsn: is missing",
		"[policy]\nlast_active = \"on\"":                                             "not a value of this key",
		"[[policies]]\nname=\"a\"\n[[policies]]\nname=\"a\"":                         "is declared twice",
		"[policy]\nphoto=\"x\"\n[[policies]]\nname=\"a\"\n[[policies]]\nname=\"b\"":  "presenced.toml:6: policy.photo",
		"[policy]\nwithhold=[\"locatoin\"]":                                          "policy.withhold",
		"[policy]\nwithhold=[\"location 150\"]":                                      "policy.withhold",
		"[policy]\nwithhold=[\"location 200 300\"]":                                  "policy.withhold",
		"[policy]\nwithhold=[\"capabilities\"]":                                      "policy.withhold",
		"[[policies]]\nname=\"a\"\nwithhold=[\"\"]":                                  "policies[0].withhold",
		"[[policies]]\nname=\"a\"\nphoto=\"some\"":                                   "policies[0].photo",
		"[calendar]\npoll_interval = \"2h\"\nmax_stale = \"3h\"":                     "is not twice calendar.poll_interval (2h)",
		"[calendar]\nuser_networks = [\"10.0.0.1\"]":                                 "not a network",
		"[calendar]\npoll_interval = \"481m\"":                                       "is too large",
		"[[calendar.sources]]\nname=\"a\"\nkind=\"caldav\"":                          "calendar.sources[0].url: is missing",
		"[[calendar.sources]]\nname=\"a\"\nkind=\"caldav\"\nurl=\"/x\"":              "which only kind ics reads",
		"[[calendar.sources]]\nname=\"a\"\nkind=\"ics\"\nurl=\"x.y\"":                "not a URL",
		"[[calendar.map]]\navailability=6500":                                        "is missing; write show_as",
		"[[calendar.map]]\nshow_as=\"oof\"\navailability=2999":                       "is too small; write 0",
		"[[states]]\nname=\"a\"\navailability=19000\ntexts={en=\"a\"}":               "is too large",
		"[[states]]\nname=\"a\"\navailability=6500\ntexts={en=\"\"}":                 "is empty",
		"[[states]]\nname=\"a\"\navailability=6500\ntexts={en=1}":                    "not a table of texts",
		"[directory]\nfile = \"d.csv\"":                                              "not an absolute path",
		"[calendar]\nkey_file = \"/none\"":                                           "there is no such file",
		"[limits]\ncontacts = 0":                                                     "is too small; write 1 to 1000000",
		"[limits]\nwatchers = -1":                                                    "is too small",
		"[limits]\nrequests = 99999999999999999999":                                  "not a whole number",
		"[limits]\nmax_stanza = \"9999B\"":                                           "is too small",
		"[limits]\nmax_stanza = 262144":                                              "not a size",
		"[http]\nlisten = \"8085\"":                                                  "not an address to listen on",
		"[http]\nlisten = \"127.0.0.1:70000\"":                                       "the port must be",
		"[http]\nmetrics_listen = \"127.0.0.1:8085\"":                                "is http.listen as well",
		"[admin]\nsocket = \"admin.sock\"":                                           "not an absolute path",
		"[admin]\nsocket = \"/" + strings.Repeat("x", 107) + "\"":                    "too long for a socket",
		"[store]\npath = \"\"":                                                       "not an absolute path",
		"[store]\nredis = \"127.0.0.1:6379\"":                                        "store.redis = ***: not a Redis URL",
		"[store]\nredis = \"redis://\"":                                              "the host is missing",
		"[store]\nprefix = \"a b\"":                                                  "not one word",
		"[log]\nformat = \"xml\"":                                                    "not a value of this key",
		"[log]\nlevel = [\"info\"]":                                                  "not one text",
		"[log]\nlevel = \"info\"\nlevel = \"warn\"":                                  "already set on line 6",
		"[[component]]\ndomain = \"x.y\"":                                            "already set on line 1",
		"[log]\n[log.level]":                                                         "is a key, not a section",
		"log = 5":                                                                    "unknown key",
		"[limits]\ncontacts = 010":                                                   "leading zero",
		"[log]\nlevel = 1979-99-99":                                                  "not a text",
	} {
		got := lines(minimal+text+"\n", Overrides{})
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s\n\tgives %q\n\twant %q", text, got, want)
		}
		if len(got) > 1 && !strings.Contains(text, "[[privacy.containers]]") {
			t.Errorf("%s\n\tis told %d times: %q", text, len(got), got)
		}
	}
}

func TestValidate_Domains(t *testing.T) {
	for _, good := range []string{"example.org", "localhost", "xn--mnchen-3ya.example", "münchen.example", "127.0.0.1"} {
		if message, _ := domain(good); message != "" {
			t.Errorf("domain(%q): %s", good, message)
		}
	}
	for _, bad := range []string{"", ".", "a..b", "a b", "a@b", "a/b", "-a.b", "a-.b", "a_b.example", "*.a", "a:5347", "[::1]", "a\x00b", "a\u200b.b\u2028", "\xff", strings.Repeat("a.", 127) + "aa"} {
		if message, _ := domain(bad); message == "" {
			t.Errorf("domain(%q) is accepted", bad)
		}
	}
	for text, good := range map[string]bool{
		"127.0.0.1:5347": true, "xmpp.example.org:5347": true, "[::1]:5347": true,
		"127.0.0.1": false, ":5347": false, "h:0": false, "h:x": false, "h:65536": false, "::1:5347": false,
	} {
		if message, _ := address(text); (message == "") != good {
			t.Errorf("address(%q): %q, want good = %v", text, message, good)
		}
	}
}

func TestValidate_Warnings(t *testing.T) {
	for text, want := range map[string][]string{
		"[enrolment]\nmode = \"list\"": {
			`presenced.toml:6: enrolment.mode = "list": enrols nobody while enrolment.users is empty; write enrolment.users, or mode = "opt-in"`},
		"[http]\nlisten = \"0.0.0.0:8085\"\nmetrics_listen = \":9085\"": {
			`presenced.toml:6: http.listen = "0.0.0.0:8085": can be reached from other machines, without encryption; listen on 127.0.0.1 behind a proxy`,
			`presenced.toml:7: http.metrics_listen = ":9085": can be reached from other machines, without encryption; listen on 127.0.0.1 behind a proxy`},
		"[http]\nlisten = \"localhost:1\"\nmetrics_listen = \"[::1]:1\"": nil,
		"[[privacy.containers]]\nid = 250\nname = \"a\"\nbase = 100": {
			`presenced.toml:6: privacy.containers[0].id = 250: outranks 200, which shows more than its base 100; write a lower id, or a wider base`},
		"[[privacy.containers]]\nid = 450\nname = \"a\"\nbase = 200": {
			`presenced.toml:6: privacy.containers[0].id = 450: outranks 300, 400, which shows more than its base 200; write a lower id, or a wider base`},
		"[[privacy.containers]]\nid = 150\nname = \"a\"\nbase = 100": nil,
		"[[policies]]\nname = \"a\"\nphoto = \"none\"":               nil,
		"[[policies]]\nname = \"a\"\ngroups = [\"Sales\", \"Board\"]": {
			`presenced.toml:7: policies[0].groups = ["Sales", "Board"]: counts for nobody while directory.file does not tell who is in a group; name a directory.file with a column groups, or the people in policies.users`},
		"[directory]\nfile = \"/people.csv\"\n[[policies]]\nname = \"a\"\ngroups = [\"Sales\"]": nil,
		"[[privacy.containers]]\nid = 50\nname = \"a\"\nbase = 400":                             nil,
		"[[privacy.containers]]\nid = 450\nname = \"a\"\nbase = 300":                            nil,
		"[[privacy.containers]]\nid = 50\nname = \"a\"\nbase = 400\n[[privacy.containers]]\nid = 60\nname = \"b\"\nbase = 100": {
			`presenced.toml:10: privacy.containers[1].id = 60: outranks 50, which shows more than its base 100; write a lower id, or a wider base`},
	} {
		_, warnings, err := parse(minimal+text+"\n", Overrides{}, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, w := range warnings {
			got = append(got, w.String())
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", text, d)
		}
	}
}
