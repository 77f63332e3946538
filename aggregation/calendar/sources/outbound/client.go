package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// What a request may cost if the Options do not say.
const (
	// DefaultTimeout is how long one request may take, redirects and body
	// included. Nextcloud needs 20 s for a large calendar on a small machine.
	DefaultTimeout = 60 * time.Second
	// DefaultMaxBody is the longest answer, unpacked: what the calendar reader
	// takes at most.
	DefaultMaxBody = 32 << 20
	// DefaultConns is how many connections one host gets at the same time.
	DefaultConns = 8
)

const (
	maxRedirects = 5 // honest chains have one or two
	maxURL       = 4096
	maxHeader    = 64 << 10
	dialTime     = 10 * time.Second
	tlsTime      = 10 * time.Second
	idleTime     = 90 * time.Second
	idlePerHost  = 2
	userAgent    = "presenced"
)

// Options say whom a Client may ask, and what it may cost.
type Options struct {
	// Anywhere lets requests go to every address and port, and passwords over
	// plain http: for sources the operator configured.
	Anywhere bool
	// Allow are networks that may be reached although they are not public.
	Allow []netip.Prefix
	// Timeout is for one request with its redirects; 0: DefaultTimeout.
	Timeout time.Duration
	// MaxBody is the longest answer in bytes, unpacked; 0: DefaultMaxBody.
	MaxBody int64
	// Conns is how many connections one host gets at a time; 0: DefaultConns.
	Conns int
	// RootCAs are the authorities that are trusted; nil: the machine's.
	RootCAs *x509.CertPool
	// HTTP1 keeps to HTTP/1.1, as authentication bound to a connection needs.
	HTTP1 bool
	// Wrap puts something around the transport, such as NTLM; nil: nothing. It
	// must not follow redirects.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Client sends requests. Its methods may be called at the same time.
type Client struct {
	o         Options
	transport *http.Transport
	trip      http.RoundTripper
}

// New returns a client. Close it to end its idle connections.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Conns == 0 {
		o.Conns = DefaultConns
	}
	dialler := &net.Dialer{Timeout: dialTime, Control: guard{o.Anywhere, o.Allow}.check}
	c := &Client{o: o, transport: &http.Transport{
		DialContext:         dialler.DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: tlsTime,
		ForceAttemptHTTP2:   !o.HTTP1,
		// Packed answers are unpacked in body.go, where their size is seen.
		DisableCompression:     true,
		MaxConnsPerHost:        o.Conns,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTime,
		MaxResponseHeaderBytes: maxHeader,
	}}
	c.trip = c.transport
	if o.Wrap != nil {
		c.trip = o.Wrap(c.transport)
	}
	return c
}

// Close ends the idle connections. Requests under way go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Request is what is asked. Everything sent through a Client only reads, so that
// a request may be repeated when a kept connection turns out to be closed.
type Request struct {
	Method string // empty: GET
	// URL is http or https. A user name and password in it count if Username is
	// empty.
	URL                string
	Username, Password string // for Basic; empty: none
	// Header goes along; after a redirect to another host only what surely holds
	// no credential does.
	Header http.Header
	Body   []byte
}

// Response is an answer that came in full.
type Response struct {
	Status int
	Header http.Header
	// URL is who answered, after redirects, without credentials. It may hold a
	// secret: see Host.
	URL  *url.URL
	Body []byte // unpacked
}

// Host returns who answered, fit for a message.
func (r *Response) Host() string { return r.URL.Host }

// Do asks and returns the answer: of status 2xx, or 304 where the request had a
// condition. With any other status the error is a *sources.Fault and the Response
// is there too, since its body may say more. Any other failure is a
// *sources.Fault without a Response, except that the end of ctx by cancelling is
// its own error.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	hop, err := c.first(r)
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	for range maxRedirects + 1 {
		resp, err := c.send(timed, hop)
		if err != nil {
			return nil, Explain(ctx, hop.url.Host, err)
		}
		next, err := hop.follow(resp)
		if err != nil || next == nil {
			if err == nil {
				err = judge(resp, hop)
			}
			return resp, err
		}
		hop = next
	}
	return nil, tooManyRedirects(hop.url.Host)
}

// send makes one request and reads its answer.
func (c *Client) send(ctx context.Context, h *hop) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, h.method, h.url.String(), bytes.NewReader(h.body))
	if err != nil {
		return nil, err
	}
	req.Header = h.header.Clone()
	// Present but empty: net/http may repeat it on a fresh connection, and sends
	// no such header.
	req.Header["Idempotency-Key"] = []string{}
	if h.username != "" {
		req.SetBasicAuth(h.username, h.password)
	}
	answer, err := c.trip.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := readBody(answer, c.o.MaxBody)
	if err != nil {
		return nil, err
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, URL: h.url, Body: body}, nil
}
