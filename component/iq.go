package component

import (
	"bytes"
	"context"
	"encoding/xml"
	"time"

	"presenced/component/commands"
	"presenced/component/privilege"
	"presenced/component/stream"
)

const (
	nsLast    = "jabber:iq:last"
	nsVersion = "jabber:iq:version"
	nsVCard   = "vcard-temp"

	nsPhotoUpdate = "vcard-temp:x:update"
)

// iq takes an IQ: an answer goes to who waits for it, a request is answered,
// on the spot where the answer is constant, else by a worker.
func (r *router) iq(frame []byte, from *sender, to *target) {
	switch string(r.s.Type) {
	case "result", "error":
		r.answer(frame, from)
		return
	case "get", "set":
	default:
		r.drop("iq-type")
		return
	}
	q := r.request(from, to)
	switch {
	case q.id == "":
		r.drop("no-id")
	case r.s.Children != 1:
		r.l.refuse(q, errBadRequest)
	case to.mirror:
		r.mirrorIQ(q, frame)
	default:
		r.ownIQ(q, frame, from)
	}
}

func (r *router) answer(frame []byte, from *sender) {
	a := answer{frame: frame}
	if string(r.s.Type) == "error" {
		a = answer{err: parseStanzaError(frame)}
	}
	if !r.l.tracker.resolve(r.s.ID, from.jid, a) {
		r.drop("unasked-answer")
	}
}

// constant answers what is the same for every asker, of a mirror and of the
// component alike. It reports false for anything else.
func (r *router) constant(q *asked, frame []byte, info *identity) bool {
	child := r.s.Child
	switch {
	case q.typ != "get":
		return false
	case child.Is(nsDiscoInfo, "query"):
		switch node := queryNode(frame); node {
		case "":
			r.l.result(q, info.plain)
		case info.node:
			r.l.result(q, info.echoed)
		default:
			r.l.refuse(q, errNoNode)
		}
	case child.Is(nsDiscoItems, "query"):
		if queryNode(frame) != "" {
			r.l.refuse(q, errNoNode)
		} else {
			r.l.result(q, noItems)
		}
	case child.Is(nsPing, "ping"):
		r.l.result(q, nil)
	case child.Is(nsVersion, "query"):
		r.l.result(q, r.c.texts.version)
	default:
		return false
	}
	return true
}

// mirrorIQ answers a get or set to a mirror (S14).
func (r *router) mirrorIQ(q *asked, frame []byte) {
	child := r.s.Child
	switch {
	case r.constant(q, frame, &r.c.texts.mirror):
	case q.typ == "set" && isClaim(child):
		r.claim(q)
	case q.typ != "get":
		r.l.refuse(q, errNoService)
	case child.Is(stream.NSOwn, "query"):
		r.limited(q, r.c.queries, func(ctx context.Context, l *link) { l.answerQuery(ctx, q) })
	case child.Is(nsVCard, "vCard"):
		r.limited(q, r.c.queries, func(ctx context.Context, l *link) { l.answerVCard(ctx, q) })
	case child.Is(nsLast, "query"):
		r.limited(q, r.c.queries, func(ctx context.Context, l *link) { l.answerLast(ctx, q) })
	default:
		r.l.refuse(q, errNoService)
	}
}

// ownIQ answers a get or set to the component itself.
func (r *router) ownIQ(q *asked, frame []byte, from *sender) {
	child := r.s.Child
	switch space := string(child.Space); {
	case (space == nsDiscoInfo || space == nsDiscoItems) && string(child.Local) == "query" && r.ownNode(q, frame, from):
	case r.constant(q, frame, &r.c.texts.self):
	case space == stream.NSOwn && string(child.Local) == "query" && q.typ == "get":
		copied := bytes.Clone(frame)
		r.work(q, func(ctx context.Context, l *link) { l.answerBatch(ctx, q, copied) })
	case q.typ == "set" && isClaim(child):
		r.claim(q)
	case child.Is(nsVCard, "vCard") && q.typ == "get":
		r.l.result(q, r.c.texts.vcard)
	case privilege.DelegationVersion(space) != 0 && q.typ == "set" && r.host(from) != nil:
		r.delegated(q, frame)
	case r.c.commands != nil && (space == commands.NSCommands || space == commands.NSRegister):
		payload := bytes.Clone(r.s.Inner())
		r.limited(q, r.c.changes, func(ctx context.Context, l *link) { l.answerCommand(ctx, q, payload) })
	default:
		r.l.refuse(q, errNoService)
	}
}

