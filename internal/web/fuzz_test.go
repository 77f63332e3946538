package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// FuzzRequests: whatever is asked, the answer is never a fault of ours.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/v1/presence/alice@example.org", ""}, {"POST", "/v1/presence", `{"users":["a@b","x"]}`},
		{"HEAD", "/v1/stream?user=a@b&user=%ff", ""}, {"GET", "/graph/v1.0/users/x/presence", ""},
		{"POST", "/graph/v1.0/communications/getPresencesByUserId", `{"ids":[]}`}, {"GET", "/badge/x.svg", ""}, {"HEAD", "/badge/stream?handle=x", ""},
		{"OPTIONS", "/v1/presence", ""}, {"GET", "/v1/presence/%00", ""}, {"PATCH", "//", "{"},
		{"PUT", "/v1/users/a@b/claims/%00%ff", `{"availability":6500}`}, {"DELETE", "/v1/users/a@b/claims/x", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], "application/json", `"x", *`)
	}
	var s *site
	f.Fuzz(func(t *testing.T, method, target, body, kind, match string) {
		if s == nil {
			s = &site{T: t, Server: New(Options{
				Door: nobody{}, Claims: nobody{}, Tokens: newKeep(1e9, 1e9), Find: find, Ready: func() bool { return true }, Language: "en",
				Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
			}), tokens: map[string]string{}}
			s.tokens[zed] = s.mint(zed)
			s.tokens["claims"] = s.tokens[s.claimant(zed)]
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || strings.Contains(target, "stream") && method == http.MethodGet || u.Host != "" {
			return // no request, or one that does not end
		}
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		r.Method, r.URL, r.RequestURI = method, u, target
		as := zed
		if method == http.MethodPut || method == http.MethodDelete {
			as = "claims"
		}
		r.Header["Authorization"] = []string{"Bearer " + s.tokens[as]}
		r.Header["Content-Type"], r.Header["If-None-Match"] = []string{kind}, []string{match}
		r.Header["Last-Event-ID"], r.Header["Origin"] = []string{match}, []string{kind}
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %q: %d %s", method, target, w.Code, w.Body)
		}
	})
}

// nobody is a door behind which everybody is offline.
type nobody struct{ Door }

func (nobody) Look(_ context.Context, _ engine.Principal, users []presence.Addr) []presence.View {
	views := make([]presence.View, len(users))
	for i := range views {
		views[i] = presence.OfflineView(0)
	}
	return views
}

func (nobody) Apply(context.Context, engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
	return engine.Result{}, &engine.RefusedError{Kind: engine.NotAllowed, Reason: "no"}
}

func (nobody) Badge(context.Context, string) presence.View { return presence.OfflineView(0) }
