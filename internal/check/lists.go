package check

import (
	"context"

	"presenced/config"
	"presenced/internal/serverlists"
)

// sqlLists looks at every database that block and privacy lists are read from
// (S11).
func (c *checker) sqlLists(ctx context.Context) {
	for _, l := range c.config.Privacy.ListsSQL {
		c.sqlSource(ctx, l)
	}
}

func (c *checker) sqlSource(ctx context.Context, l config.ListsSQL) {
	name := "lists of " + l.Host
	s, err := serverlists.Open(serverlists.Options{Host: l.Host, Driver: l.Driver, DSN: l.DSN.Reveal()})
	if err != nil {
		c.fail(name, err.Error(), "correct privacy.lists_sql")
		return
	}
	defer func() { _ = s.Close() }()
	found, err := s.Inspect(ctx)
	if err != nil {
		c.fail(name, err.Error(), "while lists cannot be read, nobody but herself sees a user whose lists are not known yet")
		return
	}
	where := found.Server + " at " + found.Where
	c.ok(name, "%s: ejabberd's tables are there, in %s, and can be read", where, found.Layout)
	if found.Empty {
		c.warn(name, where+": nobody has a list in these tables",
			"if your users do have lists, ejabberd keeps them elsewhere: set db_type: sql of mod_privacy (or default_db: sql)")
	}
	if found.Writable {
		c.warn(name, where+": the user of the dsn may change the tables; presenced only reads",
			"take another user, with SELECT on the three tables and nothing else")
	}
	if found.Blocks {
		c.warn(name, where+": without a write-ahead log, what ejabberd writes at the moment of a reading is lost: it does not wait for readers",
			"stop ejabberd, run: sqlite3 "+found.Where+" \"PRAGMA journal_mode = WAL\" and start it again")
	}
}
