package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var verb = regexp.MustCompile(`%(\[\d+\])?.`)

// verbs returns the placeholders of a text in the order of their arguments.
func verbs(s string) []string {
	found := verb.FindAllString(s, -1)
	for i, v := range found {
		if strings.Contains(v, "[") {
			found[i] = v
			continue
		}
		found[i] = "%[" + strconv.Itoa(i+1) + "]" + v[1:]
	}
	slices.Sort(found)
	return found
}

func TestPhrases_EveryLanguageHasTheSamePlaceholders(t *testing.T) {
	for key, p := range phrases {
		for l, s := range p {
			if s == "" || s != strings.TrimSpace(s) {
				t.Errorf("%s: %s text is %q", key, languages[l], s)
			}
			if got, want := verbs(s), verbs(p[english]); !slices.Equal(got, want) {
				t.Errorf("%s: %s has %q, English %q", key, languages[l], got, want)
			}
		}
	}
}

// TestPhrases_ChoicesFit: Gajim cuts a longer choice and Poezio shows nothing of it.
func TestPhrases_ChoicesFit(t *testing.T) {
	const most = 40
	for key, p := range phrases {
		for _, s := range p {
			if n := utf8.RuneCountInString(s); n > most && strings.HasPrefix(string(key), "option.") && len(verbs(s)) == 0 {
				t.Errorf("%s has %d characters, %d at most fit: %q", key, n, most, s)
			}
		}
	}
}

func TestPhrases_NoKeyStandsInTwoTables(t *testing.T) {
	sum := 0
	for _, table := range []map[Key]*phrase{basics, names, forms, fields, options, notes, faults, own, later, chats, whys, asides, seens, watching, calendars} {
		sum += len(table)
	}
	if sum != len(phrases) {
		t.Errorf("%d phrases in the tables, %d in all", sum, len(phrases))
	}
}

// key is what a literal that names a phrase looks like: its first word is that of
// an existing key.
var key = regexp.MustCompile(`^(chat|command|error|field|form|level|note|notice|option|register|rule|seen|status|watch|why)(\.[a-z0-9-]+)+$`)

// literals returns the strings in the program that look like keys, from every
// package that uses this one and from this one outside its tables, each with a
// file that holds it.
func literals(t *testing.T) map[string]string {
	t.Helper()
	dirs := make(map[string]map[string]string)
	using := map[string]bool{filepath.Join("..", "..", "internal", "text"): true}
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil //nolint:nilerr // not Go yet; the compiler judges
		}
		dir := filepath.Dir(path)
		if slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"presenced/internal/text"` }) {
			using[dir] = true
		}
		if dirs[dir] == nil {
			dirs[dir] = make(map[string]string)
		}
		ast.Inspect(file, func(n ast.Node) bool { return collect(n, path, dirs[dir]) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for dir := range using {
		maps.Copy(found, dirs[dir])
	}
	return found
}

// collect adds a literal that looks like a key; it leaves out the rows of the
// tables, where such a literal stands before a colon.
func collect(n ast.Node, path string, found map[string]string) bool {
	if kv, ok := n.(*ast.KeyValueExpr); ok {
		if _, row := kv.Key.(*ast.BasicLit); row {
			ast.Inspect(kv.Value, func(n ast.Node) bool { return collect(n, path, found) })
			return false
		}
	}
	if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil && key.MatchString(s) {
			found[s] = path
		}
	}
	return true
}

func TestPhrases_NoneIsMissingOrUnused(t *testing.T) {
	used := literals(t)
	if len(used) < 20 {
		t.Fatalf("only %d keys found in the program", len(used))
	}
	for k, path := range used {
		if phrases[Key(k)] == nil {
			t.Errorf("%s: %q is no phrase", path, k)
		}
	}
	for k := range phrases {
		if !key.MatchString(string(k)) {
			t.Errorf("the key %q has a first word this test does not know", k)
		}
		if used[string(k)] == "" {
			t.Errorf("%q is used nowhere", k)
		}
	}
}

func TestT(t *testing.T) {
	if got, want := T("de-CH", "note.blocked", "example.org"), "example.org sieht Sie hier ab jetzt immer offline."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := T("en", "no.such"); got != "no.such" {
		t.Errorf("a key that does not exist reads %q", got)
	}
}
