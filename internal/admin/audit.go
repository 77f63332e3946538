package admin

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"presenced/internal/audit"
	"presenced/internal/engine"
)

// auditRoutes is the audit trail. It is told here and nowhere else.
func (s *Server) auditRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/admin/audit", s.getAudit)
}

// tell tells the trail what the operator asked or changed; how it ended is told by
// the kind of the error.
func (s *Server) tell(ctx context.Context, d engine.Deed, err error) {
	if s.o.Trail == nil || !s.o.Audited() {
		return
	}
	d.Who = operatorOf(ctx)
	if err != nil {
		d.Outcome = "failed"
		if k, ok := engine.KindOf(err); ok {
			d.Outcome = "refused: " + k.String()
		} else if _, ok := errors.AsType[*ProblemError](err); ok {
			d.Outcome = "refused"
		}
	}
	s.o.Trail.Noted(d)
}

// getAudit streams the entries that name "user", or all, from the instant "since"
// on. Reading the trail is an entry as well.
func (s *Server) getAudit(w http.ResponseWriter, r *http.Request) {
	f, err := auditFilter(r.URL.Query())
	switch {
	case err != nil:
		s.refuse(w, r, err)
		return
	case s.o.Trail == nil:
		s.refuse(w, r, problem(http.StatusNotFound, "there is no audit trail; set audit.enabled = true"))
		return
	}
	s.tell(r.Context(), engine.Deed{What: "audit", User: f.User}, nil)
	out := &patient{w: w, control: http.NewResponseController(w)}
	buffer := bufio.NewWriterSize(out, 64<<10)
	err = s.o.Trail.Read(context.WithoutCancel(r.Context()), f, func(line []byte) error { // its writes have deadlines
		_, err := buffer.Write(append(line, '\n'))
		return err
	})
	if err == nil {
		err = buffer.Flush()
	}
	switch {
	case err == nil && !out.begun:
		_, _ = out.Write(nil) // a client that left is no fault of ours
	case err == nil:
	case out.begun:
		s.o.Log.Debug("administration: a reading of the audit trail broke off", "error", err)
		panic(http.ErrAbortHandler)
	default:
		s.refuse(w, r, err)
	}
}

func auditFilter(q url.Values) (f audit.Filter, err error) {
	if user := q.Get("user"); user != "" {
		j, err := address("user", user)
		if err != nil {
			return f, err
		}
		f.User = j.Addr
	}
	if since := q.Get("since"); since != "" {
		if f.Since, err = time.Parse(time.RFC3339, since); err != nil {
			p := problem(http.StatusBadRequest, "since is an instant such as 2026-11-22T15:00:00Z")
			p.Field = "since"
			return f, p
		}
	}
	return f, nil
}

// Audit calls each with the entries of the audit trail as lines of JSON, the oldest
// first: those that name a user, or all where it is empty, from an instant on, or
// from the beginning where it is zero. The line is only valid during the call.
func (c *Client) Audit(ctx context.Context, user string, since time.Time, each func(line []byte) error) error {
	query := url.Values{}
	if user != "" {
		query.Set("user", user)
	}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339))
	}
	return c.lines(ctx, "audit", query, each)
}
