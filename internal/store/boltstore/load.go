package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"presenced/internal/engine"
)

// Users and bytes read in one transaction. One transaction for all is hardly
// faster, and a writer that has to enlarge the mapping waits for open readers:
// a callback that waits for a save would then wait for ever.
const (
	chunkUsers = 512
	chunkBytes = 4 << 20
)

// docNames spares Load a string per document.
var docNames = func() map[string]string {
	names := make(map[string]string)
	for _, n := range []string{engine.DocEnrol, engine.DocRules, engine.DocSubs, engine.DocManual, engine.DocNote,
		engine.DocOOF, engine.DocProfile, engine.DocCals, engine.DocLists} {
		names[n] = n
	}
	return names
}()

// Load calls each once per user, in the order of the names (engine.Store). What
// is saved meanwhile is seen or not, but never half of a write. each may use the
// store, Flush included.
func (s *Store) Load(ctx context.Context, each func(engine.Saved) error) error {
	last := ""
	for {
		var chunk []engine.Saved
		err := guarded(func() error {
			return s.db.View(func(tx *bolt.Tx) (err error) {
				chunk, err = readChunk(tx, last)
				return err
			})
		})
		switch {
		case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
			return fmt.Errorf("embedded store: load: %w", ErrClosed)
		case err != nil:
			return fmt.Errorf("embedded store: load: %w", s.hint(err))
		case len(chunk) == 0:
			return nil
		}
		for _, saved := range chunk {
			if ctx.Err() != nil {
				return fmt.Errorf("embedded store: load: %w", context.Cause(ctx))
			}
			if err := each(saved); err != nil {
				return err
			}
		}
		last = chunk[len(chunk)-1].User
	}
}

// readChunk returns the users after last. Settings and presence are in the same
// order, because no name holds the NUL that ends it in the settings. In a damaged
// file they need not be; every user must come after the one before, or the
// reading might never end.
func readChunk(tx *bolt.Tx, last string) (chunk []engine.Saved, err error) {
	settings, presence := tx.Bucket(settingsBucket).Cursor(), tx.Bucket(presenceBucket).Cursor()
	sk, sv := settings.Seek([]byte(last + "\x01"))
	pk, pv := presence.Seek([]byte(last + "\x00"))
	for size := 0; (sk != nil || pk != nil) && len(chunk) < chunkUsers && size < chunkBytes; {
		user, _, found := bytes.Cut(sk, []byte{0})
		if sk != nil && !found {
			return nil, &damage{"a settings key without a document name"}
		}
		if sk == nil || pk != nil && bytes.Compare(pk, user) < 0 {
			user = pk
		}
		saved := engine.Saved{User: string(user)}
		if saved.User <= last {
			return nil, &damage{"users out of order"}
		}
		last = saved.User
		if bytes.Equal(pk, user) {
			saved.Presence = bytes.Clone(pv)
			size += len(pv)
			pk, pv = presence.Next()
		}
		prefix := settingsKey(saved.User, "")
		for before := prefix[:len(prefix)-1]; bytes.HasPrefix(sk, prefix); sk, sv = settings.Next() {
			if bytes.Compare(sk, before) <= 0 {
				return nil, &damage{"documents out of order"}
			}
			if saved.Docs == nil {
				saved.Docs = make(map[string][]byte)
			}
			saved.Docs[docName(sk[len(prefix):])] = bytes.Clone(sv)
			size += len(sv)
			before = sk
		}
		chunk = append(chunk, saved)
	}
	return chunk, nil
}

func docName(b []byte) string {
	if name, ok := docNames[string(b)]; ok {
		return name
	}
	return string(b)
}
