package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"presenced/internal/presence"
	"presenced/privacy"
)

// Grants are kept as settings of reserved users, one for each user or group that
// was granted something, so that every store, safety copy and refilling treats
// them like any setting. They are the operator's word about an address, as
// policies.users is: erasing a user does not take them back, else she could lift
// what the operator put on her.
const (
	reserved        = "\x01" // begins what is no user's key
	grantUserKeys   = reserved + "policy-user "
	grantGroupKeys  = reserved + "policy-group "
	maxGranted      = 100_000 // users and groups with grants
	maxGrantsOfOne  = 16      // policies of one of them; only the first by name counts
	maxGroupLength  = 256     // bytes
	grantDocVersion = docVersion
)

// Reserved reports whether a Saved entry is no user's but the daemon's own.
func Reserved(key string) bool { return strings.HasPrefix(key, reserved) }

// subject is a user or a group that policies are granted to.
type subject struct {
	user  presence.Addr
	group string // empty: the user
}

// key is the reserved user the subject's grants are stored under.
func (s subject) key() string {
	if s.group != "" {
		return grantGroupKeys + s.group
	}
	return grantUserKeys + s.user.Key()
}

// subjectOf reads a reserved user; ok is false for one of something else.
func subjectOf(key string) (s subject, ok bool, err error) {
	if group, is := strings.CutPrefix(key, grantGroupKeys); is {
		return subject{group: group}, group != "", nil
	}
	if user, is := strings.CutPrefix(key, grantUserKeys); is {
		s.user, err = presence.AddrFromKey(user)
		return s, err == nil, err
	}
	return s, false, nil
}

// grantsDoc is what is granted to one subject, as stored.
type grantsDoc struct {
	V        version  `json:"v"`
	Policies []string `json:"policies"` // sorted
}

// grants are the operator's grants of named policies.
type grants struct {
	// changing, each of capacity 1, let one change of a subject be made at a time,
	// until it is stored; subjects are spread over them.
	changing [64]chan struct{}

	mu       sync.RWMutex // guards policies
	policies map[subject][]string
}

func newGrants() *grants {
	g := &grants{policies: make(map[subject][]string)}
	for i := range g.changing {
		g.changing[i] = make(chan struct{}, 1)
	}
	return g
}

// turn is what a change of the subject holds.
func (g *grants) turn(s subject) chan struct{} {
	return g.changing[xxhash.Sum64String(s.key())%uint64(len(g.changing))]
}

// load takes what the store holds of a reserved user.
func (g *grants) load(saved *Saved) error {
	s, ok, err := subjectOf(saved.User)
	raw := saved.Docs[DocGrants]
	if err != nil {
		return fmt.Errorf("a granted policy: %w", err)
	}
	if !ok || raw == nil {
		return nil
	}
	var doc grantsDoc
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("a granted policy: document %s: %w", DocGrants, err)
	}
	if doc.V > grantDocVersion {
		return fmt.Errorf("a granted policy: document %s has version %d, this presenced reads up to %d: %w", DocGrants, doc.V, grantDocVersion, ErrNewerSchema)
	}
	slices.Sort(doc.Policies)
	g.put(s, slices.Compact(doc.Policies))
	return nil
}

// put replaces what is granted to a subject.
func (g *grants) put(s subject, policies []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(policies) == 0 {
		delete(g.policies, s)
		return
	}
	g.policies[s] = policies
}

// of returns what is granted to a subject, not to be changed, and to how many
// something is.
func (g *grants) of(s subject) (policies []string, subjects int) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.policies[s], len(g.policies)
}

// any reports whether anything is granted to anybody.
func (g *grants) any() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.policies) > 0
}

// decides returns the grant that counts for a user in these groups.
func (g *grants) decides(a presence.Addr, groups []string) (held privacy.HeldPolicy, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if names := g.policies[subject{user: a}]; len(names) > 0 {
		return privacy.HeldPolicy{Name: names[0], Source: privacy.GrantedToUser}, true
	}
	for _, group := range groups {
		names := g.policies[subject{group: group}]
		if group != "" && len(names) > 0 && (!ok || names[0] < held.Name) {
			held, ok = privacy.HeldPolicy{Name: names[0], Source: privacy.GrantedToGroup, Group: group}, true
		}
	}
	return held, ok
}

// each calls f for every subject, in no particular order.
func (g *grants) each(f func(subject, []string)) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	for s, policies := range g.policies {
		f(s, policies)
	}
}

// undeclared returns the granted policies that the configuration does not
// declare, by name.
func (g *grants) undeclared(r *Rules) (names []string) {
	g.each(func(_ subject, policies []string) {
		for _, name := range policies {
			if r.policy(name) == nil {
				names = append(names, name)
			}
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// export returns the grants as the store holds them, by key.
func (g *grants) export() []Saved {
	var all []Saved
	g.each(func(s subject, policies []string) {
		all = append(all, Saved{User: s.key(), Docs: map[string][]byte{DocGrants: encodeGrants(policies)}})
	})
	slices.SortFunc(all, func(a, b Saved) int { return strings.Compare(a.User, b.User) })
	return all
}

// encodeGrants renders what is granted to one subject; nil for nothing.
func encodeGrants(policies []string) []byte {
	if len(policies) == 0 {
		return nil
	}
	return encode(grantsDoc{V: grantDocVersion, Policies: policies})
}
