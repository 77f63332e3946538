// Command demo shows presenced at work to somebody who has never seen it: a
// real Prosody with two companies on it, the real daemon, a user with several
// devices and four watchers, each a logged-in client of its own. It goes
// through a table of events (steps.go) and prints one line for each, with what
// every watcher's client received last from the user's mirror.
//
// Guarantees:
//   - a cell shows what came over the wire, never what the demo expects; a
//     cell that is wrong, late, repeated or followed by another ends the demo
//     with exit code 1, the stanzas and the end of the daemon's log;
//   - everything listens on 127.0.0.1 and is gone when the demo ends;
//   - lines are only ever appended, and no terminal is needed.
//
// Exit codes: 0 shown to the end, 1 something was wrong, 2 it cannot run here,
// 130 interrupted before the table was through.
//
// It is no test of load or of hostile input, and encrypts nothing.
package main
