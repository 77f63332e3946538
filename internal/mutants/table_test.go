package main

import (
	"go/parser"
	"go/token"
	"regexp"
	"testing"
)

// leastFaults is what issue 4 asks for.
const leastFaults = 60

var ruleName = regexp.MustCompile(`^(S\d+(\.\d+)?|I[123])$`)

// TestTable_NothingHasRotted holds the table to the sources as they are: each old
// text stands exactly once in its file, and what replaces it is Go.
func TestTable_NothingHasRotted(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range table() {
		text, err := f.edited("../..")
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), f.file, text, 0); err != nil {
			t.Errorf("%s, %s: %v", f.rule, f.what, err)
		}
		key := f.file + "\x00" + f.old + "\x00" + f.new
		if seen[key] || f.old == f.new {
			t.Errorf("%s, %s: twice, or no fault at all", f.rule, f.what)
		}
		seen[key] = true
		if !ruleName.MatchString(f.rule) || f.what == "" {
			t.Errorf("%q, %q: name the rule and what goes wrong", f.rule, f.what)
		}
	}
	if len(seen) < leastFaults {
		t.Errorf("%d faults, want at least %d", len(seen), leastFaults)
	}
}

// TestTable_ARottenLineIsAnError: a text that is not there, or there twice, is
// never passed over.
func TestTable_ARottenLineIsAnError(t *testing.T) {
	for _, old := range []string{"no such text anywhere", "func "} {
		f := fault{"S8", "rotten", "privacy/place.go", old, ""}
		if _, err := f.edited("../.."); err == nil {
			t.Errorf("%q was taken", old)
		}
	}
}
