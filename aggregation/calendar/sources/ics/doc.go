// Package ics is the calendar source of iCalendar files: a path, a file: URL, or
// a webcal:, http: or https: URL, of one user or a template for many (see
// sources.Expand).
//
// Guarantees:
//   - What did not change is not read again: a file costs one stat, a URL one
//     conditional request. A server that ignores the condition costs the body,
//     which is compared by its hash.
//   - A file that is missing for one user means that she has no calendar. A
//     directory that is missing or empty means that nothing is known: it may be
//     a network share that is not mounted, and nobody's schedule is dropped.
//   - A directory that hangs holds at most a few goroutines, and no Fetch longer
//     than its context.
//   - Only an operator's addresses lead to files.
package ics
