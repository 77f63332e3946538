package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"presenced/internal/admin"
)

// liveWithin is how long an owner loop may take for a turn before /livez calls
// the daemon stuck.
const liveWithin = 10 * time.Second

// Limits of one request to the operator's listener: its clients are scrapers
// and probes beside it, and none of them has a body.
const (
	healthRead  = 5 * time.Second
	healthWrite = 30 * time.Second
	healthIdle  = 2 * time.Minute
	healthHead  = 16 << 10
)

// healthHandler serves /metrics, /livez and /readyz.
func (d *Daemon) healthHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		if late := time.Since(d.engine.Turned()); d.turning.Load() && late > liveWithin {
			answer(w, http.StatusServiceUnavailable, map[string]any{"status": "stuck", "seconds": int(late.Seconds())})
			return
		}
		answer(w, http.StatusOK, map[string]any{"status": "live"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		status, reasons := d.readiness()
		code := http.StatusOK
		if status == statusUnready {
			code = http.StatusServiceUnavailable
		}
		if reasons == nil {
			reasons = []admin.Reason{}
		}
		answer(w, code, map[string]any{"status": status, "reasons": reasons})
	})
	return mux
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // a client that left is no fault of ours
}

// serveHealth listens on addr; stop ends the listener and what it serves.
func serveHealth(ctx context.Context, addr string, h http.Handler) (stop func(context.Context) error, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &http.Server{
		Handler: h, ReadTimeout: healthRead, ReadHeaderTimeout: healthRead, WriteTimeout: healthWrite,
		IdleTimeout: healthIdle, MaxHeaderBytes: healthHead,
	}
	var serve sync.WaitGroup
	serve.Go(func() { _ = s.Serve(l) }) // ends with the listener
	return func(ctx context.Context) error {
		defer serve.Wait()
		if err := s.Shutdown(ctx); err != nil {
			return errors.Join(err, s.Close())
		}
		return nil
	}, nil
}
