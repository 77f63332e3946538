package check

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"presenced/component/privilege"
	"presenced/component/stream"
	"presenced/config"
	"presenced/internal/admin"
	"presenced/internal/presence"
)

// Limits of the moment the check is attached.
const (
	attachTime = 10 * time.Second // for connecting and the handshake
	askTime    = 10 * time.Second // for the hosts' answers
	graceTime  = 2 * time.Second  // for adverts after the last answer
)

// refusal is the server's no to the handshake.
type refusal struct{ condition, text string }

// Error tells what the server said.
func (r *refusal) Error() string {
	if r.text == "" {
		return "the server refused the component: " + r.condition
	}
	return "the server refused the component: " + r.condition + " (" + r.text + ")"
}

func (r *refusal) remedy() string {
	switch r.condition {
	case "not-authorized":
		return "the secret is wrong, or the server does not know component.domain: compare both with the lines below"
	case "host-unknown":
		return "the server does not know component.domain: paste the lines below"
	case "conflict":
		return "another program holds this name, perhaps a presenced elsewhere: stop it, or name its socket with --socket"
	}
	return "see the server's log"
}

// session is the moment the check is attached.
type session struct {
	conn   net.Conn
	framer *stream.Framer
	domain string
	hosts  []asked
}

// asked is what one host has answered so far.
type asked struct {
	name     string
	addr     presence.Addr
	answered bool
	advert   privilege.Advert
}

// attach performs the handshake, asks every host and leaves again.
func attach(ctx context.Context, c *config.Config) ([]admin.Host, error) {
	dialing, cancel := context.WithTimeout(ctx, attachTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(dialing, "tcp", c.Component.Address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	s := &session{conn: conn, domain: c.Component.Domain}
	for _, name := range c.Component.Hosts {
		addr, err := presence.ParseAddr(name)
		if err != nil {
			return nil, err
		}
		s.hosts = append(s.hosts, asked{name: name, addr: addr})
	}
	if err := s.handshake(c.Component.Secret.Reveal()); err != nil {
		return nil, err
	}
	if err := s.ask(); err != nil {
		return nil, err
	}
	_, _ = conn.Write([]byte(stream.Footer)) // leaving; the connection closes anyway
	return s.results(), nil
}

// handshake speaks XEP-0114 §3. The framer sets no deadlines of its own, so
// that those of the conn hold.
func (s *session) handshake(secret string) error {
	if err := s.conn.SetDeadline(time.Now().Add(attachTime)); err != nil {
		return err
	}
	if _, err := s.conn.Write(stream.AppendHeader(nil, s.domain)); err != nil {
		return err
	}
	s.framer = stream.NewFramer(plain{s.conn}, stream.Limits{})
	header, err := s.framer.Header()
	if err != nil {
		return silence(err)
	}
	if _, err := s.conn.Write(stream.AppendHandshake(nil, header.ID, secret)); err != nil {
		return err
	}
	frame, err := s.framer.Next()
	if err != nil {
		return silence(err)
	}
	var st stream.Stanza
	if err := stream.Scan(frame, &st); err != nil {
		return err
	}
	switch {
	case st.Name.Is(stream.NSAccept, "handshake"):
		return nil
	case st.Name.Is(stream.NSStreams, "error"):
		return refused(frame)
	}
	return fmt.Errorf("the server answered <%s> to the handshake; is this its component port?", st.Name.Local)
}

// errMute is a server that takes the connection and leaves it at that.
var errMute = errors.New("the server accepts the connection but says nothing; is this its component port?")

// silence words a read that did not end as it should.
func silence(err error) error {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return errMute
	}
	return fmt.Errorf("handshake: %w", err)
}

// refused reads a stream error (RFC 6120 §4.9).
func refused(frame []byte) error {
	var x struct {
		Parts []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	r := &refusal{condition: "undefined-condition"}
	if stream.Decode(frame, &x) != nil {
		return r
	}
	for _, p := range x.Parts {
		if p.XMLName.Local == "text" {
			r.text = p.Text
		} else if p.XMLName.Space == "urn:ietf:params:xml:ns:xmpp-streams" {
			r.condition = p.XMLName.Local
		}
	}
	return r
}

// plain hides the deadlines of a conn from the framer.
type plain struct{ net.Conn }

// Read reads from the conn.
func (p plain) Read(b []byte) (int, error) { return p.Conn.Read(b) }

// SetReadDeadline does nothing: the session sets its own.
func (p plain) SetReadDeadline(time.Time) error { return nil }

// ask pings every host and listens until all have answered and a moment has
// passed in which adverts could still come.
func (s *session) ask() error {
	var out []byte
	for i, h := range s.hosts {
		out = fmt.Appendf(out, "<iq type='get' id='check%d' to='", i)
		out = stream.AppendAttr(out, h.name)
		out = append(out, "' from='"...)
		out = stream.AppendAttr(out, s.domain)
		out = append(out, "'><ping xmlns='urn:xmpp:ping'/></iq>"...)
	}
	limit := time.Now().Add(askTime)
	if err := s.conn.SetDeadline(limit); err != nil {
		return err
	}
	if _, err := s.conn.Write(out); err != nil {
		return err
	}
	for settled := false; ; {
		if !settled && !slices.ContainsFunc(s.hosts, func(h asked) bool { return !h.answered }) {
			settled = true
			if err := s.conn.SetDeadline(time.Now().Add(graceTime)); err != nil {
				return err
			}
		}
		frame, err := s.framer.Next()
		if _, skipped := errors.AsType[*stream.SkippedError](err); skipped {
			continue
		}
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the server ended the connection: %w", err)
		}
		s.hear(frame)
	}
}

// hear takes an answer or an advert; everything else passes by.
func (s *session) hear(frame []byte) {
	var st stream.Stanza
	if stream.Scan(frame, &st) != nil {
		return
	}
	from, err := presence.ParseJID(string(st.From))
	if err != nil || from.Resource != "" {
		return
	}
	i := slices.IndexFunc(s.hosts, func(h asked) bool { return h.addr == from.Addr })
	if i < 0 {
		return
	}
	switch st.Kind {
	case stream.KindIQ:
		// An error is an answer, too, unless the server looked for the host
		// elsewhere and did not find it.
		s.hosts[i].answered = s.hosts[i].answered || string(st.ID) == fmt.Sprintf("check%d", i) && !bytes.Contains(frame, []byte("<remote-server-"))
	case stream.KindMessage:
		if a, err := privilege.ParseAdvert(frame); err == nil {
			s.hosts[i].take(a)
		}
	}
}

// take adds what one message announced.
func (h *asked) take(a privilege.Advert) {
	if a.Grant != nil {
		h.advert.Grant = a.Grant
	}
	for _, ns := range a.Delegated {
		if !slices.Contains(h.advert.Delegated, ns) {
			h.advert.Delegated = append(h.advert.Delegated, ns)
		}
	}
}

// results words what was heard as the daemon would.
func (s *session) results() []admin.Host {
	var out []admin.Host
	for _, h := range s.hosts {
		g := h.advert.Grant
		out = append(out, admin.Host{
			Name: h.name, Adverts: h.advert.Words(), Answers: h.answered, Managed: g.Managed(),
			Reports: g.Managed() && g.Version > 1, Roster: g != nil && g.ReadsList,
		})
	}
	return out
}
