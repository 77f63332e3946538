package serverlists

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// Bounds of a reading. ejabberd itself bounds only the stanza that sets a list.
const (
	maxItems = 10_000   // per list
	maxLists = 64       // per user
	maxValue = 4096     // characters of a value; a full JID has at most 3071 bytes
	maxBytes = 16 << 20 // of all values of a user
)

// Times of a source.
const (
	readTime = 10 * time.Second // for one reading, waiting for a connection included
	idleTime = 5 * time.Minute  // an idle connection is closed after it
	lifeTime = time.Hour        // and any after it, to follow a database that moved
)

// Connections a source opens. ejabberd's database is not ours to load; and in a
// file of SQLite, readings side by side would leave a writer no moment.
const (
	connsSQLite   = 1
	connsPostgres = 4
)

// Options say whose lists are where.
type Options struct {
	Host   string // the served host
	Driver string // sqlite or postgres
	// DSN is the absolute path of SQLite's file, or a connection string of
	// PostgreSQL. It is never repeated in an error.
	DSN string
}

// Source reads the lists of one host's users. Its methods may be called at the
// same time.
type Source struct {
	host  presence.Addr
	file  string // of SQLite; empty: PostgreSQL
	where string // file, or address and database
	conns int    // readings at once
	db    *sql.DB
}

// Open returns a source. It does not connect yet: a database that is away is an
// error of Read. The error of Open is about the options.
func Open(o Options) (*Source, error) {
	host, err := presence.ParseAddr(o.Host)
	if err != nil {
		return nil, fmt.Errorf("lists of %q: %w", o.Host, err)
	}
	s := &Source{host: host, conns: connsPostgres}
	switch o.Driver {
	case "sqlite":
		s.db, s.file, err = openSQLite(o.DSN)
		s.where = s.file
		s.conns = connsSQLite
	case "postgres":
		s.db, s.where, err = openPostgres(o.DSN)
	default:
		err = errors.New("unknown driver: write \"postgres\" or \"sqlite\"")
	}
	if err != nil {
		return nil, fmt.Errorf("lists of %s: %w", o.Host, err)
	}
	s.db.SetMaxOpenConns(s.conns)
	s.db.SetConnMaxIdleTime(idleTime)
	s.db.SetConnMaxLifetime(lifeTime)
	return s, nil
}

// Close ends the connections. Readings under way end with an error.
func (s *Source) Close() error { return s.db.Close() }

// Read returns the lists of a user of the host, whose address the server spells
// bare. A user who has none gives the zero Lists. It takes at most 10 s. The
// error says what to do; nothing is known then.
func (s *Source) Read(ctx context.Context, user presence.Addr, bare string) (engine.Lists, error) {
	if user.Domain() != s.host.Key() || user.Local() == "" {
		return engine.Lists{}, fmt.Errorf("lists of %s: not a user of %s", user, s.host)
	}
	var raw rawLists
	err := s.look(ctx, func(ctx context.Context, tx *sql.Tx) error {
		l, err := layoutOf(ctx, tx)
		if err == nil {
			raw, err = readLists(ctx, tx, l, spellings(user, bare))
		}
		return err
	})
	if err != nil {
		return engine.Lists{}, err
	}
	return raw.lists(), nil
}

// look runs f in one transaction that sees one state of the database and cannot
// write.
func (s *Source) look(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return s.hint(err)
	}
	err = f(ctx, tx)
	// Nothing was written: either end does, and its own error says nothing more.
	_ = tx.Rollback()
	if err != nil {
		return s.hint(err)
	}
	return nil
}

// lists makes what was read into what the engine wants. What exceeds a bound
// hides the user, as a malformed list does.
func (r *rawLists) lists() engine.Lists {
	if r.broken != "" {
		return engine.Lists{Default: &privacy.List{Broken: r.broken}}
	}
	var out engine.Lists
	for _, l := range r.all {
		list := l.list()
		if r.hasDefault && l.name == r.defaultName {
			out.Default = &list
		} else {
			out.Others = append(out.Others, list)
		}
	}
	if r.hasDefault && out.Default == nil {
		out.Default = &privacy.List{Broken: "the default list is not in the table privacy_list"}
	}
	return out
}
