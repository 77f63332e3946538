package component

import (
	"time"

	"presenced/component/stream"
	"presenced/internal/presence"
)

// Peek has the server tell the present state of a user who was enrolled while
// her devices were online: a server that forwards presence (XEP-0356) tells of
// them at the attach and at their next change only. Where rosters may be
// written, the component becomes a contact of hers for the length of one probe;
// the item is gone again before her clients have drawn it. A user who has the
// component in her roster already is asked, as a contact asks for being one in
// return.
func (c *Component) Peek(user presence.Addr, bare string) {
	l := c.link.Load()
	if l == nil || l.granted(user.Domain(), (*hostLink).writesRosters) == nil || l.tracker.full() {
		return
	}
	l.ask(user, bare, "get", "", func(frame []byte) {
		contacts, err := parseRoster(frame, rosterFactor*c.o.MaxContacts)
		if err != nil {
			return
		}
		for _, contact := range contacts {
			if contact.Addr != c.own {
				continue
			}
			if contact.Subscription.SeesOwner() {
				c.Probe(bare)
			} else {
				c.Ask(bare)
			}
			return
		}
		l.ask(user, bare, "set", "from", func([]byte) {
			// The server works off one component's stanzas in order: the probe
			// is answered before the item goes.
			c.Probe(bare)
			l.ask(user, bare, "set", "remove", func([]byte) {})
		})
	})
}

// ask reads a roster (subscription empty) or writes the component's own item in
// it, and calls then with a positive answer.
func (l *link) ask(user presence.Addr, bare, typ, subscription string, then func(frame []byte)) {
	id := l.tracker.add(request{
		from: presence.JID{Addr: user}, deadline: time.Now().Add(l.c.timing.roster),
		done: func(a answer) {
			if a.err == nil {
				then(a.frame)
			}
		},
	})
	l.send(func(dst []byte) []byte {
		dst = stream.AppendIQ(dst, typ, id, l.c.o.Domain, bare)
		dst = append(dst, "<query xmlns='"+nsRoster+"'>"...)
		if subscription != "" {
			dst = append(dst, "<item jid='"...)
			dst = stream.AppendAttr(dst, l.c.o.Domain)
			dst = append(dst, "' subscription='"...)
			dst = append(dst, subscription...)
			dst = append(dst, "'/>"...)
		}
		return append(dst, "</query></iq>"...)
	})
}

// writesRosters reports whether a host has granted that; link.mu is held.
func (h *hostLink) writesRosters() bool {
	g := h.advert.Grant
	return g != nil && g.SetsList
}