// claim hands a claim to a worker.
func (r *router) claim(q *asked) {
	name, payload := string(r.s.Child.Local), bytes.Clone(r.s.Inner())
	r.limited(q, r.c.claims, func(ctx context.Context, l *link) { l.answerClaim(ctx, q, name, payload) })
}

// ownNode answers disco on the nodes of commands and of delegated namespaces;
// false: it is neither.
func (r *router) ownNode(q *asked, frame []byte, from *sender) bool {
	node := queryNode(frame)
	items := r.s.Child.Is(nsDiscoItems, "query")
	switch {
	case q.typ != "get" || node == "":
		return false
	case !items && r.host(from) != nil && privilege.IsDelegationNode(node):
		// One server delegates nothing before this is answered.
		r.l.result(q, appendDisco(nil, nsDiscoInfo, node))
		return true
	case r.c.commands == nil:
		return false
	case items && node == commands.NSCommands:
		r.l.result(q, r.commandItems(q.lang))
		return true
	case items:
		return false
	}
	info, ok := r.c.commands.Info(node, q.lang)
	if ok {
		r.l.result(q, info)
	}
	return ok
}

// commandItems renders the list of commands.
func (r *router) commandItems(lang string) []byte {
	dst := append([]byte(nil), "<query xmlns='"+nsDiscoItems+"' node='"+commands.NSCommands+"'>"...)
	for _, it := range r.c.commands.Items(lang) {
		dst = append(dst, "<item"...)
		dst = appendAttribute(dst, "jid", r.c.o.Domain)
		dst = appendAttribute(dst, "node", it.Node)
		dst = appendAttribute(dst, "name", it.Name)
		dst = append(dst, "/>"...)
	}
	return append(dst, "</query>"...)
}

// answerCommand hands a command or registration to package commands.
func (l *link) answerCommand(ctx context.Context, q *asked, payload []byte) {
	reply, err, handled := l.c.commands.IQ(ctx, q.from, q.typ, q.lang, payload)
	switch {
	case !handled:
		l.refuse(q, errNoService)
	case err != nil:
		l.refuse(q, err)
	default:
		l.result(q, reply)
	}
}

// host returns the served host that the sender itself is, or nil.
func (r *router) host(from *sender) *hostLink {
	if from.host < 0 || from.jid.Resource != "" || from.jid.Addr.Local() != "" {
		return nil
	}
	return r.l.hosts[from.host]
}

// limited is work for an asker who does not ask too fast.
func (r *router) limited(q *asked, by *limiter, do func(context.Context, *link)) {
	if !by.take(q.from.Addr.Key(), 1, time.Now()) {
		r.c.metrics.tooFast.Inc()
		r.l.refuse(q, errBusy)
		return
	}
	r.work(q, do)
}

// work hands a request to the workers, or refuses it where they are busy.
func (r *router) work(q *asked, do func(context.Context, *link)) {
	l := r.l
	if !r.c.pool.submit(job{asker: q.from.Addr, do: func(ctx context.Context) { do(ctx, l) }}) {
		r.c.metrics.jobsRefused.Inc()
		l.refuse(q, errBusy)
	}
}

// queryNode reads the node of a disco query.
func queryNode(frame []byte) string {
	var x struct {
		Query struct {
			XMLName xml.Name
			Node    string `xml:"node,attr"`
		} `xml:"query"`
	}
	if stream.Decode(frame, &x) != nil {
		return ""
	}
	return x.Query.Node
}
