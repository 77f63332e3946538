//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package boltstore

import (
	"os"
	"syscall"
)

// letGo closes f and the lock on it, which the mapping of a file would keep alive
// beyond the close.
func letGo(f *os.File) {
	if conn, err := f.SyscallConn(); err == nil {
		conn.Control(func(fd uintptr) { syscall.Flock(int(fd), syscall.LOCK_UN) })
	}
	f.Close()
}
