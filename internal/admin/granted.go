package admin

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"presenced/internal/engine"
)

// granted is what an export tells of grants: policies by user and by group.
type granted struct {
	users, groups map[string][]string
	told          map[string]bool // users whose line was written
}

func (s *Server) granted(ctx context.Context) (*granted, error) {
	list, err := s.o.Door.Policies(ctx, operatorOf(ctx))
	if err != nil {
		return nil, err
	}
	g := &granted{users: map[string][]string{}, groups: map[string][]string{}, told: map[string]bool{}}
	for _, p := range list.Policies {
		for _, u := range p.GrantedUsers {
			g.users[u] = append(g.users[u], p.Name)
		}
		for _, group := range p.GrantedGroups {
			g.groups[group] = append(g.groups[group], p.Name)
		}
	}
	return g, nil
}

// take returns what is granted to a user, for her line.
func (g *granted) take(user string) []string {
	policies := g.users[user]
	if len(policies) > 0 {
		g.told[user] = true
	}
	return policies
}

// say tells of each name in a line of its own, unless that was told already.
func (g *granted) say(of map[string][]string, groups bool, say func([]byte, error) error) error {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		line := ExportedUser{Policies: of[name]}
		switch {
		case groups:
			line.Group = name
		case g.told[name]:
			continue
		default:
			line.JID = name
		}
		if err := say(line.text()); err != nil {
			return err
		}
	}
	return nil
}

// IsGroup reports whether a line of an export is about a group.
func IsGroup(line []byte) bool {
	return strings.HasPrefix(string(line[:min(len(line), 16)]), `{"group":`)
}

// grantAll grants a user or group of an import what its line names. Nothing is taken
// back. With check it only tells what would be refused.
func (s *Server) grantAll(ctx context.Context, list *engine.PolicyList, to engine.PolicyGrant, policies []string, check bool) error {
	for _, name := range policies {
		if !slices.ContainsFunc(list.Policies, func(p engine.PolicyLine) bool { return p.Declared && p.Name == name }) {
			p := problem(http.StatusNotFound, fmt.Sprintf("policy %q, which was granted, is not declared here: write it as [[policies]] into the configuration and reload, or take it out of the line", name))
			p.Field = "policies"
			return p
		}
	}
	if check {
		return nil
	}
	for _, name := range policies {
		to.Policy = name
		if _, err := s.o.Door.GrantPolicy(ctx, operatorOf(ctx), to, true); err != nil {
			return err
		}
	}
	return nil
}
