package testbed

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// loginTimeout bounds connecting, SASL and bind when ctx has no deadline.
const loginTimeout = 30 * time.Second

func streamHeader(to string) string {
	return "<?xml version='1.0'?><stream:stream to='" + Escape(to) +
		"' version='1.0' xmlns='jabber:client' xmlns:stream='" + nsStream + "'>"
}

// Dial logs a user in over a plaintext stream (SASL PLAIN, bind, the old
// session where required) and starts recording. jid is bare, or full to ask
// for that resource. No presence is sent.
func Dial(ctx context.Context, srv *Server, jid, password string, opts ClientOptions) (*Client, error) {
	return DialAddr(ctx, srv.C2SAddr, jid, password, opts)
}

// DialAddr is Dial for any address that speaks XMPP in plaintext.
func DialAddr(ctx context.Context, addr, jid, password string, opts ClientOptions) (*Client, error) {
	bare, resource, _ := strings.Cut(jid, "/")
	if opts.Resource == "" {
		opts.Resource = resource
	}
	user, domain, ok := strings.Cut(bare, "@")
	if !ok {
		return nil, fmt.Errorf("testbed: login %s: not a user's JID", jid)
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("testbed: login %s: %w", jid, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	l := &login{conn: conn, in: newXMLReader(conn), domain: domain}
	full, err := l.run(user, password, opts.Resource)
	if !stop() && err == nil {
		err = context.Cause(ctx) // the deadline may already be poisoned
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("testbed: login %s: %w", jid, err)
	}
	return newClient(conn, l.in, full, opts), nil
}

type login struct {
	conn   net.Conn
	in     *xmlReader
	domain string
}

// run returns the full JID the server bound.
func (l *login) run(user, password, resource string) (string, error) {
	if _, err := l.open(); err != nil {
		return "", err
	}
	token := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	answer, err := l.ask("<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>" + token + "</auth>")
	if err != nil {
		return "", err
	}
	if answer.Name.Local != "success" {
		return "", fmt.Errorf("not authorized: %s", condition(answer))
	}
	l.in.restart()
	features, err := l.open()
	if err != nil {
		return "", err
	}
	full, err := l.bind(resource)
	if err != nil {
		return "", err
	}
	session, offered := features.child("urn:ietf:params:xml:ns:xmpp-session", "session")
	if _, optional := session.Find("", "optional"); !offered || optional {
		return full, nil
	}
	answer, err = l.ask("<iq type='set' id='session'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
	if err == nil && answer.Attr("type") != "result" {
		err = fmt.Errorf("session refused: %s", condition(answer))
	}
	return full, err
}

// open sends a stream header and reads the answer and the features.
func (l *login) open() (Element, error) {
	if _, err := io.WriteString(l.conn, streamHeader(l.domain)); err != nil {
		return Element{}, err
	}
	if _, err := l.in.header(); err != nil {
		return Element{}, err
	}
	features, raw, err := l.in.next()
	if err == nil && features.Name.Local != "features" {
		err = fmt.Errorf("no stream features but %s", raw)
	}
	return features, err
}

func (l *login) bind(resource string) (string, error) {
	wish := ""
	if resource != "" {
		wish = "<resource>" + Escape(resource) + "</resource>"
	}
	answer, err := l.ask("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" + wish + "</bind></iq>")
	if err != nil {
		return "", err
	}
	jid, ok := answer.Find("urn:ietf:params:xml:ns:xmpp-bind", "jid")
	if !ok {
		return "", fmt.Errorf("bind refused: %s", condition(answer))
	}
	return jid.Text, nil
}

func (l *login) ask(raw string) (Element, error) {
	if _, err := io.WriteString(l.conn, raw); err != nil {
		return Element{}, err
	}
	answer, _, err := l.in.next()
	return answer, err
}

// condition names the innermost thing that says what went wrong.
func condition(e Element) string {
	if len(e.Children) == 0 {
		return e.Name.Local
	}
	if err, ok := e.Find("", "error"); ok && len(err.Children) > 0 {
		return err.Children[0].Name.Local
	}
	return e.Children[0].Name.Local
}
