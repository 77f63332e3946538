package redisstore

import (
	"context"
	"errors"
	"fmt"
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
// beside it. The version is set after each step: a crash repeats at most one.
func (s *Store) migrate(ctx context.Context, from uint32) error {
	for v := from; v < s.schema.version; v++ {
		if s.schema.migrations[v] == nil {
			return hinted{fmt.Errorf("%w (schema %d); start a version that knows schema %d and %d first", errNoMigration, from, v, v+1)}
		}
	}
	name := fmt.Sprintf("redis-schema%d.bak", from)
	if err := s.backup(ctx, name); err != nil {
		return hinted{fmt.Errorf("copy to %s before the migration: %w", name, err)}
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
