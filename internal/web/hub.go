package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"presenced/internal/answer"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// linger is how long something stays followed after its last reader left, so
// that one who comes back is told only what changed.
const linger = time.Minute

// maxTopics bounds what is followed at all.
const maxTopics = 1 << 20

// errFull is told when there is no room for another stream.
var errFull = errors.New("too many streams; try again later")

// following ends a wish to be told; see engine.Following.
type following interface{ Close() }

// Follower is the engine as streams need it.
type Follower interface {
	Follow(asker engine.Principal, user presence.Addr, told func(*presence.View)) (*engine.Following, error)
	FollowBadge(handle string, told func(*presence.View)) (*engine.Following, error)
}

// want is one thing a reader follows: a user as a principal sees her, or a badge.
type want struct {
	who   engine.Principal
	badge string
	subject
}

// subject is a user by the kind of name she was asked for: what may be told of her
// under her e-mail address can be less (presence.View.Asked).
type subject struct {
	user    presence.Addr
	byEmail bool
}

// asker is whose ids count it. A badge is an asker of its own: else the ids of
// one would count the changes of others.
func (w *want) asker() string {
	if w.badge != "" {
		return "\x01" + w.badge
	}
	return w.who.Addr.Key()
}

// hub holds what is shown to the streams: per asker and user one topic, followed
// once however many readers there are. The engine's owners only leave the view
// here; one goroutine renders it and wakes the readers.
type hub struct {
	follow              func(w want, told func(*presence.View)) (following, error)
	render, renderBadge func(*presence.View) []byte

	mu     sync.Mutex // guards askers and topics, and what belongs to them
	askers map[string]*asker
	topics int

	told  sync.Mutex // guards queue, and view and queued of topics; never held for long
	queue []*topic
	wake  chan struct{} // capacity 1: a token means that queue is not empty
}

// asker is one principal with the ids of his messages: they count what he was
// shown, of all his topics together, and nothing else.
type asker struct {
	key    string // of hub.askers
	epoch  string // random: ids of an earlier asker mean nothing
	count  uint64
	topics map[subject]*topic
}

// topic is one user as one asker sees her.
type topic struct {
	of     *asker
	render func(*presence.View) []byte
	end    following
	view   *presence.View // told last by the engine, to be rendered
	queued bool

	body    []byte            // rendered last; nil: not known yet
	id      uint64            // of the message with body
	readers map[*reader][]int // as which of their topics; one may be asked for twice
	left    time.Time         // when the last reader left; zero: there are some
}

// reader is one stream. Its topics are of one asker. What has changed since it wrote last is a set of topics:
// a slow one gets the latest of each.
type reader struct {
	topics  []*topic
	waiting []bool        // by index of topics; guarded by hub.mu
	wake    chan struct{} // capacity 1: a token means that something waits
}

func newHub(f Follower, render, renderBadge func(*presence.View) []byte) *hub {
	return &hub{
		render: render, renderBadge: renderBadge, askers: make(map[string]*asker), wake: make(chan struct{}, 1),
		follow: func(w want, told func(*presence.View)) (following, error) {
			if w.badge != "" {
				return f.FollowBadge(w.badge, told)
			}
			return f.Follow(w.who, w.user, told)
		},
	}
}

// run renders what the engine told until ctx ends.
func (h *hub) run(ctx context.Context) {
	sweep := time.NewTicker(linger / 2)
	defer sweep.Stop()
	for {
		select {
		case <-h.wake:
			h.publish()
		case now := <-sweep.C:
			h.sweep(now)
		case <-ctx.Done():
			h.end()
			return
		}
	}
}

// publish renders every queued topic and marks it for its readers.
func (h *hub) publish() {
	h.told.Lock()
	queue := h.queue
	h.queue = nil
	h.told.Unlock()
	for _, t := range queue {
		h.told.Lock()
		v := t.view
		t.queued = false
		h.told.Unlock()
		body := t.render(v) // outside the lock: it is most of the work
		h.mu.Lock()
		h.news(t, body)
		h.mu.Unlock()
	}
}

