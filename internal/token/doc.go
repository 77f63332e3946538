// Package token keeps the bearer tokens of the HTTP API: each stands for one
// principal (a JID), with scopes, an end, and the web origins it may be used from.
//
// Guarantees:
//  1. A token is told once, when it is made; only a digest of its 256 random bits
//     is kept. They are compared in constant time, a token that does not exist
//     takes as long as one that does.
//  2. A token is made or revoked when that is stored; from then on it counts, or
//     does not, at once. Who uses one is told of its end through Ended.
//  3. Tokens end with the erasure of their principal.
//
// They are stored as settings documents of a user that cannot exist (User), so
// that every store, safety copy and refilling treats them like any setting.
// What a principal may see is the engine's business; this package decides only
// who asks.
package token
