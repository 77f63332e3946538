package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// Limits of one request and of all together. A user who is being loaded may
// take 10 s (S8.5).
const (
	maxHead    = 16 << 10
	maxBody    = 256 << 10 // 650 addresses of 400 bytes
	maxName    = 3071      // the longest JID (RFC 7622 §3)
	maxUsers   = 650       // of one list, as Graph has it
	maxConns   = 16384     // each costs a file and some 30 KiB
	readTime   = 10 * time.Second
	answerTime = 30 * time.Second
	idleTime   = 2 * time.Minute
)

// Door is the engine as the HTTP side needs it.
type Door interface {
	Look(ctx context.Context, asker engine.Principal, users []presence.Addr) []presence.View
	Badge(ctx context.Context, handle string) presence.View
}

// Options are what a Server needs.
type Options struct {
	Door   Door
	Follow Follower
	Claims Claimer
	Tokens *token.Keep
	// Find returns whom a JID or an e-mail address means; for one that means
	// nobody, an address no user has. byEmail tells that it is an e-mail address.
	Find func(name string) (a presence.Addr, byEmail bool)
	// Noticed takes the word of a calendar's server that a user's has changed, and
	// reports whether the proof is good; nil: there are no such servers.
	Noticed    func(source string, user presence.Addr, proof string, afresh bool) bool
	Ready      func() bool // the settings are loaded; until then everything is 503
	Language   string      // of status texts
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Server serves HTTP. Its zero value is not usable; see New.
type Server struct {
	o       Options
	key     [32]byte  // of the ETags; another after each start
	macs    sync.Pool // of HMACs with key
	http    *http.Server
	metrics *metrics
	hub     *hub
	streams atomic.Int64
	publics atomic.Int64 // those of them that anybody may open
	stalled time.Duration
	closing chan struct{} // closed when the server ends: streams do not end by themselves
	serve   sync.WaitGroup
	stop    context.CancelFunc
}

// New returns a server that does not listen yet.
func New(o Options) *Server {
	s := &Server{o: o, closing: make(chan struct{}), stop: func() {}, stalled: stalled}
	s.metrics = newMetrics(o.Registerer, &s.streams)
	s.hub = newHub(o.Follow, s.rest, s.restBadge)
	_, _ = rand.Read(s.key[:]) // never fails (crypto/rand)
	s.http = &http.Server{
		Handler: s.handler(), ReadTimeout: readTime, ReadHeaderTimeout: readTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHead,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	s.http.RegisterOnShutdown(sync.OnceFunc(func() { close(s.closing) }))
	return s
}

// Serve begins to answer on l, which Close closes.
func (s *Server) Serve(l net.Listener) {
	l = &bounded{Listener: l, room: make(chan struct{}, maxConns), closed: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.serve.Go(func() { _ = s.http.Serve(l) }) // ends with the listener
	s.serve.Go(func() { s.hub.run(ctx) })
}

// Close lets running requests end within ctx, then closes everything.
func (s *Server) Close(ctx context.Context) error {
	defer s.serve.Wait()
	defer s.stop()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// bounded lets no more connections in than there is room for; the others wait in
// the system's queue.
type bounded struct {
	net.Listener
	room   chan struct{} // one token per connection; full: Accept waits
	closed chan struct{}
	once   sync.Once
}

// Accept waits for room and for a connection.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.room <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.room
		return nil, err
	}
	return &seated{Conn: c, leave: sync.OnceFunc(func() { <-b.room })}, nil
}

// Close ends the listener, and an Accept that waits for room.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// seated gives its room back when it closes.
type seated struct {
	net.Conn
	leave func()
}

// Close ends the connection.
func (c *seated) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
