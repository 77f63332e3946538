package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// schema is a layout version and how to get there: migrations[n] makes schema
// n+1 of schema n.
type schema struct {
	version    uint32
	migrations map[uint32]func(tx *bolt.Tx) error
}

// current is the layout of the package comment; there is no older one yet.
var current = schema{version: 1}

var errNoMigration = errors.New("the store is too old for this version")

// migrate copies the file and brings it to sch in one transaction: a crash
// leaves the old schema or the new one.
func (s *Store) migrate(from uint32, sch schema) error {
	for v := from; v < sch.version; v++ {
		if sch.migrations[v] == nil {
			return fmt.Errorf("%w (schema %d); start a version that knows schema %d and %d first", errNoMigration, from, v, v+1)
		}
	}
	name := fmt.Sprintf("%s.bak-schema%d", fileName, from)
	if err := s.backup(name); err != nil {
		return fmt.Errorf("copy to %s before the migration: %w", name, err)
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		for v := from; v < sch.version; v++ {
			if err := sch.migrations[v](tx); err != nil {
				return fmt.Errorf("migrate from schema %d: %w", v, err)
			}
		}
		return writeSchema(tx, sch.version)
	})
	if err != nil {
		return err
	}
	s.log.Info("embedded store migrated", "from", from, "to", sch.version, "copy", name)
	return nil
}

// backup copies the file to name beside it; the name appears only when the copy
// is complete and synced.
func (s *Store) backup(name string) (err error) {
	final := filepath.Join(s.dir, name)
	f, err := os.OpenFile(final+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // a second close when the rename failed
			_ = os.Remove(f.Name())
		}
	}()
	err = s.db.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), final); err != nil {
		return err
	}
	return syncDir(s.dir)
}

func writeSchema(tx *bolt.Tx, version uint32) error {
	return tx.Bucket(metaBucket).Put(schemaKey, binary.BigEndian.AppendUint32(nil, version))
}
