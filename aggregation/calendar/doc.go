// Package calendar reads iCalendar (RFC 5545, with VFREEBUSY and the
// VAVAILABILITY of RFC 7953) and says what happens in a window of time:
// occurrences as package aggregation takes them (SEMANTICS S6), and merged
// intervals for people and programs that only ask "busy?".
//
// Guarantees:
//   - One bad line costs that line and one bad event costs that event; each is
//     told in a warning. A text that ends inside a component, or holds no
//     calendar at all, is an error: a schedule that is kept is better than one
//     that is too short.
//   - A result depends on the bytes and the options, and on nothing else.
//   - No text makes it panic. Memory and time are bounded by the constants of
//     limits.go, whatever the text says: what lies beyond them is left out with a
//     warning.
//   - Times without a zone are the user's; a zone nobody knows is read as the
//     user's, with a warning. The zone of the machine is never used.
//
// Rules (RRULE) are computed by rrule-go, in wall-clock time; what it leaves open
// or gets wrong is settled in rule.go and expand.go before and after.
//
// It fetches nothing (package sources does), does not decide what an event makes
// of presence (package aggregation), and has no goroutine, lock, clock or I/O.
package calendar
