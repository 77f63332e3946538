package engine

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"

	"presenced/internal/presence"
)

// glance is what was seen when a projection was last looked at, whether it was sent
// or held back. What is done about the next change goes by this alone: by the
// user's state it would tell of changes that the container cannot see (I1).
type glance struct {
	body    uint64 // digest of the rendering; of followers none, they compare views
	lasting uint64 // digest of what idleness does not change
	online  bool
}

// glanceAt makes the glance of a view of the user's state now; idle tells that
// nothing but idleness keeps that from being an active one.
func (s *shard) glanceAt(v *presence.View, idle bool, body uint64) glance {
	b := append(s.scratch[:0], byte(awake(v.Availability, idle)), flag(v.Interrupt), flag(v.Zone))
	b = appendString(b, string(v.Activity))
	b = appendTime(b, v.Until)
	for f, text := range v.Text {
		if text != "" {
			b = appendString(append(b, byte(f)), text)
		}
	}
	s.scratch = b
	return glance{body: body, lasting: xxhash.Sum64(b), online: v.Availability < presence.OfflineFrom}
}

// idleOnly reports whether a projection differs from an earlier look at it in
// nothing but idleness (S10).
func (g glance) idleOnly(before glance, idle bool) bool {
	return idle && g.online && before.online && g.lasting == before.lasting
}

// awake is the class a number would have if nobody were idle.
func awake(a presence.Availability, idle bool) presence.Class {
	c := a.Class()
	if !idle {
		return c
	}
	switch c {
	case presence.ClassBusyIdle:
		return presence.ClassBusy
	case presence.ClassAvailableIdle, presence.ClassAway:
		return presence.ClassAvailable
	default:
		return c
	}
}

// spread returns a duration in [0, idleSpread) for an idle change of a projection.
// It is drawn from the projection and the instant: from the owner's generator it
// would tell how often that was asked since (I1).
func (u *user) spread(k groupKey, now instant) instant {
	e := u.sh.e
	b := binary.LittleEndian.AppendUint64(u.sh.scratch[:0], uint64(e.born.UnixNano()))
	b = binary.LittleEndian.AppendUint64(b, uint64(now))
	b = binary.LittleEndian.AppendUint16(b, uint16(k.container))
	b = append(b, flag(k.remote))
	b = appendString(b, k.lang)
	b = appendString(b, u.addr.Key())
	u.sh.scratch = b
	return instant(xxhash.Sum64(b) % uint64(idleSpread/time.Nanosecond))
}
