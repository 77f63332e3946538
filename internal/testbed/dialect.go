package testbed

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// userTable is who is online at the played server and who subscribed to whom.
type userTable struct {
	mu       sync.Mutex          // guards the rest
	online   map[string]string   // full JID -> inner XML of the presence
	watchers map[string][]string // user's bare JID -> component JIDs
}

func newUserTable() *userTable {
	return &userTable{online: map[string]string{}, watchers: map[string][]string{}}
}

// snapshot lists the online full JIDs that match, sorted.
func (u *userTable) snapshot(match func(full string) bool) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []string
	for full := range u.online {
		if match(full) {
			out = append(out, full)
		}
	}
	slices.Sort(out)
	return out
}

func (u *userTable) inner(full string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.online[full]
}

// SetPresence makes a user's resource available with this inner XML and tells
// the attached components as the dialect would.
func (s *ComponentServer) SetPresence(full, inner string) {
	s.castMu.Lock()
	defer s.castMu.Unlock()
	s.users.mu.Lock()
	s.users.online[full] = inner
	watchers := slices.Clone(s.users.watchers[Bare(full)])
	s.users.mu.Unlock()
	if s.opts.Dialect != PlainServer {
		watchers = append(watchers, s.opts.Domain)
	}
	for _, to := range watchers {
		s.cast(presenceXML(full, to, "", inner))
	}
}

// SetUnavailable takes a resource offline. dropped says that its connection
// was lost, which ejabberd does not tell a managing entity.
func (s *ComponentServer) SetUnavailable(full string, dropped bool) {
	s.castMu.Lock()
	defer s.castMu.Unlock()
	s.users.mu.Lock()
	delete(s.users.online, full)
	watchers := slices.Clone(s.users.watchers[Bare(full)])
	s.users.mu.Unlock()
	if s.opts.Dialect == ProsodyDialect || s.opts.Dialect == EjabberdDialect && !dropped {
		watchers = append(watchers, s.opts.Domain)
	}
	for _, to := range watchers {
		s.cast(presenceXML(full, to, "unavailable", ""))
	}
}

// cast sends to every attached component.
func (s *ComponentServer) cast(raw string) {
	for _, l := range s.attachedLinks() {
		_ = l.Send(raw) // a link that ends here tells its waiters
	}
}

func presenceXML(from, to, typ, inner string) string {
	if typ != "" {
		typ = " type='" + typ + "'"
	}
	return fmt.Sprintf("<presence from='%s' to='%s'%s>%s</presence>", Escape(from), Escape(to), typ, inner)
}

// advertise sends what the dialect's server sends right after the handshake.
func (s *ComponentServer) advertise(l *Link) {
	for _, host := range s.opts.Hosts {
		var raw string
		switch s.opts.Dialect {
		case ProsodyDialect:
			raw = s.prosodyAdvert(host)
		case EjabberdDialect:
			raw = s.ejabberdAdvert(host)
		}
		if raw != "" {
			_ = l.Send(raw)
		}
	}
}

// prosodyAdvert keeps the habits of Prosody 0.12: the IQ namespaces are nested
// into each other, and the state of every online resource follows at once, of
// all hosts and once for each privileged host.
func (s *ComponentServer) prosodyAdvert(host string) string {
	var b strings.Builder
	open := fmt.Sprintf("<message from='%s' to='%s'>", host, s.opts.Domain)
	b.WriteString(open + "<privilege xmlns='urn:xmpp:privilege:2'><perm access='roster' type='both'/>" +
		"<perm access='message' type='outgoing'/><perm access='presence' type='managed_entity'/><perm access='iq'>" +
		"<namespace ns='jabber:iq:privacy' type='both'><namespace ns='urn:xmpp:blocking' type='both'>" +
		"<namespace ns='http://jabber.org/protocol/pubsub' type='both'><namespace ns='vcard-temp' type='both'/></namespace>" +
		"</namespace></namespace></perm></privilege></message>")
	stamp := time.Now().UTC().Format(time.RFC3339)
	for _, full := range s.users.snapshot(func(string) bool { return true }) {
		b.WriteString(presenceXML(full, s.opts.Domain, "", s.users.inner(full)+
			fmt.Sprintf("<delay xmlns='%s' from='%s' stamp='%s'/>", nsDelay, DomainOf(full), stamp)))
	}
	b.WriteString(open + "<delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='jabber:iq:last'/></delegation></message>")
	b.WriteString(s.delegationDisco(host, 2))
	return b.String()
}

// ejabberdAdvert announces the delegation twice and no presence at all.
func (s *ComponentServer) ejabberdAdvert(host string) string {
	open := fmt.Sprintf("<message from='%s' to='%s'>", host, s.opts.Domain)
	delegation := open + "<delegation xmlns='urn:xmpp:delegation:1'><delegated namespace='jabber:iq:last'/></delegation></message>"
	return open + "<privilege xmlns='urn:xmpp:privilege:1'><perm type='outgoing' access='message'/>" +
		"<perm type='both' access='roster'/><perm type='managed_entity' access='presence'/></privilege></message>" +
		delegation + delegation + s.delegationDisco(host, 1)
}

// delegationDisco asks for the features of the delegated namespace.
func (s *ComponentServer) delegationDisco(host string, version int) string {
	var b strings.Builder
	for _, form := range []string{"::", ":bare:"} {
		fmt.Fprintf(&b, "<iq type='get' id='nest%d' from='%s' to='%s'><query xmlns='%s' node='urn:xmpp:delegation:%d%sjabber:iq:last'/></iq>",
			pingIDs.Add(1), host, s.opts.Domain, nsDisco, version, form)
	}
	return b.String()
}

