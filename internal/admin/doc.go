// Package admin is administration over a unix socket: HTTP and JSON under
// /v1/admin/, and the client that presenced's own subcommands use.
//
// Guarantees:
//  1. Whoever may open the socket (mode 0660) is the operator; nobody else gets
//     in. The uid of who changes something is logged.
//  2. A socket somebody answers on is never taken away; a stale one is replaced.
//  3. Every reading and every change goes through the engine's doors.
//  4. Requests are bounded in size and time; errors are application/problem+json
//     (RFC 9457) with a detail that says what to do.
//
// It keeps no state and decides nothing about presence.
package admin
