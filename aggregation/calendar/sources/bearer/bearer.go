// Package bearer gets access tokens and sends requests with them: for a client's
// own credentials (RFC 6749 section 4.4) and for a service account that signs an
// assertion (RFC 7523).
//
// A token is renewed when its time is over, and also when a request finds that it
// no longer counts, which clocks that differ and revoked keys bring about. Each
// failure is a *sources.Fault; secrets, tokens and what the server wrote about
// them are in none.
package bearer

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// Tokens holds the token of one identity. Its methods may be called at the same
// time; one of the callers renews, the others wait for that.
type Tokens struct {
	client *outbound.Client
	host   string
	fetch  func(ctx context.Context) (*oauth2.Token, error)
	turn   chan struct{} // holds one value while nobody reads or renews current
	token  *oauth2.Token
}

func newTokens(client *outbound.Client, tokenURL string, fetch func(ctx context.Context) (*oauth2.Token, error)) *Tokens {
	t := &Tokens{client: client, host: hostOf(tokenURL), fetch: fetch, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// ClientCredentials are tokens for an application's id and secret.
func ClientCredentials(client *outbound.Client, tokenURL, id, secret string, scopes ...string) *Tokens {
	c := &clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: tokenURL, Scopes: scopes, AuthStyle: oauth2.AuthStyleInParams}
	return newTokens(client, tokenURL, c.Token)
}

// ServiceAccount are tokens for the account of a key, standing for the user
// subject; empty: for itself.
func ServiceAccount(client *outbound.Client, key Key, subject string, scopes ...string) *Tokens {
	c := &jwt.Config{
		Email: key.Email, PrivateKey: []byte(key.PrivateKey), PrivateKeyID: key.ID, Subject: subject, Scopes: scopes, TokenURL: key.TokenURL,
	}
	return newTokens(client, key.TokenURL, func(ctx context.Context) (*oauth2.Token, error) { return c.TokenSource(ctx).Token() })
}

// get returns a token that is not the one that was rejected.
func (t *Tokens) get(ctx context.Context, rejected string) (string, error) {
	select {
	case <-t.turn:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { t.turn <- struct{}{} }()
	if t.token.Valid() && t.token.AccessToken != rejected {
		return t.token.AccessToken, nil
	}
	way := &carrier{ctx: ctx, client: t.client}
	token, err := t.fetch(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: way, CheckRedirect: stay}))
	switch {
	case errors.Is(way.err, outbound.ErrLoginPage):
		return "", &sources.Fault{Kind: sources.Unauthorized, Err: way.err, Remedy: "see the token URL, or let this machine past the proxy that wants a person to log in"}
	case way.err != nil:
		return "", way.err
	case err != nil:
		return "", refusal(t.host, err)
	case !token.Valid():
		return "", &sources.Fault{Kind: sources.Malformed, Err: errNoToken, Remedy: "see the token URL: what answers there gives no tokens"}
	}
	t.token = token
	return token.AccessToken, nil
}

// Check gets a token, unless there is one that counts.
func (t *Tokens) Check(ctx context.Context) error {
	_, err := t.get(ctx, "")
	return err
}

// Do sends a request with a token; where that is refused, once more with a new
// one. The answer is that of outbound.Client.Do.
func (t *Tokens) Do(ctx context.Context, r outbound.Request) (*outbound.Response, error) {
	resp, used, err := t.send(ctx, r, "")
	if resp == nil || resp.Status != http.StatusUnauthorized {
		return resp, err
	}
	resp, _, err = t.send(ctx, r, used)
	if resp != nil && resp.Status == http.StatusUnauthorized {
		err = &sources.Fault{
			Kind: sources.Unauthorized, Err: &plain{resp.Host() + " refuses a token that was given out just now", err},
			Remedy: "see that the token is for this server: the scope, the tenant, and the cloud both belong to",
		}
	}
	return resp, err
}

func (t *Tokens) send(ctx context.Context, r outbound.Request, rejected string) (*outbound.Response, string, error) {
	token, err := t.get(ctx, rejected)
	if err != nil {
		return nil, "", err
	}
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Authorization", "Bearer "+token)
	r.Header = header
	resp, err := t.client.Do(ctx, r)
	return resp, token, err
}
