package component

import (
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"presenced/component/stream"
)

// proofServer is the XMPP server: it notes what is for the watcher and answers
// what a privileged server is asked.
type proofServer struct {
	w        *proofWorld
	contacts []string          // of alice and of carol
	blocked  []string          // by alice
	lists    map[string]string // alice's privacy lists: their items
	standard string            // which of them is the default one
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
	"<perm access='roster' type='both'/><perm access='presence' type='managed_entity'/><perm access='iq'>" +
	"<namespace ns='jabber:iq:privacy' type='both'/><namespace ns='urn:xmpp:blocking' type='both'/></perm></privilege></message>" +
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
	case bare == s.w.watcher && strings.Contains(raw, "node='urn:x#"+askingVer+"'"):
		s.w.got("stanza", raw)
		s.write(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'>%s</query></iq>", id, to, proofDomain, askingInfo))
	case strings.Contains(raw, "<privileged_iq"):
		s.later(bare, func() string { return s.wrapped(id, bare, raw) })
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
		s.write(fmt.Sprintf("<iq type='result' id='%s' from='%s' to='%s'><query xmlns='http://jabber.org/protocol/disco#info'>"+
			"<feature var='jabber:iq:privacy'/><feature var='urn:xmpp:blocking'/><feature var='urn:presenced:lists:0'/></query></iq>", id, to, proofDomain))
	default:
		s.write(fmt.Sprintf("<iq type='error' id='%s' from='%s' to='%s'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", id, to, proofDomain))
	}
}

// thinks is how long the server looks for somebody's lists, where the watcher is shown
// nothing: how long others wait at a login depends on how many there are, but he must
// not be made to.
const thinks = 3*time.Millisecond + 11*time.Microsecond

// later writes an answer about a user, as it is then, at no other's instant.
func (s *proofServer) later(user string, answer func() string) {
	if !s.w.slow.Load() {
		s.write(answer())
		return
	}
	s.w.pending.Go(func() {
		time.Sleep(thinks + time.Duration(user[0])*time.Microsecond)
		s.write(answer())
	})
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

// wrapped answers what the component asks or tells of somebody's lists in her name
// (XEP-0356). Everybody but alice has none, and cannot have any.
func (s *proofServer) wrapped(id, user, raw string) string {
	typ, payload := "error", "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if answer, ok := s.listsOf(user, raw); ok {
		typ, payload = "result", answer
	}
	return fmt.Sprintf("<iq type='result' id='%[1]s' from='%[2]s' to='%[3]s'><privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"+
		"<iq xmlns='jabber:client' type='%[4]s' id='%[1]s' to='%[2]s'>%[5]s</iq></forwarded></privilege></iq>", id, user, proofDomain, typ, payload)
}

// oneOfLists finds a list in a question or an order.
var (
	oneOfLists  = regexp.MustCompile(`<list name='([^']*)'(/?)>(.*?)(?:</list>|</query>)`)
	defaultList = regexp.MustCompile(`<default(?: name='([^']*)')?/>`)
)

// listsOf is XEP-0191 and XEP-0016 as far as the component speaks them. The caller
// holds mu.
func (s *proofServer) listsOf(user, raw string) (answer string, ok bool) {
	const open, end = "<query xmlns='jabber:iq:privacy'>", "</query>"
	set, hers := strings.Contains(raw, "type='set'"), user == proofAlice
	one, standard := oneOfLists.FindStringSubmatch(raw), defaultList.FindStringSubmatch(raw)
	var b strings.Builder
	switch {
	case strings.Contains(raw, "<blocklist"):
		if hers {
			for _, jid := range s.blocked {
				fmt.Fprintf(&b, "<item jid='%s'/>", jid)
			}
		}
		return "<blocklist xmlns='urn:xmpp:blocking'>" + b.String() + "</blocklist>", true
	case set && !hers:
		return "", false
	case set && standard != nil:
		s.standard = standard[1]
		return "", true
	case set && one != nil && one[2] == "/":
		delete(s.lists, one[1])
		return "", true
	case set && one != nil:
		s.lists[one[1]] = one[3]
		return "", true
	case one != nil:
		items, known := s.lists[one[1]]
		return open + "<list name='" + one[1] + "'>" + items + "</list>" + end, hers && known
	}
	if hers && s.standard != "" {
		b.WriteString("<default name='" + s.standard + "'/>")
	}
	if hers {
		for name := range s.lists {
			b.WriteString("<list name='" + name + "'/>")
		}
	}
	return open + b.String() + end, true
}
