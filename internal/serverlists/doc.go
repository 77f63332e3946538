// Package serverlists reads block and privacy lists out of the SQL database of
// an ejabberd, whose Debian version gives a component no way to read them on the
// stream (SEMANTICS S8, S11).
//
// Guarantees:
//
//   - It never writes. SQLite's file is opened with mode=ro, PostgreSQL's
//     sessions and transactions are read-only.
//   - One reading is one transaction: a list that is being changed is read as it
//     was before or after, never in between.
//   - Every item of a list is in the answer. What is not understood is there as
//     Broken, so that the list fails closed (S8.5); ejabberd itself skips it.
//   - A reading is bounded in time and in memory, whatever the tables hold. What
//     exceeds the bounds is Broken.
//   - An error says what to do about it and holds no password.
//
// Both layouts of ejabberd's tables are read, the old one and the one with a
// column server_host; each reading looks which one it is.
//
// Its block list (XEP-0191) is no list of its own there but a view of the
// default privacy list, so Lists.Block stays nil. It gives every blocked contact
// the order 0, which XEP-0016 forbids: items of one order are put apart, those
// that deny first (I3).
//
// It does not judge lists, does not keep them and does not repeat a reading that
// went wrong.
package serverlists
