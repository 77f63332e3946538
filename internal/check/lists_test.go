package check

import (
	"database/sql"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// listsFile makes a database as ejabberd does, as far as it is looked at, and
// keeps it open as ejabberd would.
func listsFile(t *testing.T, more ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ejabberd.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, s := range append([]string{
		"CREATE TABLE privacy_default_list (username, server_host, name)",
		"CREATE TABLE privacy_list (username, server_host, name, id INTEGER PRIMARY KEY)",
		"CREATE TABLE privacy_list_data (id, t, value, action, ord, match_all, match_iq, match_message, match_presence_in, match_presence_out)",
	}, more...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return file
}

// steps returns all steps of that name.
func (r *Report) steps(name string) (all []Step) {
	for _, s := range r.Steps {
		if s.Name == name {
			all = append(all, s)
		}
	}
	return all
}

func TestLists_TellsWhatIsFound(t *testing.T) {
	used := []string{"PRAGMA journal_mode = WAL", "INSERT INTO privacy_list VALUES ('alice', 'example.localhost', 'secret-list', 1)"}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	type step struct {
		result    Result
		found, do string
	}
	for _, c := range []struct {
		name, driver, dsn string
		want              []step
	}{
		{"used", "sqlite", listsFile(t, used...), []step{{OK, "ejabberd's tables are there, in the new layout, with server_host", ""}}},
		{"empty", "sqlite", listsFile(t), []step{
			{OK, "can be read", ""}, {Warn, "nobody has a list", "db_type: sql"}, {Warn, "does not wait for readers", "journal_mode = WAL"}}},
		{"missing", "sqlite", "/nowhere/ejabberd.db", []step{{Fail, "no such file", "nobody but herself"}}},
		{"wrong", "sqlite", "ejabberd.db", []step{{Fail, "write it from the root", "correct privacy.lists_sql"}}},
		{"away", "postgres", "postgres://u:tops3cret@" + closed + "/d", []step{{Fail, "see that PostgreSQL runs", "nobody but herself"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &checker{}
			r.configuration(Options{Config: write(t, "127.0.0.1:5347", "s3cret",
				fmt.Sprintf("[[privacy.lists_sql]]\nhost = \"example.localhost\"\ndriver = %q\ndsn = %q\n", c.driver, c.dsn))})
			r.sqlLists(t.Context())
			got := r.steps("lists of example.localhost")
			if len(got) != len(c.want) {
				t.Fatalf("got %+v, want %d steps", got, len(c.want))
			}
			for i, w := range c.want {
				if got[i].Result != w.result || !strings.Contains(got[i].Found, w.found) || !strings.Contains(got[i].Do, w.do) {
					t.Errorf("got %+v, want %+v", got[i], w)
				}
			}
			if text := fmt.Sprintf("%+v", r.Report); strings.Contains(text, "tops3cret") || strings.Contains(text, "secret-list") || strings.Contains(text, "alice") {
				t.Errorf("something private is shown: %s", text)
			}
		})
	}
}
