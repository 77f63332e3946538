package check

import (
	"strings"

	"presenced/internal/directory"
	"presenced/internal/presence"
)

// directory reads the operator's directory as the daemon would.
func (c *checker) directory() {
	path := c.config.Directory.File
	if path == "" {
		return
	}
	book, err := directory.Load(path)
	if err != nil {
		c.fail("directory", err.Error(), "correct each line, then reload; until then the daemon keeps the directory it has, and does not start anew")
		return
	}
	c.book = book
	hosts := make([]string, 0, len(c.config.Component.Hosts))
	for _, h := range c.config.Component.Hosts {
		if a, err := presence.ParseAddr(h); err == nil {
			hosts = append(hosts, a.Domain())
		}
	}
	if others := book.Strangers(hosts, 3); len(others) > 0 {
		names := make([]string, len(others))
		for i, a := range others {
			names[i] = a.String()
		}
		c.warn("directory", path+" holds people of no served host, such as "+strings.Join(names, ", "),
			"their lines have no effect: correct the addresses, or take them out")
		return
	}
	c.ok("directory", "%s: %d people, %d photos", path, book.Len(), book.Photos())
}