// react answers what the component sends.
func (s *ComponentServer) react(l *Link, in Stanza) {
	switch {
	case in.Kind == "iq" && (in.Type == "get" || in.Type == "set"):
		s.answerIQ(l, in)
	case in.Kind == "presence" && in.Type == "subscribe":
		s.answerSubscribe(l, in)
	case in.Kind == "presence" && in.Type == "probe":
		s.answerProbe(l, in)
	case in.Kind == "presence" && in.Type == "unsubscribe":
		s.users.mu.Lock()
		user := Bare(in.To)
		s.users.watchers[user] = slices.DeleteFunc(s.users.watchers[user], func(w string) bool { return w == in.From })
		s.users.mu.Unlock()
	}
}

func (s *ComponentServer) answerIQ(l *Link, in Stanza) {
	reply, handled := IQReply{}, false
	if s.opts.OnIQ != nil {
		reply, handled = s.opts.OnIQ(in)
	}
	if !handled {
		reply = s.builtinReply(in)
	}
	if reply.Silent {
		return
	}
	head := fmt.Sprintf("id='%s' from='%s' to='%s'", Escape(in.ID), Escape(in.To), Escape(in.From))
	if reply.Condition != "" {
		_ = l.Send(fmt.Sprintf("<iq type='error' %s><error type='cancel'><%s xmlns='%s'/></error></iq>", head, reply.Condition, nsStanzas))
		return
	}
	_ = l.Send(fmt.Sprintf("<iq type='result' %s>%s</iq>", head, reply.Payload))
}

// builtinReply knows pings, disco, privileged rosters and privileged IQs.
func (s *ComponentServer) builtinReply(in Stanza) IQReply {
	if len(in.Root.Children) == 0 {
		return IQReply{Condition: "bad-request"}
	}
	query := in.Root.Children[0]
	switch query.Name.Space {
	case nsPing:
		return IQReply{}
	case nsDisco:
		return IQReply{Payload: "<query xmlns='" + nsDisco + "'><identity category='server' type='im'/></query>"}
	case nsRoster:
		return s.rosterReply(in)
	case "urn:xmpp:privilege:2":
		return s.privilegedReply(in, query)
	}
	return IQReply{Condition: "service-unavailable"}
}

// rosterReply gives an empty roster for unknown users, as both servers do.
func (s *ComponentServer) rosterReply(in Stanza) IQReply {
	switch {
	case s.opts.Dialect == PlainServer:
		return IQReply{Condition: "forbidden"}
	case in.Type == "set" && s.opts.Dialect == EjabberdDialect:
		return IQReply{Condition: "internal-server-error"}
	case in.Type == "set":
		return IQReply{}
	}
	var b strings.Builder
	for _, it := range s.opts.Rosters[Bare(in.To)] {
		b.WriteString(it.xml())
	}
	return IQReply{Payload: "<query xmlns='" + nsRoster + "'>" + b.String() + "</query>"}
}

// privilegedReply wraps the answer; every inner error is the same outer one.
func (s *ComponentServer) privilegedReply(in Stanza, wrapper Element) IQReply {
	inner, ok := wrapper.Find(nsClient, "iq")
	switch {
	case s.opts.Dialect != ProsodyDialect:
		return IQReply{Condition: "service-unavailable"}
	case !ok || len(inner.Children) == 0 || inner.Attr("id") == "":
		return IQReply{Condition: "bad-request"}
	case s.opts.PrivilegedIQ == nil:
		return IQReply{Condition: "internal-server-error"}
	}
	payload, ok := s.opts.PrivilegedIQ(Bare(in.To), inner)
	if !ok {
		return IQReply{Condition: "internal-server-error"}
	}
	return IQReply{Payload: fmt.Sprintf("<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"+
		"<iq xmlns='jabber:client' type='result' id='%s' to='%s'>%s</iq></forwarded></privilege>",
		Escape(inner.Attr("id")), Escape(Bare(in.To)), payload)}
}

func (s *ComponentServer) answerSubscribe(l *Link, in Stanza) {
	user := Bare(in.To)
	if s.opts.Approve == nil || !s.opts.Approve(user, in.From) {
		return
	}
	s.users.mu.Lock()
	if !slices.Contains(s.users.watchers[user], in.From) {
		s.users.watchers[user] = append(s.users.watchers[user], in.From)
	}
	s.users.mu.Unlock()
	_ = l.Send(presenceXML(user, in.From, "subscribed", ""))
	s.sendState(l, user, in.From)
}

// answerProbe is silent to those without a subscription. For an offline user
// only Prosody says unavailable.
func (s *ComponentServer) answerProbe(l *Link, in Stanza) {
	user := Bare(in.To)
	s.users.mu.Lock()
	known := slices.Contains(s.users.watchers[user], Bare(in.From))
	s.users.mu.Unlock()
	if known && !s.sendState(l, user, in.From) && s.opts.Dialect == ProsodyDialect {
		_ = l.Send(presenceXML(user, in.From, "unavailable", ""))
	}
}

// sendState sends a user's available resources; false when there are none.
func (s *ComponentServer) sendState(l *Link, user, to string) bool {
	online := s.users.snapshot(func(f string) bool { return Bare(f) == user })
	for _, full := range online {
		_ = l.Send(presenceXML(full, to, "", s.users.inner(full)))
	}
	return len(online) > 0
}
