package admin

import (
	"context"
	"net/http"

	"presenced/internal/engine"
)

// Badge is the badge of a user.
type Badge struct {
	Handle string `json:"handle"` // empty: she has none
}

func (s *Server) badgeRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/admin/users/{jid}/badge", s.getBadge)
	mux.HandleFunc("PUT /v1/admin/users/{jid}/badge", s.change(engine.SetBadge{On: true}))
	mux.HandleFunc("DELETE /v1/admin/users/{jid}/badge", s.change(engine.SetBadge{}))
}

func (s *Server) getBadge(w http.ResponseWriter, r *http.Request) {
	user, ok := s.user(w, r)
	if !ok {
		return
	}
	handle, err := s.o.Door.BadgeOf(r.Context(), operatorOf(r.Context()), user.Addr)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	write(w, Badge{handle})
}

// Badge returns the handle of a user's badge; empty: she has none.
func (c *Client) Badge(ctx context.Context, jid string) (b Badge, err error) {
	err = c.do(ctx, http.MethodGet, userPath(jid, "/badge"), nil, &b)
	return b, err
}

// SetBadge gives a user a badge, or takes it away.
func (c *Client) SetBadge(ctx context.Context, jid string, on bool) error {
	method := http.MethodDelete
	if on {
		method = http.MethodPut
	}
	var d Done
	return c.do(ctx, method, userPath(jid, "/badge"), nil, &d)
}
