package admin

import (
	"context"
	"net/http"
	"net/url"

	"presenced/internal/engine"
)

// policyRoutes are the named policies and what is granted.
func (s *Server) policyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/admin/policies", s.getPolicies)
	for method, on := range map[string]bool{http.MethodPut: true, http.MethodDelete: false} {
		mux.HandleFunc(method+" /v1/admin/policies/{policy}/users/{jid}", s.grantUser(on))
		mux.HandleFunc(method+" /v1/admin/policies/{policy}/groups/{group}", s.grantGroup(on))
	}
}

func (s *Server) getPolicies(w http.ResponseWriter, r *http.Request) {
	list, err := s.o.Door.Policies(r.Context(), operatorOf(r.Context()))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	write(w, list)
}

// grantUser grants a policy to a user, or revokes that.
func (s *Server) grantUser(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if user, ok := s.user(w, r); ok {
			s.grant(w, r, engine.PolicyGrant{Policy: r.PathValue("policy"), User: user}, on)
		}
	}
}

// grantGroup does so with a group.
func (s *Server) grantGroup(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.grant(w, r, engine.PolicyGrant{Policy: r.PathValue("policy"), Group: r.PathValue("group")}, on)
	}
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request, g engine.PolicyGrant, on bool) {
	result, err := s.o.Door.GrantPolicy(r.Context(), operatorOf(r.Context()), g, on)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	write(w, Done{append([]engine.Advice{}, result.Advice...)})
}

// Policies lists the named policies and whom each was given to.
func (c *Client) Policies(ctx context.Context) (l engine.PolicyList, err error) {
	err = c.do(ctx, http.MethodGet, "policies", nil, &l)
	return l, err
}

// GrantPolicy grants a named policy to a user or, where user is empty, to a group.
func (c *Client) GrantPolicy(ctx context.Context, policy, user, group string) (d Done, err error) {
	err = c.do(ctx, http.MethodPut, grantPath(policy, user, group), nil, &d)
	return d, err
}

// RevokePolicy takes such a grant back.
func (c *Client) RevokePolicy(ctx context.Context, policy, user, group string) (d Done, err error) {
	err = c.do(ctx, http.MethodDelete, grantPath(policy, user, group), nil, &d)
	return d, err
}

func grantPath(policy, user, group string) string {
	path := "policies/" + url.PathEscape(policy)
	if user == "" {
		return path + "/groups/" + url.PathEscape(group)
	}
	return path + "/users/" + url.PathEscape(user)
}
