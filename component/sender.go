package component

import (
	"errors"
	"strings"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// Subscribed tells a watcher that the subscription was accepted.
func (c *Component) Subscribed(t engine.Target) { c.out.Subscribed(t) }

// Unsubscribed tells a watcher that there is no subscription.
func (c *Component) Unsubscribed(t engine.Target) { c.out.Unsubscribed(t) }

// Ask requests a presence subscription from a user.
func (c *Component) Ask(bare string) { c.presence("subscribe", bare) }

// Leave ends the component's subscription to a user's presence.
func (c *Component) Leave(bare string) { c.presence("unsubscribe", bare) }

// Probe asks for the presence of a user who consented.
func (c *Component) Probe(bare string) { c.presence("probe", bare) }

// presence sends a presence without content from the component itself.
func (c *Component) presence(typ, to string) {
	l := c.link.Load()
	if l == nil {
		return
	}
	l.send(func(dst []byte) []byte {
		dst = append(dst, "<presence"...)
		dst = appendAttribute(dst, "type", typ)
		dst = appendAttribute(dst, "from", c.o.Domain)
		dst = appendAttribute(dst, "to", to)
		return append(dst, "/>"...)
	})
}

// Ping finds out whether a device still is there. Only an answer that says so
// makes it gone: a device that is slow, or refuses pings, is there.
func (c *Component) Ping(full string) {
	l := c.link.Load()
	jid, err := presence.ParseJID(full)
	if l == nil || err != nil || jid.Resource == "" {
		return
	}
	if l.tracker.full() {
		c.metrics.dropped["tracker-full"].Inc()
		return
	}
	now := time.Now()
	id := l.tracker.add(request{from: jid, deadline: now.Add(c.timing.roster), done: func(a answer) {
		if noDevice(a.err) {
			c.door.Device(engine.Device{User: jid, Gone: true})
		}
	}})
	l.send(func(dst []byte) []byte { return appendPing(dst, id, c.o.Domain, full) })
}

// noDevice reports whether an error says that there is no such device. Clients
// without XEP-0199 answer service-unavailable, hence that counts only with the
// server's own text.
func noDevice(err error) bool {
	e, ok := errors.AsType[*StanzaError](err)
	if !ok {
		return false
	}
	switch e.Condition {
	case "item-not-found", "recipient-unavailable", "gone":
		return true
	}
	return strings.EqualFold(strings.TrimSpace(e.Text), "User session not found")
}

// ReadRoster fetches a user's roster; the answer comes through Door.RosterRead
// unless the link is lost before.
func (c *Component) ReadRoster(user presence.Addr, bare string) {
	if l := c.link.Load(); l != nil {
		l.rosters.add(wanted{user: presence.JID{Addr: user, Bare: bare}})
	}
}

// Notify sends a user a message in words from the component.
func (c *Component) Notify(bare, text string) {
	l := c.link.Load()
	if l == nil {
		return
	}
	l.send(func(dst []byte) []byte {
		dst = append(dst, "<message type='chat'"...)
		dst = appendAttribute(dst, "from", c.o.Domain)
		dst = appendAttribute(dst, "to", bare)
		dst = appendElement(append(dst, '>'), "body", text)
		return append(dst, "</message>"...)
	})
}

// Settle calls Door.HostSynced once the host has said what it had to say.
func (c *Component) Settle(host string) {
	if l := c.link.Load(); l != nil {
		l.wantSettled(host)
	}
}
