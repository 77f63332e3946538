package serverlists

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// writeAhead does to SQLite's file what docs/servers/ejabberd.md says.
func writeAhead(t *testing.T, file string) {
	t.Helper()
	run(t, file, "PRAGMA journal_mode = WAL", "CREATE INDEX IF NOT EXISTS i_privacy_list_data_id ON privacy_list_data (id)")
}

// run executes statements on a file of SQLite, which it makes.
func run(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// tables make the columns that are read, of types that allow everything, with
// users alice (id 1) and, in the new layout, alice of another host (id 2).
func tables(serverHost bool) []string {
	host, ours, theirs := "", "", ""
	if serverHost {
		host, ours, theirs = ", server_host", ", 'example.org'", ", 'other.org'"
	}
	t := []string{
		"CREATE TABLE privacy_default_list (username" + host + ", name)",
		"CREATE TABLE privacy_list (username" + host + ", name, id INTEGER PRIMARY KEY)",
		"CREATE TABLE privacy_list_data (id, t, value, action, ord, match_all, match_iq, match_message, match_presence_in, match_presence_out)",
		"INSERT INTO privacy_list VALUES ('alice'" + ours + ", 'l', 1)",
		"INSERT INTO privacy_default_list VALUES ('alice'" + ours + ", 'l')",
	}
	if serverHost {
		t = append(t, "INSERT INTO privacy_list VALUES ('alice'"+theirs+", 'theirs', 2)",
			"INSERT INTO privacy_default_list VALUES ('alice'"+theirs+", 'theirs')",
			"INSERT INTO privacy_list_data VALUES (2, 'n', '', 'd', 1, 1, 0, 0, 0, 0)")
	}
	return t
}

// source makes a database of the statements and a source that reads it.
func source(t *testing.T, statements ...string) *Source {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ejabberd % ü.db")
	run(t, file, statements...)
	s, err := Open(Options{Host: "example.org", Driver: "sqlite", DSN: file})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func read(t *testing.T, s *Source, bare string) engine.Lists {
	t.Helper()
	got, err := s.Read(t.Context(), presence.MustAddr(bare), bare)
	must(t, err)
	return got
}

// TestRead_EveryRowIsThere: what the server would skip fails the list.
func TestRead_EveryRowIsThere(t *testing.T) {
	deny := privacy.Item{Order: "1", Action: "deny", Type: "jid", Value: "bob@example.org"}
	broken := func(change func(*privacy.Item)) privacy.Item {
		it := deny
		change(&it)
		return it
	}
	for _, c := range []struct {
		name, row string
		want      privacy.Item
	}{
		{"as ejabberd writes it", "'j', 'bob@example.org', 'd', 1, 1, 0, 0, 0, 0", deny},
		{"booleans as words", "'j', 'bob@example.org', 'd', 1, 'true', 'f', 'false', 'f', 'f'", deny},
		{"all beside others", "'j', 'bob@example.org', 'd', 1, 1, 1, 0, 0, 1", deny},
		{"outgoing presence", "'j', 'bob@example.org', 'd', 1, 0, 0, 0, 0, 1",
			broken(func(i *privacy.Item) { i.Stanzas = []string{"presence-out"} })},
		{"a value of another type", "'g', 12, 'a', '1', 1, 0, 0, 0, 0",
			privacy.Item{Order: "1", Action: "allow", Type: "group", Value: "12"}},
		{"everybody with a value", "'n', 'x', 'd', 1, 1, 0, 0, 0, 0", privacy.Item{Order: "1", Action: "deny", Value: "x"}},
		{"an unknown subscription", "'s', 'pending', 'd', 1, 1, 0, 0, 0, 0",
			privacy.Item{Order: "1", Action: "deny", Type: "subscription", Value: "pending"}},
		{"an unknown type", "'x', 'bob@example.org', 'd', 1, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Type, i.Broken = "", "the type is none of n, j, g and s" })},
		{"no type", "NULL, 'bob@example.org', 'd', 1, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Type, i.Broken = "", "the type is none of n, j, g and s" })},
		{"an unknown action", "'j', 'bob@example.org', 'deny', 1, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Action, i.Broken = "", "the action is neither a nor d" })},
		{"no value", "'j', NULL, 'd', 1, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Value, i.Broken = "", "there is no value" })},
		{"bytes", "'j', x'ff00', 'd', 1, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Value, i.Broken = "", "the value is not valid UTF-8" })},
		{"a long value", "'g', printf('%05000d', 1), 'd', 1, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) {
				i.Type, i.Value, i.Broken = "group", "", "the value is longer than 4096 characters"
			})},
		{"a fraction", "'j', 'bob@example.org', 'd', 1.5, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Order, i.Broken = "", "the order is no unsigned number" })},
		{"below zero", "'j', 'bob@example.org', 'd', -1, 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Order, i.Broken = "", "the order is no unsigned number" })},
		{"too many digits", "'j', 'bob@example.org', 'd', printf('%065d', 1), 1, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Order, i.Broken = "", "the order is no unsigned number" })},
		{"no kind of stanza", "'j', 'bob@example.org', 'd', 1, 0, 0, 0, 0, 0",
			broken(func(i *privacy.Item) { i.Broken = "it matches no kind of stanza" })},
		{"an unknown boolean", "'j', 'bob@example.org', 'd', 1, 1, 0, 0, NULL, 0",
			broken(func(i *privacy.Item) { i.Broken = "a match column is neither true nor false" })},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, serverHost := range []bool{false, true} {
				s := source(t, append(tables(serverHost), "INSERT INTO privacy_list_data VALUES (1, "+c.row+")")...)
				want := engine.Lists{Default: &privacy.List{Items: []privacy.Item{c.want}}}
				if diff := cmp.Diff(want, read(t, s, "alice@example.org")); diff != "" {
					t.Errorf("server_host=%t: (-want +got)\n%s", serverHost, diff)
				}
			}
		})
	}
}

func TestRead_OrdersAreApartAndDenyComesFirst(t *testing.T) {
	var statements []string
	for _, row := range []string{"'a', 0", "'d', 0", "'d', 5", "'a', 5", "'a', '18446744073709551617'", "'d', '18446744073709551616'", "'a', 3", "'d', '007'"} {
		statements = append(statements, "INSERT INTO privacy_list_data SELECT 1, 'g', 'x', c.*, 1, 0, 0, 0, 0 FROM (SELECT "+row+") c")
	}
	got := read(t, source(t, append(tables(false), statements...)...), "alice@example.org")
	var have []string
	for _, it := range got.Default.Items {
		have = append(have, it.Order+" "+it.Action)
	}
	want := []string{"0 deny", "1 allow", "3 allow", "5 deny", "6 allow", "7 deny", "2147483648 deny", "2147483649 allow"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRead_BoundsHideTheUser(t *testing.T) {
	series := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
	for _, c := range []struct{ name, statement, broken string }{
		{"a list too long", fmt.Sprintf(series, maxItems+1) + "INSERT INTO privacy_list_data SELECT 1, 'g', 'x' || i, 'a', i, 1, 0, 0, 0, 0 FROM n", "more than 10000 items"},
		{"too many lists", fmt.Sprintf(series, maxLists) + "INSERT INTO privacy_list SELECT 'alice', 'l' || i, i + 1 FROM n", "more than 64 lists"},
		{"far too many lists", fmt.Sprintf(series, 1000) + "INSERT INTO privacy_list SELECT 'alice', 'l' || i, i + 1 FROM n", "more than 64 lists"},
		{"too many bytes", fmt.Sprintf(series, maxItems) + "INSERT INTO privacy_list_data SELECT 1, 'g', printf('%04000d', i), 'a', i, 1, 0, 0, 0, 0 FROM n", "16 MiB"},
		{"a default that is gone", "DELETE FROM privacy_list", "not in the table"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, source(t, append(tables(false), c.statement)...), "alice@example.org")
			if got.Default == nil || !strings.Contains(got.Default.Broken, c.broken) || len(got.Default.Items) != 0 {
				t.Errorf("got %.300v, want a default list broken by %q", got, c.broken)
			}
		})
	}
	most := read(t, source(t, append(tables(false), fmt.Sprintf(series, maxLists-1)+"INSERT INTO privacy_list SELECT 'alice', 'l' || i, i + 1 FROM n",
		fmt.Sprintf(series, maxItems)+"INSERT INTO privacy_list_data SELECT 1, 'g', 'x' || i, 'a', i, 1, 0, 0, 0, 0 FROM n")...), "alice@example.org")
	if len(most.Default.Items) != maxItems || len(most.Others) != maxLists-1 {
		t.Errorf("got %d items and %d other lists, want all that is allowed", len(most.Default.Items), len(most.Others))
	}
}

func TestRead_FindsTheUserUnderEverySpelling(t *testing.T) {
	for stored, spellings := range map[string][]string{
		"alice":                 {"alice@example.org", "ALICE@EXAMPLE.org", "ａlice@example.org", "al\u00adice@example.org"},
		`o\27neil`:              {`o\27neil@example.org`, `O\27Neil@example.org`},
		`a\5c5cb`:               {`a\5c5cb@example.org`, `A\5C5cB@example.org`},
		`joe\40other.example`:   {`joe\40other.example@example.org`, `Joe\40Other.Example@example.org`},
		"jo\u0308rg":            {"jo\u0308rg@example.org"}, // as no server has it, yet as it was spelled
		"j\u00f6rg":             {"jo\u0308rg@example.org", "JÖRG@example.org"},
		"strasse":               {"straße@example.org", "STRASSE@example.org"},
		"\u03c3\u03c3":          {"\u03a3\u03c2@example.org"},
		`domain\2fuser\2fname`:  {`DOMAIN\2FUser\2Fname@example.org`},
		`just\a\backslash`:      {`just\a\backslash@example.org`},
		`\5c40not-an-at`:        {`\5c40not-an-at@example.org`},
		"ends.with.dot.":        {"Ends.With.Dot.@example.org"},
		strings.Repeat("x", 99): {strings.Repeat("X", 99) + "@example.org"},
	} {
		statement := "UPDATE privacy_list SET username = '" + stored + "'"
		s := source(t, append(tables(false), statement, "DELETE FROM privacy_default_list")...)
		for _, bare := range spellings {
			if got := read(t, s, bare); len(got.Others) != 1 {
				t.Errorf("%q is not found under %q", stored, bare)
			}
		}
	}
}

func TestRead_TwoAccountsOfOneAddressAreNotMixed(t *testing.T) {
	s := source(t, append(tables(false), `UPDATE privacy_list SET username = 'a\b'`, "DELETE FROM privacy_default_list",
		`INSERT INTO privacy_list VALUES ('a\5cb', 'second', 2)`, "INSERT INTO privacy_list_data VALUES (2, 'n', '', 'd', 1, 1, 0, 0, 0, 0)")...)
	if got := read(t, s, `a\b@example.org`); len(got.Others) != 1 || len(got.Others[0].Items) != 0 {
		t.Errorf("got %+v, want the empty list only", got)
	}
	if a, err := presence.ParseAddr(`a\5cb@example.org`); err == nil {
		t.Errorf("the second account has the key %q: it would be the first one to us", a.Key())
	}
}

func TestRead_FollowsAMigrationOfTheTables(t *testing.T) {
	s := source(t, append(tables(false), "INSERT INTO privacy_list_data VALUES (1, 'n', '', 'd', 1, 1, 0, 0, 0, 0)")...)
	if got := read(t, s, "alice@example.org"); len(got.Default.Items) != 1 {
		t.Fatalf("before: %+v", got)
	}
	run(t, s.file, "ALTER TABLE privacy_list ADD server_host DEFAULT 'other.org'")
	if _, err := s.Read(t.Context(), presence.MustAddr("alice@example.org"), "alice@example.org"); err == nil || !strings.Contains(err.Error(), "finish the migration") {
		t.Errorf("half migrated: got %v", err)
	}
	run(t, s.file, "ALTER TABLE privacy_default_list ADD server_host DEFAULT 'other.org'")
	if got := read(t, s, "alice@example.org"); got.Default != nil || got.Others != nil {
		t.Errorf("after, as another host's: %+v", got)
	}
}

func TestRead_OfAStrangerIsRefused(t *testing.T) {
	s := source(t, tables(false)...)
	for _, bare := range []string{"alice@other.org", "example.org", "alice@sub.example.org"} {
		if got, err := s.Read(t.Context(), presence.MustAddr(bare), bare); err == nil {
			t.Errorf("%s: got %+v", bare, got)
		}
	}
}

func TestRead_ManyAtOnceAndAfterClose(t *testing.T) {
	s := source(t, append(tables(true), "INSERT INTO privacy_list_data VALUES (1, 'n', '', 'd', 1, 1, 0, 0, 0, 0)")...)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			got, err := s.Read(t.Context(), presence.MustAddr("alice@example.org"), "alice@example.org")
			if err != nil || got.Default == nil || len(got.Default.Items) != 1 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	all.Wait()
	must(t, s.Close())
	if got, err := s.Read(t.Context(), presence.MustAddr("alice@example.org"), "alice@example.org"); err == nil {
		t.Errorf("after Close: got %+v", got)
	}
}
