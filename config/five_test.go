package config

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each file has five mistakes; each mistake is told once, with its line, its
// key and a remedy.
func TestLoad_FiveMistakesAreToldAtOnce(t *testing.T) {
	tests := map[string]struct{ file, want string }{
		"types": {`[component]
domain = 5
secret = true
hosts = "example.org"
farewell = "no"
[limits]
contacts = "many"
`, `
presenced.toml:2: component.domain = 5: not a text; put it in quotes
presenced.toml:3: component.secret = ***: not a text; put it in quotes
presenced.toml:4: component.hosts = "example.org": not a list; write texts in brackets, such as ["a", "b"]
presenced.toml:5: component.farewell = "no": not true or false; write true or false, without quotes
presenced.toml:7: limits.contacts = "many": not a whole number; write digits without quotes, such as 1000`},

		"values": {minimal + `[presence]
idle_after = "5x"
language = "fr"
timezone = "Mars/Olympus"
[calendar]
poll_interval = "1m"
[log]
level = "warning"
`, `
presenced.toml:6: presence.idle_after = "5x": not a duration; write a number and a unit, such as "5m" (units: ms, s, m, h, d)
presenced.toml:7: presence.language = "fr": not a value of this key; write "en" or "de"
presenced.toml:8: presence.timezone = "Mars/Olympus": not a known time zone; write a name such as "Europe/Berlin" or "UTC"
presenced.toml:10: calendar.poll_interval = "1m": is too small; write 5m to 8h
presenced.toml:12: log.level = "warning": not a value of this key; did you mean "warn"? write "debug", "info", "warn" or "error"`},

		"names": {`domain = "presence.example.org"
[component]
secrt = "hunter2"
hosts = ["example.org"]
[presense]
idle_after = "1m"
[presence]
colour = "red"
[frobnicate]
a = 1
b = 2
`, `
presenced.toml:1: domain: unknown key; domain belongs in [component]
presenced.toml:3: component.secrt: unknown key; did you mean secret?
presenced.toml:5: presense: unknown section; did you mean [presence]?
presenced.toml:8: presence.colour: unknown key; remove it; [presence] has idle_after, away_after, liveness, language, timezone, shared_groups
presenced.toml:9: frobnicate: unknown section; remove it; the sections are component, store, enrolment, networks, presence, privacy, policy, policies, calendar, states, directory, audit, limits, http, admin, log`},

		"syntax": {`[component
domain = "presence.example.org"
secret = hunter2
hosts = ["example.org"
[presence]
idle_after = "5m
away_after = 10m
`, `
presenced.toml:1: component: cannot be read: expected ']' to close table name; close the header: [section], or [[section]] for one of several
presenced.toml:3: component.secret: cannot be read: unexpected character at start of value; put texts in quotes, such as key = "value"
presenced.toml:4: component.hosts: cannot be read: expected ',' or ']' after array value (noticed on line 5); close the list with ] and put commas between its items
presenced.toml:6: presence.idle_after: cannot be read: basic strings cannot have new lines; close the quotes on the same line
presenced.toml:7: presence.away_after: cannot be read: strings must be quoted; put texts, durations and sizes in quotes, numbers without a unit not`},

		"lists of tables": {minimal + `[[privacy.containers]]
id = 100
name = "A"
base = 100
[[privacy.containers]]
id = 40000
name = "A"
base = 150
[privacy.walls]
users = ["alice@example.org"]
hidden_from = ["*"]
`, `
presenced.toml:6: privacy.containers[0].id = 100: is a standard container; write another id, 4 to 31999
presenced.toml:10: privacy.containers[1].id = 40000: is too large; write 4 to 31999
presenced.toml:11: privacy.containers[1].name = "A": is declared twice; give each container its own name
presenced.toml:12: privacy.containers[1].base = 150: not a base; write 100, 200, 300 or 400
presenced.toml:13: privacy.walls: is a list of sections; write [[privacy.walls]], in double brackets, before each`},

		"together": {`[component]
domain = "presence.example.org"
secret = "s"
hosts = ["example.org",
  "presence.example.org",
  "Example.org",
]
[networks]
federated = ["example.org"]
[enrolment]
users = ["bob@elsewhere.example"]
[presence]
idle_after = "20m"
`, `
presenced.toml:5: component.hosts = "presence.example.org": is the component's own domain; list the domains of the users; the component serves them from its own
presenced.toml:6: component.hosts = "Example.org": stands there twice; remove one of the two
presenced.toml:9: networks.federated = "example.org": is also in networks.enterprise (by default the served hosts); keep it in one of the networks
presenced.toml:11: enrolment.users = "bob@elsewhere.example": is not of a served host; write a JID of example.org, presence.example.org, Example.org
presenced.toml:13: presence.idle_after = "20m": a device is away (10m) no later than it is idle (20m); write an away_after that is longer than idle_after`},

		"secrets and repeats": {`[component]
domain = "presence.example.org"
domain = "p.example.org"
secret = "hunter2"
secret_file = "/etc/presenced/secret"
hosts = ["example.org"]
[store]
redis_file = "/none"
[component]
[store.path]
x = 1
`, `
presenced.toml:3: component.domain: already set on line 2; keep one of the two
presenced.toml:5: component.secret_file = "/etc/presenced/secret": given together with secret; keep one of the two
presenced.toml:8: store.redis_file = "/none": cannot be read: there is no such file; write the secret into it and let the daemon's user read it
presenced.toml:9: component: already set on line 1; keep one of the two
presenced.toml:10: store.path: is a key, not a section; write it as key = value`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := lines(test.file, Overrides{})
			want := strings.Split(strings.TrimPrefix(test.want, "\n"), "\n")
			if len(want) != 5 {
				t.Fatalf("the test names %d mistakes", len(want))
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			assertClean(t, strings.Join(got, "\n"))
		})
	}
}

// goWords are what an operator must never read.
var goWords = regexp.MustCompile(`\b(struct|int64|uint\d*|float64|\[\]string|map\[|interface|reflect|config\.[A-Z]\w+|nil|hunter2)\b`)

func assertClean(t *testing.T, text string) {
	t.Helper()
	if word := goWords.FindString(text); word != "" {
		t.Errorf("problem shows %q:\n%s", word, text)
	}
}
