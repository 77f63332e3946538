package engine

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"sync"
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// DocBadge is the document of a user's badge.
const DocBadge = "badge"

// SetBadge gives the user a badge under a new random handle, or takes it away;
// the handle is gone for good then. BadgeOf tells it.
//
// A badge shows everybody who knows its handle the class of her availability, as
// container 100 sees it, and nothing else: that is what she chooses by having
// one. Her rules are about watchers with addresses and do not touch it; what
// hides her from everybody (appear offline, the operator's wall around everybody,
// a list or policy that fails closed) does.
type SetBadge struct{ On bool }

func (SetBadge) change() {}

type badgeDoc struct {
	V      version `json:"v"`
	Handle string  `json:"handle"`
}

// handles finds users by the handles of their badges.
type handles struct {
	mu sync.RWMutex // guards of
	of map[string]presence.Addr
}

func (h *handles) put(handle string, a presence.Addr) {
	if handle == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = make(map[string]presence.Addr)
	}
	h.of[handle] = a
}

func (h *handles) drop(handle string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.of, handle)
}

// owner returns whose badge has a handle, if anybody's.
func (h *handles) owner(handle string) (presence.Addr, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	a, ok := h.of[handle]
	return a, ok
}

// find returns whose badge it is; for nobody's, an address no user has, so that
// the question takes the same way (I2).
func (h *handles) find(handle string) presence.Addr {
	if a, ok := h.owner(handle); ok {
		return a
	}
	a, err := presence.ParseAddr(handle + "@" + badgeDomain)
	if err != nil {
		return anonymous
	}
	return a
}

// anonymous is who looks at a badge: an address nobody has (RFC 6761 §6.4), which
// no rule of a user places anywhere.
var anonymous = presence.MustAddr("anonymous.invalid")

// badgeDomain is where handles stand that are nobody's.
const badgeDomain = "badge.invalid"

// badgeMark is the language of a projection that is a badge.
const badgeMark = "\x01badge"

var handleText = base32.StdEncoding.WithPadding(base32.NoPadding)

// handleLength is how many characters a handle has.
const handleLength = 26

// newHandle returns 130 random bits as 26 small letters and digits.
func newHandle() string {
	var raw [17]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return strings.ToLower(handleText.EncodeToString(raw[:]))[:handleLength]
}

func (u *user) setBadge(on bool, answer answerFunc) {
	old := u.set.badge
	if (old != "") == on {
		answer(Result{Advice: []Advice{AdviceNothing}}, nil)
		return
	}
	doc, handle := []byte(nil), ""
	if on {
		handle = newHandle()
		doc = encode(badgeDoc{V: docVersion, Handle: handle})
	}
	u.saveDoc(DocBadge, doc, func() {
		u.set.choose(func(c *choices) { c.badge = handle })
		u.sh.e.handles.drop(old)
		u.sh.e.handles.put(handle, u.addr)
		u.recompile() // who follows the badge is another now
	}, func(err error) { answer(Result{}, err) })
}

// BadgeOf returns the handle of a user's badge, for her and the operator; empty:
// she has none.
func (e *Engine) BadgeOf(ctx context.Context, who Principal, of presence.Addr) (string, error) {
	return reading(ctx, e, who, of, func(u *user, _ time.Time) string { return u.set.badge })
}

// Badge returns what the badge with that handle shows now: an availability, the
// point of its class, and nothing else. Nobody's, a hidden and an offline user's
// are the same, and nobody waits for any (I2).
func (e *Engine) Badge(ctx context.Context, handle string) presence.View {
	a := e.handles.find(handle)
	s := e.shardOf(a)
	v, ok := call(ctx, s, func(now time.Time) presence.View {
		v := emptyView()
		u := s.users[a]
		if u == nil {
			s.pretend(anonymous, now)
			return v
		}
		if k := s.badgeKey(u, handle); u.tells(k.container) {
			u.projectAs(k, now, &v)
		}
		return v
	})
	e.noteBadge(WayBadge, a)
	if !ok {
		return emptyView()
	}
	return v
}

// FollowBadge is Follow for the badge with that handle.
func (e *Engine) FollowBadge(handle string, told func(*presence.View)) (*Following, error) {
	owner := e.handles.find(handle)
	e.noteBadge(WayBadgeStream, owner)
	return e.startFollowing(&Following{
		e: e, asker: Principal{Addr: anonymous}, user: owner, badge: handle, told: told,
	})
}

// badgeKey names the projection of a badge of a user, who may be nil.
func (s *shard) badgeKey(u *user, handle string) groupKey {
	k := groupKey{lang: badgeMark, remote: true, container: presence.Blocked}
	if u != nil && u.set.enrol.Enabled && u.set.badge == handle && u.place(anonymous).Container != presence.Blocked {
		k.container = presence.External
	}
	return k
}

// projectAs fills v with what a projection shows now.
func (u *user) projectAs(k groupKey, now time.Time, v *presence.View) {
	u.project(k.container, now, v)
	if k.preferred {
		privacy.Prefer(v)
	}
	if k.lang == badgeMark {
		*v = presence.View{Container: k.container, Availability: v.Availability.Class().Point()}
	}
}
