// Package boltstore keeps settings and presence in one bbolt file, presenced.db,
// for installations without a Redis server.
//
// Guarantees:
//  1. A settings write is acknowledged only after the file was synced. All
//     documents of one write are in the file, or none is.
//  2. Whatever kills the process, the file opens again and holds every
//     acknowledged write. Presence commits are synced too: a commit that skips
//     the sync lets bbolt reuse pages the last synced state still needs, so a
//     power cut after it could cost settings, not only presence.
//  3. No call but Load, Flush and Close waits for the disk. The queue is bounded
//     by count and bytes; a write that finds it full is refused through its
//     callback. Presence is latest-wins and bounded; what does not fit is lost.
//  4. Callbacks run one after the other, in the order of the decisions, on one
//     goroutine of the store. They may call Save and SavePresence, and must not
//     call Flush or Close, which wait for them.
//  5. A disk that refuses (full, read-only, quota) costs the refused change and
//     nothing else: the store serves on, Healthy says why, and a small write is
//     tried every second until the disk takes it.
//  6. Damage in the file, even pages missing from its end, is an error and never
//     ends the process. After damage met while writing, everything is refused
//     until a restart.
//
// Layout, schema 1. Bucket "meta": "schema" (big-endian uint32), "id" (random
// hex), "sequence" (big-endian uint64, one more with each settings commit).
// Bucket "settings": user, NUL, document name -> document; one flat bucket,
// because loading a nested bucket per user takes twice as long. Bucket "presence":
// user -> bytes, apart from the settings so that its many small updates do not
// rewrite the settings' pages.
//
// What bbolt 1.5.0 does when the disk is full: it enlarges the file with a
// truncate, which most file systems grant without having the space, and fails
// with ENOSPC at the write of a data page, before the meta page; the commit is
// rolled back, the file stays enlarged and sparse, and pages freed earlier still
// take small changes. No page that was never written is read, so the mapping of
// the hole raises no SIGBUS; a file cut short from outside does, hence the size
// check at the start and SetPanicOnFault. Below a file size limit the truncate
// itself fails, with an error bbolt flattens to text.
//
// It does not interpret documents, and it cannot protect against a disk that
// acknowledges a sync it did not do.
package boltstore
