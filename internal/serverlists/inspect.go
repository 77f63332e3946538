package serverlists

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Found is what the database says of itself, for the troubleshooter. Nothing in
// it tells of a single user.
type Found struct {
	Server string // for example "PostgreSQL 15.18" or "SQLite"
	Where  string // the file, or host and database
	Layout string // of the tables, in words
	// Empty tells that nobody has a list, as where ejabberd keeps them elsewhere.
	Empty bool
	// Writable tells that the user of the dsn might change the tables.
	Writable bool
	// Blocks tells that a reading makes ejabberd's writing wait (SQLite without a
	// write-ahead log).
	Blocks bool
}

// Inspect connects, and looks whether lists can be read. The error says what to
// do.
func (s *Source) Inspect(ctx context.Context) (f Found, err error) {
	f.Where = s.where
	err = s.look(ctx, func(ctx context.Context, tx *sql.Tx) error {
		l, err := layoutOf(ctx, tx)
		if err != nil {
			return err
		}
		f.Layout = l.String()
		// A reading of nobody goes through all that a real one does.
		if _, err := readLists(ctx, tx, l, spelled{names: []string{""}, hosts: []string{""}}); err != nil {
			return err
		}
		var r rawLists
		if err := r.readItems(ctx, tx, l, spelled{names: []string{""}, hosts: []string{""}}); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "SELECT NOT EXISTS (SELECT 1 FROM privacy_list)").Scan(&f.Empty); err != nil {
			return fmt.Errorf("privacy_list: %w", err)
		}
		return s.describe(ctx, tx, &f)
	})
	return f, err
}

// describe asks what only one of the databases knows.
func (s *Source) describe(ctx context.Context, tx *sql.Tx, f *Found) error {
	if s.file != "" {
		var version, journal string
		if err := tx.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
			return err
		}
		f.Server, f.Blocks = "SQLite", journal != "wal"
		return nil
	}
	var version string
	err := tx.QueryRowContext(ctx, `SELECT current_setting('server_version'),
		has_table_privilege('privacy_list', 'INSERT, UPDATE, DELETE') OR
		has_table_privilege('privacy_list_data', 'INSERT, UPDATE, DELETE') OR
		has_table_privilege('privacy_default_list', 'INSERT, UPDATE, DELETE')`).Scan(&version, &f.Writable)
	version, _, _ = strings.Cut(version, " ")
	f.Server = "PostgreSQL " + version
	return err
}
