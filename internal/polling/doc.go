// Package polling reads everybody's calendars at the operator's pace and hands
// what they say to the engine, which shows it at its edges (SEMANTICS S6.4).
//
// Guarantees:
//
//   - Everybody has her own instant within calendar.poll_interval, by a hash of
//     her address, so that no server is asked for all of them at once.
//   - A server is asked eight things at a time at most, or as many as its operator
//     says, nothing while it wants to
//     be left alone (Retry-After), and after it failed one thing at a time, at
//     growing distances. One source waits for nothing of another.
//   - A calendar that cannot be read is tried at growing distances and disturbs
//     nobody else's. What it said before stays in force until it is stale.
//   - What is kept of a user does not grow with the number of rounds: a place in
//     time, what the source wants to have back (1 KiB at most), a few counters.
//   - No method blocks on a calendar server but Try, which says so.
//
// It does not know how calendars are read (package sources) nor what they mean,
// and keeps no schedule: after a restart the engine tells what is known.
package polling
