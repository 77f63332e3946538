package component

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"presenced/component/stream"
	"presenced/internal/presence"
)

// letter is a message as far as it is read here.
type letter struct {
	Lang   string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Type   string `xml:"type,attr"`
	Thread string `xml:"thread"`
	Bodies []struct {
		Lang string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		Text string `xml:",chardata"`
	} `xml:"body"`
	// What only the reader of an encrypted message could make sense of: OMEMO with
	// something in it (XEP-0384), OX (XEP-0373), and what came before it (XEP-0027).
	Axolotl struct {
		Payload *struct{} `xml:"eu.siacs.conversations.axolotl payload"`
	} `xml:"eu.siacs.conversations.axolotl encrypted"`
	Omemo struct {
		Payload *struct{} `xml:"urn:xmpp:omemo:2 payload"`
	} `xml:"urn:xmpp:omemo:2 encrypted"`
	OX      *struct{} `xml:"urn:xmpp:openpgp:0 openpgp"`
	OpenPGP *struct{} `xml:"jabber:x:encrypted x"`
}

// body is the first text of a message, and its language.
func (x *letter) body() (text, lang string) {
	for _, b := range x.Bodies {
		if strings.TrimSpace(b.Text) == "" {
			continue
		}
		if b.Lang != "" {
			return b.Text, b.Lang
		}
		return b.Text, x.Lang
	}
	return "", x.Lang
}

// encrypted reports whether a message is of no use to anybody but its reader. OTR
// stands in the text itself.
func (x *letter) encrypted(body string) bool {
	return x.Axolotl.Payload != nil || x.Omemo.Payload != nil || x.OX != nil || x.OpenPGP != nil || strings.HasPrefix(body, "?OTR")
}

// chats takes a message from a user of a served host to the component itself: a
// command in words. It reports false where it is nothing to answer here.
func (r *router) chats(frame []byte, from *sender, to *target) bool {
	if to.mirror || r.c.commands == nil || !from.person() {
		return false
	}
	var x letter
	if stream.Decode(frame, &x) != nil {
		return false
	}
	body, lang := x.body()
	secret := x.encrypted(body)
	if body == "" && !secret {
		return false
	}
	if !r.c.talks.take(from.jid.Addr.Key(), 1, time.Now()) {
		r.drop("message-rate")
		return true
	}
	l, who, back := r.l, from.jid, x
	if !r.c.pool.submit(job{asker: who.Addr, do: func(ctx context.Context) { l.talk(ctx, who, &back, lang, body, secret) }}) {
		r.c.metrics.jobsRefused.Inc()
	}
	return true
}

// talk answers in the same chat.
func (l *link) talk(ctx context.Context, who presence.JID, x *letter, lang, body string, secret bool) {
	var said string
	var ok bool
	if secret {
		said, ok = l.c.commands.Encrypted(ctx, who, lang)
	} else {
		said, ok = l.c.commands.Chat(ctx, who, lang, body)
	}
	if !ok || said == "" {
		return
	}
	typ := "chat"
	if x.Type == "" || x.Type == "normal" {
		typ = ""
	}
	l.send(func(dst []byte) []byte {
		dst = append(dst, "<message"...)
		dst = appendAttribute(dst, "type", typ)
		dst = appendAttribute(dst, "id", rand.Text())
		dst = appendAttribute(dst, "from", l.c.o.Domain)
		dst = appendAttribute(dst, "to", who.Full())
		dst = appendElement(append(dst, '>'), "body", said)
		dst = appendElement(dst, "thread", x.Thread)
		return append(dst, "</message>"...)
	})
}
