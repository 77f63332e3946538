package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"presenced/internal/token"
)

// tokenHandler answers somebody who may ask.
type tokenHandler func(w http.ResponseWriter, r *http.Request, h *token.Holder)

// reading lets next answer requests whose token may read.
func (s *Server) reading(next tokenHandler) http.HandlerFunc { return s.holding(token.Read, next) }

// holding lets next answer requests whose token has a scope, from where it may be
// used. What it costs, next takes from the token itself.
func (s *Server) holding(scope token.Scope, next tokenHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Vary"] = perAsker
		if !s.o.Ready() {
			w.Header().Set("Retry-After", "2")
			refuse(w, http.StatusServiceUnavailable, "the settings are not loaded yet; try again in a moment")
			return
		}
		text, given := bearer(r)
		h, known := s.o.Tokens.Check(text, time.Now())
		switch origin := r.Header.Get("Origin"); {
		case !given:
			s.unauthorized(w, http.StatusUnauthorized, "", "send a token: Authorization: Bearer …; \"presenced token create\" makes one")
			return
		case !known:
			if s.o.Tokens.Page(origin) { // so that the page can tell its reader why
				w.Header().Set("Access-Control-Allow-Origin", origin)
			}
			s.unauthorized(w, http.StatusUnauthorized, "invalid_token", "this token does not exist, was revoked or has expired")
			return
		case origin == "" || sameOrigin(r, origin):
		case !h.From(origin):
			s.metrics.unauthorized.Inc()
			refuse(w, http.StatusForbidden, "this token may not be used by pages of this origin; \"presenced token create --origin\" makes one that may")
			return
		default:
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "ETag, Retry-After")
		}
		if !h.Allows(scope) {
			s.unauthorized(w, http.StatusForbidden, "insufficient_scope", "this token has not the scope "+string(scope)+"; \"presenced token create --scope\" makes one that has")
			return
		}
		next(w, r, h)
	}
}

// unauthorized refuses as RFC 6750 §3 has it.
func (s *Server) unauthorized(w http.ResponseWriter, status int, code, detail string) {
	s.metrics.unauthorized.Inc()
	challenge := `Bearer realm="presenced"`
	if code != "" {
		challenge += `, error="` + code + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	refuse(w, status, detail)
}

// take has the token pay for n presences; false: the request was refused.
func (s *Server) take(w http.ResponseWriter, h *token.Holder, n int) bool {
	wait := h.Take(max(n, 1), time.Now())
	if wait == 0 {
		s.metrics.asked.Add(float64(n))
		return true
	}
	s.metrics.limited.Inc()
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	refuse(w, http.StatusTooManyRequests, "this token asks too fast; Retry-After says when to go on, and /v1/stream tells changes without being asked")
	return false
}

// bearer returns the token of a request (RFC 6750 §2.1; never of the address,
// which ends in logs).
func bearer(r *http.Request) (text string, given bool) {
	scheme, text, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(text), ok && strings.EqualFold(scheme, "Bearer")
}

// sameOrigin reports whether a page of this very server asks. Which scheme it
// was loaded with, only a proxy knows.
func sameOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// preflight answers OPTIONS. A browser sends no token with it, so any origin
// that some token names is let through to the request that does.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request, allow string, everybody bool) {
	w.Header().Set("Allow", allow)
	w.Header().Set("Vary", "Origin")
	if r.Header.Get("Access-Control-Request-Method") != "" {
		origin := r.Header.Get("Origin")
		switch {
		case everybody:
			origin = "*"
		case !s.o.Tokens.Page(origin):
			refuse(w, http.StatusForbidden, "no token may be used by pages of this origin")
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Methods", allow)
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Cache-Control, Content-Type, If-None-Match, Last-Event-ID")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
