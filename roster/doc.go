// Package roster knows who is whose contact and who watches whose mirror: the
// compact copy of a user's roster, the subscriptions to her mirror with their
// spellings, and the subscription table of SEMANTICS S13 and S14 as one function.
//
// Guarantees:
//  1. To a stranger every outcome that can be seen is the same whether the
//     presentity exists, is enrolled, or hides from him (I2).
//  2. Nothing ends an accepted subscription but the watcher's unsubscribe, the
//     presentity's revocation and her erasure (S13).
//  3. JIDs of the component's own domain are never contacts (S2.7).
//
// It is pure: no goroutine, lock, channel, context, logger, clock or I/O of its
// own; package intern keeps each address once. It does not know containers
// (package privacy) and sends nothing.
package roster
