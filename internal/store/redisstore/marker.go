package redisstore

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// markerName is the marker's file under the path.
const markerName = "redis.json"

// marker remembers, beside Redis, which store this installation uses and how much
// it had seen, so that an emptied Redis is not taken for a first start.
type marker struct {
	Instance  string       `json:"instance"`  // of this path
	ID        string       `json:"id"`        // of the store; empty: none yet
	Sequences [tags]uint64 `json:"sequences"` // settings batches per tag, at least
}

// readMarker returns the marker, or a new one where there is none.
func (s *Store) readMarker() error {
	if err := os.MkdirAll(s.opt.Path, 0o700); err != nil {
		return fmt.Errorf("%w; make store.path a directory presenced may write", err)
	}
	path := filepath.Join(s.opt.Path, markerName)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.marker = marker{Instance: randomID()}
		return s.writeMarker()
	case err != nil:
		return fmt.Errorf("%w; make presenced's user the owner of store.path", err)
	}
	if err := json.Unmarshal(text, &s.marker); err != nil || s.marker.Instance == "" {
		return fmt.Errorf("%s is damaged; restore it from a copy, or remove it if Redis is known to be complete", path)
	}
	return nil
}

// writeMarker replaces the file as a whole, and syncs it.
func (s *Store) writeMarker() (err error) {
	text, err := json.Marshal(s.marker)
	if err != nil {
		return err
	}
	path := filepath.Join(s.opt.Path, markerName)
	f, err := os.CreateTemp(s.opt.Path, markerName+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // perhaps a second close
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(append(text, '\n')); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// mark brings the marker up to date. A disk that refuses costs the marker's age:
// what Redis lost meanwhile and the safety copy lacks would go unnoticed.
func (s *Store) mark() {
	for tag, f := range s.fences {
		s.marker.Sequences[tag] = f.sequence
	}
	s.marked = true
	s.markAt = time.Now().Add(s.tune.markEvery)
	if err := s.writeMarker(); err != nil {
		s.marked = false
		s.markAt = time.Now().Add(10 * s.tune.markEvery)
		s.log.Warn("the marker beside Redis was not written; look at the disk of store.path", "err", err)
	}
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
