package component

import (
	"context"
	"strconv"
	"time"

	"presenced/component/privilege"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// answerLast answers last activity (XEP-0012) where it is granted, else as if
// there were no such thing.
func (l *link) answerLast(ctx context.Context, q *asked) {
	payload := appendLast(nil, l.lookOne(ctx, q, engine.WayLastActivity), time.Now())
	if payload == nil {
		l.refuse(q, errNoService)
		return
	}
	l.result(q, payload)
}

// appendLast appends the payload of XEP-0012, or nothing where the view grants
// no last activity. The view holds an instant that is quantised already (S9);
// the seconds since then tell no more than it.
func appendLast(dst []byte, v *presence.View, now time.Time) []byte {
	if v.LastActive.IsZero() {
		return dst
	}
	seconds := max(0, int64(now.Sub(v.LastActive)/time.Second))
	dst = append(dst, "<query xmlns='"+nsLast+"' seconds='"...)
	dst = strconv.AppendInt(dst, seconds, 10)
	return append(dst, "'/>"...)
}

// delegatedTime bounds an answer to a delegated request from its arrival: one
// server waits for ever for it, the other gives up after half a minute.
const delegatedTime = 10 * time.Second

// delegated answers a request of XEP-0012 to one of a host's own users, or to
// the host, that the host passes on (XEP-0355). Neither server asks whether the
// asker may see the user: the view of her container decides, as for a mirror, and
// who is unknown, hidden or not enrolled has no last activity. Every request is
// answered, with a result that wraps what the asker gets.
func (r *router) delegated(q *asked, frame []byte) {
	d, err := privilege.ParseDelegated(frame)
	if err != nil {
		r.l.refuse(q, errBadRequest)
		return
	}
	asker, user, ok := lastAsked(q, &d)
	if !ok {
		r.l.result(q, privilege.AppendRefusal(nil, d, "cancel", "service-unavailable"))
		return
	}
	l, until := r.l, time.Now().Add(delegatedTime)
	answer := func(ctx context.Context) {
		ctx, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		who := engine.Principal{Addr: asker.Addr, JID: asker.Bare, Way: engine.WayLastActivity}
		v := l.look(ctx, who, []presence.Addr{user})[0]
		if payload := appendLast(nil, &v, time.Now()); payload != nil {
			l.result(q, privilege.AppendResult(nil, d, payload))
			return
		}
		l.result(q, privilege.AppendRefusal(nil, d, "cancel", "service-unavailable"))
	}
	// The asker is whom the host names: no user may take the workers from others.
	if !r.c.pool.submit(job{asker: asker.Addr, do: answer}) {
		r.c.metrics.jobsRefused.Inc()
		l.result(q, privilege.AppendRefusal(nil, d, "wait", "resource-constraint"))
	}
}

// lastAsked returns who asks for whose last activity; false for anything else
// that a host may pass on. A host speaks for its own users alone, and has none to
// tell itself: what it would tell is how long its server runs.
func lastAsked(q *asked, d *privilege.Delegated) (asker presence.JID, user presence.Addr, ok bool) {
	in := &d.Inner
	if in.Type != "get" || in.ID == "" || in.Payload.Space != nsLast || in.Payload.Local != "query" {
		return asker, user, false
	}
	asker, err := presence.ParseJID(in.From)
	if err != nil {
		return asker, user, false
	}
	to, err := presence.ParseJID(d.Asked())
	if err != nil || to.Resource != "" || to.Addr.Local() == "" || to.Addr.Domain() != q.from.Addr.Domain() {
		return asker, user, false
	}
	return asker, to.Addr, true
}
