package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// minimal is the smallest file that runs.
const minimal = `[component]
domain = "presence.example.org"
secret = "s3cret"
hosts = ["example.org"]
`

// parse loads text as presenced.toml; files are the only files there are.
func parse(text string, over Overrides, files map[string]string) (*Config, []Problem, error) {
	l := newLoader("presenced.toml", func(path string, _ int64) ([]byte, fs.FileMode, error) {
		data, ok := files[path]
		if !ok {
			return nil, 0, fs.ErrNotExist
		}
		return []byte(data), 0o640, nil
	})
	return l.load([]byte(text), over)
}

func mustParse(t *testing.T, text string, over Overrides, files map[string]string) *Config {
	t.Helper()
	c, _, err := parse(text, over, files)
	if err != nil {
		t.Fatalf("load:\n%s\nerror:\n%v", text, err)
	}
	return c
}

// lines returns the problems of a text, one a line; none for a good one.
func lines(text string, over Overrides) []string {
	_, _, err := parse(text, over, nil)
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// sameConfig compares values; origins are where tests differ on purpose.
func sameConfig(a, b *Config) string {
	return cmp.Diff(a, b, cmpopts.IgnoreUnexported(Config{}), cmpopts.EquateEmpty())
}

func TestLoad_ComponentSectionAloneRuns(t *testing.T) {
	c, warnings, err := parse(minimal, Overrides{}, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	want := Default()
	want.Component.Domain = "presence.example.org"
	want.Component.Secret = NewSecret("s3cret")
	want.Component.Hosts = []string{"example.org"}
	want.Networks.Enterprise = []string{"example.org"}
	if d := sameConfig(want, c); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if inert := c.Inert(); inert != nil {
		t.Errorf("Inert() = %v, want none", inert)
	}
}

func TestLoad_EveryKeyIsRead(t *testing.T) {
	c := mustParse(t, minimal+`
farewell = false
resource = "x"
[store]
redis = "rediss://:pw@db.example.org:6379/1"
path = "/srv/p"
prefix = "p:"
[enrolment]
mode = "list"
users = ["alice@example.org"]
bots = ["lift@example.org"]
apps = ["phones@example.org"]
[networks]
enterprise = ["example.org", "sub.example.org"]
federated = ["partner.example"]
public_cloud = ["cloud.example"]
[presence]
idle_after = "90s"
away_after = "1h30m"
liveness = "30s"
language = "de"
timezone = "Europe/Berlin"
shared_groups = true
[privacy]
server_lists = "require"
refresh = "1s"
max_stale = "2d"
egress = "managed"
offline_details = "all"
provisioning = true
[[privacy.containers]]
id = 150
name = "Partners"
base = 100
[[privacy.walls]]
users = ["*"]
hidden_from = ["spy@evil.example", "bad.example"]
[[privacy.lists_sql]]
host = "example.org"
driver = "postgres"
dsn = "postgres://u:pw@db/x"
[policy]
last_active = "coarse"
last_active_granularity = "2h"
photo = "directory"
links = "block"
intranet = ["wiki.example.org"]
file_extensions = ["exe"]
audit = false
withhold = ["location"]
[[policies]]
name = "sales"
users = ["bob@example.org"]
groups = ["Sales"]
photo = "none"
[calendar]
preset = "lync"
poll_interval = "480m"
max_stale = "16h"
until = false
require_attendees = true
user_networks = ["10.20.0.0/16"]
[[calendar.sources]]
name = "dav"
kind = "caldav"
url = "https://dav.example.org/{user}/"
username = "p"
password = "pw"
free_busy = true
users = ["alice@example.org"]
mailbox = "{jid}"
automatic_replies = "note"
batch = 5
in_flight = 6
auth = "basic"
token_url = "https://t.example.org/token"
scope = "s"
impersonate = "*"
discover_as = "p@example.org"
trust = ["mail.example.net"]
tenant = "t"
as = "p@example.org"
login_url = "https://t.example.org"
notify_url = "https://p.example.org/v1/notices/graph"
key = "k"
subject = "*"
events = true
[[calendar.map]]
show_as = "tentative"
category = "Focus"
availability = 6500
activity = "in-a-meeting"
[[states]]
name = "lunch"
availability = 12500
activity = "lunch"
[states.texts]
en = "Lunch"
de = "Mittag"
[directory]
file = "/etc/d.csv"
[audit]
enabled = true
retention = "30d"
[limits]
contacts = 1
watchers = 2
requests = 3
max_stanza = "1MiB"
[http]
listen = "[::1]:80"
metrics_listen = ""
[admin]
socket = "/tmp/s"
[log]
level = "debug"
format = "json"
`, Overrides{}, nil)
	for _, l := range leaves(c) {
		key := l.key()
		if strings.HasSuffix(key, "_file") || key == "component.address" {
			continue
		}
		if o := c.Origin(key); !o.set() && o.Kind != FromPolicy {
			t.Errorf("%s has origin %v, want a line", key, o)
		}
	}
	if got := c.Privacy.MaxStale.Std(); got != 48*time.Hour {
		t.Errorf("privacy.max_stale = %v, want 48h", got)
	}
	if got := c.States[0].Texts["de"]; got != "Mittag" {
		t.Errorf("states.texts.de = %q, want Mittag", got)
	}
	if p := c.Policies[0]; p.Photo != "none" || p.Links != "block" || p.LastActive != "coarse" {
		t.Errorf("named policy = %+v, want its own photo and the global rest", p)
	}
}

func TestLoad_PrecedenceAndOrigins(t *testing.T) {
	text := minimal + "[log]\nlevel = \"debug\"\nformat = \"json\"\n[presence]\nlanguage = \"de\"\n"
	c := mustParse(t, text, Overrides{
		Environ: []string{
			"PATH=/bin", "PRESENCED_SKIP_SERVERS=1", "PRESENCED_LOG_LEVEL=warn", "PRESENCED_LOG_FORMAT=text",
			"PRESENCED_COMPONENT_HOSTS=a.example, b.example", "PRESENCED_LIMITS_CONTACTS=7",
			"PRESENCED_COMPONENT_FAREWELL=false",
		},
		Set: []string{"log.level=info", "log.level=error"},
	}, nil)
	for key, want := range map[string]string{
		"log.level":          "--set log.level",
		"log.format":         "PRESENCED_LOG_FORMAT",
		"presence.language":  "presenced.toml:9",
		"presence.timezone":  "default",
		"component.domain":   "presenced.toml:2",
		"component.farewell": "PRESENCED_COMPONENT_FAREWELL",
	} {
		if got := c.Origin(key).String(); got != want {
			t.Errorf("Origin(%s) = %s, want %s", key, got, want)
		}
	}
	if c.Log.Level != "error" || c.Log.Format != "text" || c.Limits.Contacts != 7 || c.Component.Farewell {
		t.Errorf("log = %+v, contacts = %d, farewell = %v", c.Log, c.Limits.Contacts, c.Component.Farewell)
	}
	if want := []string{"a.example", "b.example"}; !slices.Equal(c.Component.Hosts, want) || !slices.Equal(c.Networks.Enterprise, want) {
		t.Errorf("hosts = %v, enterprise = %v, want %v", c.Component.Hosts, c.Networks.Enterprise, want)
	}
}

func TestLoad_OverrideProblemsNameTheirSource(t *testing.T) {
	got := lines(minimal, Overrides{
		Environ: []string{
			"PRESENCED_PRESENCE_IDLE_AFTR=5m", "PRESENCED_LIMITS_WATCHERS=many",
			"PRESENCED_PRIVACY_WALLS=x", "PRESENCED_SECRET=hunter2",
		},
		Set: []string{"log.levle=debug", "presence.liveness=soon", "nonsense", "privacy.containers[0].id=9", "level=debug"},
	})
	want := []string{
		`PRESENCED_LIMITS_WATCHERS: limits.watchers = "many": not a whole number; write digits without quotes, such as 1000`,
		`PRESENCED_PRESENCE_IDLE_AFTR: presence_idle_aftr: unknown variable; did you mean PRESENCED_PRESENCE_IDLE_AFTER?`,
		`PRESENCED_PRIVACY_WALLS: privacy.walls: cannot be set by a variable; write [[privacy.walls]] in the file`,
		`PRESENCED_SECRET: secret: unknown variable; did you mean PRESENCED_COMPONENT_SECRET?`,
		`--set log.levle: log.levle: unknown key; did you mean log.level?`,
		`--set presence.liveness: presence.liveness = "soon": not a duration; write a number and a unit, such as "5m" (units: ms, s, m, h, d)`,
		`--set: nonsense: not a setting; write --set section.key=value`,
		`--set privacy.containers[0].id: privacy.containers[0].id: cannot be set by a flag; write [[privacy.containers]] in the file`,
		`--set level: level: unknown key; did you mean log.level?`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Others set variables that begin like ours: Kubernetes does for a service of our name.
// One that could be meant for a key is a mistake all the same.
func TestLoad_VariablesOfOthersAreNoMistake(t *testing.T) {
	others := []string{"PRESENCED_BIN=/x", "PRESENCED_PORT=tcp://192.0.2.1:80", "PRESENCED_PORT_8085_TCP_PROTO=tcp",
		"PRESENCED_SERVICE_HOST=192.0.2.1", "PRESENCED_SERVICE_PORT_HTTP=80"}
	_, warnings, err := parse(minimal, Overrides{Environ: others}, nil)
	if err != nil || len(warnings) != len(others) {
		t.Fatalf("error %v, warnings %q; want one for each variable", err, warnings)
	}
	want := `PRESENCED_BIN: bin: unknown variable, which has no effect; "presenced config defaults" lists every key`
	if got := warnings[0].String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, ours := range []string{"PRESENCED_PRIVACY_NOPE=x", "PRESENCED_PRIVACI_REFRESH=1s", "PRESENCED_SERVER_LISTS=require", "PRESENCED_=x"} {
		if got := lines(minimal, Overrides{Environ: []string{ours}}); len(got) != 1 || !strings.Contains(got[0], "unknown variable;") {
			t.Errorf("%s gives %q, want a problem", ours, got)
		}
	}
}

func TestLoad_ReadsTheFile(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	write(t, secret, "from a file\n\n", 0o644)
	file := filepath.Join(dir, "presenced.toml")
	write(t, file, "[component]\ndomain = \"p.example.org\"\nhosts = [\"example.org\"]\nsecret_file = \""+secret+"\"\n", 0o644)
	c, warnings, err := Load(file, Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Component.Secret.Reveal(); got != "from a file\n" {
		t.Errorf("secret = %q, want exactly one newline dropped", got)
	}
	want := file + `:4: component.secret_file = ` + shorten(quote(secret)) + `: every local user can read the file; chmod 0640 it`
	if len(warnings) != 1 || warnings[0].String() != want {
		t.Errorf("warnings = %v, want %s", warnings, want)
	}
}

func TestLoad_InlineSecretInAReadableFileIsWarnedOf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "presenced.toml")
	write(t, file, minimal, 0o644)
	_, warnings, err := Load(file, Overrides{})
	if err != nil || len(warnings) != 1 || warnings[0].Key != "component.secret" || warnings[0].Line != 3 {
		t.Errorf("error %v, warnings %v, want one of component.secret on line 3", err, warnings)
	}
}

func TestLoad_FileThatIsNotThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.toml")
	_, _, err := Load(file, Overrides{})
	var problems *Error
	if !errors.As(err, &problems) || problems.File != file || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("error = %v, want *Error naming the file", err)
	}
	if _, _, err := Load(filepath.Dir(file), Overrides{}); err == nil || !strings.Contains(err.Error(), "it is not a file") {
		t.Errorf("error for a directory = %v", err)
	}
}

func TestLoad_WithoutAFileFromTheEnvironment(t *testing.T) {
	c, _, err := Load("", Overrides{Environ: []string{
		"PRESENCED_COMPONENT_DOMAIN=p.example.org", "PRESENCED_COMPONENT_SECRET=x", "PRESENCED_COMPONENT_HOSTS=example.org",
	}})
	if err != nil || c.Component.Secret.Reveal() != "x" {
		t.Errorf("config %v, error %v", c, err)
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// A list that is never closed costs neither time nor what follows it.
func TestLoad_LongBrokenListHidesNothing(t *testing.T) {
	for name, broken := range map[string]string{
		"items":  "users = [\n" + strings.Repeat("\"a@example.org\",\n", 20_000),
		"nested": "users = [\n" + strings.Repeat("[\n", 5_000),
	} {
		got := lines(minimal+"[enrolment]\n"+broken+"[log]\nlevel = \"loud\"\n", Overrides{})
		all := strings.Join(got, "\n")
		if !strings.Contains(all, "presenced.toml:6: enrolment.users: cannot be read") || !strings.Contains(all, "log.level = \"loud\"") {
			t.Errorf("%s: %d problems: %.300s", name, len(got), all)
		}
	}
}

// TestUnreadable_TellsWhatToDoAboutIt, which depends on why.
func TestUnreadable_TellsWhatToDoAboutIt(t *testing.T) {
	for err, want := range map[error]string{
		fs.ErrNotExist:          "config defaults",
		fs.ErrPermission:        "run this as root, or let presenced's user read it",
		errors.New("I/O error"): "name the file",
	} {
		if got := unreadable(&fs.PathError{Op: "open", Path: "x", Err: err}); !strings.Contains(got, want) {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}
