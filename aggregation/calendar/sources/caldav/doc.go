// Package caldav is the calendar source of CalDAV servers (RFC 4791): an address
// of a server, a principal, a home of calendars or one calendar, of one user or a
// template for many (see sources.Expand).
//
// Guarantees:
//   - Where nothing changed one request is made: what a server says of its
//     calendars (getctag, sync-token) is compared with the time before.
//   - Recurrences are expanded here. Servers are asked for events, never for
//     their idea of when those happen: those of docs/servers/calendars.md leave out
//     recurrences, or refuse. Free/busy times are asked for only in a mode of
//     their own (Options.FreeBusy), and what holds none is an error, never
//     "free".
//   - All calendars of a home count, except those the user marked as not blocking
//     her time, those she subscribed to and those in the bin.
//   - Objects are read one by one: a bad one is a warning. Each propstat is
//     looked at: what a server refuses inside a 207 is told. A calendar that
//     fails in whole fails the mailbox, since half a schedule looks like time off.
//   - XML is bounded in size, depth and number of elements; a document type is
//     refused, no entity is expanded.
//   - Credentials go to the host of the address only, wherever an answer points.
package caldav
