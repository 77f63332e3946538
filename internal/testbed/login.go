package testbed

import (
	"context"
	"crypto/sha1" // XEP-0114 knows no other digest
	"encoding/base64"
	"encoding/hex"
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
	full := ""
	conn, in, err := negotiate(ctx, addr, func(conn net.Conn, in *xmlReader) (err error) {
		l := &login{conn: conn, in: in, domain: domain}
		full, err = l.run(user, password, opts.Resource)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("testbed: login %s: %w", jid, err)
	}
	return newClient(conn, in, full, nsClient, opts), nil
}

// DialComponent attaches as an external component (XEP-0114) by plain code of
// the testbed's own, for scripted contacts of another domain. The domain is
// its JID; what it sends as other JIDs goes through Send.
func DialComponent(ctx context.Context, srv *Server, domain string, opts ClientOptions) (*Client, error) {
	return DialComponentAddr(ctx, srv.ComponentAddr, domain, srv.Secret, opts)
}

// DialComponentAddr is DialComponent for any address and secret.
func DialComponentAddr(ctx context.Context, addr, domain, secret string, opts ClientOptions) (*Client, error) {
	conn, in, err := negotiate(ctx, addr, func(conn net.Conn, in *xmlReader) error {
		return attachComponent(conn, in, domain, secret)
	})
	if err != nil {
		return nil, fmt.Errorf("testbed: attach %s: %w", domain, err)
	}
	return newClient(conn, in, domain, nsComponent, opts), nil
}

func attachComponent(conn net.Conn, in *xmlReader, domain, secret string) error {
	_, err := fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream to='%s' xmlns='%s' xmlns:stream='%s'>",
		Escape(domain), nsComponent, nsStream)
	if err != nil {
		return err
	}
	start, err := in.header()
	if err != nil {
		return err
	}
	id := Element{Attrs: start.Attr}.Attr("id")
	if _, err := io.WriteString(conn, "<handshake>"+handshakeDigest(id, secret)+"</handshake>"); err != nil {
		return err
	}
	answer, _, err := in.next()
	if err == nil && answer.Name.Local != "handshake" {
		err = fmt.Errorf("handshake refused: %s", condition(answer))
	}
	return err
}

// handshakeDigest proves the secret for one stream (XEP-0114 §3).
func handshakeDigest(id, secret string) string {
	sum := sha1.Sum([]byte(id + secret))
	return hex.EncodeToString(sum[:])
}

// negotiate connects and runs talk, bounded by ctx and loginTimeout.
func negotiate(ctx context.Context, addr string, talk func(net.Conn, *xmlReader) error) (net.Conn, *xmlReader, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	in := newXMLReader(conn)
	err = talk(conn, in)
	if !stop() && err == nil {
		err = context.Cause(ctx) // the deadline may already be poisoned
	}
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w (%v)", context.Cause(ctx), err)
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, in, nil
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
