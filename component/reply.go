package component

import (
	"presenced/component/commands"
	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

const (
	nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsPing    = "urn:xmpp:ping"
)

// maxReply bounds the payload of an answer in bytes: one server ends the
// stream at a stanza of 512 KiB.
const maxReply = 256 << 10

// The errors that are answered.
var (
	errBadRequest = &commands.StanzaError{Type: "modify", Condition: "bad-request"}
	errNoNode     = &commands.StanzaError{Type: "cancel", Condition: "item-not-found"}
	errNoService  = &commands.StanzaError{Type: "cancel", Condition: "service-unavailable"}
	errBusy       = &commands.StanzaError{Type: "wait", Condition: "resource-constraint"}
	errTooMany    = &commands.StanzaError{Type: "modify", Condition: "policy-violation",
		Text: "Ask for at most 200 at once.", Lang: "en"}
	errTooLarge = &commands.StanzaError{Type: "modify", Condition: "policy-violation",
		Text: "The answer would be too large. Ask for fewer at once.", Lang: "en"}
)

// asked is an IQ get or set to be answered, independent of the frame.
type asked struct {
	from presence.JID
	to   target
	id   string
	typ  string
	lang string
}

// principal is the asker as the engine knows her, and by which way she asks.
func (q *asked) principal(way engine.Way) engine.Principal {
	return engine.Principal{Addr: q.from.Addr, JID: q.from.Bare, Way: way}
}

// request copies what an answer needs out of the scanned stanza.
func (r *router) request(from *sender, to *target) *asked {
	return &asked{from: from.jid, to: *to, id: string(r.s.ID), typ: string(r.s.Type), lang: string(r.s.Lang)}
}

// result answers with a payload, which may be empty.
func (l *link) result(q *asked, payload []byte) {
	if len(payload) > maxReply {
		l.refuse(q, errTooLarge)
		return
	}
	l.send(func(dst []byte) []byte {
		dst = stream.AppendIQ(dst, "result", q.id, q.to.addressed(), q.from.Full())
		dst = append(dst, payload...)
		return append(dst, "</iq>"...)
	})
}

// refuse answers with an error. Without an id nobody could match it.
func (l *link) refuse(q *asked, e *commands.StanzaError) {
	if q.id == "" {
		return
	}
	l.send(func(dst []byte) []byte {
		dst = stream.AppendIQ(dst, "error", q.id, q.to.addressed(), q.from.Full())
		dst = e.Append(dst)
		return append(dst, "</iq>"...)
	})
}

// appendPing appends a server or client ping (XEP-0199).
func appendPing(dst []byte, id, from, to string) []byte {
	dst = stream.AppendIQ(dst, "get", id, from, to)
	return append(dst, "<ping xmlns='"+nsPing+"'/></iq>"...)
}

// appendElement appends <name>text</name>, or nothing for an empty text.
func appendElement(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(dst, '<')
	dst = append(dst, name...)
	dst = append(dst, '>')
	dst = stream.AppendText(dst, text)
	dst = append(dst, "</"...)
	dst = append(dst, name...)
	return append(dst, '>')
}

// appendAttribute appends a blank and name='value', or nothing for an empty
// value.
func appendAttribute(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ' ')
	dst = append(dst, name...)
	dst = append(dst, "='"...)
	dst = stream.AppendAttr(dst, value)
	return append(dst, '\'')
}
