package component

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// device takes a presence to the component's own JID: what a device of a
// served user says (S4.3), or a subscription stanza.
func (r *router) device(from *sender) {
	if !from.person() {
		r.drop("foreign")
		return
	}
	switch string(r.s.Type) {
	case "", "unavailable":
		r.available(from)
	case "subscribe":
		r.consent(from, engine.ConsentSubscribe)
	case "unsubscribe":
		r.consent(from, engine.ConsentUnsubscribe)
	case "subscribed":
		r.consent(from, engine.ConsentSubscribed)
	case "unsubscribed":
		r.consent(from, engine.ConsentUnsubscribed)
	case "probe":
		r.c.out.Present(r.c.texts.available, []engine.Target{{To: from.jid.Full(), From: r.c.o.Domain}})
	default:
		r.drop("presence-type")
	}
}

// available hands what a device said to the engine.
func (r *router) available(from *sender) {
	r.l.hosts[from.host].devices.Add(1)
	if v := r.c.door.KnownVersion(); v != from.version {
		from.known, from.version = r.c.door.Known(from.jid.Addr), v
	}
	if !from.known {
		if from.kind != nil {
			from.kind = nil
			r.c.activities.gone(from.jid)
		}
		r.drop("not-enrolled")
		return
	}
	d := engine.Device{User: from.jid}
	switch s := &r.s; {
	case len(s.Type) > 0:
		d.Gone = true
		from.kind = nil
		r.c.activities.gone(from.jid)
	case from.jid.Resource == "":
		r.drop("no-resource") // an account is no device
		return
	default:
		d.Show, _ = presence.ParseShow(string(bytes.TrimSpace(s.Show)))
		d.Priority = priority(s.Priority)
		d.Status = cut(s.Status)
		d.Own = s.Own
		if s.IdleSince != nil || s.LastSeconds != nil {
			d.IdleSince = r.idleSince(time.Now())
		}
		r.capable(from)
	}
	r.c.door.Device(d)
}

// consent answers a subscription stanza to the component as RFC 6121 §3 wants
// and tells the engine.
func (r *router) consent(from *sender, kind engine.ConsentKind) {
	user := presence.JID{Addr: from.jid.Addr, Bare: from.jid.Bare}
	pair := []engine.Target{{To: user.Bare, From: r.c.o.Domain}}
	switch kind {
	case engine.ConsentSubscribe:
		r.c.out.Subscribed(pair[0])
		r.c.out.Present(r.c.texts.available, pair)
	case engine.ConsentUnsubscribe:
		r.c.out.Present(unavailable, pair)
		r.c.out.Unsubscribed(pair[0])
	}
	r.c.door.Consent(engine.Consent{Kind: kind, User: user})
}

// priority reads a priority: what lies outside -128..127 is the nearest
// number in it, what is no number is 0.
func priority(raw []byte) int8 {
	if raw == nil {
		return 0
	}
	text := string(bytes.TrimSpace(raw))
	n, err := strconv.ParseInt(text, 10, 8)
	if err != nil && n != math.MaxInt8 && n != math.MinInt8 {
		return 0
	}
	return int8(n)
}

// cut returns at most presence.MaxNote characters.
func cut(raw []byte) string {
	n := 0
	for i := range string(raw) {
		if n == presence.MaxNote {
			return string(raw[:i])
		}
		n++
	}
	return string(raw)
}

// maxIdle is the longest idle time that is believed, in seconds: ten years.
const maxIdle = 10 * 366 * 24 * 60 * 60

// idleSince returns the last input by XEP-0319, else XEP-0256; an instant in
// the future is now. What cannot be read counts as no information.
func (r *router) idleSince(now time.Time) time.Time {
	var at time.Time
	if t, err := time.Parse(time.RFC3339, string(bytes.TrimSpace(r.s.IdleSince))); err == nil {
		at = t.UTC()
	} else if n, err := strconv.ParseUint(string(bytes.TrimSpace(r.s.LastSeconds)), 10, 64); err == nil {
		base := now
		if t, err := time.Parse(time.RFC3339, string(r.s.DelayStamp)); err == nil && t.Before(now) {
			base = t.UTC()
		}
		at = base.Add(-time.Duration(min(n, maxIdle)) * time.Second)
	}
	switch {
	case at.After(now):
		return now
	case now.Sub(at) > maxIdle*time.Second && !at.IsZero():
		return now.Add(-maxIdle * time.Second)
	}
	return at
}
