package house

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ruleID finds the name of a rule where people write one, S8.1, and where Go wants
// a name of a function, TestS8_1_….
var ruleID = regexp.MustCompile(`(?:\b|Test)(I[1-3]|S\d{1,2}(?:[._]\d{1,2})?)(?:\b|_)`)

// named returns the rules a text names.
func named(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range ruleID.FindAllStringSubmatch(text, -1) {
		found[strings.ReplaceAll(m[1], "_", ".")] = true
	}
	return found
}

// TestRules_EachIsNamedByATest: whoever changes a rule finds what holds it by its
// name, and a rule nothing holds is found here.
func TestRules_EachIsNamedByATest(t *testing.T) {
	where := map[string]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path == filepath.Join(root, "internal", "house") || d.Name() != ".." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
		case strings.HasSuffix(path, "_test.go"), d.Name() == "vectors.yaml":
			for id := range named(read(t, path)) {
				where[id]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ids := rules(t)
	if len(ids) < 30 {
		t.Fatalf("only the rules %q are listed", ids)
	}
	for _, id := range ids {
		if where[id] == 0 {
			t.Errorf("no test and no vector names %s", id)
		}
	}
}

func rules(t *testing.T) []string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "rules.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var ids []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if id, _, _ := strings.Cut(lines.Text(), " "); id != "#" {
			ids = append(ids, id)
		}
	}
	return ids
}

// TestRules_TheCheckSees: a longer name does not stand for a shorter one.
func TestRules_TheCheckSees(t *testing.T) {
	for text, want := range map[string]string{
		"// TestS8_6_X names S8.7.": "S8.6 S8.7", "S13_2_Admits": "S13.2", "func TestS1_Rules(": "S1", "rule: S3, S8.4": "S3 S8.4",
		"S10 delivery": "S10", "RS1 S1a TS2": "", "I1": "I1", "S2.10": "S2.10", "by S2.": "S2",
	} {
		got := named(text)
		for id := range strings.FieldsSeq(want) {
			if !got[id] {
				t.Errorf("%q does not name %s: %v", text, id, got)
			}
			delete(got, id)
		}
		if len(got) > 0 {
			t.Errorf("%q names %v as well", text, got)
		}
	}
}
