package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"presenced/internal/store/queue"
)

// Buckets and the keys of meta; see the package comment.
var (
	metaBucket     = []byte("meta")
	settingsBucket = []byte("settings")
	presenceBucket = []byte("presence")
	schemaKey      = []byte("schema")
	idKey          = []byte("id")
	sequenceKey    = []byte("sequence")
	probeKey       = []byte("probe")
)

// bbolt takes keys up to 32 KiB; a settings key is a user, NUL and a name.
const (
	maxUser    = 24 << 10
	maxDocName = 1 << 10
)

func checkUser(user string) error {
	switch {
	case user == "":
		return errors.New("a user without a name; give one")
	case len(user) > maxUser:
		return fmt.Errorf("a user name longer than %d bytes; use a shorter one", maxUser)
	case bytes.IndexByte([]byte(user), 0) >= 0:
		return errors.New("a user name with a NUL byte; use one without")
	}
	return nil
}

// change is what one commit does: writes in their order, then presence.
type change struct {
	writes   []queue.Queued
	presence map[string][]byte
	ballast  int // bytes of a probe; other commits remove what a probe left
}

func (c change) size() int {
	n := c.ballast
	for _, q := range c.writes {
		n += q.Size
	}
	for user, data := range c.presence {
		n += queue.PresenceSize(user, data)
	}
	return n
}

// image is the earlier value of a key of a bucket; nil: there was none.
type image struct{ bucket, key, value []byte }

// commit makes c durable or returns why not. When bbolt fails after its meta page
// was written (the second sync), the change is visible in the file although it
// was refused; undo then takes it back with the next commit that succeeds.
func (s *Store) commit(c change) error {
	if s.broken != nil {
		return s.broken
	}
	s.health.begin(time.Now())
	defer s.health.end()
	w := writing{change: c}
	err := guarded(func() error {
		return s.update(func(tx *bolt.Tx) error { return w.apply(tx, s.undo) })
	})
	switch {
	case err == nil:
		s.undo = nil
		s.sequence.Store(w.sequence)
	case mustStop(err):
		s.broken = err
	case w.sequence > s.sequence.Load() && s.visible(w.sequence):
		s.undo = w.before
		s.sequence.Store(w.sequence)
	}
	return err
}

// visible tells whether the commit that was to set sequence is in the file.
func (s *Store) visible(sequence uint64) bool {
	var found uint64
	err := guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			found = readSequence(tx.Bucket(metaBucket))
			return nil
		})
	})
	return err == nil && found == sequence
}

// writing is a change on its way into a transaction.
type writing struct {
	change
	sequence uint64
	before   []image // in the order of the changes; taken back from the end
}

func (w *writing) apply(tx *bolt.Tx, undo []image) error {
	for _, old := range slices.Backward(undo) {
		if err := put(tx.Bucket(old.bucket), old.key, old.value); err != nil {
			return err
		}
	}
	for _, q := range w.writes {
		if err := w.applyWrite(tx, q); err != nil {
			return err
		}
	}
	presence := tx.Bucket(presenceBucket)
	for user, data := range w.presence {
		if data != nil && bytes.Equal(presence.Get([]byte(user)), data) {
			continue // an unchanged value would still rewrite its page
		}
		if err := put(presence, []byte(user), data); err != nil {
			return err
		}
	}
	return w.applyMeta(tx.Bucket(metaBucket), len(undo) > 0)
}

func (w *writing) applyMeta(meta *bolt.Bucket, undone bool) error {
	w.sequence = readSequence(meta)
	if len(w.writes) > 0 || undone {
		w.sequence++
		if err := meta.Put(sequenceKey, binary.BigEndian.AppendUint64(nil, w.sequence)); err != nil {
			return err
		}
	}
	if w.ballast > 0 {
		return meta.Put(probeKey, make([]byte, w.ballast))
	}
	return meta.Delete(probeKey)
}

func (w *writing) applyWrite(tx *bolt.Tx, q queue.Queued) error {
	if q.Erase {
		if err := w.erase(tx, q.User); err != nil {
			return err
		}
	}
	settings := tx.Bucket(settingsBucket)
	for name, doc := range q.Docs {
		if err := w.replace(settings, settingsBucket, settingsKey(q.User, name), doc); err != nil {
			return err
		}
	}
	return nil
}

// erase removes all of user. The keys are collected first: deleting moves a
// bbolt cursor.
func (w *writing) erase(tx *bolt.Tx, user string) error {
	settings, prefix := tx.Bucket(settingsBucket), settingsKey(user, "")
	var keys [][]byte
	c := settings.Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if n := len(keys); n > 0 && bytes.Compare(k, keys[n-1]) <= 0 {
			return &damage{"documents out of order"} // or this might never end
		}
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := w.replace(settings, settingsBucket, k, nil); err != nil {
			return err
		}
	}
	return w.replace(tx.Bucket(presenceBucket), presenceBucket, []byte(user), nil)
}

func (w *writing) replace(b *bolt.Bucket, bucket, key, value []byte) error {
	w.before = append(w.before, image{bucket, key, bytes.Clone(b.Get(key))})
	return put(b, key, value)
}

// put stores value, or removes key for nil.
func put(b *bolt.Bucket, key, value []byte) error {
	if value == nil {
		return b.Delete(key)
	}
	return b.Put(key, value)
}

func settingsKey(user, doc string) []byte {
	k := make([]byte, 0, len(user)+1+len(doc))
	k = append(k, user...)
	k = append(k, 0)
	return append(k, doc...)
}

func readSequence(meta *bolt.Bucket) uint64 {
	if b := meta.Get(sequenceKey); len(b) == 8 {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}
