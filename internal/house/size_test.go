package house

import (
	"go/ast"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const (
	// maxFile is how long a file may be: beyond it is rarely about one thing.
	maxFile = 450
	// maxFunc is how long a function may be without its tables.
	maxFunc = 50
	// maxWhole is how long a function may be with a table or a flat switch. Test
	// tables are as long as the rules they cover.
	maxWhole = 80
)

func TestSize_FilesAndFunctions(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() != ".." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go"):
			checkSize(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkSize(t *testing.T, path string) {
	t.Helper()
	fset, file := parse(t, path)
	if n := fset.File(file.Pos()).LineCount(); n > maxFile {
		t.Errorf("%s has %d lines, more than %d: is it still about one thing?", path, n, maxFile)
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		whole := lines(fset, f)
		if whole <= maxFunc {
			continue
		}
		if rest := whole - tables(fset, f.Body); rest > maxFunc {
			t.Errorf("%s: %s has %d lines beside its tables, more than %d", fset.Position(f.Pos()), f.Name.Name, rest, maxFunc)
		}
		if whole > maxWhole && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s: %s has %d lines, more than %d", fset.Position(f.Pos()), f.Name.Name, whole, maxWhole)
		}
	}
}

// tables counts the lines inside literals and switches of a function.
func tables(fset *token.FileSet, body *ast.BlockStmt) int {
	sum := 0
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit, *ast.SwitchStmt, *ast.TypeSwitchStmt:
			sum += lines(fset, n) - 1
			return false
		case *ast.BasicLit:
			sum += lines(fset, n) - 1
		}
		return true
	})
	return sum
}

func lines(fset *token.FileSet, n ast.Node) int {
	return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
}
