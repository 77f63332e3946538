// Package web is the HTTP side: presence for programs, as one answer or as a
// stream, for whoever holds a token.
//
// Guarantees:
//  1. The asker is the token's principal, never a parameter. Whatever is told of
//     a user comes from one projection for that principal; unknown, hidden and
//     offline users give the same bytes, headers and ETag, as fast as each other.
//  2. Nothing that leaves counts anything but what was told: ETags are keyed
//     digests of the answer, ids of streams count the messages of their asker.
//  3. A web page may use a token only from an origin the token names.
//  4. Requests, headers, bodies, connections and streams are bounded. A reader
//     who is slow gets the latest of each user, and is cut off when he reads
//     nothing; nobody else waits for him.
//  5. openapi.yaml, served at /openapi.yaml, describes every answer; the tests
//     hold the answers to it.
//
// It keeps no presence but what its streams show, and decides nothing about it.
// TLS is the business of a proxy before it.
package web
