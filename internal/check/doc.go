// Package check is the troubleshooter: it looks at everything presenced depends
// on and tells for each, by name, what was found and what to do.
//
// Guarantees:
//  1. A running daemon is asked first, and its link to the XMPP server and its
//     store are then left alone.
//  2. Nothing is configured or created; the XMPP server is attached to for a
//     moment only when nobody else is.
//  3. No secret is printed, also not in the lines to paste.
//
// It gives no advice it has not a finding for, and it does not change exit
// codes or print by itself: the caller does.
package check
