package roster

// Standing is where a watcher stands with a presentity's mirror.
type Standing uint8

// The standings. None is a stranger: never asked, or all is over.
const (
	None      Standing = iota
	Pending            // the presentity is asked
	Withdrawn          // asked, and the watcher took it back: asking again prompts nobody
	Refused            // the presentity said no, or took her consent back: silence
	Accepted           // the watcher is subscribed
	numStandings
)

var standingNames = [numStandings]string{"none", "pending", "withdrawn", "refused", "accepted"}

// String returns the name used in stored documents and lists.
func (s Standing) String() string {
	if s >= numStandings {
		return "none"
	}
	return standingNames[s]
}

// ParseStanding reads a stored name.
func ParseStanding(v string) (Standing, bool) {
	for i, n := range standingNames {
		if n == v {
			return Standing(i), true
		}
	}
	return None, false
}

// Event is what happens to one pair of watcher and mirror.
type Event uint8

// The events: what the watcher sends to the mirror, and what the presentity or
// the operator decide.
const (
	Subscribe Event = iota
	Unsubscribe
	Subscribed
	Unsubscribed
	Probe
	Available
	Unavailable
	ErrorPresence
	Approve // the presentity
	Refuse  // the presentity
	Revoke  // the presentity
	Erase   // the presentity or the operator
	numEvents
)

var eventNames = [numEvents]string{
	"subscribe", "unsubscribe", "subscribed", "unsubscribed", "probe", "available", "unavailable", "error",
	"approve", "refuse", "revoke", "erase",
}

// String returns the name for logs and tests.
func (e Event) String() string {
	if e >= numEvents {
		return "unknown"
	}
	return eventNames[e]
}

// Facts are what the rules say about the pair at this moment.
type Facts struct {
	Self           bool // the watcher is the presentity
	Enrolled       bool // the presentity is enrolled
	Admitted       bool // S13.2, package privacy's Admits
	Hidden         bool // the watcher is in container 32000
	ShownAvailable bool // the last presence sent to the watcher was not unavailable
	PendingFull    bool // no room for another request
}

// Outcome is what follows: the next standing and what to send, in the order of
// the fields. Project sends the current projection, whatever it is; Prompt asks
// the presentity. Mute silences the pair until Unmute (S14).
type Outcome struct {
	Next                                           Standing
	Subscribed, Unsubscribed, Unavailable, Project bool
	Prompt, Mute, Unmute                           bool
}

// Seen returns the outcome as the watcher sees it.
func (o Outcome) Seen() Outcome {
	return Outcome{Subscribed: o.Subscribed, Unsubscribed: o.Unsubscribed, Unavailable: o.Unavailable, Project: o.Project}
}

// Step is the subscription table of S13 and S14.
func Step(s Standing, e Event, f Facts) Outcome {
	switch e {
	case Subscribe:
		return subscribe(s, f)
	case Probe:
		return probe(s, f)
	case Unsubscribe:
		return unsubscribe(s, f)
	case ErrorPresence:
		return Outcome{Next: s, Mute: s == Accepted}
	case Approve, Refuse:
		return decide(s, e)
	case Revoke, Erase:
		return end(s, e, f)
	}
	return Outcome{Next: s} // dropped (S14)
}

// subscribe is S13.0 to S13.3.
func subscribe(s Standing, f Facts) Outcome {
	if f.Self || s == Accepted || f.Enrolled && f.Admitted {
		return Outcome{Next: Accepted, Subscribed: true, Project: true, Unmute: true}
	}
	out := Outcome{Next: s, Unmute: true}
	if !f.Enrolled || f.Hidden || f.PendingFull {
		return out // silence, as from a user who has not decided
	}
	switch s {
	case None:
		out.Next, out.Prompt = Pending, true
	case Withdrawn:
		out.Next = Pending // repeats do not prompt again
	}
	return out
}

// probe is S14's first row. The presentity herself needs no subscription.
func probe(s Standing, f Facts) Outcome {
	if f.Self || s == Accepted {
		return Outcome{Next: s, Project: true, Unmute: true}
	}
	return Outcome{Next: s, Unsubscribed: true, Unmute: true}
}

func unsubscribe(s Standing, f Facts) Outcome {
	switch s {
	case Accepted:
		return Outcome{Next: None, Unavailable: f.ShownAvailable}
	case Pending:
		return Outcome{Next: Withdrawn}
	}
	return Outcome{Next: s}
}

// decide is S13.4: only who has asked can be approved; a refusal is silence.
func decide(s Standing, e Event) Outcome {
	switch {
	case s == Accepted || s == None:
		return Outcome{Next: s}
	case e == Refuse:
		return Outcome{Next: Refused}
	case s != Pending:
		// Whether his request still stands is not known, and who has not asked is
		// sent no "subscribed" (RFC 6121 §A.2.3). The rule admits a new request.
		return Outcome{Next: None}
	}
	return Outcome{Next: Accepted, Subscribed: true, Project: true}
}

// end is the last paragraph of S13. Who was not accepted notices nothing.
func end(s Standing, e Event, f Facts) Outcome {
	out := Outcome{Next: None}
	if e == Revoke && s != None {
		out.Next = Refused
	}
	if s == Accepted {
		out.Unsubscribed, out.Unavailable = true, f.ShownAvailable
	}
	return out
}
