package storetest

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"presenced/internal/engine"
)

// KillUser is a user of the tests that kill a saving process.
func KillUser(u int) string { return fmt.Sprintf("u%d@x", u) }

// KillDocs are the documents of generation g: each carries g, so that halves of
// two writes show, filled with less than most bytes, and every other erases the one
// before.
func KillDocs(g, most int) engine.Write {
	v := fmt.Appendf(nil, "%d %s", g, strings.Repeat("x", g*977%most))
	if g%2 == 0 {
		return engine.Write{Docs: map[string][]byte{"rules": v, "subs": v, "note": v, "cals": nil}}
	}
	return engine.Write{Erase: true, Docs: map[string][]byte{"rules": v, "cals": v}}
}

// Generation is that of a document; 0: there is none.
func Generation(doc []byte) int {
	first, _, _ := strings.Cut(string(doc), " ")
	g, _ := strconv.Atoi(first)
	return g
}

// OneGeneration holds the documents of user u to being those of one write, whole,
// and returns its generation.
func OneGeneration(t *testing.T, u int, docs map[string][]byte, most int) int {
	t.Helper()
	g := Generation(docs["rules"])
	want := KillDocs(g, most)
	maps.DeleteFunc(want.Docs, func(_ string, doc []byte) bool { return doc == nil || g == 0 })
	if len(docs) != len(want.Docs) {
		t.Errorf("user %d, generation %d: %d documents, want %d", u, g, len(docs), len(want.Docs))
	}
	for name, doc := range want.Docs {
		if string(docs[name]) != string(doc) {
			t.Errorf("user %d, generation %d: %s is of generation %d", u, g, name, Generation(docs[name]))
		}
	}
	return g
}
