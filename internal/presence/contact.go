package presence

// Subscription is the state of a roster item, seen from the roster's owner
// (RFC 6121 §2.1.2.5): From and Both let the contact see the owner.
type Subscription uint8

// The values of Subscription.
const (
	SubNone Subscription = iota
	SubTo
	SubFrom
	SubBoth
)

var subscriptionNames = [...]string{"none", "to", "from", "both"}

// String returns the attribute value.
func (s Subscription) String() string {
	if int(s) >= len(subscriptionNames) {
		return "none"
	}
	return subscriptionNames[s]
}

// ParseSubscription reads an attribute value; an absent one is none.
func ParseSubscription(v string) (Subscription, bool) {
	if v == "" {
		return SubNone, true
	}
	for i, n := range subscriptionNames {
		if n == v {
			return Subscription(i), true
		}
	}
	return SubNone, false
}

// SeesOwner reports whether the contact receives the owner's presence.
func (s Subscription) SeesOwner() bool { return s == SubFrom || s == SubBoth }

// Contact is one item of a user's roster.
type Contact struct {
	Addr         Addr
	Name         string
	Subscription Subscription
	Groups       []string
	// Shared holds groups the operator gave the contact, not the user (S2.2).
	Shared []string
}
