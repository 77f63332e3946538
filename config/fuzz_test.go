package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// FuzzLoad: never panics; what is wrong names a line or a key; what loads is
// TOML, and shows as TOML.
func FuzzLoad(f *testing.F) {
	f.Add(minimal, "log.level=debug", "PRESENCED_LOG_FORMAT=json")
	f.Add(string(Defaults()), "", "")
	f.Add(minimal+"[a]\n[a.b]\n[[a.b.c]]\nd.e = [{f = 1}, 2]\n", "privacy.walls=x", "PRESENCED_X")
	f.Add("[component\nx = [\n\"\"\"\n[[privacy.walls]\nusers = {\n", "=", "PRESENCED_=")
	f.Add("a = 1\na.b = 2\n[a]\n[[a]]\n[component]\n[component.hosts]\n\xff\r", "a", "")
	f.Fuzz(func(t *testing.T, text, set, env string) {
		over := Overrides{Environ: []string{env}}
		if set != "" {
			over.Set = []string{set}
		}
		c, warnings, err := parse(text, over, map[string]string{"/s": "x"})
		for _, w := range warnings {
			assertPlaced(t, w)
		}
		if err != nil {
			var problems *Error
			if !errors.As(err, &problems) || len(problems.Problems) == 0 {
				t.Fatalf("error without problems: %v", err)
			}
			for _, p := range problems.Problems {
				assertPlaced(t, p)
			}
			return
		}
		var back map[string]any
		if err := toml.Unmarshal([]byte(text), &back); err != nil {
			t.Fatalf("loaded what is not TOML: %v", err)
		}
		var b strings.Builder
		if err := Show(&b, c); err != nil {
			t.Fatal(err)
		}
		if err := toml.Unmarshal([]byte(b.String()), &back); err != nil {
			t.Fatalf("shown what is not TOML: %v\n%s", err, b.String())
		}
	})
}

func assertPlaced(t *testing.T, p Problem) {
	t.Helper()
	if strings.Contains(p.String(), "\n") {
		t.Errorf("problem of several lines: %q", p)
	}
	if p.Line == 0 && p.Key == "" || p.Message == "" || p.Remedy == "" {
		t.Errorf("problem without a place, a message or a remedy: %+v", p)
	}
}
