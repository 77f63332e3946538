package component

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// nsRosterX is XEP-0144's: contacts that somebody suggests.
const nsRosterX = "http://jabber.org/protocol/rosterx"

// MirrorOf returns the canonical JID of a user's mirror: the short form where there is
// one served host.
func (c *Component) MirrorOf(user presence.Addr) string {
	if local := presence.Escape(user.Local()); len(c.hosts) == 1 && !strings.Contains(local, `\40`) {
		return local + "@" + c.o.Domain
	}
	return presence.Escape(user.String()) + "@" + c.o.Domain
}

// Mirrored returns whose mirror an address is.
func (c *Component) Mirrored(contact presence.Addr) (presence.Addr, bool) {
	if contact.Domain() != c.own.Domain() {
		return presence.Addr{}, false
	}
	t := c.targetOf(contact.String())
	return t.presentity, t.mirror && t.presentity != nobody
}

// WriteContacts changes a user's roster on her behalf (XEP-0356 §4.2): an IQ for each
// step, for a roster set has one item (RFC 6121 §2.1.5). They are all on their way at
// once, so that a later call cannot overtake what is left of an earlier one.
func (c *Component) WriteContacts(user presence.Addr, bare string, steps []engine.ContactStep) {
	l := c.link.Load()
	switch {
	case l == nil:
		c.door.ContactsWritten(user, errNoLink)
		return
	case len(steps) == 0:
		c.door.ContactsWritten(user, nil)
		return
	}
	a := &contactAnswers{left: len(steps)}
	for i := range steps {
		l.setContact(presence.JID{Addr: user, Bare: bare}, &steps[i], a)
	}
}

// contactAnswers gathers what a server said to the steps of one call.
type contactAnswers struct {
	mu   sync.Mutex // guards the fields below
	left int
	err  error // the first
}

// take notes one answer; last: there are no more to come.
func (a *contactAnswers) take(err error) (first error, last bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = err
	}
	a.left--
	return a.err, a.left == 0
}

// setContact sends one step. It waits for nobody.
func (l *link) setContact(user presence.JID, s *engine.ContactStep, all *contactAnswers) {
	id := l.tracker.add(request{
		from: presence.JID{Addr: user.Addr}, deadline: time.Now().Add(l.c.timing.roster),
		done: func(a answer) {
			if err, last := all.take(a.err); last {
				if err != nil {
					err = fmt.Errorf("component: contacts: %w", err)
				}
				l.c.door.ContactsWritten(user.Addr, err)
			}
		},
	})
	l.send(func(dst []byte) []byte {
		dst = stream.AppendIQ(dst, "set", id, l.c.o.Domain, user.Bare)
		dst = append(dst, "<query xmlns='"+nsRoster+"'>"...)
		subscription := "to"
		if s.Remove {
			subscription = "remove"
		}
		dst = appendContact(dst, s, "subscription", subscription)
		return append(dst, "</query></iq>"...)
	})
}

// appendContact appends an item, with an attribute that says what is to be done.
func appendContact(dst []byte, s *engine.ContactStep, attribute, value string) []byte {
	dst = append(dst, "<item"...)
	dst = appendAttribute(dst, "jid", s.Mirror)
	dst = appendAttribute(dst, attribute, value)
	dst = appendAttribute(dst, "name", s.Name)
	dst = appendElement(append(dst, '>'), "group", s.Group)
	return append(dst, "</item>"...)
}

// SuggestContacts sends a user contacts to add (XEP-0144 §3), and in words what they
// are, for clients that do not know it.
func (c *Component) SuggestContacts(bare, text string, steps []engine.ContactStep) {
	l := c.link.Load()
	if l == nil {
		return
	}
	for i := range steps {
		text += "\n" + steps[i].Mirror
	}
	l.send(func(dst []byte) []byte {
		dst = append(dst, "<message"...)
		dst = appendAttribute(dst, "from", c.o.Domain)
		dst = appendAttribute(dst, "to", bare)
		dst = appendElement(append(dst, '>'), "body", text)
		dst = append(dst, "<x xmlns='"+nsRosterX+"'>"...)
		for i := range steps {
			dst = appendContact(dst, &steps[i], "action", "add")
		}
		return append(dst, "</x></message>"...)
	})
}
