package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"presenced/config"
)

// documents are what strangers read.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, paths...)
	}
	if len(all) < 5 {
		t.Fatalf("only %d documents found: %q", len(all), all)
	}
	return all
}

var link = regexp.MustCompile(`\]\(([^)#:]+)\)`)

func TestDocs_LinksLeadSomewhere(t *testing.T) {
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			}
		}
	}
}

// fenced finds TOML examples, also those inside a list.
var fenced = regexp.MustCompile("(?s)```toml\n(.*?)```")

// secretFile finds the files of secrets that examples name.
var secretFile = regexp.MustCompile(`/etc/presenced/(secret|dsn|dav|calendar\.key|exchange|graph|google\.json|ca\.pem)`)

// component is what every configuration needs.
const component = "\n[component]\ndomain = \"presence.example.org\"\nsecret_file = %q\nhosts = [\"example.org\"]\n"

func TestDocs_ConfigurationExamplesLoad(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, doc := range documents(t) {
		for _, m := range fenced.FindAllStringSubmatch(read(t, doc), -1) {
			examples++
			path := filepath.Join(t.TempDir(), "presenced.toml")
			text := secretFile.ReplaceAllString(m[1], secret)
			if !strings.Contains(text, "[component]") { // a part, to be added to one
				text += fmt.Sprintf(component, secret)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, warnings, err := config.Load(path, config.Overrides{})
			if err != nil || len(warnings) > 0 {
				t.Errorf("%s: an example does not load: %v %v\n%s", doc, err, warnings, m[1])
			}
		}
	}
	if examples == 0 {
		t.Error("README.md has lost its configuration example")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
