package house

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// importers names, per foreign package or tree of packages, the rooms that may
// import it; the longest name decides. A room stands for the rooms below it.
var importers = map[string][]string{
	"mellium.im":                          {"component"},
	"mellium.im/xmpp/jid":                 {"component", "config"},
	"github.com/prometheus/client_golang": {"component", "internal/engine", "internal/daemon", "internal/web", "internal/store", "aggregation/calendar/sources", "internal/polling", "internal/audit"},
	"github.com/redis/go-redis":           {"internal/store/redisstore"},
	"go.etcd.io/bbolt":                    {"internal/store/boltstore"},
	"github.com/jackc/pgx":                {"internal/serverlists"},
	"modernc.org/sqlite":                  {"internal/serverlists"},
	"github.com/pelletier/go-toml":        {"config"},
	"github.com/spf13/cobra":              {"cmd/presenced"},
	"github.com/spf13/pflag":              {"cmd/presenced"},
	"gopkg.in/yaml.v3":                    {"internal/scenario"},
	"github.com/cespare/xxhash":           {"internal/engine", "internal/store/redisstore"},
	"golang.org/x/net/idna":               {"internal/presence"},
	"golang.org/x/net/html":               {"aggregation/calendar/sources/away"},
	"golang.org/x/oauth2":                 {"aggregation/calendar/sources/bearer"},
	"github.com/Azure/go-ntlmssp":         {"aggregation/calendar/sources/ews"},
	"golang.org/x/text":                   {"internal/presence"},
	"golang.org/x/sys":                    {"cmd/presenced", "internal/admin", "internal/store"},
	"golang.org/x/sync":                   {"component", "internal", "aggregation/calendar/sources"},
	"github.com/teambition/rrule-go":      {"aggregation/calendar"},
}

func TestImports_EveryForeignPackageHasItsRoom(t *testing.T) {
	l := load(t)
	for _, p := range l.own() {
		if slices.Contains(tools, p.room()) {
			continue
		}
		for _, path := range p.Imports {
			if l[path].Standard || strings.HasPrefix(path, module+"/") {
				continue
			}
			rooms, known := importers[longest(path)]
			if !known {
				t.Errorf("%s imports %s, which nobody allowed: see modules_test.go", p.room(), path)
			} else if !slices.ContainsFunc(rooms, func(r string) bool { return within(p.room(), r) }) {
				t.Errorf("%s imports %s, which belongs to [%s]", p.room(), path, strings.Join(rooms, " "))
			}
		}
	}
}

// longest returns the most exact name in importers that covers path.
func longest(path string) string {
	best := ""
	for name := range importers {
		if within(path, name) && len(name) > len(best) {
			best = name
		}
	}
	return best
}

// within reports whether a path is tree or below it.
func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

func TestBinary_HasNoTestCode(t *testing.T) {
	for _, dep := range load(t)[binary].Deps {
		room := strings.TrimPrefix(dep, module+"/")
		if dep == "testing" || slices.Contains(tools, room) {
			t.Errorf("the binary is built from %s", dep)
		}
	}
}

// TestBinary_DependenciesAreReviewed holds the modules in the binary, with the
// rooms that import each directly, to the list somebody has read.
func TestBinary_DependenciesAreReviewed(t *testing.T) {
	l := load(t)
	versions, users := map[string]string{}, map[string][]string{}
	for _, dep := range append(l[binary].Deps, binary) {
		p := l[dep]
		if p.Module == nil {
			continue
		}
		if p.Module.Path != module {
			versions[p.Module.Path] = p.Module.Version
			continue
		}
		for _, i := range p.Imports {
			if m := l[i].Module; m != nil && m.Path != module && !slices.Contains(users[m.Path], p.room()) {
				users[m.Path] = append(users[m.Path], p.room())
			}
		}
	}
	var b strings.Builder
	b.WriteString("# Every module in the presenced binary, and the rooms that import it directly.\n" +
		"# Checked by internal/house; go test ./internal/house -update writes it anew.\n")
	var paths []string
	for path := range versions {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		slices.Sort(users[path])
		by := strings.Join(users[path], ", ")
		if by == "" {
			by = "(through others)"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", path, versions[path], by)
	}
	hold(t, filepath.Join(root, "docs", "dependencies.txt"), func(string) string { return b.String() })
}

// hold compares a file with what it should be made into, or writes that.
func hold(t *testing.T, path string, want func(old string) string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil && !(*update && os.IsNotExist(err)) {
		t.Fatal(err)
	}
	got := string(raw)
	text := want(got)
	if got == text {
		return
	}
	if !*update {
		t.Errorf("%s is out of date: run go test ./internal/house -update and read what changed\ngot:\n%s\nwant:\n%s", path, got, text)
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
