// Package daemon is the composition root: it turns a configuration into the
// parts of presenced, starts them in order and stops them in reverse.
//
// Guarantees:
//  1. New either returns a daemon that may be started or leaves nothing open.
//  2. Stop is idempotent and bounded by its context; every step has a name and
//     is tried whatever the one before it did.
//  3. A reload is all or nothing: everything that may fail is done before
//     anything that runs is touched.
//  4. What only the operator can mend (the store in use or too new, a port
//     taken, a secret refused) is a *SetupError with a remedy.
//
// It decides nothing about presence and knows no stanza. It reads no files but
// through the packages it starts, and it never ends the process.
package daemon
