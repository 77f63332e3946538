package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	dayForm = "2006-01-02"
	suffix  = ".jsonl"
	// maxDay bounds the file of one day in bytes: about seven million entries.
	maxDay = 1 << 30
)

// errFullDay is why no more is written on a day.
var errFullDay = fmt.Errorf("the file of today has reached %d MiB; see who asks so much (\"presenced audit\"), and writing goes on tomorrow", maxDay>>20)

// file is a day's file; tests have one that fails.
type file interface {
	io.Writer
	Truncate(size int64) error
	Sync() error
	Close() error
}

// opener opens a day's file to append, and tells its size.
type opener func(path string) (f file, size int64, err error)

// days are the files in a directory, one for each day in UTC, of which the latest
// is written. They belong to one goroutine.
type days struct {
	dir  string
	open opener

	f    file // nil: none is open
	day  string
	size int64
}

// openFile opens a day's file to append whole lines; one torn by a crash is ended.
func openFile(path string) (file, int64, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	size, err := whole(f)
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, size, nil
}

// whole sees to a file's mode and to its last line.
func whole(f *os.File) (size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Mode().Perm() != 0o600 {
		if err := f.Chmod(0o600); err != nil {
			return 0, err
		}
	}
	size = info.Size()
	if size == 0 {
		return 0, nil
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); err != nil || last[0] == '\n' {
		return size, err
	}
	if _, err := f.Write([]byte{'\n'}); err != nil {
		return 0, err
	}
	return size + 1, nil
}

// crowded reports whether the file of the day has room for changes only.
func (d *days) crowded(now time.Time) bool {
	return d.f != nil && d.size > maxDay/4*3 && d.day == now.UTC().Format(dayForm)
}

// write appends whole lines to the file of the day of now, all of them or none.
func (d *days) write(now time.Time, lines []byte) error {
	if err := d.turn(now.UTC().Format(dayForm)); err != nil {
		return err
	}
	if d.size+int64(len(lines)) > maxDay {
		return errFullDay
	}
	n, err := d.f.Write(lines)
	if err == nil {
		d.size += int64(n)
		return nil
	}
	// What was written of a line would spoil the next one. Where the rest cannot be
	// cut off, opening the file again ends it.
	if n == 0 || d.f.Truncate(d.size) == nil {
		return written(err)
	}
	d.close()
	return written(err)
}

func written(err error) error {
	return fmt.Errorf("%w; see that the disk of store.path has room and can be written", err)
}

// turn opens the file of a day, if it is another.
func (d *days) turn(day string) error {
	if d.f != nil && d.day == day {
		return nil
	}
	if d.f != nil {
		_ = d.f.Sync() // it was synced but for the last seconds; nothing can be done where that fails
		d.close()
	}
	if err := private(d.dir); err != nil {
		return written(err)
	}
	f, size, err := d.open(d.path(day))
	if err != nil {
		return written(err)
	}
	d.f, d.day, d.size = f, day, size
	return nil
}

// private makes the directory, for the daemon's own user alone.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err == nil && info.Mode().Perm() != 0o700 {
		err = os.Chmod(dir, 0o700)
	}
	return err
}

func (d *days) path(day string) string { return filepath.Join(d.dir, day+suffix) }

func (d *days) sync() error {
	if d.f == nil {
		return nil
	}
	if err := d.f.Sync(); err != nil {
		d.close()
		return written(err)
	}
	return nil
}

func (d *days) close() {
	if d.f != nil {
		_ = d.f.Close() // everything was written; what Sync could not do, Close does not
		d.f = nil
	}
}

// list returns the days there are files of, the oldest first.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, e := range entries {
		day, ok := strings.CutSuffix(e.Name(), suffix)
		if _, wrong := time.Parse(dayForm, day); ok && wrong == nil && e.Type().IsRegular() {
			found = append(found, day)
		}
	}
	slices.Sort(found)
	return found, err
}

// over returns when a day was over.
func over(day string) time.Time {
	start, _ := time.Parse(dayForm, day) // list has seen that it is one
	return start.Add(24 * time.Hour)
}

// expire removes the files whose every entry is older than an instant.
func (d *days) expire(before time.Time) error {
	found, err := list(d.dir)
	for _, day := range found {
		if over(day).After(before) {
			break
		}
		if d.f != nil && d.day == day {
			d.close()
		}
		err = errors.Join(err, os.Remove(d.path(day)))
	}
	return err
}
