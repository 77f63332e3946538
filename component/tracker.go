package component

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"presenced/component/stream"
	"presenced/internal/presence"
)

// Errors of a request that was not answered.
var (
	errTimeout = errors.New("component: no answer in time")
	errUnread  = errors.New("component: the answer was too large or malformed")
)

// maxTracked bounds the requests in flight: liveness pings of every device of
// a mid-sized server at once. Beyond it pings are left out.
const maxTracked = 16 << 10

// answer is what became of a request.
type answer struct {
	err   error // errTimeout, errUnread, a *StanzaError, or nil
	frame []byte
}

// replied reports whether the peer answered, be it with an error.
func (a answer) replied() bool { return a.lost() == nil }

// lost is the error of an answer that did not come, else nil.
func (a answer) lost() error {
	if errors.Is(a.err, errTimeout) {
		return a.err
	}
	return nil
}

// nobody reports whether the server answered in place of a host that it neither has
// nor finds elsewhere.
func (a answer) nobody() bool {
	e, ok := errors.AsType[*StanzaError](a.err)
	return ok && (e.Condition == "remote-server-not-found" || e.Condition == "remote-server-timeout")
}

// StanzaError is an error that somebody answered an IQ with.
type StanzaError struct {
	Condition string
	Text      string
}

// Error names the condition.
func (e *StanzaError) Error() string {
	return fmt.Sprintf("component: answered with error %s", e.Condition)
}

// request is an IQ on its way. Its answer must bear its id and come from from.
type request struct {
	from     presence.JID
	deadline time.Time
	last     time.Time // zero: deadline is final; else it moves up to here while stanzas come
	received uint64    // by the link, when the deadline was set
	done     func(answer)
}

// tracker matches answers with requests. Each request's done is called at most
// once, on the reader for an answer, on the steward for a timeout, and not at
// all when the link ends.
type tracker struct {
	mu      sync.Mutex // guards all below
	pending map[string]request
}

func newTracker() *tracker { return &tracker{pending: map[string]request{}} }

// add tracks a request and returns its id, which nobody can guess.
func (t *tracker) add(r request) string {
	id := rand.Text()[:16] // 80 bits
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending[id] = r
	return id
}

// full reports whether optional requests must be left out.
func (t *tracker) full() bool { return t.size() >= maxTracked }

func (t *tracker) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending)
}

// resolve hands an answer to its request. It returns false for an answer that
// nobody waits for, and for one from somebody else than was asked.
func (t *tracker) resolve(id []byte, from presence.JID, a answer) bool {
	t.mu.Lock()
	r, ok := t.pending[string(id)]
	if ok && (r.from.Addr != from.Addr || r.from.Resource != from.Resource) {
		ok = false
	}
	if ok {
		delete(t.pending, string(id))
	}
	t.mu.Unlock()
	if ok {
		r.done(a)
	}
	return ok
}

// expire ends the requests whose time is up. received counts the presences of
// the link: where some came since the deadline was set, a patient request
// waits on, for its answer may stand in line behind them.
func (t *tracker) expire(now time.Time, received uint64, more time.Duration) {
	var late []request
	t.mu.Lock()
	for id, r := range t.pending {
		if now.Before(r.deadline) {
			continue
		}
		if received != r.received && now.Before(r.last) {
			r.deadline, r.received = now.Add(more), received
			t.pending[id] = r
			continue
		}
		delete(t.pending, id)
		late = append(late, r)
	}
	t.mu.Unlock()
	for _, r := range late {
		r.done(answer{err: errTimeout})
	}
}

// parseStanzaError reads the error of an IQ or presence of type error.
func parseStanzaError(frame []byte) *StanzaError {
	var x struct {
		Error struct {
			Parts []namedText `xml:",any"`
		} `xml:"error"`
	}
	e := &StanzaError{Condition: "undefined-condition"}
	if stream.Decode(frame, &x) != nil {
		return e
	}
	for _, p := range x.Error.Parts {
		switch {
		case p.XMLName.Space != nsStanzas:
		case p.XMLName.Local == "text":
			e.Text = p.Text
		default:
			e.Condition = p.XMLName.Local
		}
	}
	return e
}
