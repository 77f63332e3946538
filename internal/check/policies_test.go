package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// TestCheck_PoliciesOfGroups without a daemon; what a running one knows of grants is
// in the script of cmd/presenced.
func TestCheck_PoliciesOfGroups(t *testing.T) {
	s := fake(t, testbed.ComponentOptions{})
	path := filepath.Join(t.TempDir(), "people.csv")
	const policy = "[[policies]]\nname = \"quiet\"\ngroups = [\"Sales\", \"Staff\"]\n"
	for _, c := range []struct {
		name, people string // no people: no directory
		result       Result
		found        string
	}{
		{"no directory", "", Warn, "given to groups: Sales, Staff; nothing tells who is in them"},
		{"no column", "jid\nalice@example.localhost\n", Warn, "given to groups: Sales, Staff; nothing tells who is in them"},
		{"nobody in one", "jid,groups\nalice@example.localhost,Staff\n", Warn, "given to groups that nobody is in: Sales"},
		{"fine", "jid,groups\nalice@example.localhost,Sales;Staff\n", OK, "1 declared, all hold"},
	} {
		extra := policy
		if c.people != "" {
			if err := os.WriteFile(path, []byte(c.people), 0o600); err != nil {
				t.Fatal(err)
			}
			extra = fmt.Sprintf("[directory]\nfile = %q\n", path) + policy
		}
		step := Run(t.Context(), Options{Config: write(t, s.Addr, "s3cret", extra)}).step(t, "policies")
		if step.Result != c.result || !strings.Contains(step.Found, c.found) || c.result != OK && step.Do == "" {
			t.Errorf("%s: %+v, want %s with %q", c.name, step, c.result, c.found)
		}
	}
	for _, step := range Run(t.Context(), Options{Config: write(t, s.Addr, "s3cret", "")}).Steps {
		if step.Name == "policies" {
			t.Errorf("without policies: %+v", step)
		}
	}
}
