package check

import (
	"context"
	"fmt"

	"presenced/internal/engine"
)

// Why it matters, and what helps everywhere.
const (
	rawFound = "the server itself still sends a user's own presence to every contact who may see it: what the component hides reaches native contacts that way"
	rawUsers = "tell users that somebody they hide from should not be a native contact as well: end that subscription, or block her on the server too"
)

// raw is the self-test of S8.7: whether users' own server sends their presence to
// contacts around the containers. Rosters and lists tell that, which only an attached
// daemon has read.
func (c *checker) raw(ctx context.Context) {
	if c.status == nil || c.status.Link.Phase != "attached" {
		c.warn("raw presence", rawFound+"; how many contacts that reaches is known once a daemon is attached", rawUsers)
		return
	}
	reports, err := c.client.RawReports(ctx)
	if err != nil {
		c.warn("raw presence", err.Error(), "check again once the daemon is well")
		return
	}
	for i := range reports {
		c.rawOf(&reports[i])
	}
}

func (c *checker) rawOf(r *engine.RawReport) {
	const name = "raw presence"
	if r.Unknown > 0 {
		c.warn(name, fmt.Sprintf("of %d users of %s it is not known: their rosters are not read", r.Unknown, r.Host),
			"grant the component the rosters (docs/servers); "+rawUsers)
	}
	if r.Left > 0 {
		c.warn(name, fmt.Sprintf("the privacy lists of %d users of %s still hold the component's items", r.Left, r.Host),
			"they go at each user's next login; leave the component the permission iq \"jabber:iq:privacy\" = \"both\" until then")
	}
	found := fmt.Sprintf("%s sends the presence of %d of %d users to %d contacts, around the containers", r.Host, r.Reached, r.Users, r.Contacts)
	switch {
	case r.Reached == 0 && r.Unknown > 0:
	case r.Reached == 0:
		c.ok(name, "%s sends no presence of its %d enabled users to contacts around the containers, going by rosters and lists as last read; %d have the component's items", r.Host, r.Users, r.Closed)
	case !r.Wanted:
		c.warn(name, found, "write privacy.egress = \"managed\" (docs/egress.md), or "+rawUsers)
	case !r.Writes:
		c.add(Step{Name: name, Result: Fail, Found: found + "; privacy.egress = \"managed\" cannot close it: the component may not write privacy lists",
			Do: "paste the lines below, or see docs/egress.md for other ways", Snippets: c.snippets()})
	case !r.Spares:
		c.add(Step{Name: name, Result: Fail, Found: found + "; privacy.egress = \"managed\" writes nothing: the server does not say that its privacy lists let probes and subscriptions pass",
			Do: "load the module presenced_lists on " + r.Host + " (docs/egress.md)", Snippets: c.snippets()})
	case r.Refused > 0:
		c.warn(name, fmt.Sprintf("%s; the server refused the items for %d users", found, r.Refused), "see the server's log; they are tried again every ten minutes and at each login")
	default:
		c.warn(name, found+": those users were not online since privacy.egress was turned on, or have lists nobody can read", "nothing; the items are written at each user's next login")
	}
}
