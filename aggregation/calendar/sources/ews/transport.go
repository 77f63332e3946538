package ews

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/go-ntlmssp"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/bearer"
	"presenced/aggregation/calendar/sources/outbound"
)

// login is who asks.
type login struct{ username, password string }

// reply is an answer and what outbound thinks of its status.
type reply = outbound.Response

// transport posts with the credentials of a source.
type transport interface {
	post(ctx context.Context, url string, who login, header http.Header, body []byte) (*reply, error)
	close()
}

func newTransport(o Options) transport {
	options := outbound.Options{Anywhere: true, Timeout: o.Timeout, MaxBody: maxBody, Conns: o.InFlight, RootCAs: o.RootCAs}
	switch o.Auth {
	case OAuth:
		client := outbound.New(options)
		return &oauthTransport{client: client, tokens: bearer.ClientCredentials(client, o.TokenURL, o.Username, o.Password, o.Scope)}
	case Basic:
		return &basicTransport{client: outbound.New(options)}
	default:
		options.HTTP1, options.Conns, options.Wrap = true, 1, func(rt http.RoundTripper) http.RoundTripper { return ntlm{rt} }
		t := &ntlmTransport{own: login{o.Username, o.Password}, options: options, idle: make(chan *outbound.Client, o.InFlight)}
		for range o.InFlight {
			t.idle <- outbound.New(options)
		}
		return t
	}
}

func request(url string, who login, header http.Header, body []byte) outbound.Request {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "text/xml; charset=utf-8")
	header.Set("Accept", "text/xml")
	return outbound.Request{Method: http.MethodPost, URL: url, Header: header, Body: body, Username: who.username, Password: who.password}
}

type basicTransport struct{ client *outbound.Client }

func (t *basicTransport) post(ctx context.Context, where string, who login, header http.Header, body []byte) (*reply, error) {
	if u, err := url.Parse(where); err != nil || u.Scheme != "https" && !loopback(u.Hostname()) {
		return nil, &sources.Fault{Kind: sources.Refused, Err: errPlain, Remedy: "use https"}
	}
	return t.client.Do(ctx, request(where, who, header, body))
}

func (t *basicTransport) close() { t.client.Close() }

type oauthTransport struct {
	client *outbound.Client
	tokens *bearer.Tokens
}

func (t *oauthTransport) post(ctx context.Context, url string, _ login, header http.Header, body []byte) (*reply, error) {
	return t.tokens.Do(ctx, request(url, login{}, header, body))
}

func (t *oauthTransport) close() { t.client.Close() }

// ntlmTransport has one connection per request in flight, since NTLM proves who
// the connection is, not who the request is.
type ntlmTransport struct {
	own     login
	options outbound.Options
	idle    chan *outbound.Client // those nobody uses; empty: callers wait
}

func (t *ntlmTransport) post(ctx context.Context, url string, who login, header http.Header, body []byte) (*reply, error) {
	if who != t.own {
		// A connection that was somebody else's would answer as to them.
		client := outbound.New(t.options)
		defer client.Close()
		return client.Do(ctx, request(url, who, header, body))
	}
	select {
	case client := <-t.idle:
		defer func() { t.idle <- client }()
		return client.Do(ctx, request(url, who, header, body))
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (t *ntlmTransport) close() {
	for range cap(t.idle) {
		select {
		case client := <-t.idle:
			client.Close()
			t.idle <- client
		default:
			return
		}
	}
}

// ntlm authenticates a connection (MS-NLMP over HTTP) when the server asks for it.
// What is below must have one connection: each step has to go over the same.
type ntlm struct{ next http.RoundTripper }

// RoundTrip sends a request as it is, and with the two messages of NTLM if that is
// not enough.
func (n ntlm) RoundTrip(req *http.Request) (*http.Response, error) {
	user, password, ok := req.BasicAuth()
	if !ok {
		return n.next.RoundTrip(req)
	}
	resp, err := n.step(req, "")
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	scheme := offers(resp.Header)
	if scheme == "" {
		return resp, nil
	}
	hello, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return resp, nil //nolint:nilerr // the refusal says more
	}
	drain(resp)
	if resp, err = n.step(req, scheme+" "+base64.StdEncoding.EncodeToString(hello)); err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	proof := prove(resp.Header, scheme, user, password)
	if proof == nil {
		return resp, nil
	}
	drain(resp)
	return n.step(req, scheme+" "+base64.StdEncoding.EncodeToString(proof))
}

// step sends the request with its body anew.
func (n ntlm) step(req *http.Request, authorization string) (*http.Response, error) {
	again := req.Clone(req.Context())
	again.Header.Del("Authorization")
	if authorization != "" {
		again.Header.Set("Authorization", authorization)
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	return n.next.RoundTrip(again)
}

// offers returns the scheme NTLM goes under; empty: the server has none.
func offers(h http.Header) string {
	best := ""
	for _, line := range h.Values("WWW-Authenticate") {
		name, _, _ := strings.Cut(line, " ")
		switch strings.ToLower(name) {
		case "ntlm":
			return "NTLM"
		case "negotiate":
			best = "Negotiate"
		}
	}
	return best
}

// prove answers the server's challenge; nil: there is none.
func prove(h http.Header, scheme, user, password string) []byte {
	for _, line := range h.Values("WWW-Authenticate") {
		name, text, _ := strings.Cut(line, " ")
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if !strings.EqualFold(name, scheme) || err != nil || len(raw) == 0 {
			continue
		}
		if proof, err := ntlmssp.NewAuthenticateMessage(raw, user, password, nil); err == nil {
			return proof
		}
	}
	return nil
}

// drain reads what is left of an answer, so that the connection can go on.
func drain(resp *http.Response) {
	const most = 256 << 10
	_, _ = io.CopyN(io.Discard, resp.Body, most)
	_ = resp.Body.Close()
}
