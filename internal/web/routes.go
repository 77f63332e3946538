package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"presenced/internal/answer"
	"presenced/internal/token"
)

// routes are the paths there are. A name stands percent-encoded in one segment.
func (s *Server) routes() map[string]methods {
	return map[string]methods{
		"/v1/presence/{name}": {http.MethodGet: s.reading(s.getPresence)},
		"/v1/presence":        {http.MethodPost: s.reading(s.postPresence)},
		"/v1/stream":          {http.MethodGet: s.reading(s.getStream)},
		"/v1/users/{name}/claims/{id}": {
			http.MethodPut: s.holding(token.Claims, s.putClaim), http.MethodDelete: s.holding(token.Claims, s.deleteClaim),
		},
		"/graph/v1.0/users/{name}/presence":               {http.MethodGet: s.reading(s.getGraph)},
		"/graph/v1.0/communications/getPresencesByUserId": {http.MethodPost: s.reading(s.postGraph)},
		"/v1/notices/graph":                               {http.MethodPost: s.postNotice},
		"/badge/stream":                                   {http.MethodGet: s.public(s.getBadgeStream)},
		"/badge/{file}":                                   {http.MethodGet: s.public(s.getBadge)},
		"/indicator.js":                                   {http.MethodGet: asset("text/javascript; charset=utf-8", indicatorScript)},
		"/page.js":                                        {http.MethodGet: asset("text/javascript; charset=utf-8", pageScript)},
		"/page.css":                                       {http.MethodGet: asset("text/css; charset=utf-8", pageStyle)},
		"/{$}":                                            {http.MethodGet: asset("text/html; charset=utf-8", pageText)},
		"/openapi.yaml":                                   {http.MethodGet: asset("application/yaml", description)},
	}
}

// handler serves the routes, and says what else there is not.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for path, m := range s.routes() {
		mux.Handle(path, s.dispatch(m, !strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/graph/")))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing of that name; /openapi.yaml tells what there is")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Content-Type-Options"] = nosniff
		if r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		mux.ServeHTTP(w, r)
	})
}

// Headers that are the same in every answer, made once: net/http copies neither
// them nor what is in them. Nobody may change one in place.
var (
	nosniff    = []string{"nosniff"}
	perAsker   = []string{"Authorization, Origin"}
	revalidate = []string{"private, no-cache"}
	jsonType   = []string{"application/json"}
)

// methods are the handlers of one path by method; HEAD goes with GET.
type methods map[string]http.HandlerFunc

// dispatch sends a request to the handler of its method. Where everybody may ask,
// every page may.
func (s *Server) dispatch(m methods, everybody bool) http.Handler {
	names := slices.Sorted(maps.Keys(m))
	if m[http.MethodGet] != nil {
		m[http.MethodHead] = m[http.MethodGet]
		names = append(names, http.MethodHead)
	}
	allow := strings.Join(append(names, http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch h := m[r.Method]; {
		case h != nil:
			h(w, r)
		case r.Method == http.MethodOptions:
			s.preflight(w, r, allow, everybody)
		default:
			w.Header().Set("Allow", allow)
			refuse(w, http.StatusMethodNotAllowed, "this path takes "+allow)
		}
	})
}

// refuse answers with a problem.
func refuse(w http.ResponseWriter, status int, detail string) {
	refuseField(w, status, "", detail)
}

// refuseField answers with a problem of one value.
func refuseField(w http.ResponseWriter, status int, field, detail string) {
	(&answer.ProblemError{Status: status, Detail: detail, Field: field}).Write(w)
}
