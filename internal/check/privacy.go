package check

// privacy tells what users and the operator should know about the limits of
// what is promised (S3, S8.7, S11).
func (c *checker) privacy() {
	const unread = "server-side block and privacy lists are not read by this version: containers alone decide"
	if c.config.Privacy.ServerLists == "require" {
		c.warn("lists", unread+"; privacy.server_lists = \"require\" therefore shows nobody to anybody",
			"write server_lists = \"auto\" to go by containers alone")
	} else {
		c.warn("lists", unread, "tell users to block with the component's command \"block\" as well")
	}
	if c.config.Privacy.OfflineDetails == "all" {
		c.warn("offline", "privacy.offline_details = \"all\": details stay visible while offline, so that a block can be told from being offline",
			"write offline_details = \"out-of-office\"")
	}
	c.warn("raw presence", "the server itself still sends a user's own presence to every contact who may see it: what the component hides reaches native contacts that way",
		"tell users that somebody they hide from should not be a native contact as well: end that subscription, or block her on the server too")
}
