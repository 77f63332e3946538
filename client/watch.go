package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

const (
	// silence is how long a stream may say nothing: the daemon sends something every
	// 25 s.
	silence = 60 * time.Second
	// firstPause and lastPause are how long Watch waits before it comes back: twice
	// as long each time.
	firstPause, lastPause = time.Second, time.Minute
	maxLine               = 1 << 20
)

// Watch calls changed with each user's presence now, and after each change of it,
// until ctx ends or changed returns an error, which Watch then returns. A stream that
// breaks is taken up again where it broke. A refusal that asking again does not help
// (a bad token, a name that is none) is returned as *Error.
func (c *Client) Watch(ctx context.Context, users []string, changed func(Presence) error) error {
	if len(users) == 0 || len(users) > MaxWatched {
		return fmt.Errorf("%d users to watch; name from 1 to %d, and watch more in several calls", len(users), MaxWatched)
	}
	s := &stream{c: c, users: users, changed: changed}
	pause := firstPause
	for {
		began := time.Now()
		err := s.read(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.refused != nil {
			return s.refused
		}
		if time.Since(began) > lastPause {
			pause = firstPause // it went well for a while
		}
		wait := pause
		if e, ok := errors.AsType[*Error](err); ok {
			if e.Status < 500 && e.Status != http.StatusTooManyRequests {
				return e
			}
			wait = max(wait, e.RetryAfter)
		}
		pause = min(2*pause, lastPause)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stream is the reading of one list of users, over any number of connections.
type stream struct {
	c       *Client
	users   []string
	changed func(Presence) error
	lastID  string
	refused error // what changed returned
}

// read reads one connection to its end.
func (s *stream) read(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	to := s.c.path("v1", "stream")
	q := to.Query()
	for _, u := range s.users {
		q.Add("user", u)
	}
	to.RawQuery = q.Encode()
	r, err := s.c.request(ctx, http.MethodGet, to, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if s.lastID != "" {
		r.Header.Set("Last-Event-ID", s.lastID)
	}
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	answer, err := s.c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return refusal(answer)
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "text/event-stream" {
		return &Error{Status: http.StatusBadGateway, Title: "no stream", Detail: "something between answers " + kind + " instead of a stream"}
	}
	return s.events(answer.Body, func() { quiet.Reset(silence) })
}

// events reads messages (WHATWG HTML, "Server-sent events") and calls heard for each
// line.
func (s *stream) events(from io.Reader, heard func()) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	var name, id string
	var data strings.Builder
	for lines.Scan() {
		heard()
		line := lines.Text()
		if line == "" {
			if err := s.dispatch(name, data.String()); err != nil {
				return err
			}
			if id != "" {
				s.lastID = id
			}
			name = ""
			data.Reset()
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			data.WriteString(value)
		}
	}
	return lines.Err()
}

func (s *stream) dispatch(name, data string) error {
	if name != "presence" || data == "" {
		return nil
	}
	var p Presence
	if err := json.Unmarshal([]byte(data), &p); err != nil {
		return fmt.Errorf("a message of the stream: %w", err)
	}
	s.refused = s.changed(p)
	return s.refused
}
