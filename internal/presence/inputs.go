package presence

import (
	"slices"
	"strings"
	"time"
)

// Kind tells what sort of account a presentity is (S5.0).
type Kind uint8

// A user needs an eligible device to be online; a bot's claims count without.
const (
	User Kind = iota
	Bot
)

// Resource is what one connected device last said about itself.
type Resource struct {
	Name        string    // the resourcepart, compared byte for byte
	Priority    int8      // negative never counts (S5.0)
	Show        Show      // ShowNone..ShowDND
	Own         bool      // carries our namespace: never counts (S4.4)
	Epoch       uint32    // the attach it was last heard in; bookkeeping of the owner
	Status      string    // the status text, at most MaxNote characters
	Device      string    // computer, mobile, …; empty when unknown
	IdleSince   time.Time // last input (XEP-0319, XEP-0256); zero = active
	PublishedAt time.Time // when this daemon received its latest presence

	// Turned holds the last instants this resource turned active while another
	// one won, oldest first: the flap guard of S5.1. Most never do: nil. What it
	// points at is not changed, but replaced.
	Turned *[3]time.Time
}

// Manual is the state a user chose for herself (S5.2).
type Manual struct {
	Availability Availability `json:"availability"`
	Activity     Activity     `json:"activity,omitempty"`
	SetAt        time.Time    `json:"set_at"`
	ExpiresAt    time.Time    `json:"expires_at,omitzero"` // zero: the default lifetime of S5.2
}

// Claim is what an app says for a user, under a lease (S5.2).
type Claim struct {
	ID           string
	App          Addr         // who made it; zero: the user herself
	Availability Availability // 3000..17999
	Activity     Activity
	SetAt        time.Time
	ExpiresAt    time.Time
	Resource     string // set: the claim dies with that resource
}

// EventKind is how an event's time is shown in a calendar.
type EventKind uint8

// The values of EventKind.
const (
	EventFree EventKind = iota
	EventTentative
	EventBusy
	EventOOF
	EventAway
	EventElsewhere
)

var eventKindNames = [...]string{"free", "tentative", "busy", "oof", "away", "working_elsewhere"}

// String returns the name scenario files use.
func (k EventKind) String() string {
	if int(k) >= len(eventKindNames) {
		return "free"
	}
	return eventKindNames[k]
}

// ParseEventKind reads a name scenario files use.
func ParseEventKind(s string) (EventKind, bool) {
	for i, n := range eventKindNames {
		if n == s {
			return EventKind(i), true
		}
	}
	return EventFree, false
}

// Event is one occurrence in a calendar, [Start, End).
type Event struct {
	Start, End  time.Time
	Kind        EventKind
	Subject     string
	Location    string
	Categories  []string
	Private     bool // private or confidential: state only (S6.2)
	AllDay      bool
	Cancelled   bool
	Declined    bool
	Transparent bool
	Attendees   bool // somebody else is invited
}

// In reports whether the event is of a category, compared without regard to case
// (S6.1).
func (e *Event) In(category string) bool {
	return slices.ContainsFunc(e.Categories, func(c string) bool { return strings.EqualFold(c, category) })
}

// Calendar is a schedule and when it was last read (S6.4).
type Calendar struct {
	FetchedAt time.Time // zero: fresh
	Events    []Event
}

// OutOfOffice is the user's own out-of-office period, [Start, End) (S6.1).
type OutOfOffice struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"` // zero: until she ends it
	Note  string    `json:"note,omitempty"`
}

// On reports whether the period runs at now.
func (o *OutOfOffice) On(now time.Time) bool {
	return o != nil && !now.Before(o.Start) && (o.End.IsZero() || now.Before(o.End))
}

// MaxNote is the longest note in characters (S9).
const MaxNote = 256
