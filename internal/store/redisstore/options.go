package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"presenced/internal/engine"
	"presenced/internal/store/queue"
)

// Kind is how Redis is deployed.
type Kind int

// The kinds of a Server.
const (
	Single   Kind = iota
	Sentinel      // Addrs are the Sentinels', Master the name they know
	Cluster       // Addrs are some nodes
)

// Server says where Redis is and how to log in.
type Server struct {
	Kind     Kind
	Addrs    []string // host:port
	Username string
	Password string
	DB       int    // not for a Cluster
	Master   string // of a Sentinel
	TLS      bool
}

// Copy is a second, local store of the settings; engine.Store says what the
// methods promise. It must be nobody else's.
type Copy interface {
	Load(ctx context.Context, each func(engine.Saved) error) error
	Save(w engine.Write, done func(error))
	Flush(ctx context.Context) error
	Healthy() error
}

// Options say where the store is and whom it tells.
type Options struct {
	Server     Server
	Prefix     string // begins every key; no braces
	Domain     string // the component's, told to a second process
	Path       string // an existing directory for the marker
	Copy       Copy   // nil: no safety copy
	StartEmpty bool   // begin anew where the data are lost
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

func (o *Options) check() error {
	switch {
	case len(o.Server.Addrs) == 0:
		return errors.New("no address of a Redis server; give one")
	case strings.ContainsAny(o.Prefix, "{}"):
		return errors.New("the prefix holds a brace, which would break up batches; leave it out")
	case o.Path == "":
		return errors.New("no directory for the marker; give one")
	}
	return nil
}

// tuning holds the bounds and intervals; tests make them small.
type tuning struct {
	queue      queue.Limits
	lease      time.Duration // the owner is gone when it did not renew so long
	renewEvery time.Duration
	probeEvery time.Duration // between attempts while Redis cannot store
	answer     time.Duration // Redis is stalled when an answer takes longer
	markEvery  time.Duration // the marker is at most so old
	copyEvery  time.Duration // between tags that are copied anew
}

// defaults: a lease of three renewals survives two that fail. Redis answers in
// microseconds; three seconds without an answer is a stall. Presence waits 20 ms
// for company, which halves what 5000 updates a second cost Redis.
var defaults = tuning{
	queue: queue.Limits{
		Writes: 8192, Bytes: 64 << 20, WriteBytes: 16 << 20,
		Presence: 4 << 20, PresenceBytes: 512 << 20, PresenceEvery: 20 * time.Millisecond,
	},
	lease:      10 * time.Second,
	renewEvery: 3 * time.Second,
	probeEvery: 500 * time.Millisecond,
	answer:     3 * time.Second,
	markEvery:  time.Second,
	copyEvery:  100 * time.Millisecond,
}

// client returns a client that never retries by itself: what may be tried again
// is decided in exec.
func (s Server) client(t tuning) redis.UniversalClient {
	o := &redis.UniversalOptions{
		Addrs: slices.Clone(s.Addrs), // a cluster's client appends to them
		DB:    s.DB, Username: s.Username, Password: s.Password, MasterName: s.Master,
		SentinelPassword: s.sentinelPassword(),
		ClientName:       "presenced", DisableIdentity: true, Protocol: 2, IsClusterMode: s.Kind == Cluster,
		MaxRetries: -1, DialerRetries: 1, DialTimeout: t.answer, ReadTimeout: t.answer, WriteTimeout: t.answer,
		ContextTimeoutEnabled: true, PoolSize: 4, PipelinePoolSize: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if s.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		if host, _, err := net.SplitHostPort(s.Addrs[0]); err == nil {
			o.TLSConfig.ServerName = host
		}
	}
	switch s.Kind {
	case Cluster:
		return redis.NewClusterClient(o.Cluster())
	case Sentinel:
		return redis.NewFailoverClient(o.Failover())
	default:
		return redis.NewClient(o.Simple())
	}
}

// sentinelPassword is what Sentinels are told, whether they demand one or not. They
// have no users of Redis', so somebody's password would be a wrong one there.
func (s Server) sentinelPassword() string {
	if s.Username != "" {
		return ""
	}
	return s.Password
}

// name is how the server is called in errors: no password.
func (s Server) name() string {
	switch s.Kind {
	case Cluster:
		return "Redis Cluster at " + strings.Join(s.Addrs, ", ")
	case Sentinel:
		return "Redis " + s.Master + " of the Sentinels at " + strings.Join(s.Addrs, ", ")
	default:
		return "Redis at " + s.Addrs[0]
	}
}
