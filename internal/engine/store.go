package engine

import (
	"context"
	"errors"
)

// The settings documents of one user, one versioned JSON document each. A store
// keeps them as opaque bytes under these names.
const (
	DocEnrol   = "enrol"
	DocRules   = "rules"
	DocSubs    = "subs"
	DocManual  = "manual"
	DocNote    = "note"
	DocOOF     = "oof"
	DocProfile = "profile"
	DocCals    = "cals"
	DocLists   = "lists"
	DocGrants  = "grants" // of a reserved user
)

// Sentinels a Store wraps, so that callers can decide.
var (
	// ErrInUse: another process holds the store. The daemon exits 78.
	ErrInUse = errors.New("the store is in use by another process")
	// ErrNewerSchema: a newer presenced wrote the store. The daemon exits 78.
	ErrNewerSchema = errors.New("the store was written by a newer version")
	// ErrRefused: the change was not stored (disk full, read-only, store away)
	// and nothing of it took effect; what was stored before is intact.
	ErrRefused = errors.New("the change could not be stored")
)

// Write is one atomic change of one user's settings: all its documents are
// stored or none is. A nil document is removed; Erase removes every document
// and the presence of the user first.
type Write struct {
	User  string // presence.Addr.Key
	Erase bool
	Docs  map[string][]byte
}

// Saved is what a Store holds of one user.
type Saved struct {
	User     string
	Docs     map[string][]byte
	Presence []byte // nil: none stored
}

// Store keeps settings (acknowledged only when durable) and presence (best
// effort, rebuilt from the XMPP server). Implementations are safe for use by
// many goroutines.
type Store interface {
	// Load calls each once per user with everything stored of her, in no
	// particular order; the slices belong to the callee. An error of each ends
	// the load and is returned.
	Load(ctx context.Context, each func(Saved) error) error
	// Save stores w and then calls done exactly once, from a goroutine of the
	// store: with nil when w is durable, else with an error wrapping ErrRefused.
	// Writes of one user take effect in the order of the calls. Save does not
	// block on the disk or the network; a full queue refuses through done.
	Save(w Write, done func(error))
	// SavePresence remembers the user's presence (nil removes it). Later calls
	// replace earlier ones not yet written; it never blocks and reports
	// nothing: loss costs a resynchronisation, not truth.
	SavePresence(user string, data []byte)
	// Flush returns when everything handed over before is stored or refused.
	Flush(ctx context.Context) error
	// Healthy returns nil while changes are being stored, else why not and
	// what to do.
	Healthy() error
	// Close flushes within ctx and releases the store. It is idempotent.
	Close(ctx context.Context) error
}
