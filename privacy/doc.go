// Package privacy decides who sees what: it places a watcher into a container
// (membership, server lists, the operator's walls), and projects a user's state
// through that container.
//
// Guarantees:
//  1. Fail closed: a policy that is not loaded, unreadable, stale or malformed in
//     one single item shows nothing to anybody but its owner (SEMANTICS S8.5).
//  2. Placing a watcher costs the same however many rules and list items name
//     other people, and allocates nothing; neither does projecting.
//  3. A projection holds only what its container grants; show, status texts and
//     bytes are derived from the projection alone (I1).
//  4. Explanations come from the same code path as the decision (S12).
//
// It is pure: no goroutine, lock, channel, context, logger, clock, randomness or
// I/O. It does not merge devices, calendars and claims (package aggregation) and
// does not know who subscribed to whom (package roster).
package privacy
