package component

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"presenced/component/stream"
)

// proofServer is the XMPP server: it notes what is for the watcher and answers
// what a privileged server is asked.
type proofServer struct {
	w        *proofWorld
	contacts []string // of alice and of carol
	conn     net.Conn
}

func (s *proofServer) dial(context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	s.conn = ours
	go s.serve()
	return theirs, nil
}

func (s *proofServer) write(text string) { _, _ = io.WriteString(s.conn, text) }

func (s *proofServer) serve() {
	in := stream.NewFramer(s.conn, stream.Limits{})
	if _, err := in.Header(); err != nil {
		return
	}
	s.write("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='" + proofDomain + "' id='x'>")
	for {
		frame, err := in.Next()
		if err != nil {
			return
		}
		s.take(string(frame))
	}
}

const proofAdvert = "<handshake/><message from='" + proofHost + "' to='" + proofDomain + "'><privilege xmlns='urn:xmpp:privilege:2'>" +
	"<perm access='roster' type='both'/><perm access='presence' type='managed_entity'/></privilege></message>" +
	"<message from='" + proofHost + "' to='" + proofDomain + "'><delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='jabber:iq:last'/></delegation></message>"

func (s *proofServer) take(raw string) {
	var st stream.Stanza
	if stream.Scan([]byte(raw), &st) != nil {
		s.w.Errorf("sent what cannot be read: %s", raw)
		return
	}
	to, id := string(st.To), string(st.ID)
	bare, _, _ := strings.Cut(to, "/")
	switch {
	case string(st.Name.Local) == "handshake":
		s.write(proofAdvert)
	case bare == s.w.watcher && string(st.Type) == "probe":
		s.w.got("peek", raw)
	case bare == s.w.watcher && !strings.Contains(raw, "jabber:iq:roster") && !strings.Contains(raw, "<vCard xmlns='vcard-temp'/>"), strings.HasPrefix(id, "w"):
		s.w.got("stanza", raw)
	case st.Kind != stream.KindIQ || string(st.Type) != "get" && string(st.Type) != "set":
	case strings.Contains(raw, "jabber:iq:roster") && string(st.Type) == "set": // acknowledged, and not kept
		switch {
		case bare != s.w.watcher:
		case strings.Contains(raw, "jid='"+proofDomain+"'"):
			s.w.got("peek", strings.Replace(raw, id, "", 1)) // another goroutine's than what he is offered: in no order with it
		default:
			s.w.got("stanza", raw)
		}
		s.write(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'/>", id, to, proofDomain))
	case strings.Contains(raw, "jabber:iq:roster"):
		s.write(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'><query xmlns='jabber:iq:roster'>%s</query></iq>", id, to, proofDomain, s.roster(bare)))
	case strings.Contains(raw, "urn:xmpp:ping"):
		s.write(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'/>", id, to, proofDomain))
	case strings.Contains(raw, "disco#info"):
		s.write(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", id, to, proofDomain))
	default:
		s.write(fmt.Sprintf("<iq type='error' id='%s' from='%s' to='%s'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", id, to, proofDomain))
	}
}

func (s *proofServer) roster(of string) string {
	var b strings.Builder
	if of == proofBob {
		for _, c := range []string{proofAlice, "nobody@" + proofHost, proofCarol} {
			fmt.Fprintf(&b, "<item jid='%s' subscription='both'/>", c)
		}
	}
	if of == proofAlice || of == proofCarol {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		for _, c := range s.contacts {
			fmt.Fprintf(&b, "<item jid='%s' subscription='both'/>", c)
		}
	}
	return b.String()
}
