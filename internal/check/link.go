package check

import (
	"context"
	"errors"
	"strings"
	"time"

	"presenced/component/stream"
	"presenced/internal/admin"
)

// link finds out what the XMPP server lets us do: from the daemon where one
// runs, else by attaching for a moment.
func (c *checker) link(ctx context.Context) {
	switch {
	case c.status != nil:
		c.daemonLink()
	case c.taken:
		c.warn("link", "not looked at: another daemon seems to hold it", "name its socket with --socket")
	default:
		c.ownLink(ctx)
	}
}

// daemonLink tells what the running daemon knows. It may run on another
// configuration than the one read here.
func (c *checker) daemonLink() {
	st := c.status
	if want := c.config.Component; st.Domain != want.Domain || st.Address != want.Address {
		c.warn("link", "the daemon runs as "+st.Domain+" on "+st.Address+", the configuration says "+want.Domain+" on "+want.Address,
			"restart the daemon to put the configuration in force")
	}
	if st.Link.Phase != "attached" {
		found := "the daemon is not attached since " + st.Link.Since.Format(time.RFC3339)
		if st.Link.LastError != "" {
			found += ": " + st.Link.LastError
		}
		c.add(Step{Name: "link", Result: Fail, Found: found, Do: "it keeps trying; see the server's log and the lines to paste", Snippets: c.snippets()})
		return
	}
	c.ok("link", "the daemon is attached as %s since %s", st.Domain, st.Link.Since.Format(time.RFC3339))
	for _, h := range st.Hosts {
		c.host(h)
	}
}

// ownLink attaches as the component, asks each host and leaves.
func (c *checker) ownLink(ctx context.Context) {
	found, err := attach(ctx, c.config)
	if err != nil {
		step := Step{Name: "link", Result: Fail, Found: err.Error(), Do: "see the server's log"}
		if r, ok := errors.AsType[*refusal](err); ok {
			step.Do, step.Snippets = r.remedy(), c.snippets()
		} else if errors.Is(err, stream.ErrHeader) || errors.Is(err, errMute) {
			step.Do = "set component.address to the port where the server takes components, mostly 5347; " + c.config.Component.Address + " seems to serve something else"
		}
		c.add(step)
		return
	}
	c.ok("link", "the server takes the secret for %s", c.config.Component.Domain)
	for _, h := range found {
		c.host(h)
	}
}

// host tells how presence is learned for the users of one host.
func (c *checker) host(h admin.Host) {
	name := "host " + h.Name
	adverts := "it announces " + strings.Join(h.Adverts, ", ")
	if len(h.Adverts) == 0 {
		adverts = "it announces no privilege"
	}
	const consent = "each user has to accept the component's request for a subscription, and rosters cannot be read: paste the lines below to change that"
	switch {
	case !h.Answers:
		c.fail(name, "it does not answer a ping", "is "+h.Name+" a host of this server? component.hosts lists the served hosts")
	case h.Managed && h.Roster && h.Reports:
		c.ok(name, "%s: presence and rosters are read for every enabled user", adverts)
	case h.Managed && h.Roster:
		c.ok(name, "%s: rosters are read; users are asked for a subscription, since this server does not report dropped sessions", adverts)
	case h.Managed:
		c.add(Step{Name: name, Result: Warn, Found: adverts + ": presence is read, rosters are not",
			Do: "rules on groups and subscriptions need the roster; paste the lines below", Snippets: c.snippets()})
	default:
		c.add(Step{Name: name, Result: Warn, Found: adverts, Do: consent, Snippets: c.snippets()})
	}
}
