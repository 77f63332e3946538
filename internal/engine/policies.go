package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// Policy is one named policy of the operator ([[policies]]): what she allows to be
// shown of those it holds for, in place of the global one (S9).
//
// A group is the operator's: what Rules.Groups says of a user. Groups of rosters
// are not asked. A user names those herself, so a ceiling that went by them would
// be hers to step out of, and the stream does not tell a shared group from one of
// her own, nor in which of them she is herself.
type Policy struct {
	Operator privacy.Operator       // with its name
	Users    map[presence.Addr]bool // for whom the configuration names it
	Groups   []string
}

// groupsOf returns the operator's groups a user is in.
func (r *Rules) groupsOf(a presence.Addr) []string {
	if r.Groups == nil {
		return nil
	}
	return r.Groups(a)
}

// policy returns the declared policy of that name; nil for none.
func (r *Rules) policy(name string) *Policy {
	i, ok := slices.BinarySearchFunc(r.Policies, name, func(p Policy, name string) int {
		return strings.Compare(p.Operator.Name, name)
	})
	if !ok {
		return nil
	}
	return &r.Policies[i]
}

// configured finds a policy that the configuration itself names for a user.
func (r *Rules) configured(a presence.Addr, groups []string) (*Policy, privacy.HeldPolicy) {
	for i := range r.Policies {
		if p := &r.Policies[i]; p.Users[a] {
			return p, privacy.HeldPolicy{Name: p.Operator.Name, Source: privacy.ConfiguredForUser}
		}
	}
	for i := range r.Policies {
		p := &r.Policies[i]
		for _, g := range p.Groups {
			if slices.Contains(groups, g) {
				return p, privacy.HeldPolicy{Name: p.Operator.Name, Source: privacy.ConfiguredForGroup, Group: g}
			}
		}
	}
	return nil, privacy.HeldPolicy{}
}

// policyOf returns what the operator allows to be shown of a user, and which named
// policy that is; its name is empty where the global one holds. It is safe for
// many goroutines.
func (e *Engine) policyOf(a presence.Addr) (*privacy.Operator, privacy.HeldPolicy) {
	r := e.rules()
	granted := e.grants.any()
	if len(r.Policies) == 0 && !granted {
		return &r.System.Operator, privacy.HeldPolicy{}
	}
	groups := r.groupsOf(a)
	if granted {
		if held, ok := e.grants.decides(a, groups); ok {
			if p := r.policy(held.Name); p != nil {
				return &p.Operator, held
			}
			held.Undeclared = true
			return r.System.Operator.Narrowest(held.Name), held
		}
	}
	if p, held := r.configured(a, groups); p != nil {
		return &p.Operator, held
	}
	return &r.System.Operator, privacy.HeldPolicy{}
}

// operator returns what the operator allows to be shown of the user.
func (u *user) operator() *privacy.Operator {
	if u.person.Operator != nil {
		return u.person.Operator
	}
	return &u.sh.e.rules().System.Operator
}

// obey puts in force the policy that holds for the user, also for what she or her
// devices and calendars said while another one held. What a wider policy would let
// through again is back at the next presence of the device, or the next reading.
func (u *user) obey() {
	op, held := u.sh.e.policyOf(u.addr)
	if u.person.Operator = op; held.Name == "" {
		u.person.Operator = nil // the System's
	}
	u.person.Note = op.Links.Shown(u.set.note)
	u.person.Inputs.OOF = u.set.oof
	if o := u.set.oof; o != nil {
		if shown := op.Links.Shown(o.Note); shown != o.Note {
			narrowed := *o
			narrowed.Note = shown
			u.person.Inputs.OOF = &narrowed
		}
	}
	for i := range u.person.Inputs.Resources {
		r := &u.person.Inputs.Resources[i]
		r.Status = op.Links.Shown(r.Status)
	}
	if c := u.set.cals; c != nil {
		c.narrow(op)
	}
	if u.set.profile().Location != "" {
		u.compose()
	}
	if op.LastActive == privacy.LastActiveOff {
		u.person.LastActiveAt = time.Time{} // off: not kept (S9)
	}
}

// heldPolicy tells which named policy holds for the user; nil: the global one.
func (u *user) heldPolicy() *privacy.HeldPolicy {
	if _, held := u.sh.e.policyOf(u.addr); held.Name != "" {
		return &held
	}
	return nil
}

// PolicyLine is one named policy and whom it was given to.
type PolicyLine struct {
	Name          string   `json:"name"`
	Declared      bool     `json:"declared"` // in the configuration
	Users         []string `json:"users"`    // named by the configuration
	Groups        []string `json:"groups"`
	GrantedUsers  []string `json:"granted_users"`
	GrantedGroups []string `json:"granted_groups"`
}

// PolicyList is every named policy, declared or granted, in the order of the names.
type PolicyList struct {
	Policies []PolicyLine `json:"policies"`
	// GroupsKnown: there is a statement of who is in which group; without it what
	// is given to a group counts for nobody.
	GroupsKnown bool `json:"groups_known"`
}

// Policies lists the named policies; for the operator only.
func (e *Engine) Policies(_ context.Context, who Principal) (PolicyList, error) {
	if !who.Operator {
		return PolicyList{}, refuse(NotAllowed, "", "only the operator may list policies")
	}
	r := e.rules()
	lines := make(map[string]*PolicyLine)
	line := func(name string) *PolicyLine {
		l := lines[name]
		if l == nil {
			l = &PolicyLine{Name: name, Users: []string{}, Groups: []string{}, GrantedUsers: []string{}, GrantedGroups: []string{}}
			lines[name] = l
		}
		return l
	}
	for i := range r.Policies {
		p := &r.Policies[i]
		l := line(p.Operator.Name)
		l.Declared = true
		l.Groups = append(l.Groups, p.Groups...)
		for a := range p.Users {
			l.Users = append(l.Users, a.String())
		}
	}
	e.grants.each(func(s subject, policies []string) {
		for _, name := range policies {
			if l := line(name); s.group != "" {
				l.GrantedGroups = append(l.GrantedGroups, s.group)
			} else {
				l.GrantedUsers = append(l.GrantedUsers, s.user.String())
			}
		}
	})
	out := PolicyList{Policies: make([]PolicyLine, 0, len(lines)), GroupsKnown: r.Groups != nil}
	for _, l := range lines {
		for _, names := range [][]string{l.Users, l.Groups, l.GrantedUsers, l.GrantedGroups} {
			slices.Sort(names)
		}
		out.Policies = append(out.Policies, *l)
	}
	slices.SortFunc(out.Policies, func(a, b PolicyLine) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
