package presence

// Activity is a token that says more than the number; empty means none. The
// known ones are below, operators may declare custom states.
type Activity string

// The activities of SEMANTICS.
const (
	NoActivity   Activity = ""
	OnThePhone   Activity = "on-the-phone"
	InAConf      Activity = "in-a-conference"
	InAMeeting   Activity = "in-a-meeting"
	Presenting   Activity = "in-presentation"
	UrgentOnlyA  Activity = "urgent-interruptions-only"
	OutOfOfficeA Activity = "out-of-office"
	OffWork      Activity = "off-work"
	ExtendedAway Activity = "extended-away"
	FreeForChat  Activity = "free-for-chat"
)

// Wording is what people read for an activity the operator declared, by language
// tag. It is read only.
type Wording struct{ ByLanguage map[string]string }

var activities = [...]Activity{
	OnThePhone, InAConf, InAMeeting, Presenting, UrgentOnlyA,
	OutOfOfficeA, OffWork, ExtendedAway, FreeForChat,
}

// Activities returns the known tokens in the order help texts show them.
func Activities() []Activity { return append([]Activity(nil), activities[:]...) }

// Known reports whether a is one of the tokens of SEMANTICS.
func (a Activity) Known() bool {
	for _, k := range activities {
		if a == k {
			return true
		}
	}
	return false
}

// Show is the XMPP availability a plain client displays (RFC 6121 §4.7.2.1).
type Show uint8

// The values of Show; ShowNone is presence without a show element.
const (
	ShowNone Show = iota
	ShowChat
	ShowAway
	ShowXA
	ShowDND
	ShowUnavailable
)

var showNames = [...]string{"", "chat", "away", "xa", "dnd", "unavailable"}

// String returns the token: empty for none, "unavailable" for a gone one.
func (s Show) String() string {
	if int(s) >= len(showNames) {
		return "unavailable"
	}
	return showNames[s]
}

// ParseShow reads the text of a show element. Anything unknown counts as none,
// as RFC 6121 §4.7.2.1 lets an entity ignore it; ok tells.
func ParseShow(s string) (show Show, ok bool) {
	for i, n := range showNames[:ShowUnavailable] {
		if n == s {
			return Show(i), true
		}
	}
	return ShowNone, false
}

// ShowOf maps a projected number and token to a show (S4.2).
func ShowOf(a Availability, t Activity) Show {
	switch a.Class() {
	case ClassAvailable:
		if t == FreeForChat {
			return ShowChat
		}
		return ShowNone
	case ClassAvailableIdle, ClassBeRightBack:
		return ShowAway
	case ClassBusy, ClassBusyIdle, ClassDoNotDisturb:
		return ShowDND
	case ClassAway:
		if t == OutOfOfficeA || t == OffWork || t == ExtendedAway {
			return ShowXA
		}
		return ShowAway
	default: // offline, and unset: in doubt less is shown (I3)
		return ShowUnavailable
	}
}
