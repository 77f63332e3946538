package check

import (
	"context"
	"strings"
)

// policies tells which named policies do not hold for whom they were given to. Only
// a running daemon knows what is granted; of the configuration its own warnings tell.
func (c *checker) policies(ctx context.Context) {
	if c.status == nil {
		return
	}
	list, err := c.client.Policies(ctx)
	if err != nil {
		c.warn("policies", err.Error(), "check again once the daemon is well")
		return
	}
	var undeclared, groups []string
	held := 0
	for _, p := range list.Policies {
		given := len(p.GrantedUsers) + len(p.GrantedGroups)
		held += given + len(p.Users) + len(p.Groups)
		if given > 0 && !p.Declared {
			undeclared = append(undeclared, p.Name)
		}
		if len(p.GrantedGroups) > 0 && !list.GroupsKnown {
			groups = append(groups, p.Name)
		}
	}
	if len(undeclared) > 0 {
		c.fail("policies", "granted, but not declared: "+strings.Join(undeclared, ", ")+"; last activity, photos and links are not shown of those who hold them",
			"declare them in [[policies]] and reload, or take them back with \"presenced policy revoke\"; \"presenced policy list\" shows from whom")
	}
	if len(groups) > 0 {
		c.warn("policies", "granted to groups: "+strings.Join(groups, ", ")+"; nothing tells this version who is in a group, so these grants count for nobody",
			"grant them to users")
	}
	if held > 0 && len(undeclared)+len(groups) == 0 {
		c.ok("policies", "%d named, given to %d users and groups", len(list.Policies), held)
	}
}
