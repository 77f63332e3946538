package engine

import (
	"errors"
	"fmt"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// Principal is who asks: a user by her own authenticated address, or the
// operator by the rights of the admin socket.
type Principal struct {
	Addr     presence.Addr
	JID      string // as spelled
	Operator bool
	Way      Way    // for the Auditor only
	UID      uint32 // of the operator, for the Auditor only; NoUID: not known
}

// Change is one thing a user or the operator may alter about one user. The
// types below are all there are.
type Change interface{ change() }

// Enable enrols the user.
type Enable struct{}

// Disable ends the enrolment, silently for watchers (S13).
type Disable struct{}

// SetState sets the manual state (S5.2); 18000 or more is appear offline.
// A zero Expires means the default lifetime.
type SetState struct {
	Availability presence.Availability
	Activity     presence.Activity
	Expires      time.Time
}

// ClearState removes the manual state.
type ClearState struct{}

// SetNote sets the personal note, at most presence.MaxNote characters; empty
// removes it.
type SetNote struct{ Text string }

// SetOutOfOffice sets the out-of-office period, or ends it when Period is nil.
type SetOutOfOffice struct{ Period *presence.OutOfOffice }

// PutRule adds a container rule (S2.1).
type PutRule struct{ Rule privacy.Rule }

// RemoveRule takes exactly that rule away, however its address is spelled (S2.7).
type RemoveRule struct{ Rule privacy.Rule }

// Block puts a user rule of container 32000 for a JID, or a domain rule for a
// bare domain.
type Block struct{ JID string }

// Unblock removes every rule that Block would put for the JID or domain.
type Unblock struct{ JID string }

// SetPrivacyMode turns S2.4 on or off.
type SetPrivacyMode struct{ On bool }

// Approve answers a pending request with yes and writes a user rule (S13.4);
// Container 0 means the default: 200 for the same enterprise, else 100.
type Approve struct {
	Watcher   presence.Addr
	Container presence.ContainerID
}

// Refuse answers a pending request with silence.
type Refuse struct{ Watcher presence.Addr }

// Revoke ends an accepted subscription (S13).
type Revoke struct{ Watcher presence.Addr }

// Erase removes everything known of the user and ends every subscription.
type Erase struct{}

// Import puts settings in force as Export gave them, all documents or none, in
// place of everything the user has; for the operator only. What the commands
// would refuse is refused, with the document as Field. Settings equal to hers
// (the consent, which her server decides, aside) change nothing.
type Import struct {
	Docs    map[string][]byte // by name; the slices are only read
	Replace bool              // even if she has other settings already
	Check   bool              // change nothing, only tell what would be answered

	read *imported // Docs, once they were found good
}

func (Enable) change()         {}
func (Disable) change()        {}
func (SetState) change()       {}
func (ClearState) change()     {}
func (SetNote) change()        {}
func (SetOutOfOffice) change() {}
func (PutRule) change()        {}
func (RemoveRule) change()     {}
func (Block) change()          {}
func (Unblock) change()        {}
func (SetPrivacyMode) change() {}
func (Approve) change()        {}
func (Refuse) change()         {}
func (Revoke) change()         {}
func (Erase) change()          {}
func (Import) change()         {}

// Advice names something the user should know about a change that was made.
type Advice string

// The advices a Result may carry.
const (
	AdviceLink         Advice = "link"           // the note holds a link (S9 warn)
	AdviceNeutralised  Advice = "neutralised"    // a link in the note was neutralised (S9)
	AdviceConsent      Advice = "consent"        // the component has asked to see her presence: accept it
	AdviceNativeBlock  Advice = "native-contact" // the blocked watcher is a native contact: raw presence goes around us (S8.7)
	AdviceServerFailed Advice = "server"         // her own server did not do what was asked of it as well
	AdviceNothing      Advice = "nothing"        // nothing had to be changed
	AdviceNoDevice     Advice = "no-device"      // no device is online, so she still is shown offline (S5.0)
	AdviceBeaten       Advice = "beaten"         // something else decides her state at the moment (S5.3)
	AdviceOutranked    Advice = "outranked"      // another rule decides for this watcher (S2.2), or another policy for this user
	AdviceRosterNeeded Advice = "roster"         // the rule needs the roster, which is not loaded yet
	AdviceCeiling      Advice = "ceiling"        // the operator's policy keeps the cell from being shown (S3)
	AdviceNoGroups     Advice = "no-groups"      // nothing tells who is in the group, so the grant counts for nobody
)

// Result tells what a change led to.
type Result struct {
	Advice []Advice
	Until  time.Time // when a claim ends by itself; else zero
}

// ErrorKind says why a change or a reading was refused; the surfaces map it to
// their own errors.
type ErrorKind uint8

// The kinds of a RefusedError.
const (
	Invalid     ErrorKind = iota // the value is wrong; Field names it
	NotEnrolled                  // the user is not enrolled
	NotAllowed                   // the principal may not do that, or enrolment is not open to her
	NotFound                     // no such rule, request or watcher
	Unavailable                  // not loaded yet, or the store refused; try again
	TooMany                      // a limit was reached
	numKinds
)

var kindNames = [numKinds]string{"invalid", "not enrolled", "not allowed", "not found", "unavailable", "too many"}

// String returns the word for the kind.
func (k ErrorKind) String() string {
	if k >= numKinds {
		return "unknown"
	}
	return kindNames[k]
}

// RefusedError is the error of Apply and of the readers. Reason is one English
// sentence that says what to do.
type RefusedError struct {
	Kind   ErrorKind
	Field  string // of the form; empty: the whole
	Reason string
	Err    error // the cause, if any
}

// Error returns the reason.
func (e *RefusedError) Error() string { return e.Reason }

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

func refuse(k ErrorKind, field, format string, args ...any) *RefusedError {
	return &RefusedError{Kind: k, Field: field, Reason: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of a refusal in err's chain; ok is false for none.
func KindOf(err error) (k ErrorKind, ok bool) {
	if r, is := errors.AsType[*RefusedError](err); is {
		return r.Kind, true
	}
	return 0, false
}
