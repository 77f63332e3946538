package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"presenced/internal/answer"
	"presenced/internal/engine"
)

// ErrNoDaemon is wrapped when nobody answers on the socket.
var ErrNoDaemon = errors.New("no daemon answers")

// maxAnswer bounds what a client reads: a list of a million users.
const maxAnswer = 256 << 20

// clientTime bounds one request, longer than the server may work on it.
const clientTime = 30 * time.Second

// Client asks a running daemon. It keeps no connection between requests.
type Client struct {
	socket string
	http   *http.Client
	stream *http.Client // for answers that may take as long as they move
}

// NewClient returns a client of the daemon on socket.
func NewClient(socket string) *Client {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}
	return &Client{
		socket: socket,
		http:   &http.Client{Timeout: clientTime, Transport: transport},
		stream: &http.Client{Transport: transport},
	}
}

// Status returns how the daemon is. Like every method it wraps ErrNoDaemon when
// nobody answers and returns a *ProblemError when the daemon refuses.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.do(ctx, http.MethodGet, "status", nil, &s)
	return s, err
}

// Users lists everybody the daemon has settings of.
func (c *Client) Users(ctx context.Context) ([]engine.UserSummary, error) {
	var list UserList
	err := c.do(ctx, http.MethodGet, "users", nil, &list)
	return list.Users, err
}

// User returns one user's settings.
func (c *Client) User(ctx context.Context, jid string) (i engine.Inspection, err error) {
	err = c.do(ctx, http.MethodGet, userPath(jid, ""), nil, &i)
	return i, err
}

// Enable enrols a user.
func (c *Client) Enable(ctx context.Context, jid string) (d Done, err error) {
	err = c.do(ctx, http.MethodPost, userPath(jid, "/enable"), nil, &d)
	return d, err
}

// Disable ends a user's enrolment, keeping her settings.
func (c *Client) Disable(ctx context.Context, jid string) (d Done, err error) {
	err = c.do(ctx, http.MethodPost, userPath(jid, "/disable"), nil, &d)
	return d, err
}

// Erase removes everything known of a user.
func (c *Client) Erase(ctx context.Context, jid string) (d Done, err error) {
	err = c.do(ctx, http.MethodDelete, userPath(jid, ""), nil, &d)
	return d, err
}

// Presence returns a user as the watcher as sees her; empty: as herself.
func (c *Client) Presence(ctx context.Context, jid, as string) (p answer.Presence, err error) {
	q := url.Values{}
	if as != "" {
		q.Set("as", as)
	}
	return p, c.do(ctx, http.MethodGet, userPath(jid, "/presence"), q, &p)
}

// Explain tells why the watcher sees what she sees of a user, in words of a
// language; empty: the daemon's.
func (c *Client) Explain(ctx context.Context, jid, watcher, lang string) (e Explanation, err error) {
	q := url.Values{"watcher": {watcher}}
	if lang != "" {
		q.Set("lang", lang)
	}
	err = c.do(ctx, http.MethodGet, userPath(jid, "/explain"), q, &e)
	return e, err
}

func userPath(jid, rest string) string { return "users/" + url.PathEscape(jid) + rest }

func (c *Client) do(ctx context.Context, method, path string, query url.Values, into any) error {
	return c.send(ctx, method, path, query, nil, into)
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, body io.Reader, into any) error {
	resp, err := c.request(ctx, c.http, method, path, query, body)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("admin socket %s: %w", c.socket, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("admin socket %s: an answer that cannot be read; is the daemon of another version? %w", c.socket, err)
	}
	return nil
}

// request returns an answer of status 200, whose body the caller closes; any
// other is an error.
func (c *Client) request(ctx context.Context, by *http.Client, method, path string, query url.Values, body io.Reader) (*http.Response, error) {
	target := "http://presenced/v1/admin/" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	resp, err := by.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", c.socket, err)
	}
	p := &ProblemError{}
	if json.Unmarshal(text, p) != nil || p.Detail == "" {
		p = problem(resp.StatusCode, fmt.Sprintf("the daemon answered %s; is it presenced?", resp.Status))
	}
	return nil, p
}

// unreachable tells apart why nobody answered.
func (c *Client) unreachable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w on %s; start it with \"presenced run\", or name its socket with --socket", ErrNoDaemon, c.socket)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("admin socket %s: permission denied; run this as root or as a member of the socket's group", c.socket)
	}
	return fmt.Errorf("admin socket %s: %w; see in the daemon's log whether it is well", c.socket, err)
}
