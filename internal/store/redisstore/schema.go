package redisstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// schema is a layout version and how to get there: migrations[n] makes schema n+1
// of schema n. A migration may be interrupted and begun again.
type schema struct {
	version    uint32
	migrations map[uint32]func(ctx context.Context, s *Store) error
}

// current is the layout of the package comment; there is no older one yet.
var current = schema{version: schemaVersion}

var errNoMigration = errors.New("the store is too old for this version")

// migrate brings Redis to the schema step by step, after what it holds was copied
// beside it. The version is set after each step: a crash repeats at most one. The
// copy an interrupted migration made (copied is from which schema to which) is kept:
// what there is now may be half of either.
func (s *Store) migrate(ctx context.Context, from uint32, copied string) error {
	for v := from; v < s.schema.version; v++ {
		if s.schema.migrations[v] == nil {
			return hinted{fmt.Errorf("%w (schema %d); start a version that knows schema %d and %d first", errNoMigration, from, v, v+1)}
		}
	}
	first, to, _ := strings.Cut(copied, "-")
	name := "redis-schema" + first + ".bak"
	if _, err := os.Stat(filepath.Join(s.opt.Path, name)); to != fmt.Sprint(s.schema.version) || err != nil {
		name = fmt.Sprintf("redis-schema%d.bak", from)
		if err := s.backup(ctx, name); err != nil {
			return hinted{fmt.Errorf("copy to %s before the migration: %w", name, err)}
		}
		if err := s.client.HSet(ctx, s.keys.meta, "copied", fmt.Sprintf("%d-%d", from, s.schema.version)).Err(); err != nil {
			return err
		}
	}
	for v := from; v < s.schema.version; v++ {
		if err := s.schema.migrations[v](ctx, s); err != nil {
			return fmt.Errorf("migrate from schema %d: %w", v, err)
		}
		if err := s.client.HSet(ctx, s.keys.meta, "schema", v+1).Err(); err != nil {
			return err
		}
	}
	s.log.Info("Redis store migrated", "from", from, "to", s.schema.version, "copy", name)
	return nil
}
