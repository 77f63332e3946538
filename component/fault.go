package component

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"presenced/component/stream"
)

// RefusedError is the server's refusal of the component: its secret is wrong
// or its domain unknown. Run returns it only before the first attach.
type RefusedError struct {
	Domain    string
	Condition string // not-authorized or host-unknown
	Text      string // the server's, may be empty
}

// Error says what was refused and what to do.
func (e *RefusedError) Error() string {
	hint := "check that component.secret, or the text of component.secret_file, is the server's secret for this component, and that the server knows component.domain"
	if e.Condition == "host-unknown" {
		hint = "declare this component in the server's configuration, or correct component.domain"
	}
	text := ""
	if e.Text != "" {
		text = " (" + e.Text + ")"
	}
	return fmt.Sprintf("component: the server refused %s: %s%s; %s", e.Domain, e.Condition, text, hint)
}

// StreamError is a stream error the server sent (RFC 6120 §4.9).
type StreamError struct {
	Condition string
	Text      string
}

// Error names the condition.
func (e *StreamError) Error() string {
	if e.Text == "" {
		return "component: stream error " + e.Condition
	}
	return fmt.Sprintf("component: stream error %s: %s", e.Condition, e.Text)
}

// Reasons for which a link is given up by us.
var (
	errStalled  = errors.New("component: the server did not answer a ping in time")
	errOverflow = errors.New("component: too much waits for a slow server")
	errStopped  = errors.New("component: stopped")
)

// namedText is any element with its text.
type namedText struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

// parseStreamError reads a stream:error frame.
func parseStreamError(frame []byte) *StreamError {
	var x struct {
		Parts []namedText `xml:",any"`
	}
	e := &StreamError{Condition: "undefined-condition"}
	if stream.Decode(frame, &x) != nil {
		return e
	}
	for _, p := range x.Parts {
		switch {
		case p.XMLName.Space != "urn:ietf:params:xml:ns:xmpp-streams":
		case p.XMLName.Local == "text":
			e.Text = p.Text
		default:
			e.Condition = p.XMLName.Local
		}
	}
	return e
}

// reasons are the classes of lost links in logs and metrics.
var reasons = []string{
	"refused", "conflict", "unreachable", "handshake", "stalled", "overflow", "server", "closed", "broken", "lease", "stopped",
}

// reasonOf sorts the error that ended a link or an attempt.
func reasonOf(err error) string {
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return "refused"
	}
	if s, ok := errors.AsType[*StreamError](err); ok {
		if s.Condition == "conflict" {
			return "conflict"
		}
		return "server"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "unreachable"
	}
	switch {
	case errors.Is(err, errStopped):
		return "stopped"
	case errors.Is(err, errStalled), errors.Is(err, os.ErrDeadlineExceeded):
		return "stalled"
	case errors.Is(err, errOverflow):
		return "overflow"
	case errors.Is(err, errHandshake), errors.Is(err, stream.ErrHeader):
		return "handshake"
	case errors.Is(err, errLease):
		return "lease"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	}
	return "broken"
}
