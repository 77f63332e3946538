package serverlists

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres takes a URL or key=value pairs. What it does not name comes from
// PostgreSQL's own variables and files.
func openPostgres(dsn string) (*sql.DB, string, error) {
	c, err := pgx.ParseConfig(dsn)
	if dsn == "" || err != nil {
		// The error itself repeats the text, and hides passwords where it finds them.
		return nil, "", errors.New("the dsn cannot be read: write postgres://USER:PASSWORD@HOST:5432/DATABASE, with %40 for an @ in a name or password")
	}
	if c.ConnectTimeout == 0 || c.ConnectTimeout > readTime {
		c.ConnectTimeout = readTime / 2
	}
	// One round trip per statement, and nothing kept in the session: works
	// behind a pooler, and over a change of the tables.
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	c.RuntimeParams = maps.Clone(c.RuntimeParams)
	c.RuntimeParams["default_transaction_read_only"] = "on"
	c.RuntimeParams["statement_timeout"] = strconv.FormatInt(int64(readTime/time.Millisecond), 10)
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "presenced"
	}
	where := fmt.Sprintf("%s, database %q", net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), c.Database)
	return stdlib.OpenDB(*c, stdlib.OptionShouldPing(always)), where, nil
}

// always has a kept connection looked at before each reading: PostgreSQL may
// have been restarted, and the engine takes an error for a fault.
func always(context.Context, stdlib.ShouldPingParams) bool { return true }

// Error codes of PostgreSQL (its manual, appendix A).
const (
	pgNoPassword  = "28000"
	pgPassword    = "28P01"
	pgNoDatabase  = "3D000"
	pgNoTable     = "42P01"
	pgNoColumn    = "42703"
	pgForbidden   = "42501"
	pgTooMany     = "53300"
	pgStarting    = "57P03"
	pgShutdown    = "57P01"
	pgCanceled    = "57014"
	pgWrongType   = "42883"
	pgUnsupported = "08P01" // a pooler that knows fewer parameters
)

// postgresRemedy says what to do about an error PostgreSQL answered with.
func postgresRemedy(err *pgconn.PgError) string {
	switch err.Code {
	case pgPassword, pgNoPassword:
		return "correct user and password in the dsn, and see that pg_hba.conf lets this user in"
	case pgNoDatabase:
		return "name the database that sql_database of ejabberd names"
	case pgNoTable:
		return noTables
	case pgNoColumn, pgWrongType:
		return otherTables
	case pgForbidden:
		return "let the user read: GRANT SELECT ON privacy_list, privacy_list_data, privacy_default_list TO the user of the dsn"
	case pgTooMany:
		return "raise max_connections of PostgreSQL, or lower sql_pool_size of ejabberd"
	case pgStarting, pgShutdown:
		return "wait until PostgreSQL has started"
	case pgCanceled:
		return "it took too long: see what slows PostgreSQL down"
	case pgUnsupported:
		return "behind PgBouncer, set ignore_startup_parameters = default_transaction_read_only, statement_timeout"
	}
	return ""
}
