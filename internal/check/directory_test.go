package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

func TestCheck_Directory(t *testing.T) {
	s := fake(t, testbed.ComponentOptions{})
	path := filepath.Join(t.TempDir(), "people.csv")
	for _, c := range []struct {
		name, people string
		result       Result
		found        string
	}{
		{"fine", "jid,name\nalice@example.localhost,Alice\n", OK, path + ": 1 people, 0 photos"},
		{"strangers", "jid\nalice@elsewhere.example\n", Warn, "such as alice@elsewhere.example"},
		{"mistakes", "jid\nalice\n\nbob\n", Fail, ":4: jid:"},
	} {
		if err := os.WriteFile(path, []byte(c.people), 0o600); err != nil {
			t.Fatal(err)
		}
		r := Run(t.Context(), Options{Config: write(t, s.Addr, "s3cret", fmt.Sprintf("[directory]\nfile = %q\n", path))})
		step := r.step(t, "directory")
		if step.Result != c.result || !strings.Contains(step.Found, c.found) || step.Result != OK && step.Do == "" {
			t.Errorf("%s: %+v, want %s with %q", c.name, step, c.result, c.found)
		}
	}
	for _, step := range Run(t.Context(), Options{Config: write(t, s.Addr, "s3cret", "")}).Steps {
		if step.Name == "directory" {
			t.Errorf("without a directory: %+v", step)
		}
	}
}
