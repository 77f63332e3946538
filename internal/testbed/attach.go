package testbed

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"time"
)

const nsComponent = "jabber:component:accept"

// serve plays one connection from its first byte to its end.
func (s *ComponentServer) serve(conn net.Conn, fault AttachFault) {
	in := newXMLReader(conn)
	if fault == SilentHeader {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	id, ok := s.greet(conn, in, fault)
	if !ok {
		return
	}
	e, _, err := in.next()
	if err != nil || e.Name.Local != "handshake" {
		refuse(conn, "not-authorized", "handshake expected")
		return
	}
	switch {
	case fault == SilentHandshake:
		_, _ = io.Copy(io.Discard, conn)
	case fault == ResetHandshake:
		reset(conn)
	case fault == FINHandshake:
		finish(conn)
	case fault == Conflict:
		refuse(conn, "conflict", "Component already connected")
	case fault != NoFault:
		refuse(conn, string(fault), "")
	case e.Text != handshakeDigest(id, s.opts.Secret):
		refuse(conn, "not-authorized", "Given token does not match calculated token")
	default:
		s.attach(conn, in)
	}
}

// greet exchanges the stream headers and returns the stream id.
func (s *ComponentServer) greet(conn net.Conn, in *xmlReader, fault AttachFault) (string, bool) {
	start, err := in.header()
	if err != nil {
		return "", false
	}
	to := Element{Attrs: start.Attr}.Attr("to")
	id := rand.Text()
	if to != s.opts.Domain || fault == HostUnknown {
		id = ""
	}
	_, err = fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' from='%s' id='%s'>",
		nsComponent, nsStream, Escape(to), id)
	if err != nil {
		return "", false
	}
	if id == "" {
		refuse(conn, "host-unknown", to+" does not match any configured external components")
		return "", false
	}
	return id, true
}

// attach runs the stream once the handshake is right.
func (s *ComponentServer) attach(conn net.Conn, in *xmlReader) {
	l := newLink(s, conn, in.src.in)
	if !s.claim(l) {
		refuse(conn, "conflict", "Component already connected")
		return
	}
	defer s.release(l)
	s.work.Go(l.write)
	s.admitLink(l)
	select {
	case s.links <- l:
	default: // nobody asks for links any more
	}
	l.read()
}

// admitLink answers the handshake and brings the component up to date, before
// it gets any later presence.
func (s *ComponentServer) admitLink(l *Link) {
	s.castMu.Lock()
	defer s.castMu.Unlock()
	_ = l.Send("<handshake/>") // a dead link shows in its reader
	s.advertise(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, claimed := s.attached[l]; claimed {
		s.attached[l] = true
	}
}

// streamError renders a stream error and the end of the stream.
func streamError(condition, text string) string {
	detail := ""
	if text != "" {
		detail = "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>" + Escape(text) + "</text>"
	}
	return "<stream:error><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" + detail + "</stream:error></stream:stream>"
}

func refuse(conn net.Conn, condition, text string) {
	_, _ = io.WriteString(conn, streamError(condition, text)) // the peer may be gone already
	finish(conn)
}

// lingerTime is how long a refused peer has to read why.
const lingerTime = 5 * time.Second

// finish ends the sending side and reads the peer's rest, because closing
// with unread bytes resets the connection and the peer would see no reason.
func finish(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.Copy(io.Discard, conn)
}

// reset ends a TCP connection with RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
