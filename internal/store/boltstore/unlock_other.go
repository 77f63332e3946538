//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package boltstore

import "os"

// letGo closes f; its lock may last as long as the process.
func letGo(f *os.File) { _ = f.Close() }
