// Package client asks a presenced over HTTP: who is available, what changes, and
// what an app claims for somebody. It needs a token (`presenced token create`) and
// sees what the token's principal may see; somebody who is unknown, hidden from the
// principal or offline is the same to it.
//
// It depends on the standard library only, so that a bot that imports it gets
// nothing else.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What the daemon takes at once.
const (
	MaxUsers   = 650 // of one question
	MaxWatched = 200 // of one stream
)

// maxAnswer bounds what is read of an answer; one of MaxUsers is a tenth of it.
const maxAnswer = 16 << 20

// Options may be left zero.
type Options struct {
	// HTTP is used for every request; nil: a client of its own. A timeout of it ends
	// streams too: bound questions by their context instead.
	HTTP *http.Client
}

// Client speaks to one daemon with one token. Its methods may be called at the same
// time.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New returns a client for the daemon at base, such as https://presence.example.org.
// Space around the token is dropped, as a file it is read from has it.
func New(base, token string, o Options) (*Client, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the address of the daemon: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("the address of the daemon is %q; write http:// or https:// and a host", base)
	}
	token = strings.TrimSpace(token)
	if token == "" {
		return nil, errors.New("there is no token; make one with \"presenced token create\"")
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	c := *o.HTTP
	// A token goes to nobody else.
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: u, token: token, http: &c}, nil
}

// Availability is a number from 3000 to 18999; a smaller one is more available.
type Availability int

// Offline reports whether there is nothing to see: offline, hidden or unknown.
func (a Availability) Offline() bool { return a >= 18000 || a == 0 }

// Free reports whether somebody is at the keyboard and not busy.
func (a Availability) Free() bool { return a >= 3000 && a < 4500 }

// Presence is what the principal may see of one user. What is zero was not granted,
// or is not known.
type Presence struct {
	User         string            `json:"user"` // the name as it was asked for
	Availability Availability      `json:"availability"`
	Show         string            `json:"show"`      // chat, away, xa, dnd, unavailable; empty: plainly available
	Activity     string            `json:"activity"`  // a token such as in-a-meeting
	Status       string            `json:"status"`    // in words
	Until        time.Time         `json:"until"`     // when the activity ends
	Interrupt    bool              `json:"interrupt"` // the principal may interrupt her although she is busy
	Fields       map[string]string `json:"fields"`    // name, email, location and more, as granted
}

// Error is a refusal of the daemon.
type Error struct {
	Status int    `json:"status"` // of HTTP
	Title  string `json:"title"`
	Detail string `json:"detail"` // what to do
	Field  string `json:"field"`  // the value at fault; empty: none
	// RetryAfter is how long to wait before asking again; 0: the daemon does not say.
	RetryAfter time.Duration `json:"-"`
}

// Error returns what is wrong and what to do.
func (e *Error) Error() string {
	if e.Detail == "" {
		return "presenced answers " + strconv.Itoa(e.Status) + " " + e.Title
	}
	return "presenced answers " + strconv.Itoa(e.Status) + ": " + e.Detail
}

// Presence asks for one user, by JID or e-mail address.
func (c *Client) Presence(ctx context.Context, user string) (Presence, error) {
	var p Presence
	err := c.ask(ctx, http.MethodGet, c.path("v1", "presence", user), nil, &p)
	return p, err
}

// Presences asks for many users and returns them in the order asked. More than
// MaxUsers are asked for in several questions.
func (c *Client) Presences(ctx context.Context, users ...string) ([]Presence, error) {
	all := make([]Presence, 0, len(users))
	for len(users) > 0 {
		n := min(len(users), MaxUsers)
		var got struct {
			Users []Presence `json:"users"`
		}
		err := c.ask(ctx, http.MethodPost, c.path("v1", "presence"), map[string][]string{"users": users[:n]}, &got)
		switch {
		case err != nil:
			return nil, err
		case len(got.Users) != n:
			return nil, fmt.Errorf("presenced answers with %d of %d users", len(got.Users), n)
		}
		all, users = append(all, got.Users...), users[n:]
	}
	return all, nil
}

// Claim is what an app observes of somebody: that she is on the phone, or
// presenting. The token needs the scope claims.
type Claim struct {
	Availability Availability  // 3000 to 17999
	Activity     string        // a token such as on-the-phone; empty: none
	Lease        time.Duration // in whole seconds, from 5 min to 4 h; 0: 5 min
	Resource     string        // the user's own device that the claim ends with; empty: none
}

// Claim claims for a user under an id of the app's own, or refreshes that claim. It
// ends at the returned time unless it is refreshed before.
func (c *Client) Claim(ctx context.Context, user, id string, claim Claim) (expires time.Time, err error) {
	in := map[string]any{"availability": claim.Availability}
	if claim.Activity != "" {
		in["activity"] = claim.Activity
	}
	if claim.Lease != 0 {
		in["lease"] = int(claim.Lease.Seconds())
	}
	if claim.Resource != "" {
		in["resource"] = claim.Resource
	}
	var out struct {
		Expires time.Time `json:"expires"`
	}
	err = c.ask(ctx, http.MethodPut, c.path("v1", "users", user, "claims", id), in, &out)
	return out.Expires, err
}

// Release ends a claim. One that is not there is as good as released.
func (c *Client) Release(ctx context.Context, user, id string) error {
	return c.ask(ctx, http.MethodDelete, c.path("v1", "users", user, "claims", id), nil, nil)
}

func (c *Client) path(parts ...string) *url.URL {
	u := *c.base
	plain, escaped := strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.EscapedPath(), "/")
	for _, p := range parts {
		plain += "/" + p
		escaped += "/" + url.PathEscape(p)
	}
	u.Path, u.RawPath = plain, escaped
	return &u
}

// ask makes one request and decodes its answer.
func (c *Client) ask(ctx context.Context, method string, to *url.URL, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := c.request(ctx, method, to, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 != 2 {
		return refusal(answer)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("the answer of presenced: %w", err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method string, to *url.URL, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	return r, nil
}

// refusal reads a problem (RFC 9457); a proxy between may answer something else.
func refusal(answer *http.Response) error {
	e := &Error{}
	if json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(e) != nil {
		e = &Error{}
	}
	e.Status = answer.StatusCode
	if e.Title == "" {
		e.Title = http.StatusText(e.Status)
	}
	if s, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}
