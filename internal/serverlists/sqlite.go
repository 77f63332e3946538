package serverlists

import (
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// busyTime is how long SQLite waits for a writer, in milliseconds; ejabberd's
// transactions take a few.
const busyTime = "5000"

// openSQLite opens a file that is there. The path may be written as file:/….
func openSQLite(dsn string) (*sql.DB, string, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(dsn, "file:"), "//")
	if !filepath.IsAbs(path) || strings.ContainsAny(path, "?#\x00") {
		return nil, "", errors.New("the dsn of sqlite is the path of a file: write it from the root, as in \"/var/lib/ejabberd/ejabberd.db\"")
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"mode": {"ro"}, "_pragma": {"busy_timeout(" + busyTime + ")", "query_only(1)"},
	}.Encode()}
	db, err := sql.Open("sqlite", u.String())
	return db, path, err
}

// Result codes of SQLite (sqlite.org/rescode.html), without their extension.
const (
	sqliteError    = 1
	sqlitePerm     = 3
	sqliteBusy     = 5
	sqliteReadOnly = 8
	sqliteIO       = 10
	sqliteCorrupt  = 11
	sqliteCantOpen = 14
	sqliteAuth     = 23
	sqliteNotADB   = 26
)

// sqliteRemedy says what to do about an error of SQLite.
func sqliteRemedy(err *sqlite.Error) string {
	switch err.Code() & 0xff {
	case sqliteCantOpen, sqlitePerm, sqliteAuth, sqliteIO:
		return "see that the file is there and that presenced's user may read it and search its directory"
	case sqliteReadOnly:
		return "start ejabberd: without it there is nobody who may put the file in order"
	case sqliteBusy:
		return "a writer held it for longer than five seconds: see what else uses the file"
	case sqliteCorrupt, sqliteNotADB:
		return "it is damaged or no SQLite database: name the file that sql_database of ejabberd names"
	case sqliteError:
		if strings.Contains(err.Error(), "no such table") {
			return noTables
		}
		return otherTables
	}
	return ""
}
