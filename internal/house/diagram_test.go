package house

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	diagramBegin = "<!-- diagram: written by go test ./internal/house -update -->\n"
	diagramEnd   = "<!-- end of diagram -->\n"
)

// TestDiagram_ShowsTheHouseAsBuilt holds the picture in docs/architecture.md
// to the imports of the code.
func TestDiagram_ShowsTheHouseAsBuilt(t *testing.T) {
	picture := diagram(load(t))
	hold(t, filepath.Join(root, "docs", "architecture.md"), func(old string) string {
		before, rest, found := strings.Cut(old, diagramBegin)
		_, after, ended := strings.Cut(rest, diagramEnd)
		if !found || !ended {
			t.Fatalf("docs/architecture.md has no place for the diagram:\n%s%s", diagramBegin, diagramEnd)
		}
		return before + diagramBegin + picture + diagramEnd + after
	})
}

// diagram draws the rooms of the binary, one row per floor, with the imports
// that do not follow from others.
func diagram(l listing) string {
	edges := map[string][]string{}
	for _, p := range l.own() {
		if p.ImportPath == binary || slices.Contains(l[binary].Deps, p.ImportPath) {
			edges[p.room()] = p.rooms()
		}
	}
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, floor := range floors {
		for _, room := range floor {
			if _, built := edges[room]; built {
				fmt.Fprintf(&b, "  %s[%s]\n", node(room), room)
			}
		}
	}
	for _, floor := range floors {
		for _, from := range floor {
			for _, to := range slices.Sorted(slices.Values(edges[from])) {
				if !indirect(edges, from, to) {
					fmt.Fprintf(&b, "  %s --> %s\n", node(from), node(to))
				}
			}
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// node makes a room's path into a name the drawing language takes.
func node(room string) string { return strings.ReplaceAll(room, "/", "_") }

// indirect reports whether from reaches to through another room it imports.
func indirect(edges map[string][]string, from, to string) bool {
	return slices.ContainsFunc(edges[from], func(via string) bool {
		return via != to && reaches(edges, via, to)
	})
}

func reaches(edges map[string][]string, from, to string) bool {
	return slices.ContainsFunc(edges[from], func(next string) bool {
		return next == to || reaches(edges, next, to)
	})
}
