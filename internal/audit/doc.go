// Package audit keeps the trail: who asked for whose presence, and who changed who
// may see whom, as lines of JSON in one file a day.
//
// Guarantees:
//  1. Nobody who asks or changes waits for it. What waits to be written is bounded
//     by count; what comes beyond that is lost, counted, and the trail says how
//     many. Questions leave room for changes.
//  2. An entry is one line, whatever was in the names; nothing in it moves a
//     terminal. It never holds what was shown, nor a note.
//  3. The files are readable by the daemon's own user alone. Only Read tells what
//     is in them.
//  4. A disk that is full or fails costs entries, and Healthy says so; it stops
//     nothing. A line torn by a crash costs itself.
//  5. Entries older than the retention are not told, and their files are removed.
//  6. Who is erased is in no entry any more once Erase has done its work, which a
//     crash interrupts but does not end.
//  7. The same question again within an hour is counted, not written: how many
//     times and when last comes as one more entry.
//
// An entry is in the file a moment after it was told, and on the disk (fsync) at
// most syncEvery later. It knows no rules: what is told to it, engine decides.
package audit
