// Package engine owns every user: one goroutine per shard of users receives
// what the XMPP edge, the commands and the timers say, steps the pure rooms and
// emits projections. Everything that changes a user's state or settings comes
// in through one door (Apply, or an event of the edge) and every reader comes
// through one door (Look), so that a rule is checked once.
//
// Guarantees:
//  1. No event of the edge ever waits for the engine: mailboxes are bounded and,
//     when full, the latest presence of a device wins.
//  2. A setting is acknowledged only when the store has it.
//  3. Nothing is sent about a user whose settings or roster are not loaded.
//  4. Per projection (user, container, language) one rendering, sent only when
//     its bytes differ from the last ones sent (S10).
//
// It knows no XML and no XMPP library: package component renders and sends.
package engine
