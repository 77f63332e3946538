package component

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"strings"

	"presenced/component/stream"
	"presenced/internal/presence"
)

// sender is what was made of a from attribute.
type sender struct {
	jid  presence.JID
	host int  // index of the served host, -1: none
	own  bool // our own domain
	ok   bool

	known   bool   // what Door.Known said of the person
	version uint64 // at this Door.KnownVersion

	kind *clientKind // of a device; nil: not known
}

// person reports whether the sender is a user of a served host.
func (s *sender) person() bool { return s.host >= 0 && s.jid.Addr.Local() != "" }

// target is what was made of a to attribute on our own domain.
type target struct {
	ok         bool
	mirror     bool          // else the component itself
	presentity presence.Addr // of a mirror
	spelling   string        // bare, the domain as configured: the from of what we answer
	resource   string        // with a slash before it; empty: none
	shown      string        // the address a mirror's JID encodes; empty: none
}

// addressed is the from of an answer to an IQ: exactly what was asked.
func (t *target) addressed() string { return t.spelling + t.resource }

// router takes the stanzas of one link. Only the reader uses it.
type router struct {
	c     *Component
	l     *link
	s     stream.Stanza
	froms cache[*sender]
	tos   cache[target]
	self  target
}

func newRouter(l *link) *router {
	return &router{c: l.c, l: l, self: target{ok: true, spelling: l.c.o.Domain}}
}

// route takes one frame. The only error is what ends the stream.
func (r *router) route(frame []byte) error {
	defer r.rescue()
	if err := stream.Scan(frame, &r.s); err != nil {
		r.c.metrics.refused["malformed"].Inc()
		r.salvage(head(frame))
		return nil
	}
	r.c.metrics.received[r.s.Kind].Inc()
	if r.s.Kind == stream.KindOther {
		if r.s.Name.Is(stream.NSStreams, "error") {
			return parseStreamError(frame)
		}
		return nil
	}
	r.stanza(frame)
	return nil
}

// skipped answers for an element that was too large or too deep.
func (r *router) skipped(e *stream.SkippedError) {
	defer r.rescue()
	r.c.metrics.refused[e.Reason.String()].Inc()
	r.salvage(e.Head)
}

// rescue makes a programming error that a stanza found cost that stanza only.
func (r *router) rescue() {
	if p := recover(); p != nil {
		r.c.metrics.refused["panic"].Inc()
		r.c.log.Error("a stanza found a programming error; please report it",
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
}

// stanza sorts a stanza by its addresses.
func (r *router) stanza(frame []byte) {
	from := r.sender()
	switch {
	case !from.ok:
		r.drop("bad-from")
		return
	case from.own: // one server sends our own presence back to us
		r.drop("own")
		return
	}
	to := r.target()
	if !to.ok {
		r.drop("bad-to")
		return
	}
	switch r.s.Kind {
	case stream.KindPresence:
		r.l.life.Add(1)
		if to.mirror {
			r.mirror(from, &to)
		} else {
			r.device(from)
		}
	case stream.KindMessage:
		r.message(frame, from, &to)
	case stream.KindIQ:
		r.iq(frame, from, &to)
	}
}

func (r *router) drop(reason string) { r.c.metrics.dropped[reason].Inc() }

// sender reads the from attribute.
func (r *router) sender() *sender {
	if v, ok := r.froms.get(r.s.From); ok {
		return v
	}
	raw := string(r.s.From)
	v := &sender{host: -1}
	if jid, err := presence.ParseJID(raw); err == nil {
		v.ok, v.jid = true, jid
		v.own = jid.Addr.Domain() == r.c.own.Domain()
		if i, ok := r.c.byDomain[jid.Addr.Domain()]; ok {
			v.host = i
		}
	}
	r.froms.put(raw, v)
	return v
}

// target reads the to attribute.
func (r *router) target() target {
	if string(r.s.To) == r.c.o.Domain {
		return r.self
	}
	if v, ok := r.tos.get(r.s.To); ok {
		return v
	}
	raw := string(r.s.To)
	v := r.c.targetOf(raw)
	r.tos.put(raw, v)
	return v
}

// targetOf reads an address on our own domain; ok is false for any other.
func (c *Component) targetOf(raw string) target {
	jid, err := presence.ParseJID(raw)
	if err != nil || jid.Addr.Domain() != c.own.Domain() {
		return target{}
	}
	t := target{ok: true, spelling: c.o.Domain}
	if jid.Resource != "" {
		t.resource = "/" + jid.Resource
	}
	if local, _, ok := strings.Cut(jid.Bare, "@"); ok {
		t.mirror = true
		t.spelling = local + "@" + c.o.Domain
		t.presentity, t.shown = c.encoded(local)
	}
	return t
}

// nobody is the presentity of a mirror whose JID encodes no address: a
// domain that cannot exist (RFC 6761 §6.4), hence no user.
var nobody = presence.MustAddr("nobody.invalid")

// encoded returns the address that a mirror's local part encodes: always
// alice\40example.org, with one served host also plain alice. shown is empty
// where it encodes none.
func (c *Component) encoded(local string) (a presence.Addr, shown string) {
	if strings.Contains(local, `\40`) {
		shown = presence.Unescape(local)
	} else if len(c.hosts) == 1 {
		shown = local + "@" + c.hosts[0].name
	}
	// A slash would make the rest a resource: no mirror's JID encodes one.
	jid, err := presence.ParseJID(shown)
	if err != nil || jid.Resource != "" || jid.Addr.Local() == "" || jid.Addr.Domain() == c.own.Domain() {
		return nobody, ""
	}
	return jid.Addr, shown
}

// salvage does for a refused stanza what its root's start tag allows, where
// there is one: an IQ gets its error, an answer its end, and a presence that
// takes something back is obeyed.
func (r *router) salvage(head []byte) {
	if head == nil || stream.Scan(head, &r.s) != nil {
		return
	}
	from := r.sender()
	to := r.target()
	if !from.ok || from.own || !to.ok {
		return
	}
	typ := string(r.s.Type)
	switch {
	case r.s.Kind == stream.KindIQ && (typ == "get" || typ == "set"):
		r.l.refuse(r.request(from, &to), errBadRequest)
	case r.s.Kind == stream.KindIQ:
		r.l.tracker.resolve(r.s.ID, from.jid, answer{err: errUnread})
	case r.s.Kind == stream.KindPresence && typ != "":
		r.stanza(head)
	}
}

// head makes the start tag of a malformed frame's root into an empty element;
// nil if there is none.
func head(frame []byte) []byte {
	var quote byte
	for i, b := range frame {
		switch {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '\'' || b == '"':
			quote = b
		case b == '>':
			tag := bytes.TrimSuffix(frame[:i], []byte("/"))
			return append(bytes.Clone(tag), "/>"...)
		}
	}
	return nil
}
