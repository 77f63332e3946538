package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pure are the rooms that compute and do nothing else: time and ids come in as
// arguments, intentions go out as values.
var pure = []string{
	"internal/presence", "aggregation", "aggregation/calendar", "privacy", "roster", "internal/engine/eval",
}

// pureImports is the part of the standard library pure rooms may import.
var pureImports = []string{
	"bufio", "bytes", "cmp", "encoding/binary", "encoding/json", "errors", "fmt", "hash", "io", "iter", "maps",
	"math", "math/bits", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
}

// impure are the parts of allowed packages that read a clock or the machine's
// zone files, wait or write to the terminal.
var impure = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "LoadLocation", "Local"},
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
}

// neverBelowPure may not come in through a dependency either.
var neverBelowPure = []string{"net", "net/http", "os/exec", "log", "log/slog", "crypto/rand", "math/rand", "math/rand/v2"}

func TestPure_ImportsNothingThatActs(t *testing.T) {
	l := load(t)
	for _, room := range pure {
		p, built := l[module+"/"+room]
		if !built {
			continue
		}
		for _, path := range p.Imports {
			if l[path].Standard && !slices.Contains(pureImports, path) {
				t.Errorf("%s is pure and imports %s", room, path)
			}
		}
		for _, dep := range p.Deps {
			if slices.Contains(neverBelowPure, dep) {
				t.Errorf("%s is pure and is built from %s", room, dep)
			}
		}
	}
}

func TestPure_DoesNothingThatActs(t *testing.T) {
	l := load(t)
	for _, room := range pure {
		for _, path := range l[module+"/"+room].files() {
			fset, file := parse(t, path)
			for pos, what := range acts(file) {
				t.Errorf("%s: %s is pure and has %s", fset.Position(pos), room, what)
			}
		}
	}
}

// TestPure_TheCheckSees proves that the check finds what it looks for.
func TestPure_TheCheckSees(t *testing.T) {
	tests := []struct{ body, want string }{
		{"_ = clock.Now()", "time.Now"},
		{"f := clock.Since; _ = f", "time.Since"},
		{"_ = clock.Local", "time.Local"},
		{"go println()", "a goroutine"},
		{"select {}", "a select"},
		{"var c chan int; _ = c", "a channel"},
		{"_ = clock.Unix(1, 0)", ""},
		{"println(clock.Second)", ""},
	}
	for _, tt := range tests {
		src := "package p\nimport clock \"time\"\nfunc f() {\n" + tt.body + "\n}\n"
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, what := range acts(file) {
			got = append(got, what)
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%q: got %q, want %q", tt.body, got, tt.want)
		}
	}
}

// acts finds goroutines, channels and calls that a pure room must not have.
func acts(file *ast.File) map[token.Pos]string {
	names := importNames(file)
	found := map[token.Pos]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found[n.Pos()] = "a goroutine"
		case *ast.SelectStmt:
			found[n.Pos()] = "a select"
		case *ast.ChanType, *ast.SendStmt:
			found[n.Pos()] = "a channel"
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && slices.Contains(impure[names[x.Name]], n.Sel.Name) {
				found[n.Pos()] = names[x.Name] + "." + n.Sel.Name
			}
		}
		return true
	})
	return found
}

// importNames maps the names a file uses for packages to their paths.
func importNames(file *ast.File) map[string]string {
	names := map[string]string{}
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue // the parser has refused the file already
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = path
	}
	return names
}

func parse(t *testing.T, path string) (*token.FileSet, *ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return fset, file
}
