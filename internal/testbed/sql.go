package testbed

import (
	"context"
	"errors"
	"path/filepath"
)

// SQL says where ejabberd keeps block and privacy lists.
type SQL struct {
	// Postgres is a running server, in which the tables are made; nil: a file
	// of SQLite, which ejabberd makes itself.
	Postgres *Postgres
	// ServerHost takes the tables with a column server_host (new_sql_schema).
	ServerHost bool
	// Database is the name of a database to be made in Postgres, or SQLite's
	// file.
	Database string
}

// ejabberdSchemas is where Debian's package keeps the tables' definitions.
const ejabberdSchemas = "/usr/share/ejabberd/sql"

// prepare makes the tables in Postgres. With SQLite, ejabberd makes them.
func (q *SQL) prepare(ctx context.Context) error {
	for _, library := range []string{"p1_sqlite3", "p1_pgsql"} {
		if found, _ := filepath.Glob("/usr/lib/erlang/lib/" + library + "-*"); len(found) == 0 {
			return errors.New("testbed: ejabberd's way to SQL is not installed: run apt-get install erlang-p1-sqlite3 erlang-p1-pgsql")
		}
	}
	if q.Postgres == nil {
		return nil
	}
	file := "pg.sql"
	if q.ServerHost {
		file = "pg.new.sql"
	}
	return q.Postgres.Schema(ctx, q.Database, filepath.Join(ejabberdSchemas, file))
}
