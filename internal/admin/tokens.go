package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// TokenRequest asks for a token.
type TokenRequest struct {
	As        string        `json:"as"`
	Scopes    []token.Scope `json:"scopes"`
	ExpiresIn int64         `json:"expires_in"` // seconds
	Origins   []string      `json:"origins"`
}

// NewToken is a token that was made; its text is told here only.
type NewToken struct {
	ID    string `json:"id"`
	Token string `json:"token"`
}

// TokenList is the answer to a listing, the latest last.
type TokenList struct {
	Tokens []token.Token `json:"tokens"`
}

func (s *Server) tokenRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/admin/tokens", s.getTokens)
	mux.HandleFunc("POST /v1/admin/tokens", s.createToken)
	mux.HandleFunc("DELETE /v1/admin/tokens/{id}", s.revokeToken)
}

func (s *Server) getTokens(w http.ResponseWriter, _ *http.Request) {
	write(w, TokenList{s.o.Tokens.List()})
}

func (s *Server) createToken(w http.ResponseWriter, r *http.Request) {
	var want TokenRequest
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&want); err != nil {
		s.refuse(w, r, problem(http.StatusBadRequest, "the request cannot be read: "+err.Error()+"; is the program older or newer than the daemon?"))
		return
	}
	// A number of seconds that does not fit is more than any token may live.
	life := time.Duration(min(max(want.ExpiresIn, 0), int64(2*token.MaxLife/time.Second))) * time.Second
	t, text, err := s.o.Tokens.Create(r.Context(), token.Request{As: want.As, Scopes: want.Scopes, Life: life, Origins: want.Origins}, time.Now())
	s.tell(r.Context(), engine.Deed{What: "token", User: addressOf(want.As), About: t.ID, Change: true}, tokenProblem(err))
	if err != nil {
		s.refuse(w, r, tokenProblem(err))
		return
	}
	write(w, NewToken{t.ID, text})
}

func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	as := s.ownerOf(id)
	err := tokenProblem(s.o.Tokens.Revoke(r.Context(), id))
	s.tell(r.Context(), engine.Deed{What: "revoke-token", User: as, About: id, Change: true}, err)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	write(w, Done{[]engine.Advice{}})
}

// ownerOf is as whom a token asks; zero where there is none.
func (s *Server) ownerOf(id string) presence.Addr {
	for _, t := range s.o.Tokens.List() {
		if t.ID == id {
			return addressOf(t.As)
		}
	}
	return presence.Addr{}
}

// addressOf reads an address; zero where it is none.
func addressOf(jid string) presence.Addr {
	a, err := presence.ParseAddr(jid)
	if err != nil {
		return presence.Addr{}
	}
	return a
}

// tokenProblem tells why a token was not made or revoked.
func tokenProblem(err error) error {
	switch {
	case errors.Is(err, token.ErrInvalid):
		return problem(http.StatusBadRequest, err.Error())
	case errors.Is(err, token.ErrUnknown):
		return problem(http.StatusNotFound, err.Error())
	case errors.Is(err, token.ErrTooMany):
		return problem(http.StatusConflict, err.Error())
	case errors.Is(err, engine.ErrRefused):
		return problem(http.StatusServiceUnavailable, err.Error())
	}
	return err
}

// Tokens lists the tokens the daemon knows.
func (c *Client) Tokens(ctx context.Context) ([]token.Token, error) {
	var list TokenList
	err := c.do(ctx, http.MethodGet, "tokens", nil, &list)
	return list.Tokens, err
}

// CreateToken makes a token.
func (c *Client) CreateToken(ctx context.Context, r TokenRequest) (t NewToken, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return t, err
	}
	err = c.send(ctx, http.MethodPost, "tokens", nil, bytes.NewReader(body), &t)
	return t, err
}

// RevokeToken ends a token at once.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	var d Done
	return c.do(ctx, http.MethodDelete, "tokens/"+url.PathEscape(id), nil, &d)
}
