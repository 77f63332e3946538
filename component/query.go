package component

import (
	"context"
	"strconv"
	"time"

	"presenced/component/commands"
	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// maxBatch is how many presences one query may ask for.
const maxBatch = 200

// look asks the engine for what the asker may see; whatever it does not answer
// is offline.
func (l *link) look(ctx context.Context, who engine.Principal, users []presence.Addr) []presence.View {
	views := l.c.door.Look(ctx, who, users)
	for len(views) < len(users) {
		views = append(views, presence.OfflineView(presence.DefaultContainer))
	}
	return views
}

// lookOne is look for the mirror a request was sent to.
func (l *link) lookOne(ctx context.Context, q *asked, way engine.Way) *presence.View {
	return &l.look(ctx, q.principal(way), []presence.Addr{q.to.presentity})[0]
}

func (l *link) lang(q *asked) string {
	if q.lang == "" {
		return l.c.o.Language
	}
	return q.lang
}

// answerQuery answers the query to a mirror.
func (l *link) answerQuery(ctx context.Context, q *asked) {
	v := l.lookOne(ctx, q, engine.WayQuery)
	jid := q.to.shown
	if jid == "" { // the spelling encodes no address
		jid = q.to.spelling
	}
	dst := append([]byte(nil), "<query xmlns='"+stream.NSOwn+"'>"...)
	dst = appendPresence(dst, "jid", jid, v, l.lang(q))
	l.result(q, append(dst, "</query>"...))
}

// batchItem is one presence asked for in a query to the component.
type batchItem struct {
	JID   *string `xml:"jid,attr"`
	Email *string `xml:"email,attr"`
}

// answerBatch answers a query for many, in order, with the attribute that was
// asked: no JID is told that was not known to the asker.
func (l *link) answerBatch(ctx context.Context, q *asked, frame []byte) {
	items, e := parseBatch(frame)
	if e != nil {
		l.refuse(q, e)
		return
	}
	if !l.c.queries.take(q.from.Addr.Key(), max(len(items), 1), time.Now()) {
		l.c.metrics.tooFast.Inc()
		l.refuse(q, errBusy)
		return
	}
	users := make([]presence.Addr, len(items))
	for i, it := range items {
		if it.JID != nil {
			users[i] = l.c.asked(*it.JID)
		} else {
			users[i] = l.c.byEmail(*it.Email)
		}
	}
	var views []presence.View
	if len(users) > 0 {
		views = l.look(ctx, q.principal(engine.WayBatch), users)
	}
	dst := append([]byte(nil), "<query xmlns='"+stream.NSOwn+"'>"...)
	for i, it := range items {
		if it.JID != nil {
			dst = appendPresence(dst, "jid", *it.JID, &views[i], l.lang(q))
		} else {
			dst = appendPresence(dst, "email", *it.Email, views[i].Asked(true), l.lang(q))
		}
		if len(dst) > maxReply {
			l.refuse(q, errTooLarge)
			return
		}
	}
	l.result(q, append(dst, "</query>"...))
}

func parseBatch(frame []byte) ([]batchItem, *commands.StanzaError) {
	var x struct {
		Query struct {
			Items []batchItem `xml:"urn:presenced:1 presence"`
		} `xml:"urn:presenced:1 query"`
	}
	if stream.Decode(frame, &x) != nil {
		return nil, errBadRequest
	}
	if len(x.Query.Items) > maxBatch {
		return nil, errTooMany
	}
	for _, it := range x.Query.Items {
		if (it.JID == nil) == (it.Email == nil) {
			return nil, errBadRequest
		}
	}
	return x.Query.Items, nil
}

// asked returns whom a JID in a query means: a user, or the presentity of a
// mirror.
func (c *Component) asked(jid string) presence.Addr {
	if t := c.targetOf(jid); t.ok && t.mirror {
		return t.presentity
	}
	a, err := presence.ParseAddr(jid)
	if err != nil {
		return nobody
	}
	return a
}

// appendPresence appends one answer. Everything but the attribute asked for
// comes from the view: unknown, hidden and offline give the same bytes.
func appendPresence(dst []byte, name, value string, v *presence.View, lang string) []byte {
	dst = append(dst, "<presence "...)
	dst = append(dst, name...)
	dst = append(dst, "='"...)
	dst = stream.AppendAttr(dst, value)
	dst = append(dst, "' availability='"...)
	a := v.Availability
	if a == presence.Unset {
		a = presence.Offline
	}
	dst = strconv.AppendUint(dst, uint64(a), 10)
	dst = append(dst, '\'')
	dst = appendAttribute(dst, "show", v.Show().String())
	dst = appendAttribute(dst, "interrupt", strconv.FormatBool(v.Interrupt))
	dst = appendDetail(dst, v)
	body := len(dst)
	dst = append(dst, '>')
	dst = appendElement(dst, "status", text.Status(lang, v))
	dst = appendFields(dst, v)
	if len(dst) == body+1 {
		return append(dst[:body], "/>"...)
	}
	return append(dst, "</presence>"...)
}

// appendFields appends what else the view holds.
func appendFields(dst []byte, v *presence.View) []byte {
	for f := range presence.NumFields {
		value := v.Text[f]
		if f == presence.FieldLastActive && !v.LastActive.IsZero() {
			value = string(appendInstant(nil, v.LastActive))
		}
		if value == "" {
			continue
		}
		dst = append(dst, "<field name='"...)
		dst = append(dst, f.String()...)
		dst = append(dst, "'>"...)
		dst = stream.AppendText(dst, value)
		dst = append(dst, "</field>"...)
	}
	return dst
}
