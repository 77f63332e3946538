package boltstore

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"presenced/internal/engine"
)

const fileName = "presenced.db"

// errForeign is a bbolt file that presenced did not write.
var errForeign = errors.New(fileName + " was not written by presenced; move it away or set another store.path")

// openFile opens, checks, creates and migrates the file, or leaves nothing open
// and nothing half made behind.
func (s *Store) openFile(sch schema) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return s.hint(err)
	}
	created := false
	options := &bolt.Options{
		Timeout:      s.tune.lockWait,
		FreelistType: bolt.FreelistMapType, // the array slows down with a fragmented file
		NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			f, err = os.OpenFile(name, flag|os.O_EXCL, mode)
			if created = err == nil; errors.Is(err, fs.ErrExist) {
				f, err = os.OpenFile(name, flag, mode)
			}
			s.file = f
			return f, err
		},
	}
	path := filepath.Join(s.dir, fileName)
	err := guarded(func() (err error) {
		s.db, err = bolt.Open(path, 0o600, options)
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("%w; stop it or give this one another store.path", engine.ErrInUse)
	}
	if err == nil {
		err = guarded(func() error { return s.prepare(sch) })
	}
	if err == nil && created {
		err = syncDir(s.dir)
	}
	if err != nil {
		s.abandon(err, created)
		return s.openError(err)
	}
	return nil
}

// abandon lets go of a file that could not be opened. One that this call created
// holds nothing and is removed: it may be half a file and would look damaged.
func (s *Store) abandon(why error, created bool) {
	if s.db == nil || mustStop(why) || guarded(s.db.Close) != nil {
		letGo(s.file) // bbolt may have closed it already; then this does nothing
	}
	if created {
		_ = os.Remove(filepath.Join(s.dir, fileName))
	}
}

// openError adds a hint to the errors a start can meet.
func (s *Store) openError(err error) error {
	var d *damage
	switch {
	case errors.Is(err, engine.ErrNewerSchema), errors.Is(err, errForeign), errors.Is(err, errNoMigration):
		return err
	case errors.As(err, &d):
		return fmt.Errorf("%w; keep a copy of it and restore a backup", err)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch), strings.HasPrefix(err.Error(), "file size too small"):
		return fmt.Errorf("%w; keep a copy of it and restore a backup", &damage{err})
	}
	return s.hint(err)
}

// prepare checks what is cheap to check, and creates or migrates the content.
func (s *Store) prepare(sch schema) error {
	var fresh bool
	var found uint32
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		if err := s.checkSize(tx); err != nil {
			return err
		}
		k, _ := tx.Cursor().First()
		if fresh = k == nil; fresh {
			return nil
		}
		found, err = s.readMeta(tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case fresh:
		return s.db.Update(func(tx *bolt.Tx) error { return s.create(tx, sch.version) })
	case found > sch.version:
		return fmt.Errorf("%w (schema %d, this one knows %d); install that version again or restore a backup",
			engine.ErrNewerSchema, found, sch.version)
	case found < sch.version:
		return s.migrate(found, sch)
	}
	return nil
}

// checkSize finds a file that lost its end, which would be a SIGBUS later.
func (s *Store) checkSize(tx *bolt.Tx) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return &damage{fmt.Sprintf("%d bytes of %d are there", info.Size(), tx.Size())}
	}
	return nil
}

func (s *Store) readMeta(tx *bolt.Tx) (uint32, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return 0, errForeign
	}
	version, id := meta.Get(schemaKey), meta.Get(idKey)
	if len(version) != 4 || len(id) == 0 {
		return 0, errForeign
	}
	for _, name := range [][]byte{settingsBucket, presenceBucket} {
		if tx.Bucket(name) == nil {
			return 0, &damage{fmt.Sprintf("bucket %s is missing", name)}
		}
	}
	s.id = string(id)
	s.sequence.Store(readSequence(meta))
	return binary.BigEndian.Uint32(version), nil
}

func (s *Store) create(tx *bolt.Tx, version uint32) error {
	for _, name := range [][]byte{metaBucket, settingsBucket, presenceBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	s.id = hex.EncodeToString(random[:])
	meta := tx.Bucket(metaBucket)
	if err := meta.Put(idKey, []byte(s.id)); err != nil {
		return err
	}
	return writeSchema(tx, version)
}

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
