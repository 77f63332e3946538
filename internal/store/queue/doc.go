// Package queue is what stands between the callers of a store and its writer: an
// Inbox of what was handed over, and the Answers that tell what became of it.
//
// Guarantees:
//  1. Nothing here waits for a disk or a network. What waits is bounded by count
//     and bytes; a write beyond that is refused, presence beyond it is lost.
//  2. Presence is latest-wins per user, and an erasure forgets what came before.
//  3. Callbacks run one after the other, in the order of the decisions, on one
//     goroutine. They may hand over more, and must not wait for the store.
//
// It stores nothing and knows no store.
package queue
