package presence

import "time"

// Shown is one aggregated output: the number and the token.
type Shown struct {
	Availability Availability
	Activity     Activity
}

// State is what aggregation makes of the inputs at one instant. It is what the
// user does, seen by nobody yet: package privacy decides who learns which part.
type State struct {
	A Shown // what everybody but the Workgroup starts from (S5.6)
	B Shown // what the Workgroup (300) starts from

	Online bool      // an eligible resource, or a bot's claim, exists (S5.0)
	OOF    bool      // the user's own out-of-office period runs
	Until  time.Time // end of the calendar run or period that gave the token; zero: none, or never told (S3)
	Device string    // of the winning resource
	Status string    // of the winning resource, used as note when none is set (S4.3)
	// LastInput is the latest input of any eligible resource (S9); zero: unknown.
	LastInput time.Time
	// Subject and Location are set only while a public calendar event supplied
	// the shown state (S6.2).
	Subject, Location string
	// Next is the earliest instant after now at which the same inputs may give
	// another state; zero: never. The owner's timer waits for it.
	Next time.Time
	// Idle tells that the state would be another if no device were idle or away. Where
	// time alone led to it, it may be sent late (S10).
	Idle bool
}

// Input names one thing that took part in aggregation (S5.7).
type Input struct {
	ID   string `json:"id"`   // resource name, claim id, "manual", event start, …
	Kind string `json:"kind"` // resource, manual, claim, calendar, out-of-office, working-hours
	Won  bool   `json:"won"`
	Rule string `json:"rule"` // the rule that used it or beat it, e.g. "S5.3"

	// What it says by itself, for texts that people read; Since is when that began
	// or, of a device, its last input, and Until when it ends by itself. Zero: unknown.
	Says         Shown     `json:"-"`
	Since, Until time.Time `json:"-"`
}

// Trace lists the inputs of one aggregation in the order they were weighed.
type Trace []Input
