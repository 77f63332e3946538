package serverlists

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

const (
	noTables    = "ejabberd keeps no lists there: name its database in the dsn, and set db_type: sql of mod_privacy (or default_db: sql)"
	otherTables = "these are not the tables of an ejabberd that is known: see docs/servers/ejabberd.md"
)

// hint adds the database and what to do to an error.
func (s *Source) hint(err error) error {
	remedy := ""
	var lite *sqlite.Error
	var answered *pgconn.PgError
	var network *net.OpError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &answered):
		remedy = postgresRemedy(answered)
	case errors.As(err, &lite):
		remedy = sqliteRemedy(lite)
	case errors.Is(err, context.Canceled), errors.Is(err, errHalf):
	case errors.Is(err, context.DeadlineExceeded):
		remedy = "it took too long: see what slows the database down"
	case errors.As(err, &network), errors.As(err, &connect):
		remedy = "see that PostgreSQL runs and takes connections there"
	default:
		remedy = "see the database's log"
	}
	if remedy != "" {
		remedy = "; " + remedy
	}
	return fmt.Errorf("%s at %s: %w%s", s.kind(), s.where, s.plain(err), remedy)
}

func (s *Source) kind() string {
	if s.file != "" {
		return "SQLite"
	}
	return "PostgreSQL"
}

// plain replaces what a driver says by what it says of: pgx lists every attempt
// over several lines, and SQLite does not know why a file cannot be opened.
func (s *Source) plain(err error) error {
	if s.file != "" {
		if why := unreadable(s.file); why != nil {
			return why
		}
		return err
	}
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); !connecting {
		return err
	}
	if answered, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answered
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network
	}
	return err
}

// unreadable tells why a file cannot be read; nil if it can. It does not open the
// file: closing it would take away the locks that SQLite holds in this process.
func unreadable(file string) error {
	const read = 4 // R_OK of access(2)
	if err := syscall.Access(file, read); err != nil {
		return err
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return errors.New("it is a directory")
	}
	return nil
}