// news puts another body in force. The caller holds mu.
func (h *hub) news(t *topic, body []byte) {
	if t.body != nil && string(t.body) == string(body) {
		return // a change that this asker cannot see
	}
	t.of.count++
	t.body, t.id = body, t.of.count
	for r, places := range t.readers {
		for _, i := range places {
			r.mark(i)
		}
	}
}

func (r *reader) mark(i int) {
	r.waiting[i] = true
	select {
	case r.wake <- struct{}{}:
	default: // a token is there
	}
}

// hear is what the engine calls.
func (h *hub) hear(t *topic, v *presence.View) {
	h.told.Lock()
	t.view = v
	queue := !t.queued
	if queue {
		t.queued = true
		h.queue = append(h.queue, t)
	}
	h.told.Unlock()
	if queue {
		select {
		case h.wake <- struct{}{}:
		default: // a token is there
		}
	}
}

// join adds a reader of the wants, who already has what the id of an earlier
// stream says. It returns an error when there is no room.
func (h *hub) join(wants []want, epoch string, had uint64) (*reader, error) {
	r := &reader{topics: make([]*topic, len(wants)), waiting: make([]bool, len(wants)), wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics+len(wants) > maxTopics {
		return nil, errFull
	}
	for i, want := range wants {
		a := h.asker(want.asker())
		t := a.topics[want.subject]
		if t == nil {
			t = &topic{of: a, readers: make(map[*reader][]int), render: h.render}
			if want.badge != "" {
				t.render = h.renderBadge
			}
			end, err := h.follow(want, func(v *presence.View) { h.hear(t, v.Asked(want.byEmail)) })
			if err != nil {
				h.leaveLocked(r)
				return nil, err
			}
			t.end = end
			a.topics[want.subject] = t
			h.topics++
		}
		r.topics[i] = t
		t.readers[r], t.left = append(t.readers[r], i), time.Time{}
		if t.body != nil && (epoch != a.epoch || t.id > had) {
			r.mark(i)
		}
	}
	return r, nil
}

func (h *hub) asker(key string) *asker {
	a := h.askers[key]
	if a == nil {
		var raw [6]byte
		_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
		a = &asker{key: key, epoch: hex.EncodeToString(raw[:]), topics: make(map[subject]*topic)}
		h.askers[key] = a
	}
	return a
}

// leave takes a reader out; its topics stay for a while.
func (h *hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaveLocked(r)
}

func (h *hub) leaveLocked(r *reader) {
	now := time.Now()
	for _, t := range r.topics {
		if t == nil {
			continue
		}
		if delete(t.readers, r); len(t.readers) == 0 {
			t.left = now
		}
	}
}

// sweep ends what nobody has read for a while.
func (h *hub) sweep(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, a := range h.askers {
		for user, t := range a.topics {
			if len(t.readers) == 0 && now.Sub(t.left) >= linger {
				t.end.Close()
				delete(a.topics, user)
				h.topics--
			}
		}
		if len(a.topics) == 0 {
			delete(h.askers, key)
		}
	}
}

// end stops following everything.
func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.askers {
		for _, t := range a.topics {
			t.end.Close()
		}
	}
	clear(h.askers)
}

// message is what one reader is to be told of one topic.
type message struct {
	index int // in the order asked
	id    uint64
	body  []byte
}

// take appends what waits for a reader to list, in the order of the ids, so that
// whoever has seen one has seen all before it.
func (h *hub) take(r *reader, list []message) []message {
	h.mu.Lock()
	for i, waits := range r.waiting {
		if waits {
			r.waiting[i] = false
			list = append(list, message{i, r.topics[i].id, r.topics[i].body})
		}
	}
	h.mu.Unlock()
	slices.SortFunc(list, func(a, b message) int { return cmp.Compare(a.id, b.id) })
	return list
}

// rest renders a view for many askers' streams: all of an answer but the user's
// name, which each spelled in a way of his own.
func (s *Server) rest(v *presence.View) []byte {
	return answer.Append(nil, "", s.o.Language, v)[len(`{"user":""`):]
}
