package privacy

import (
	"fmt"
	"maps"

	"presenced/internal/presence"
)

// Network is the class of a watcher's domain (S2.1). The classes exclude each other.
type Network uint8

// The networks of S2.1.
const (
	Unknown Network = iota
	SameEnterprise
	Federated
	PublicCloud
	numNetworks
)

// Networks lists the domains of each class; anything else is unknown (S2.1).
type Networks struct {
	Enterprise, Federated, PublicCloud []string
}

// SiteOptions is what one component and its operator say about everybody.
type SiteOptions struct {
	// Component is the component's own domain: JIDs on it are never watcher,
	// contact or rule target (S2.7).
	Component string
	Networks  Networks
	// Containers maps the custom container ids to their base (S1).
	Containers map[presence.ContainerID]presence.ContainerID
	// SharedGroups lets groups the operator shares count in group rules (S2.2).
	SharedGroups bool
}

// Site is the compiled form of SiteOptions, shared by all policies. It never
// changes after NewSite.
type Site struct {
	component    string
	networks     map[string]Network
	custom       map[presence.ContainerID]presence.ContainerID
	sharedGroups bool
	bootstrap    *ruleSet
}

// NewSite checks and compiles o. The error names the value at fault and what to do.
func NewSite(o SiteOptions) (*Site, error) {
	component, err := domainOf(o.Component)
	if err != nil {
		return nil, fmt.Errorf("component domain %q: %w", o.Component, err)
	}
	s := &Site{component: component, networks: make(map[string]Network), sharedGroups: o.SharedGroups}
	for _, list := range []struct {
		name    string
		class   Network
		domains []string
	}{
		{"enterprise", SameEnterprise, o.Networks.Enterprise},
		{"federated", Federated, o.Networks.Federated},
		{"public_cloud", PublicCloud, o.Networks.PublicCloud},
	} {
		for _, d := range list.domains {
			if err := s.addNetwork(d, list.class); err != nil {
				return nil, fmt.Errorf("networks %s: %w", list.name, err)
			}
		}
	}
	for id, base := range o.Containers {
		if err := CheckCustom(id, base); err != nil {
			return nil, err
		}
	}
	s.custom = maps.Clone(o.Containers)
	s.bootstrap = compileRules(s, Bootstrap())
	return s, nil
}

func (s *Site) addNetwork(domain string, class Network) error {
	d, err := domainOf(domain)
	if err != nil {
		return fmt.Errorf("%q: %w", domain, err)
	}
	if d == s.component {
		return fmt.Errorf("%q is the component's own domain; remove it", domain)
	}
	if old, ok := s.networks[d]; ok && old != class {
		return fmt.Errorf("%q stands in two networks; leave it in one", domain)
	}
	s.networks[d] = class
	return nil
}

// Component returns the component's own domain.
func (s *Site) Component() string { return s.component }

// Network returns the class of a's domain.
func (s *Site) Network(a presence.Addr) Network { return s.networks[a.Domain()] }

// Own reports whether a lies on the component's own domain (S2.7).
func (s *Site) Own(a presence.Addr) bool { return a.Domain() == s.component }

// Base returns the container whose matrix id uses: itself for those of S1, the
// declared one for a custom id, and Default, which grants nothing, for an
// unknown id (I3).
func (s *Site) Base(id presence.ContainerID) presence.ContainerID {
	switch id {
	case presence.Self, presence.External, presence.Colleagues, presence.Workgroup, presence.Friends, presence.Blocked:
		return id
	}
	return s.custom[id]
}

// domainOf normalises a plain domain (S2.7).
func domainOf(s string) (string, error) {
	j, err := presence.ParseJID(s)
	switch {
	case err != nil:
		return "", err
	case j.Addr.Local() != "" || j.Resource != "":
		return "", fmt.Errorf("%w: write a domain alone, such as example.org", presence.ErrAddress)
	}
	return j.Addr.Domain(), nil
}
