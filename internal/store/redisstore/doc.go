// Package redisstore keeps settings and presence in Redis 7.0 or later, alone,
// behind Sentinel or as a cluster.
//
// Guarantees:
//  1. A settings write is acknowledged only after Redis took it. All documents of
//     one write are there, or none is.
//  2. One process writes. It holds the owner lease of its prefix, and every call
//     is fenced: a predecessor that was paused and wakes up changes nothing.
//  3. No call but Attach, Load, Flush and Close waits for the network. The queue
//     is bounded; what does not fit is refused through its callback (settings) or
//     lost (presence).
//  4. While Redis cannot store, settings are refused at once and in words, and
//     Healthy says why. What Redis lost (emptied, restarted without its data, a
//     replica that was behind) is written again from the running daemon or, at a
//     start, from the safety copy, before anything else is written.
//  5. Settings that are nowhere any more are never taken for "no rules": Attach
//     says ErrLost, and nothing may be shown.
//
// Layout, schema 1. Every key begins with the prefix. Users are spread over 64
// hash tags, so that a batch of one tag is one slot of a cluster:
//
//	{NN}:f        the fence: "token.sequence"; the token of the owner that may
//	              write, and the number of settings batches the tag has seen.
//	              "token.00" while the tag is being written again, "torn" after a
//	              batch failed half-way; either counts as nothing being there
//	{NN}:p        hash: user -> presence, compact bytes
//	{NN}:u:USER   hash: document name -> document
//	{meta}:meta   hash: schema, id, domain
//	{meta}:lease  the owner, for 10 s at a time
//	{meta}:token  the token given last
//
// A call is one script that compares the whole fence with what the owner knows it
// to be. So one GET tells another owner, a lost tag, a stale replica and a batch
// that was applied although its answer was lost. Presence of a tag is one hash,
// because a call then needs one HSET for all its users: Lua costs Redis a multiple
// of a plain command, paid once per call and not once per user.
//
// Beside Redis, under the path: the marker (redis.json: the store's id and how
// much it held) and, through Options.Copy, every settings document again. The copy
// follows a moment later and notes for each tag how far it is once that is durable.
// What Redis and this machine lose within the same moment is lost, and the marker,
// a second old at most, lets the next start say so.
//
// A single user that Redis evicts is noticed at the next start, by counting against
// the copy; without a copy it is not.
//
// It does not interpret documents, and acknowledged is as durable as Redis was
// told to be: appendonly yes and noeviction, which "presenced check" looks at.
package redisstore
