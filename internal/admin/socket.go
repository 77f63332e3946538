package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrInUse is wrapped when another daemon answers on the socket.
var ErrInUse = errors.New("another daemon answers on the socket")

// answerWithin is how long a socket may take to accept before it counts as
// stale; a daemon on this machine takes microseconds.
const answerWithin = 2 * time.Second

// Listen makes the socket with mode 0660. A missing directory is made; a file
// that is no socket, or a socket somebody answers on, is left alone.
func Listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	// The socket appears under another name and moves to its own once its mode
	// is right, so that nobody can connect to it before.
	hidden := fmt.Sprintf("%s.%d", path, os.Getpid())
	_ = os.Remove(hidden) // left by a crash under the same pid
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(hidden, 0o660), os.Rename(hidden, path)); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(hidden))
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &socket{UnixListener: l, path: path, made: info}, nil
}

// clearStale takes a stale socket away.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is not a socket; remove it or choose another path", path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("%w %s; stop that one first", ErrInUse, path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	// Neither an answer nor a refusal: a daemon may be there, so stay away.
	return fmt.Errorf("%s: cannot tell whether a daemon answers: %w", path, err)
}

// socket removes its file when it closes, unless another daemon has put its own
// there meanwhile.
type socket struct {
	*net.UnixListener
	path string
	made fs.FileInfo
}

// Close ends the listener and removes its file.
func (s *socket) Close() error {
	if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.made) {
		_ = os.Remove(s.path) // the next start clears what stays
	}
	return s.UnixListener.Close()
}

// uidOf returns the uid of who connected (SO_PEERCRED); ok is false where the
// system does not tell.
func uidOf(c net.Conn) (uid uint32, ok bool) {
	unix, is := c.(*net.UnixConn)
	if !is {
		return 0, false
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if err == nil {
			uid, ok = cred.Uid, true
		}
	})
	return uid, ok && err == nil
}
