package sources

import (
	"context"
	"errors"
	"time"

	"presenced/aggregation/calendar"
	"presenced/internal/presence"
)

// Window is the time that is asked for, [From, To).
type Window struct{ From, To time.Time }

// Mailbox is one user's calendar at one source.
type Mailbox struct {
	// User is the presentity's bare JID.
	User string
	// Address says where: a URL or path for ics and caldav, the address of a
	// mailbox for the sources that are asked for many.
	Address string
	// Username and Password are the user's own; empty: the source's.
	Username, Password string
	// Attendee is the address invitations name her by; empty: none is known.
	Attendee string
	// Zone is the user's: of floating times and all-day events. nil: UTC.
	Zone *time.Location
	// State is what the Result before left; nil: fetch everything.
	State []byte
}

// Result is what one mailbox gave. Exactly one of Err, Unchanged and Schedule
// counts, in this order.
type Result struct {
	// Err is the mailbox's own; a *Fault where more is known. What was fetched
	// before stays (SEMANTICS S6.4), except with Gone.
	Err error
	// Unchanged: what was fetched before still holds, for the same window or a
	// later one as far as it reaches.
	Unchanged bool
	Schedule  calendar.Schedule
	// State goes into the next Mailbox: validators, tokens; at most 1 KiB.
	State []byte
	// Away is the out-of-office period the source itself tells of (automatic
	// replies), with its note; nil: none, or the source has no such thing. It
	// counts with Unchanged, too.
	Away *presence.OutOfOffice
}

// Source is one server, or one way to many files. Its methods may be called at
// the same time.
type Source interface {
	// Batch is how many mailboxes one call takes, 1 or more.
	Batch() int
	// Fetch asks for at most Batch mailboxes and returns as many results, in
	// their order. An error means that the server gave nothing for any of them.
	// It ends when ctx does.
	Fetch(ctx context.Context, w Window, boxes []Mailbox) ([]Result, error)
}

// FaultKind says what went wrong, as far as it decides what happens next.
type FaultKind uint8

// The kinds of faults.
const (
	Unreachable  FaultKind = iota // no name, no connection, no answer in time
	BadTLS                        // the certificate or the handshake
	Unauthorized                  // who asks was not accepted (401, a login page)
	Forbidden                     // accepted, but without the right (403)
	Gone                          // no such calendar or mailbox: the user has none
	Moved                         // the mailbox is at another server
	Busy                          // asked to wait (429, 503, ErrorServerBusy)
	Malformed                     // an answer that cannot be trusted
	TooLarge                      // more than is read
	Refused                       // an address that may not be asked (private networks)
	Broken                        // any other answer of the server (5xx)
)

// Fault is a failure and what to do about it.
type Fault struct { //nolint:errname // sources.Fault says it; Error would say it twice
	Kind FaultKind
	Err  error
	// RetryAfter is how long the server asked to be left alone; 0: it did not.
	RetryAfter time.Duration
	// Remedy is a sentence for the operator; empty: the kind says all.
	Remedy string
}

// Error returns what happened, without the remedy.
func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// KindOf returns what kind of fault err is; Broken where nothing is known.
func KindOf(err error) FaultKind {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Kind
	}
	return Broken
}
