package component

import (
	"time"

	"presenced/component/commands"
	"presenced/component/privilege"
	"presenced/component/stream"
)

// message takes a message: adverts of a served host, commands in words, and what
// people write to a mirror, or strangers to the component, which is answered with
// an error (S14).
func (r *router) message(frame []byte, from *sender, to *target) {
	typ := string(r.s.Type)
	if h := r.host(from); h != nil && !to.mirror {
		if typ != "error" {
			r.advert(frame, h)
		}
		return
	}
	switch typ {
	case "error", "headline", "groupchat":
		return
	}
	if r.chats(frame, from, to) || !hasBody(frame) {
		return
	}
	if !r.c.bounces.take(from.jid.Addr.Domain(), 1, time.Now()) {
		r.drop("message-rate")
		return
	}
	r.bounce(from, to)
}

// advert takes what a host announces.
func (r *router) advert(frame []byte, h *hostLink) {
	a, err := privilege.ParseAdvert(frame)
	if err != nil || a.Grant == nil && a.Delegated == nil {
		return
	}
	r.l.advertised(h, a)
}

// bounce tells the sender of a message that nobody reads it here.
func (r *router) bounce(from *sender, to *target) {
	e := commands.StanzaError{Type: "cancel", Condition: "service-unavailable", Text: noReader(to), Lang: "en"}
	id := string(r.s.ID)
	r.l.send(func(dst []byte) []byte {
		dst = append(dst, "<message type='error'"...)
		dst = appendAttribute(dst, "id", id)
		dst = appendAttribute(dst, "from", to.addressed())
		dst = appendAttribute(dst, "to", from.jid.Full())
		dst = e.Append(append(dst, '>'))
		return append(dst, "</message>"...)
	})
}

// noReader says where to write instead: to the address that the JID itself
// encodes, whoever that is.
func noReader(to *target) string {
	switch {
	case !to.mirror:
		return "Nobody reads messages here. Use the commands of this address instead."
	case to.shown == "":
		return "This address shows presence only."
	}
	return "This address shows presence only. Write to " + to.shown + " instead."
}

// hasBody reports whether a message has a body of its own with text in it.
func hasBody(frame []byte) bool {
	var x struct {
		Body []string `xml:"body"`
	}
	if stream.Decode(frame, &x) != nil {
		return false
	}
	for _, b := range x.Body {
		if b != "" {
			return true
		}
	}
	return false
}
