package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"presenced/internal/audit"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// Limits of one request. Reading a user who is being loaded may take 10 s
// (S8.5), a change as long as the disk needs.
const (
	maxBody    = 64 << 10
	maxHead    = 16 << 10
	readTime   = 10 * time.Second
	answerTime = 30 * time.Second
	idleTime   = time.Minute
	workTime   = 20 * time.Second
)

// Door is the engine as administration needs it.
type Door interface {
	Look(ctx context.Context, asker engine.Principal, users []presence.Addr) []presence.View
	Explain(ctx context.Context, who engine.Principal, user, watcher presence.Addr) (engine.Explained, error)
	Inspect(ctx context.Context, who engine.Principal, user presence.Addr) (engine.Inspection, error)
	Users(ctx context.Context, who engine.Principal) ([]engine.UserSummary, error)
	Export(ctx context.Context, each func(engine.Saved) error) error
	ExportUser(ctx context.Context, user presence.Addr) (engine.Saved, error)
	BadgeOf(ctx context.Context, who engine.Principal, of presence.Addr) (string, error)
	Apply(ctx context.Context, who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error)
	Policies(ctx context.Context, who engine.Principal) (engine.PolicyList, error)
	GrantPolicy(ctx context.Context, who engine.Principal, g engine.PolicyGrant, on bool) (engine.Result, error)
	RawReports(ctx context.Context, who engine.Principal) ([]engine.RawReport, error)
}

// Options are what a Server needs.
type Options struct {
	Door     Door
	Status   func() Status // all but the users
	Ready    func() bool   // the settings are loaded; until then only Status answers
	Language string        // of status texts
	// Level names the operator's containers, empty for any other; nil: there are none.
	Level  func(presence.ContainerID) string
	Tokens *token.Keep
	// Trail is told of what is asked and changed here and not through Door, while
	// Audited says so, and read; nil: there is none.
	Trail   *audit.Trail
	Audited func() bool
	Log     *slog.Logger
}

// Server serves administration. Its zero value is not usable; see NewServer.
type Server struct {
	o     Options
	http  *http.Server
	serve sync.WaitGroup
}

// NewServer returns a server that does not listen yet.
func NewServer(o Options) *Server {
	s := &Server{o: o}
	s.http = &http.Server{
		Handler: s.handler(), ReadTimeout: readTime, ReadHeaderTimeout: readTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHead, ConnContext: withPeer,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve begins to answer on l, which Close closes.
func (s *Server) Serve(l net.Listener) {
	s.serve.Go(func() { _ = s.http.Serve(l) }) // ends with the listener
}

// Close lets running requests end within ctx, then closes everything.
func (s *Server) Close(ctx context.Context) error {
	defer s.serve.Wait()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// peerKey is the context key of the peer's uid.
type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	if uid, ok := uidOf(c); ok {
		return context.WithValue(ctx, peerKey{}, uid)
	}
	return ctx
}

// logged notes who asks for or changes something. The address of whom it is about is
// for debugging only; so is a look at the status, which probes take all the time.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), workTime)
		defer cancel()
		limit := int64(maxBody)
		if r.URL.Path == importPath {
			limit = MaxImportBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		uid := any("unknown")
		if v, ok := ctx.Value(peerKey{}).(uint32); ok {
			uid = v
		}
		level := slog.LevelInfo
		if r.URL.Path == statusPath {
			level = slog.LevelDebug
		}
		s.o.Log.Log(ctx, level, "administration: request", "uid", uid, "method", r.Method)
		s.o.Log.Debug("administration: request for", "path", r.URL.EscapedPath())
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
