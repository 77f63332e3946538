package privacy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"
)

// longList denies n people by their addresses, none of whom looks.
func longList(n int) *List {
	l := &List{}
	for i := range n {
		l.Items = append(l.Items, Item{Order: fmt.Sprint(i), Action: "deny", Type: "jid", Value: fmt.Sprintf("u%d@example.net", i)})
	}
	return l
}

// TestS8_2_WhatAWatcherCostsDoesNotGrowWithTheList: neither memory, nor, since the
// compiled lists hold nothing that could be walked, look-ups.
func TestS8_2_WhatAWatcherCostsDoesNotGrowWithTheList(t *testing.T) {
	for _, n := range []int{0, 10, 10_000} {
		s := withDefault(longList(n))
		for i := range n {
			s.Block.JIDs = append(s.Block.JIDs, fmt.Sprintf("u%d@example.com", i))
		}
		p := NewPolicy(testSite(t), s)
		if p.Err() != nil {
			t.Fatal(p.Err())
		}
		w := who("bob@example.org")
		if allocs := testing.AllocsPerRun(100, func() { p.Place(w); p.Admits(w) }); allocs != 0 {
			t.Errorf("%d items: %v allocations for a watcher, want 0", n, allocs)
		}
	}
	for _, compiled := range []any{list{}, blocks{}} {
		for f := range reflect.TypeOf(compiled).Fields() {
			if f.Type.Kind() == reflect.Slice {
				t.Errorf("%T.%s can only be walked", compiled, f.Name)
			}
		}
	}
}

// TestS8_2_NoListIsWalked: of what a watcher is judged by, only her groups and the
// active lists of the owner's sessions are gone through.
func TestS8_2_NoListIsWalked(t *testing.T) {
	judging := []string{"verdict", "group", "look", "parent", "denies", "has", "lists", "veto", "place"}
	walked := map[string]bool{"groups": true, "active": true}
	found := map[string]bool{}
	for _, name := range []string{"list.go", "place.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !slices.Contains(judging, f.Name.Name) {
				continue
			}
			found[f.Name.Name] = true
			ast.Inspect(f, func(n ast.Node) bool {
				if r, ok := n.(*ast.RangeStmt); ok && !walked[rangedOver(r.X)] {
					t.Errorf("%s goes through %s", f.Name.Name, rangedOver(r.X))
				}
				return true
			})
		}
	}
	if len(found) != len(judging) {
		t.Errorf("found only %v: name the functions that took their place", found)
	}
}

// rangedOver is the last name of what a loop goes through.
func rangedOver(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return fmt.Sprintf("%T", x)
}
