// Package text holds every sentence and name people read, in English and German:
// activities and classes of availability, status texts, levels, and the phrases
// of forms, notes and messages.
//
// Guarantees:
//   - Every phrase exists in every language with the same placeholders.
//   - A language nobody translated gets a text too: the fallback, at last English.
//   - A Status without an end time allocates nothing and is equal for equal views.
//
// It decides nothing: what a watcher may know is settled in the view it is given.
package text
