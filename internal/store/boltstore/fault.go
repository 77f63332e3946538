package boltstore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"presenced/internal/engine"
)

// damage is what a damaged file made bbolt say or panic with.
type damage struct{ what any }

func (d *damage) Error() string { return fmt.Sprintf("%s is damaged (%v)", fileName, d.what) }

// guarded runs fn and returns its panic as damage. bbolt panics on pages that
// contradict each other, and the kernel raises SIGBUS where the file ends before
// its mapping does; SetPanicOnFault makes that a panic of this goroutine instead
// of the end of the process.
func guarded(fn func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if p := recover(); p != nil {
			err = &damage{p}
		}
	}()
	return fn()
}

// mustStop tells whether bbolt is in no state to write any more: after damage,
// and after a remapping that failed (too little address space).
func mustStop(err error) bool {
	var d *damage
	return errors.As(err, &d) || errors.Is(err, bolterrors.ErrInvalidMapping)
}

func refused(cause error) error {
	return fmt.Errorf("embedded store: %w: %w", engine.ErrRefused, cause)
}

// remedies say what to do about the errors of an operating system.
var remedies = []struct {
	errno  syscall.Errno
	remedy string
}{
	{syscall.ENOSPC, "free some space on the file system of %s"},
	{syscall.EDQUOT, "raise the disk quota for %s"},
	{syscall.EFBIG, "raise the file size limit of presenced (ulimit -f, LimitFSIZE=) for %s"},
	{syscall.EROFS, "mount the file system of %s writable"},
	{syscall.EACCES, "make the user presenced runs as the owner of %s"},
	{syscall.EPERM, "make the user presenced runs as the owner of %s"},
	{syscall.ENOTDIR, "set store.path to a directory; now it is %s"},
	{syscall.EIO, "look at the kernel log and replace the disk under %s"},
	{syscall.ENOLCK, "use a file system that can lock files for %s"},
}

// hint adds to err what to do about it.
func (s *Store) hint(err error) error {
	var d *damage
	switch {
	case errors.Is(err, ErrClosed):
		return err
	case errors.As(err, &d):
		return fmt.Errorf("%w; restart presenced, and if it does not start, keep a copy of %s and restore a backup", err, fileName)
	case errors.Is(err, bolterrors.ErrInvalidMapping):
		return fmt.Errorf("%w; raise the memory limit of presenced (ulimit -v) and restart it", err)
	}
	for _, r := range remedies {
		// bbolt flattens the error of a failed truncate to its text.
		if errors.Is(err, r.errno) || strings.HasSuffix(err.Error(), ": "+r.errno.Error()) {
			return fmt.Errorf("%w; "+r.remedy, err, s.dir)
		}
	}
	return fmt.Errorf("%w; look at the disk and the permissions of %s", err, s.dir)
}
