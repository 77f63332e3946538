package config

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
)

// filled is the default file with the keys of minimal written in.
func filled(t *testing.T) string {
	t.Helper()
	text := string(Defaults())
	for from, to := range map[string]string{
		`# domain = "presence.example.org"`: `domain = "presence.example.org"`,
		`# secret = "…"`:                    `secret = "s3cret"`,
		`# hosts = ["example.org"]`:         `hosts = ["example.org"]`,
	} {
		if strings.Count(text, "\n"+from+"\n") != 1 {
			t.Fatalf("the default file has not one line %s:\n%s", from, text)
		}
		text = strings.Replace(text, "\n"+from+"\n", "\n"+to+"\n", 1)
	}
	return text
}

func TestDefaults_LoadAsDefault(t *testing.T) {
	c, warnings, err := parse(filled(t), Overrides{}, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("error %v, warnings %v", err, warnings)
	}
	if d := sameConfig(mustParse(t, minimal, Overrides{}, nil), c); d != "" {
		t.Errorf("-minimal +default file:\n%s", d)
	}
	if inert := c.Inert(); inert != nil {
		t.Errorf("the default file sets %v, which nothing acts on", inert)
	}
}

// What is commented out in the default file must be as good as the rest.
func TestDefaults_UncommentedIsRead(t *testing.T) {
	text := regexp.MustCompile(`(?m)^# (\[\[|[a-z_]+ = )`).ReplaceAllString(string(Defaults()), "$1")
	text = regexp.MustCompile(`(?m)^(secret|redis|dsn|password|key|ca)_file = .*\n`).ReplaceAllString(text, "")
	c, _, err := parse(text, Overrides{}, map[string]string{"/etc/presenced/calendar.key": "k", "/etc/presenced/ca.pem": "c"})
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	for _, l := range leaves(c) {
		if o := c.Origin(l.key()); !o.set() && o.Kind != FromPolicy && !strings.HasSuffix(l.name, "_file") {
			t.Errorf("%s is not in the default file", l.key())
		}
	}
}

func TestDefaults_EveryKeyIsCommented(t *testing.T) {
	for _, key := range allKeys() {
		r, name := ruleOf(key), key[strings.LastIndexByte(key, '.')+1:]
		if r.doc == "" {
			t.Errorf("%s has no comment", key)
		}
		if !strings.Contains(string(Defaults()), "\n"+name+" = ") && !strings.Contains(string(Defaults()), "\n# "+name+" = ") {
			t.Errorf("%s is not in the default file", key)
		}
		if section, _ := cutLast(key); sectionDocs()[section] == "" {
			t.Errorf("[%s] has no comment", section)
		}
	}
	for key := range ruleTable() {
		if !slices.Contains(allKeys(), key) {
			t.Errorf("the rule of %s has no key", key)
		}
	}
	for _, i := range inertKeys() {
		if !slices.ContainsFunc(allKeys(), i.covers) {
			t.Errorf("the inert line %s has no key", i.key)
		}
	}
}

func TestShow_IsTOMLWithOriginsAndWithoutSecrets(t *testing.T) {
	text := minimal + `[store]
redis = "redis://:hunter2@db:6379/0"
[[privacy.walls]]
users = ["*"]
hidden_from = ["b@x.example"]
[[states]]
name = "lunch"
availability = 12500
texts = { de = "Mittag", en = "Lunch" }
`
	c := mustParse(t, text, Overrides{Environ: []string{"PRESENCED_LOG_LEVEL=debug"}, Set: []string{"presence.idle_after=1m"}}, nil)
	var b strings.Builder
	if err := Show(&b, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"[component]\n", `domain = "presence.example.org"  # presenced.toml:2`, `secret = "***"  # presenced.toml:3`,
		`address = "127.0.0.1:5347"  # default`, `redis = "redis://***@db:6379/0"  # presenced.toml:6`,
		`level = "debug"  # PRESENCED_LOG_LEVEL`, `idle_after = "60s"  # --set presence.idle_after`,
		"[[privacy.walls]]\nusers = [\"*\"]  # presenced.toml:8", `texts = { "de" = "Mittag", "en" = "Lunch" }  # presenced.toml:13`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
	var back map[string]any
	if err := toml.Unmarshal([]byte(b.String()), &back); err != nil {
		t.Errorf("not TOML: %v\n%s", err, b.String())
	}
	entries, err := json.Marshal(Entries(c))
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{b.String(), string(entries)} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, "s3cret") {
			t.Errorf("shows a secret:\n%s", shown)
		}
	}
	if want := `{"key":"log.level","value":"debug","origin":"PRESENCED_LOG_LEVEL"}`; !strings.Contains(string(entries), want) {
		t.Errorf("no %s in %s", want, entries)
	}
}

func TestInert_NamesWhatWasSet(t *testing.T) {
	for text, want := range map[string][]string{
		"[store]\nredis = \"redis://db\"":                                      nil,
		"[privacy]\negress = \"off\"":                                          nil,
		"[privacy]\negress = \"managed\"":                                      nil,
		"[privacy]\nprovisioning = true":                                       {"privacy.provisioning"},
		"[privacy]\nprovisioning = false":                                      nil,
		"[calendar]\npreset = \"cisco\"":                                       nil,
		"[[policies]]\nname = \"a\"\nphoto = \"none\"":                         nil,
		"[audit]\nenabled = true\n[directory]\nfile = \"/d\"":                  nil,
		"[http]\nlisten = \"127.0.0.1:1\"":                                     nil,
		"[http]\nlisten = \"\"":                                                nil,
		"[log]\nlevel = \"debug\"":                                             nil,
		"[[calendar.sources]]\nname = \"a\"\nkind = \"ics\"\nurl = \"/a.ics\"": nil,
	} {
		got := mustParse(t, minimal+text+"\n", Overrides{}, nil).Inert()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", text, d)
		}
	}
}

func TestDiff_NamesChangedKeysAndRestarts(t *testing.T) {
	base := mustParse(t, minimal, Overrides{}, nil)
	if got := Diff(base, mustParse(t, minimal, Overrides{Environ: []string{"PRESENCED_LOG_LEVEL=info"}}, nil)); got != nil {
		t.Errorf("Diff of the same values = %v", got)
	}
	changed := mustParse(t, strings.Replace(minimal, "s3cret", "other", 1)+
		"[[privacy.walls]]\nusers=[\"*\"]\nhidden_from=[\"b@x.example\"]\n",
		Overrides{Set: []string{"log.level=debug", "admin.socket=/s", "store.path=/p", "http.listen=", "component.hosts=a.example"}}, nil)
	keys := Diff(base, changed)
	want := []string{"component.secret", "component.hosts", "store.path", "networks.enterprise", "privacy.walls",
		"http.listen", "admin.socket", "log.level"}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("Diff: -want +got:\n%s", d)
	}
	restart := []string{"component.hosts", "store.path", "http.listen", "admin.socket"}
	if d := cmp.Diff(restart, NeedsRestart(keys)); d != "" {
		t.Errorf("NeedsRestart: -want +got:\n%s", d)
	}
}
