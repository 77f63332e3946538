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
	r := reading{settings: tx.Bucket(settingsBucket).Cursor(), presence: tx.Bucket(presenceBucket).Cursor()}
	r.sk, r.sv = r.settings.Seek([]byte(last + "\x01"))
	r.pk, r.pv = r.presence.Seek([]byte(last + "\x00"))
	for (r.sk != nil || r.pk != nil) && len(chunk) < chunkUsers && r.size < chunkBytes {
		saved, err := r.user(last)
		if err != nil {
			return nil, err
		}
		last = saved.User
		chunk = append(chunk, saved)
	}
	return chunk, nil
}

// reading is where a chunk has come to: the next key and value of both buckets,
// nil at their ends.
type reading struct {
	settings, presence *bolt.Cursor
	sk, sv, pk, pv     []byte
	size               int // bytes of the values read
}

// user reads the next user, who must come after last.
func (r *reading) user(last string) (engine.Saved, error) {
	user, _, found := bytes.Cut(r.sk, []byte{0})
	if r.sk != nil && !found {
		return engine.Saved{}, &damage{"a settings key without a document name"}
	}
	if r.sk == nil || r.pk != nil && bytes.Compare(r.pk, user) < 0 {
		user = r.pk
	}
	saved := engine.Saved{User: string(user)}
	if saved.User <= last {
		return engine.Saved{}, &damage{"users out of order"}
	}
	if bytes.Equal(r.pk, user) {
		saved.Presence = bytes.Clone(r.pv)
		r.size += len(r.pv)
		r.pk, r.pv = r.presence.Next()
	}
	err := r.documents(&saved)
	return saved, err
}

// documents reads what the settings hold of a user, if anything.
func (r *reading) documents(saved *engine.Saved) error {
	prefix := settingsKey(saved.User, "")
	for before := prefix[:len(prefix)-1]; bytes.HasPrefix(r.sk, prefix); r.sk, r.sv = r.settings.Next() {
		if bytes.Compare(r.sk, before) <= 0 {
			return &damage{"documents out of order"}
		}
		if saved.Docs == nil {
			saved.Docs = make(map[string][]byte)
		}
		saved.Docs[docName(r.sk[len(prefix):])] = bytes.Clone(r.sv)
		r.size += len(r.sv)
		before = r.sk
	}
	return nil
}

func docName(b []byte) string {
	if name, ok := docNames[string(b)]; ok {
		return name
	}
	return string(b)
}
