package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"presenced/internal/engine"
	"presenced/internal/token"
)

// Limits of streams.
const (
	maxFollowed = 200   // users of one stream
	maxStreams  = 12000 // leaves a quarter of maxConns for questions
	heartbeat   = 25 * time.Second
	// stalled is how long a reader may take for what was written to him.
	stalled = 10 * time.Second
	// retryAfter is what a browser waits before it comes back, in milliseconds.
	retryAfter = "3000"
)

// getStream tells what there is to see of each user, and then every change of
// it (WHATWG HTML, "Server-sent events").
func (s *Server) getStream(w http.ResponseWriter, r *http.Request, h *token.Holder) {
	names := r.URL.Query()["user"]
	if len(names) == 0 || len(names) > maxFollowed {
		refuseField(w, http.StatusBadRequest, "user", "name from 1 to "+strconv.Itoa(maxFollowed)+" users: /v1/stream?user=alice@example.org&user=…")
		return
	}
	wants := make([]want, len(names))
	for i, name := range names {
		if !named(w, "user", name) {
			return
		}
		wants[i].who = h.Principal(engine.WayStream)
		wants[i].user, wants[i].byEmail = s.o.Find(name)
	}
	if !s.take(w, h, len(names)) {
		return
	}
	epoch, had := lastSeen(r)
	p := &pump{s: s, ids: true, event: "presence", member: "user", names: names, ended: h.Ended(), expires: h.Expires}
	p.serve(w, r, wants, epoch, had)
}

// serve answers with a stream of the wants.
func (p *pump) serve(w http.ResponseWriter, r *http.Request, wants []want, epoch string, had uint64) {
	s := p.s
	if r.Method == http.MethodHead {
		streamHead(w)
		return
	}
	if s.streams.Add(1) > maxStreams {
		s.streams.Add(-1)
		s.full(w)
		return
	}
	defer s.streams.Add(-1)
	reader, err := s.hub.join(wants, epoch, had)
	if err != nil {
		s.full(w)
		return
	}
	defer s.hub.leave(reader)
	streamHead(w)
	p.w, p.rc, p.reader = w, http.NewResponseController(w), reader
	p.run(r)
}

func (s *Server) full(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "30")
	refuse(w, http.StatusServiceUnavailable, errFull.Error())
}

func streamHead(w http.ResponseWriter) {
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // a proxy that waits for more would wait for ever
}

// lastSeen reads the id a browser sends when it comes back.
func lastSeen(r *http.Request) (epoch string, n uint64) {
	epoch, number, ok := strings.Cut(r.Header.Get("Last-Event-ID"), "-")
	n, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil {
		return "", 0
	}
	return epoch, n
}

// pump writes one stream.
type pump struct {
	s             *Server
	ids           bool     // the wants are of one asker: he may come back by the id
	event, member string   // the name of a message, and of what it is about
	names         []string // of what it is about, as asked
	ended         <-chan struct{}
	expires       time.Time // of the right to read; zero: never

	w      http.ResponseWriter
	rc     *http.ResponseController
	reader *reader
	list   []message
	buf    []byte
}

// run goes on until the reader leaves or reads nothing, his right ends, or the
// server does.
func (p *pump) run(r *http.Request) {
	// The deadlines of a question do not hold for a stream; each write has its own.
	if p.rc.SetReadDeadline(time.Time{}) != nil || !p.write([]byte("retry: "+retryAfter+"\n\n")) {
		return
	}
	timer := time.NewTimer(p.left())
	defer timer.Stop()
	for {
		select {
		case <-p.reader.wake:
			if !p.flush() {
				return
			}
		case <-timer.C:
			left := p.left()
			if left <= 0 || !p.write([]byte(":\n\n")) {
				return
			}
			timer.Reset(left)
		case <-p.ended:
			return
		case <-p.s.closing:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// left is how long the stream may be silent: until a heartbeat is due or the right
// to read ends.
func (p *pump) left() time.Duration {
	if p.expires.IsZero() {
		return heartbeat
	}
	return min(heartbeat, time.Until(p.expires))
}

// flush writes what waits, the latest of each user.
func (p *pump) flush() bool {
	p.list = p.s.hub.take(p.reader, p.list[:0])
	b := p.buf[:0]
	for _, m := range p.list {
		if p.ids {
			b = append(b, "id: "...)
			b = append(b, p.reader.topics[m.index].of.epoch...)
			b = append(b, '-')
			b = strconv.AppendUint(b, m.id, 10)
			b = append(b, '\n')
		}
		b = append(b, "event: "...)
		b = append(b, p.event...)
		b = append(b, "\ndata: {\""...)
		b = append(b, p.member...)
		b = append(b, "\":"...)
		name, _ := json.Marshal(p.names[m.index]) // a string cannot fail to
		b = append(b, name...)
		b = append(b, m.body...) // on one line, as encoding/json writes it
		b = append(b, "\n\n"...)
	}
	clear(p.list)
	ok := p.write(b)
	if p.buf = b; cap(b) > keptBuffer {
		p.buf = nil // the first message of a long list; 10,000 of these are memory
	}
	return ok
}

// keptBuffer is how much a stream keeps for its next message.
const keptBuffer = 1 << 10

func (p *pump) write(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	if p.rc.SetWriteDeadline(time.Now().Add(p.s.stalled)) != nil {
		return false
	}
	if _, err := p.w.Write(b); err != nil {
		return false
	}
	return p.rc.Flush() == nil
}
