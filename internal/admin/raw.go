package admin

import (
	"context"
	"net/http"

	"presenced/internal/engine"
)

// rawPath tells how far users' raw presence goes (S8.7).
const rawPath = "raw-presence"

func (s *Server) getRaw(w http.ResponseWriter, r *http.Request) {
	reports, err := s.o.Door.RawReports(r.Context(), operatorOf(r.Context()))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	write(w, reports)
}

// RawReports tells for each served host to how many contacts users' raw presence
// goes, around the containers. Nobody is named.
func (c *Client) RawReports(ctx context.Context) (out []engine.RawReport, err error) {
	err = c.do(ctx, http.MethodGet, rawPath, nil, &out)
	return out, err
}
