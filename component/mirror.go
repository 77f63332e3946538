package component

import (
	"presenced/internal/engine"
)

// mirror takes a presence to a mirror. Nothing of it makes its sender online
// (S4.4); what is answered, the engine decides (S13, S14).
func (r *router) mirror(from *sender, to *target) {
	kind, ok := mirrorKind(r.s.Type)
	if !ok {
		r.drop("presence-type")
		return
	}
	r.c.door.Mirror(engine.Mirror{
		Kind:       kind,
		Presentity: to.presentity,
		Spelling:   to.spelling,
		Watcher:    from.jid,
		Lang:       string(r.s.Lang),
	})
}

func mirrorKind(typ []byte) (engine.MirrorKind, bool) {
	switch string(typ) {
	case "":
		return engine.MirrorAvailable, true
	case "probe":
		return engine.MirrorProbe, true
	case "subscribe":
		return engine.MirrorSubscribe, true
	case "unsubscribe":
		return engine.MirrorUnsubscribe, true
	case "subscribed":
		return engine.MirrorSubscribed, true
	case "unsubscribed":
		return engine.MirrorUnsubscribed, true
	case "unavailable":
		return engine.MirrorUnavailable, true
	case "error":
		return engine.MirrorError, true
	}
	return 0, false
}
