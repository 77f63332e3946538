//go:build !linux

package boltstore

// limitChild has no test that would run it here.
func limitChild() int { return 1 }
