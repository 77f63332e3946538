package serverlists

import (
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/presence"
)

// fails reads from a source and returns the error.
func fails(t *testing.T, s *Source) string {
	t.Helper()
	got, err := s.Read(t.Context(), presence.MustAddr("alice@example.org"), "alice@example.org")
	if err == nil {
		t.Fatalf("got %+v, want an error", got)
	}
	if strings.ContainsAny(err.Error(), "\n\t") {
		t.Errorf("the error has several lines: %q", err)
	}
	return err.Error()
}

func TestOpen_RefusesWhatCannotBeRight(t *testing.T) {
	for _, c := range []struct{ driver, dsn, hint string }{
		{"mysql", "x", "\"postgres\" or \"sqlite\""},
		{"sqlite", "", "write it from the root"},
		{"sqlite", "ejabberd.db", "write it from the root"},
		{"sqlite", "/a.db?mode=rwc", "write it from the root"},
		{"sqlite", ":memory:", "write it from the root"},
		{"postgres", "", "postgres://USER"},
		{"postgres", "postgres://u:tops3cret@h:x/d", "postgres://USER"},
		{"postgres", "postgres://u:tops3cret@[::1", "postgres://USER"},
		{"postgres", "host=h password='tops3cret", "postgres://USER"},
		{"postgres", "tops3cret", "postgres://USER"},
	} {
		s, err := Open(Options{Host: "example.org", Driver: c.driver, DSN: c.dsn})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s %q: no error", c.driver, c.dsn)
			continue
		}
		if !strings.Contains(err.Error(), c.hint) || strings.Contains(err.Error(), "tops3cret") {
			t.Errorf("%s %q: got %q, want a hint with %q and no password", c.driver, c.dsn, err, c.hint)
		}
	}
}

func TestRead_TellsWhatIsWrongWithTheFile(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	must(t, os.WriteFile(text, []byte(strings.Repeat("no database\n", 100)), 0o600))
	for _, c := range []struct {
		name, file, hint string
		statements       []string
	}{
		{"missing", filepath.Join(dir, "missing.db"), "no such file or directory; see that the file is there", nil},
		{"a directory", dir, "see that the file is there", nil},
		{"a text", text, "no SQLite database", nil},
		{"no tables", filepath.Join(dir, "empty.db"), "db_type: sql", []string{"CREATE TABLE users (x)"}},
		{"other columns", filepath.Join(dir, "columns.db"), "not the tables of an ejabberd", []string{
			"CREATE TABLE privacy_default_list (username, name)", "CREATE TABLE privacy_list (user, name, id)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.statements != nil {
				run(t, c.file, c.statements...)
			}
			s, err := Open(Options{Host: "example.org", Driver: "sqlite", DSN: "file:" + c.file})
			must(t, err)
			defer func() { must(t, s.Close()) }()
			if got := fails(t, s); !strings.Contains(got, c.hint) || !strings.HasPrefix(got, "SQLite at "+c.file) {
				t.Errorf("got %q, want the file and %q", got, c.hint)
			}
			if _, err := os.Stat(filepath.Join(dir, "missing.db")); err == nil {
				t.Error("the file was made")
			}
		})
	}
}

func TestRead_NeverWritesAndWaitsForAWriter(t *testing.T) {
	s := source(t, tables(true)...)
	if _, err := s.db.ExecContext(t.Context(), "DELETE FROM privacy_list"); err == nil {
		t.Fatal("the source can write")
	}
	writer, err := sql.Open("sqlite", s.file)
	must(t, err)
	defer func() { must(t, writer.Close()) }()
	conn, err := writer.Conn(t.Context())
	must(t, err)
	_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	must(t, err)
	got := make(chan error, 1)
	go func() {
		_, err := s.Read(t.Context(), presence.MustAddr("alice@example.org"), "alice@example.org")
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("read past a writer's lock: %v", err)
	case <-time.After(100 * time.Millisecond): // it is waiting
	}
	_, err = conn.ExecContext(t.Context(), "COMMIT")
	must(t, err)
	must(t, <-got)
	must(t, conn.Close())
}

// TestRead_SilentServerEnds connects to a server that never answers.
func TestRead_SilentServerEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s, err := Open(Options{Host: "example.org", Driver: "postgres",
		DSN: "postgres://u:tops3cret@" + l.Addr().String() + "/d?sslmode=disable&connect_timeout=1"})
	must(t, err)
	start := time.Now()
	if got := fails(t, s); strings.Contains(got, "tops3cret") || time.Since(start) > readTime {
		t.Errorf("got %q after %s", got, time.Since(start))
	}
	must(t, s.Close())
	must(t, l.Close())
	gone, err := Open(Options{Host: "example.org", Driver: "postgres", DSN: "postgres://u:tops3cret@" + l.Addr().String() + "/d"})
	must(t, err)
	if got := fails(t, gone); strings.Contains(got, "tops3cret") || !strings.Contains(got, "see that PostgreSQL runs") {
		t.Errorf("got %q, want a hint and no password", got)
	}
	must(t, gone.Close())
}

// TestRead_WriteAheadLog: with the log in use a reading sees what was written
// last.
func TestRead_WriteAheadLog(t *testing.T) {
	s := source(t, tables(false)...)
	writeAhead(t, s.file)
	writer, err := sql.Open("sqlite", s.file)
	must(t, err)
	defer func() { must(t, writer.Close()) }()
	writer.SetMaxOpenConns(1)
	for i := range 3 {
		_, err = writer.ExecContext(t.Context(), "INSERT INTO privacy_list_data VALUES (1, 'n', '', 'd', ?, 1, 0, 0, 0, 0)", i)
		must(t, err)
		if got := read(t, s, "alice@example.org"); len(got.Default.Items) != i+1 {
			t.Errorf("after %d writes: %+v", i+1, got.Default)
		}
	}
}
