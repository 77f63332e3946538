package check

import "context"

// privacy tells what users and the operator should know about the limits of
// what is promised (S3, S8.7, S11).
func (c *checker) privacy(ctx context.Context) {
	c.lists()
	if c.config.Privacy.OfflineDetails == "all" {
		c.warn("offline", "privacy.offline_details = \"all\": details stay visible while offline, so that a block can be told from being offline",
			"write offline_details = \"out-of-office\"")
	}
	c.raw(ctx)
}

// lists tells where the server's own block and privacy lists are obeyed (S11). Only
// a daemon that is attached knows.
func (c *checker) lists() {
	if c.status == nil || len(c.status.Hosts) == 0 {
		c.warn("lists", "which block and privacy lists can be read is known once a daemon is attached", "start it and check again")
		return
	}
	for _, h := range c.status.Hosts {
		switch {
		case !h.Synced:
			c.warn("lists", h.Name+" has not been heard yet", "check again in a moment")
		case !h.Hidden && !h.Block && !h.Privacy:
			c.ok("lists", "%s keeps no block or privacy lists", h.Name)
		case !h.Hidden:
			c.ok("lists", "the block and privacy lists of %s are read and obeyed", h.Name)
		case c.config.Privacy.ServerLists == "require":
			c.fail("lists", h.Name+" keeps lists that cannot be read, and privacy.server_lists = \"require\": its users are shown to nobody",
				"grant the component iq \"urn:xmpp:blocking\" and \"jabber:iq:privacy\" (docs/servers), name the database in [[privacy.lists_sql]], or write server_lists = \"auto\" to go by containers alone")
		default:
			c.warn("lists", h.Name+" keeps block or privacy lists that cannot be read: containers alone decide",
				"grant the component iq \"urn:xmpp:blocking\" and \"jabber:iq:privacy\" (Prosody), name ejabberd's database in [[privacy.lists_sql]] (docs/servers), or tell users to block with the component's command \"block\" as well")
		}
	}
}
