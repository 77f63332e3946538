package privacy

import "fmt"

// PolicySource tells what puts a named policy in force for a user.
type PolicySource string

// The sources, in the order they are tried: the first that names a policy decides,
// and of several policies there the first by name.
const (
	GrantedToUser      PolicySource = "grant-user"
	GrantedToGroup     PolicySource = "grant-group"
	ConfiguredForUser  PolicySource = "config-user"
	ConfiguredForGroup PolicySource = "config-group"
)

// HeldPolicy is the named policy that holds for a user; its zero value is the
// global one.
type HeldPolicy struct {
	Name   string       `json:"name"`
	Source PolicySource `json:"source"`
	Group  string       `json:"group,omitempty"` // through which it holds
	// Undeclared: it was granted, but the configuration does not declare it. What it
	// would govern is at its narrowest then (I3).
	Undeclared bool `json:"undeclared,omitempty"`
}

// String tells people which policy it is and why.
func (h HeldPolicy) String() string {
	var why string
	switch h.Source {
	case GrantedToUser:
		why = "granted to the user"
	case GrantedToGroup:
		why = fmt.Sprintf("granted to the group %q", h.Group)
	case ConfiguredForUser:
		why = "by policies.users"
	case ConfiguredForGroup:
		why = fmt.Sprintf("by policies.groups, group %q", h.Group)
	default:
		return "the global one"
	}
	if h.Undeclared {
		why += ", but not declared in [[policies]]: what it governs is not shown"
	}
	return h.Name + " (" + why + ")"
}
