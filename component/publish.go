package component

import (
	"fmt"
	"slices"
	"time"

	"presenced/component/privilege"
	"presenced/internal/presence"
)

const nsPubsub = "http://jabber.org/protocol/pubsub"

// toContacts has a server refuse what it would tell others than her contacts, whose
// levels alone were looked at: a node can be opened to anybody (XEP-0060 §7.1.5).
const toContacts = "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>" + nsPubsub + "#publish-options</value></field>" +
	"<field var='pubsub#access_model'><value>presence</value></field></x></publish-options>"

// PublishActivity publishes what a user does in her own personal eventing (XEP-0108,
// XEP-0163), on her behalf (XEP-0356 §6).
func (c *Component) PublishActivity(user presence.Addr, bare string, a presence.Activity) {
	l := c.link.Load()
	if l == nil {
		c.door.ActivityPublished(user, errNoLink)
		return
	}
	g := l.granted(user.Domain(), (*hostLink).publishes)
	if g == nil {
		c.door.ActivityPublished(user, errNoGrant)
		return
	}
	payload := append([]byte(nil), "<pubsub xmlns='"+nsPubsub+"'><publish node='"+nsActivity+"'><item id='current'>"...)
	payload = append(appendActivity(payload, a), "</item></publish>"...)
	if _, told := toldActivities[a]; told { // what takes it back has to be taken by any node
		payload = append(payload, toContacts...)
	}
	payload = append(payload, "</pubsub>"...)
	id := l.tracker.add(request{
		from: presence.JID{Addr: user}, deadline: time.Now().Add(c.timing.roster),
		done: func(got answer) {
			err := got.err
			if err == nil {
				err = privilege.Unwrap(got.frame, new(struct{}))
			}
			if err != nil {
				err = fmt.Errorf("component: publish: %w", err)
			}
			c.door.ActivityPublished(user, err)
		},
	})
	l.send(func(dst []byte) []byte { return g.AppendWrapped(dst, "set", id, c.o.Domain, bare, payload) })
}

// publishes reports whether a host lets us publish for its users; link.mu is held.
func (h *hostLink) publishes() bool {
	g := h.advert.Grant
	return g != nil && slices.Contains(g.IQSet, nsPubsub)
}
