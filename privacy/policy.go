package privacy

import (
	"errors"
	"fmt"

	"presenced/internal/presence"
)

// LoadState tells how much is known of a user's policy. Its zero value is
// StateLoading: what nobody has loaded shows nothing.
type LoadState uint8

// The states of a policy. All but StateOK fail closed (S8.5).
const (
	StateLoading LoadState = iota // not read yet: no alarm, nothing is sent
	StateOK
	StateError // unreadable, refused or timed out
	StateStale // older than its limit
)

var loadStates = [...]string{"loading", "ok", "error", "stale"}

// String returns the name scenario files use.
func (s LoadState) String() string {
	if int(s) >= len(loadStates) {
		return "error"
	}
	return loadStates[s]
}

// ParseLoadState reads a name scenario files use.
func ParseLoadState(v string) (LoadState, bool) {
	for i, n := range loadStates {
		if n == v {
			return LoadState(i), true
		}
	}
	return StateError, false
}

// Settings is everything about one user that decides a container.
type Settings struct {
	Owner       presence.Addr
	State       LoadState
	PrivacyMode bool // S2.4
	Rules       []Rule
	// Walls are the JIDs and domains the operator hides her from; "*" is all (S8.0).
	Walls   []string
	Block   BlockList // XEP-0191 (S8.1)
	Default *List     // XEP-0016 default list; nil: none (S8.2)
	Active  []List    // active lists of her sessions (S8.3)
	// Invisible hides her from everyone but herself as a denying active list
	// does: set where active lists cannot be read and one is suspected (S8.3).
	Invisible bool
	// RosterReadable tells that watchers' contacts can be known (S2.6).
	RosterReadable bool
	Priority       []string  // who may interrupt her do-not-disturb (S7)
	Cells          []OwnCell // what she shows and hides in place of S3's table
}

// Policy is the compiled form of Settings. It never changes; NewPolicy makes
// another one.
type Policy struct {
	site           *Site
	owner          presence.Addr
	rules          *ruleSet
	vetoes         *vetoes // nil: no wall, no list
	state          LoadState
	privacyMode    bool
	rosterReadable bool
	special        *special // nil: she says nothing of the kind
	err            error
}

// vetoes are the lists of S8.
type vetoes struct {
	walls     blocks
	block     blocks
	standard  *list
	active    []*list
	invisible bool
}

// NewPolicy compiles s. It never refuses: whatever is malformed makes the whole
// policy fail closed, and Err tells why (S8.5).
func NewPolicy(site *Site, s Settings) *Policy {
	p := &Policy{
		site: site, owner: s.Owner, state: s.State,
		privacyMode: s.PrivacyMode, rosterReadable: s.RosterReadable,
	}
	rules := make([]Rule, 0, len(s.Rules))
	var errs []error
	for _, r := range s.Rules {
		r, err := site.stored(r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rules = append(rules, r)
	}
	p.rules = compileRules(site, rules)
	errs = append(errs, p.addSpecial(s.Priority, s.Cells))
	v, err := compileVetoes(site, &s)
	p.vetoes = v
	p.err = errors.Join(append(errs, err)...)
	return p
}

// stored checks a rule that was accepted once. A custom container that the
// operator has taken away since shows nothing to whom it holds (I3); nothing
// else may have changed.
func (s *Site) stored(r Rule) (Rule, error) {
	if r.Container > 0 && r.Container < minCustom {
		return r, s.target(r.Container)
	}
	v, err := s.ruleValue(r)
	if err != nil {
		return r, fmt.Errorf("rule %q: %w", r, err)
	}
	r.Value = v
	return r, nil
}

func compileVetoes(site *Site, s *Settings) (*vetoes, error) {
	if len(s.Walls) == 0 && len(s.Block.JIDs) == 0 && s.Block.Broken == "" && s.Default == nil && len(s.Active) == 0 && !s.Invisible {
		return nil, nil
	}
	v := &vetoes{invisible: s.Invisible}
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	var err error
	v.walls, err = compileWalls(s.Walls)
	keep(err)
	v.block, err = compileBlocks(&s.Block, site.component)
	keep(err)
	if s.Default != nil {
		v.standard, err = compileList(s.Default, site.component)
		keep(err)
	}
	for i := range s.Active {
		l, err := compileList(&s.Active[i], site.component)
		keep(err)
		v.active = append(v.active, l)
	}
	return v, errors.Join(errs...)
}

// compileWalls reads the operator's walls: bare JIDs, domains, or "*".
func compileWalls(walls []string) (blocks, error) {
	var b blocks
	for _, w := range walls {
		if w == "*" {
			b.hidesAll = true
			continue
		}
		one, err := compileBlocks(&BlockList{JIDs: []string{w}}, "")
		if err != nil {
			return blocks{hidesAll: true}, fmt.Errorf("wall %q: %w", w, err)
		}
		if b.keys == nil {
			b.keys = make(map[string]struct{}, len(walls))
		}
		for k := range one.keys {
			b.keys[k] = struct{}{}
		}
	}
	return b, nil
}

// Owner returns whose policy it is.
func (p *Policy) Owner() presence.Addr { return p.owner }

// Loaded reports whether the policy was read at all. Until then nothing is sent
// about its owner and questions wait (S8.5).
func (p *Policy) Loaded() bool { return p.state != StateLoading }

// Err returns why the policy fails closed although it was loaded; nil otherwise.
func (p *Policy) Err() error {
	switch {
	case p.err != nil:
		return p.err
	case p.state == StateError:
		return errors.New("the policy could not be read")
	case p.state == StateStale:
		return errors.New("the policy is older than its limit")
	}
	return nil
}

// failsClosed reports S8.5 for everyone but the owner.
func (p *Policy) failsClosed() bool { return p.state != StateOK || p.err != nil }
