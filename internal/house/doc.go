// Package house holds the tests of how the code is built: who may import whom,
// what the pure rooms may touch, which modules end up in the binary, how long
// files and functions are, and that docs/architecture.md and
// docs/dependencies.txt tell the truth about it.
//
// Guarantees: a package without a place in the tables of this package fails the
// tests, so a new room or dependency is a decision somebody wrote down.
//
// It has no code of its own. `go test ./internal/house -update` writes the
// diagram and the dependency list anew.
package house
