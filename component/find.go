package component

import "presenced/internal/presence"

// Find returns whom a JID means to somebody who asks by name: a user, or the
// presentity of a mirror. What is no JID gives an address that no user has.
func (c *Component) Find(jid string) presence.Addr { return c.asked(jid) }
