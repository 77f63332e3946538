package commands

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"presenced/internal/presence"
)

// Limits of open forms. A person has a few; whoever opens more loses her oldest,
// and in all the oldest goes, so that nobody can keep others from using theirs.
const (
	maxSessions     = 10_000
	maxUserSessions = 8
	sessionLife     = 10 * time.Minute
	// sessionGrace is how long an expired form is still told apart from one that
	// never existed.
	sessionGrace = 10 * time.Minute
	// maxSession is how long a name of a session may be to be told back, in bytes.
	maxSession = 64
)

// session is one open form of one user.
type session struct {
	id      string
	user    presence.Addr
	node    string
	page    int
	kept    answers // of the pages before
	touched time.Time
}

// sessions holds the open forms. Safe for concurrent use.
type sessions struct {
	mu     sync.Mutex // guards everything below
	byID   map[string]*list.Element
	byUser map[presence.Addr][]*list.Element // oldest first
	order  list.List                         // of *session, oldest first
}

func newSessions() *sessions {
	return &sessions{byID: make(map[string]*list.Element), byUser: make(map[presence.Addr][]*list.Element)}
}

// put keeps an open form until it expires or has to make room.
func (t *sessions) put(s *session, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.touched = now
	for e := t.order.Front(); e != nil; e = t.order.Front() {
		if t.order.Len() < maxSessions && now.Sub(e.Value.(*session).touched) < sessionLife+sessionGrace {
			break
		}
		t.remove(e)
	}
	if own := t.byUser[s.user]; len(own) >= maxUserSessions {
		t.remove(own[0])
	}
	e := t.order.PushBack(s)
	t.byID[s.id] = e
	t.byUser[s.user] = append(t.byUser[s.user], e)
}

// take removes and returns the form with that id if it is the user's; nobody
// else can find out that it exists. Two submissions of one form thus never both
// take effect. expired tells why an own one is not returned.
func (t *sessions) take(id string, user presence.Addr, now time.Time) (s *session, expired bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byID[id]
	if e == nil {
		return nil, false
	}
	s = e.Value.(*session)
	if s.user != user {
		return nil, false
	}
	if now.Sub(s.touched) >= sessionLife {
		return nil, true
	}
	t.remove(e)
	return s, false
}

func (t *sessions) remove(e *list.Element) {
	s := t.order.Remove(e).(*session)
	delete(t.byID, s.id)
	own := t.byUser[s.user]
	if i := slices.Index(own, e); i >= 0 {
		own = slices.Delete(own, i, i+1)
	}
	if len(own) == 0 {
		delete(t.byUser, s.user)
		return
	}
	t.byUser[s.user] = own
}
