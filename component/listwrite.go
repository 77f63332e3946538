package component

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"presenced/component/privilege"
	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// maxListBytes bounds the payload of one write: a server may end the whole stream
// over a larger stanza (Prosody over 512 KiB), for everybody.
const maxListBytes = 256 << 10

// nsSpares is a feature in disco#info of a host whose privacy lists spare what is
// about subscriptions, and whose default list the component may set (docs/egress.md).
const nsSpares = "urn:presenced:lists:0"

var (
	errNoLink  = errors.New("component: not attached")
	errNoGrant = errors.New("component: the permission to write is gone")
	errTooLong = fmt.Errorf("component: lists: more than %d bytes", maxListBytes)
)

// WriteLists changes what a user's server keeps of her blocking, on her behalf
// (XEP-0356 §6), one step after the other.
func (c *Component) WriteLists(user presence.Addr, bare string, steps []engine.ListStep) {
	l := c.link.Load()
	if l == nil {
		c.door.ListsWritten(user, errNoLink)
		return
	}
	l.writeStep(presence.JID{Addr: user, Bare: bare}, steps)
}

// writeStep takes the first step, and the others when it was answered well. It is
// called on any goroutine and waits for nobody.
func (l *link) writeStep(user presence.JID, steps []engine.ListStep) {
	if len(steps) == 0 {
		l.c.door.ListsWritten(user.Addr, nil)
		return
	}
	ns, payload := listPayload(&steps[0])
	g := l.granted(user.Addr.Domain(), func(h *hostLink) bool { return h.writes(ns) })
	switch {
	case g == nil:
		l.c.door.ListsWritten(user.Addr, errNoGrant)
		return
	case len(payload) > maxListBytes:
		l.c.door.ListsWritten(user.Addr, errTooLong)
		return
	}
	id := l.tracker.add(request{
		from: presence.JID{Addr: user.Addr}, deadline: time.Now().Add(l.c.timing.roster),
		done: func(a answer) {
			err := a.err
			if err == nil {
				err = privilege.Unwrap(a.frame, new(struct{}))
			}
			if err != nil {
				l.c.door.ListsWritten(user.Addr, fmt.Errorf("component: lists: %w", err))
				return
			}
			l.writeStep(user, steps[1:])
		},
	})
	l.send(func(dst []byte) []byte {
		return g.AppendWrapped(dst, "set", id, l.c.o.Domain, user.Bare, payload)
	})
}

// listPayload is the query of one step.
func listPayload(s *engine.ListStep) (ns string, b []byte) {
	open := func(head, value string) {
		b = append(b, head...)
		b = stream.AppendAttr(b, value)
	}
	switch s.Verb {
	case engine.BlockJID:
		open("<block xmlns='"+nsBlocking+"'><item jid='", s.Name)
		return nsBlocking, append(b, "'/></block>"...)
	case engine.UnblockJID:
		open("<unblock xmlns='"+nsBlocking+"'><item jid='", s.Name)
		return nsBlocking, append(b, "'/></unblock>"...)
	}
	b = append(b, "<query xmlns='"+nsPrivacy+"'>"...)
	switch {
	case s.Verb == engine.DefaultList && s.Name == "":
		b = append(b, "<default/>"...)
	case s.Verb == engine.DefaultList:
		open("<default name='", s.Name)
		b = append(b, "'/>"...)
	case s.Verb == engine.RemoveList:
		open("<list name='", s.Name)
		b = append(b, "'/>"...)
	default:
		open("<list name='", s.List.Name)
		b = append(b, "'>"...)
		for i := range s.List.Items {
			b = appendItem(b, &s.List.Items[i])
		}
		b = append(b, "</list>"...)
	}
	return nsPrivacy, append(b, "</query>"...)
}

// appendItem writes an item of a privacy list (XEP-0016 §2.1). The names inside it
// were checked against the four there are.
func appendItem(b []byte, it *privacy.Item) []byte {
	attr := func(name, value string) {
		b = append(append(append(b, ' '), name...), "='"...)
		b = append(stream.AppendAttr(b, value), '\'')
	}
	b = append(b, "<item"...)
	attr("order", it.Order)
	attr("action", it.Action)
	if it.Type != "" {
		attr("type", it.Type)
		attr("value", it.Value)
	}
	b = append(b, '>')
	for _, s := range it.Stanzas {
		b = append(append(append(b, '<'), s...), "/>"...)
	}
	return append(b, "</item>"...)
}

// writes reports whether lists of one kind can be read and written; link.mu is held.
// A host that did not say what it has is not written to: what it did not say is not a
// reason to take back what was written.
func (h *hostLink) writes(ns string) bool {
	can := h.lists()
	return h.has.told && (ns == nsBlocking && can.block || ns == nsPrivacy && can.privacy) && slices.Contains(h.advert.Grant.IQSet, ns)
}
