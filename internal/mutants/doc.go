// Command mutants checks the tests of the pure rooms: it breaks one rule of
// SEMANTICS at a time, and whatever it breaks, some test must notice.
//
// Each fault is one edit of one source file, named by the rule it breaks. The
// edit is made in a copy of the tree, so a run may be stopped at any time.
//
// Guarantees:
//   - The text that an edit replaces stands exactly once in its file, else the
//     table is wrong and nothing is run; a test of this package holds that in
//     every `make test`.
//   - A fault that does not compile is an error of the table, not a success.
//   - A fault counts as found only when the tests of its own room, the vectors
//     or the tests of eval fail with it and pass without it.
//
// It does not invent faults, and says nothing about rooms that are not in its
// table.
//
//	go run ./internal/mutants           # all, some minutes
//	go run ./internal/mutants -only S8  # those whose rule begins so
//	go run ./internal/mutants -list
package main
