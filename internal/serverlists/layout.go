package serverlists

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// layout is how ejabberd's tables tell hosts apart.
type layout int

const (
	// layoutOld: they do not, each host has a database of its own.
	layoutOld layout = iota
	// layoutHosts: by a column server_host (option new_sql_schema).
	layoutHosts
)

// String names the layout in the report of the check.
func (l layout) String() string {
	if l == layoutHosts {
		return "the new layout, with server_host"
	}
	return "the old layout, without server_host"
}

// where returns the condition that finds a user's rows of a table; spelled.args
// go with it.
func (l layout) where(table string) string {
	w := table + ".username IN ($1, $2)"
	if l == layoutHosts {
		w += " AND " + table + ".server_host IN ($3, $4)"
	}
	return w
}

// errHalf is a migration that stopped in the middle.
var errHalf = errors.New("only one of privacy_list and privacy_default_list has a column server_host; finish the migration of ejabberd's tables")

// layoutOf looks at the columns. It is asked anew in each transaction: with the
// wrong one, users of two hosts would get each other's lists.
func layoutOf(ctx context.Context, tx *sql.Tx) (layout, error) {
	var with int
	for table, query := range map[string]string{
		"privacy_list":         "SELECT * FROM privacy_list WHERE 1 = 0",
		"privacy_default_list": "SELECT * FROM privacy_default_list WHERE 1 = 0",
	} {
		columns, err := columnsOf(ctx, tx, query)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", table, err)
		}
		if slices.Contains(columns, "server_host") {
			with++
		}
	}
	switch with {
	case 0:
		return layoutOld, nil
	case 1:
		return 0, errHalf
	}
	return layoutHosts, nil
}

func columnsOf(ctx context.Context, tx *sql.Tx, query string) (names []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	if names, err = rows.Columns(); err != nil {
		return nil, err
	}
	for rows.Next() { // never: the condition holds for no row
	}
	return names, rows.Err()
}
