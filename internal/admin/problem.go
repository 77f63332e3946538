package admin

import (
	"errors"
	"net/http"

	"presenced/internal/answer"
	"presenced/internal/engine"
)

// ProblemError is an error over HTTP.
type ProblemError = answer.ProblemError

// statusOf maps the engine's refusals to HTTP.
func statusOf(k engine.ErrorKind) int {
	switch k {
	case engine.Invalid:
		return http.StatusBadRequest
	case engine.NotEnrolled, engine.NotFound:
		return http.StatusNotFound
	case engine.NotAllowed:
		return http.StatusForbidden
	case engine.TooMany:
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}

// refuse answers with the problem err stands for. An error that is no refusal
// is told in general words only: its text was written for the log.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := &ProblemError{}
	if refused, ok := errors.AsType[*engine.RefusedError](err); ok {
		p = &ProblemError{Status: statusOf(refused.Kind), Detail: refused.Reason, Field: refused.Field}
	} else if !errors.As(err, &p) {
		s.o.Log.Error("administration: request failed", "method", r.Method, "error", err)
		p = &ProblemError{Status: http.StatusInternalServerError, Detail: "something went wrong; the daemon's log says what"}
	}
	p.Write(w)
}

func problem(status int, detail string) *ProblemError {
	return &ProblemError{Status: status, Detail: detail}
}
