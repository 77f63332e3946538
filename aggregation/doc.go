// Package aggregation merges what a user's devices, her own choice, her apps and
// her calendar say into one state (SEMANTICS S5 and S6.1 to S6.3, with the
// staleness of S6.4).
//
// Guarantees:
//   - A result depends on the inputs, the options and the instant given, and on
//     nothing else; the order of devices, claims and events never matters.
//   - State.Next is not later than the first instant at which time alone could
//     change the result.
//   - Whatever does not count (S5.0, S5.2, S6.2) changes nothing.
//   - Appearing offline gives the state of somebody without devices.
//   - Aggregate allocates nothing.
//
// It decides nothing about who sees what (package privacy), reads no calendar
// format (package calendar), and has no goroutine, lock, clock or I/O.
package aggregation
