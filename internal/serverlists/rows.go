package serverlists

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// rawLists are a user's rows, as they were read.
type rawLists struct {
	broken      string // why nothing else is here
	hasDefault  bool
	defaultName string
	all         []*rawList // in the order of their names
}

type rawList struct {
	name   string
	id     string
	broken string
	items  []row
}

// readLists reads the three tables. Values are cast to text, so that a column of
// another type than ejabberd's, which SQLite allows, does no harm.
func readLists(ctx context.Context, tx *sql.Tx, l layout, who spelled) (r rawLists, err error) {
	defaults, err := pairs(ctx, tx, "SELECT d.username, '', d.name FROM privacy_default_list d WHERE "+l.where("d"), who.args(l))
	if err != nil {
		return r, fmt.Errorf("privacy_default_list: %w", err)
	}
	names, err := pairs(ctx, tx, "SELECT l.username, CAST(l.id AS text), l.name FROM privacy_list l WHERE "+l.where("l"), who.args(l))
	if err != nil {
		return r, fmt.Errorf("privacy_list: %w", err)
	}
	name := who.stored(defaults, names)
	for _, d := range defaults {
		if d.username == name {
			r.hasDefault, r.defaultName = true, d.name
		}
	}
	for _, n := range names {
		if n.username == name {
			r.all = append(r.all, &rawList{name: n.name, id: n.id})
		}
	}
	slices.SortFunc(r.all, func(a, b *rawList) int { return strings.Compare(a.name, b.name) })
	switch {
	case len(r.all) > maxLists || len(defaults) > maxLists:
		return rawLists{broken: fmt.Sprintf("there are more than %d lists", maxLists)}, nil
	case len(r.all) == 0:
		return r, nil
	}
	return r, r.readItems(ctx, tx, l, who)
}

// stored picks the form under which the user is in the tables. Others can be
// there only as accounts that differ from hers in escapes alone.
func (s spelled) stored(tables ...[]pair) string {
	for _, name := range s.names {
		for _, t := range tables {
			if slices.ContainsFunc(t, func(p pair) bool { return p.username == name }) {
				return name
			}
		}
	}
	return ""
}

// pair is a row of one of the two tables that name lists.
type pair struct{ username, id, name string }

func pairs(ctx context.Context, tx *sql.Tx, query string, args []any) (out []pair, err error) {
	// Of each form of the name there may be that many; one more tells of too many.
	query += fmt.Sprintf(" LIMIT %d", spellingsOf*maxLists+1)
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p pair
		if err := rows.Scan(&p.username, &p.id, &p.name); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// itemsQuery cuts values one behind their bounds, so that what is too long is
// seen.
func itemsQuery(l layout) string {
	return fmt.Sprintf(`SELECT CAST(l.id AS text), CAST(i.t AS text), substr(CAST(i.value AS text), 1, %d),
		CAST(i.action AS text), substr(CAST(i.ord AS text), 1, %d), CAST(i.match_all AS text), CAST(i.match_message AS text),
		CAST(i.match_iq AS text), CAST(i.match_presence_in AS text), CAST(i.match_presence_out AS text)
		FROM privacy_list_data i JOIN privacy_list l ON l.id = i.id WHERE %s LIMIT %d`,
		maxValue+1, maxDigits+1, l.where("l"), maxLists*maxItems)
}

// readItems reads the items of all lists at once: SQLite's table has no index on
// the list's id.
func (r *rawLists) readItems(ctx context.Context, tx *sql.Tx, l layout, who spelled) error {
	rows, err := tx.QueryContext(ctx, itemsQuery(l), who.args(l)...)
	if err != nil {
		return fmt.Errorf("privacy_list_data: %w", err)
	}
	defer func() { _ = rows.Close() }()
	count, size := 0, 0
	for rows.Next() {
		var id string
		var it row
		if err := rows.Scan(it.into(&id)...); err != nil {
			return fmt.Errorf("privacy_list_data: %w", err)
		}
		count, size = count+1, size+len(it.value.String)
		if size > maxBytes || count == maxLists*maxItems {
			*r = rawLists{broken: fmt.Sprintf("the lists are longer than %d MiB or %d items", maxBytes>>20, maxLists*maxItems)}
			return nil
		}
		r.add(id, it)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("privacy_list_data: %w", err)
	}
	return nil
}

func (r *rawLists) add(id string, it row) {
	i := slices.IndexFunc(r.all, func(l *rawList) bool { return l.id == id })
	switch {
	case i < 0: // of an account that differs in escapes
	case len(r.all[i].items) == maxItems:
		r.all[i].broken = fmt.Sprintf("it has more than %d items", maxItems)
	default:
		r.all[i].items = append(r.all[i].items, it)
	}
}
