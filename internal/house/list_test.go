package house

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write docs/dependencies.txt and the diagram of docs/architecture.md")

const (
	module = "presenced"
	root   = "../.." // of the checkout, seen from this package
	binary = module + "/cmd/presenced"
)

// pkg is one package as the go command lists it, without its tests.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	Imports    []string
	Deps       []string // everything it is built from, itself not included
	Module     *struct{ Path, Version string }
}

// listing holds all our packages and everything they are built from.
type listing map[string]pkg

// load asks the go command once per run.
func load(t *testing.T) listing {
	t.Helper()
	l, err := list()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var list = sync.OnceValues(func() (listing, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Imports,Deps,Module", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return nil, errors.New("go list: " + string(exit.Stderr))
	}
	if err != nil {
		return nil, err
	}
	l := listing{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return l, nil
		case err != nil:
			return nil, err
		}
		l[p.ImportPath] = p
	}
})

// own returns our packages, sorted.
func (l listing) own() []pkg {
	var ours []pkg
	for _, p := range l {
		if p.Module != nil && p.Module.Path == module {
			ours = append(ours, p)
		}
	}
	slices.SortFunc(ours, func(a, b pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return ours
}

// room is the package's path inside the module.
func (p pkg) room() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// rooms returns the packages of ours that p imports.
func (p pkg) rooms() []string {
	var rooms []string
	for _, i := range p.Imports {
		if room, ok := strings.CutPrefix(i, module+"/"); ok {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// files returns the paths of the package's Go files, without tests.
func (p pkg) files() []string {
	paths := make([]string, len(p.GoFiles))
	for i, f := range p.GoFiles {
		paths[i] = filepath.Join(p.Dir, f)
	}
	return paths
}
