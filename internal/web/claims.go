package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"presenced/internal/answer"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// Claimer changes what apps claim for users; the engine is one.
type Claimer interface {
	Apply(ctx context.Context, who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error)
}

// maxLease is more seconds than any lease may have; the engine says how many that
// is.
const maxLease = 1 << 20

// claim is what PUT takes.
type claim struct {
	Availability uint16 `json:"availability"`
	Activity     string `json:"activity"`
	Lease        int64  `json:"lease"` // seconds; 0: the default
	Resource     string `json:"resource"`
}

// claimed is what PUT answers.
type claimed struct {
	ID      string `json:"id"`
	Expires string `json:"expires"`
}

// putClaim makes or refreshes a claim (S5.2).
func (s *Server) putClaim(w http.ResponseWriter, r *http.Request, h *token.Holder) {
	var c claim
	if !s.read(w, r, &c) {
		return
	}
	if c.Lease < 0 || c.Lease > maxLease {
		refuseField(w, http.StatusBadRequest, "lease", "a lease has 300 to 14400 seconds; refresh the claim while it holds")
		return
	}
	id := r.PathValue("id")
	until, ok := s.change(w, r, h, engine.SetClaim{
		ID: id, Availability: presence.Availability(c.Availability), Activity: presence.Activity(c.Activity),
		Lease: time.Duration(c.Lease) * time.Second, Resource: c.Resource,
	})
	if ok {
		w.Header()["Content-Type"] = jsonType
		_, _ = w.Write(render(claimed{ID: id, Expires: until.UTC().Format(time.RFC3339)})) // a client that left is no fault of ours
	}
}

// deleteClaim ends one.
func (s *Server) deleteClaim(w http.ResponseWriter, r *http.Request, h *token.Holder) {
	if _, ok := s.change(w, r, h, engine.ReleaseClaim{ID: r.PathValue("id")}); ok {
		w.WriteHeader(http.StatusNoContent)
	}
}

// change has the engine make a change to the user of the path; false: the request
// was refused.
func (s *Server) change(w http.ResponseWriter, r *http.Request, h *token.Holder, c engine.Change) (time.Time, bool) {
	name := r.PathValue("name")
	if !named(w, "name", name) || !s.take(w, h, 1) {
		return time.Time{}, false
	}
	a, _ := s.o.Find(name)
	res, err := s.o.Claims.Apply(r.Context(), h.Principal(engine.WayHTTP), presence.JID{Addr: a, Bare: a.String()}, c)
	if err != nil {
		refused(err).Write(w)
		return time.Time{}, false
	}
	w.Header().Set("Cache-Control", "no-store")
	return res.Until, true
}

// refused is the problem of an error of the engine.
func refused(err error) *answer.ProblemError {
	refusal, ok := errors.AsType[*engine.RefusedError](err)
	if !ok {
		return &answer.ProblemError{Status: http.StatusInternalServerError, Detail: "this failed; the log says why"}
	}
	p := &answer.ProblemError{Status: http.StatusBadRequest, Detail: refusal.Reason, Field: refusal.Field}
	switch refusal.Kind {
	case engine.NotAllowed:
		p.Status = http.StatusForbidden
	case engine.NotEnrolled, engine.NotFound:
		p.Status = http.StatusNotFound
	case engine.TooMany:
		p.Status = http.StatusConflict
	case engine.Unavailable:
		p.Status = http.StatusServiceUnavailable
	}
	return p
}
