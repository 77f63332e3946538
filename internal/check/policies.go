package check

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// policies tells which named policies do not hold for those they were given to. What
// is granted only a running daemon knows.
func (c *checker) policies(ctx context.Context) {
	before := len(c.Steps)
	groups := make(map[string]bool)
	held := 0
	for _, p := range c.config.Policies {
		held += len(p.Users) + len(p.Groups)
		for _, g := range p.Groups {
			groups[g] = true
		}
	}
	if c.status != nil {
		held += c.granted(ctx, groups)
	}
	c.groups(slices.Sorted(maps.Keys(groups)))
	if held > 0 && len(c.Steps) == before {
		c.ok("policies", "%d declared, all hold for those they were given to", len(c.config.Policies))
	}
}

// granted asks the daemon how much is granted, notes to which groups, and tells which
// policies are granted without being declared.
func (c *checker) granted(ctx context.Context, groups map[string]bool) (given int) {
	list, err := c.client.Policies(ctx)
	if err != nil {
		c.warn("policies", err.Error(), "check again once the daemon is well")
		return 0
	}
	var undeclared []string
	for _, p := range list.Policies {
		n := len(p.GrantedUsers) + len(p.GrantedGroups)
		given += n
		for _, g := range p.GrantedGroups {
			groups[g] = true
		}
		if n > 0 && !p.Declared {
			undeclared = append(undeclared, p.Name)
		}
	}
	if len(undeclared) > 0 {
		c.fail("policies", "granted, but not declared: "+strings.Join(undeclared, ", ")+"; of those who hold them nothing is shown but whether they are available",
			"declare them in [[policies]] and reload, or take them back with \"presenced policy revoke\"; \"presenced policy list\" shows from whom")
	}
	return given
}

// groups tells which of the groups that were given a policy have nobody in them.
func (c *checker) groups(names []string) {
	if len(names) == 0 || c.config.Directory.File != "" && c.book == nil {
		return // a directory that cannot be read is a step of its own
	}
	if !c.book.HasGroups() {
		c.warn("policies", "given to groups: "+strings.Join(names, ", ")+"; nothing tells who is in them, so they count for nobody",
			"name a directory.file with a column groups, or give the policies to users")
		return
	}
	names = slices.DeleteFunc(names, c.book.HasGroup)
	if len(names) > 0 {
		c.warn("policies", "given to groups that nobody is in: "+strings.Join(names, ", "),
			"correct their names in [[policies]] or with \"presenced policy revoke\", or the column groups of directory.file")
	}
}
