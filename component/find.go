package component

import "presenced/internal/presence"

// Find returns whom a name means to somebody who asks: a user or the presentity of
// a mirror by JID, or else whom the directory has under it as an e-mail address.
// Anything else gives an address that no user has.
// byEmail tells that it is an e-mail address, which not everybody may know to be hers
// (presence.View.Asked).
func (c *Component) Find(name string) (a presence.Addr, byEmail bool) {
	a = c.asked(name)
	if _, served := c.byDomain[a.Domain()]; served {
		return a, false
	}
	if owner, ok := c.directory.Load().ByEmail(name); ok {
		return owner, true
	}
	return a, false
}
