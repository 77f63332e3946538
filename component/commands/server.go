package commands

import (
	"context"
	"time"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/text"
	"presenced/privacy"
)

// Door is the way to the settings, implemented by the engine.
type Door interface {
	// Apply makes one change, or returns a *engine.RefusedError and nothing changed.
	Apply(ctx context.Context, who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error)
	// Inspect returns a user's own settings; a *engine.RefusedError of kind
	// NotEnrolled says that she has none.
	Inspect(ctx context.Context, who engine.Principal, user presence.Addr) (engine.Inspection, error)
	// Suggest returns what a user's lists on her server come to as rules, none where
	// hers say as much, or a *engine.RefusedError.
	Suggest(ctx context.Context, who engine.Principal, user presence.Addr) ([]privacy.Rule, error)
	// Explain tells what a watcher sees of the user and why.
	Explain(ctx context.Context, who engine.Principal, user, watcher presence.Addr) (engine.Explained, error)
	// Settings returns the documents that are stored of the user.
	Settings(ctx context.Context, who engine.Principal, user presence.Addr) (map[string][]byte, error)
	// BadgeOf returns the handle of the user's badge; empty: she has none.
	BadgeOf(ctx context.Context, who engine.Principal, user presence.Addr) (string, error)
	// Audience lists who may look at the user.
	Audience(ctx context.Context, who engine.Principal, user presence.Addr) (engine.Audience, error)
}

// Container is a level the operator declared (S1).
type Container struct {
	ID   presence.ContainerID
	Name string // as people read it; empty: its number
}

// Options is what a Server is told once.
type Options struct {
	Domain     string      // the component's own domain
	Hosts      []string    // the served hosts: only their users may execute
	Language   string      // for stanzas without xml:lang; empty: English
	Containers []Container // the custom levels
	Calendars  Calendars   // nil: users cannot add any
}

// Server answers commands and registrations. Its methods are safe for concurrent
// use.
type Server struct {
	door     Door
	options  Options
	domain   presence.Addr
	hosts    map[string]struct{} // by the comparison form of the domain
	sessions *sessions
}

// New returns a server that changes things through door. Hosts that are no
// domains are never matched.
func New(door Door, o Options) *Server {
	s := &Server{door: door, options: o, hosts: make(map[string]struct{}, len(o.Hosts)), sessions: newSessions()}
	s.domain, _ = presence.ParseAddr(o.Domain)
	for _, h := range o.Hosts {
		if a, err := presence.ParseAddr(h); err == nil {
			s.hosts[a.Domain()] = struct{}{}
		}
	}
	return s
}

// IQ answers a get or set to the component's own JID whose payload, the raw child
// element, is of XEP-0050 or XEP-0077; handled is false for any other. The answer
// is the raw child of a result, empty for one without, or an error. lang is the
// stanza's xml:lang. It waits for the engine, at most as long as ctx allows.
func (s *Server) IQ(ctx context.Context, from presence.JID, typ, lang string, payload []byte) (reply []byte, err *StanzaError, handled bool) {
	if typ != "get" && typ != "set" {
		return nil, nil, false
	}
	name, ok := root(payload)
	if !ok {
		return nil, nil, false
	}
	switch {
	case name.Space == NSCommands && name.Local == "command":
		reply, err = s.command(ctx, from, typ, lang, payload)
	case name.Space == NSRegister && name.Local == "query":
		reply, err = s.register(ctx, from, typ, lang, payload)
	default:
		return nil, nil, false
	}
	return reply, err, true
}

// serves reports whether a is a person of a served host.
func (s *Server) serves(a presence.Addr) bool {
	_, ok := s.hosts[a.Domain()]
	return ok && a.Local() != ""
}

// run returns the start of an execution by a user.
func (s *Server) run(ctx context.Context, from presence.JID, lang string) *run {
	return &run{
		ctx: ctx, s: s, now: time.Now(),
		lang: text.Match(lang, s.options.Language),
		user: presence.JID{Addr: from.Addr, Bare: from.Bare},
		in:   make(answers),
	}
}

// Item is one command in a list of them (XEP-0050 §2.2).
type Item struct {
	JID  string // the component's domain
	Node string
	Name string // as people read it
}

// Items lists the commands, the same for every asker, for disco#items on the node
// http://jabber.org/protocol/commands.
func (s *Server) Items(lang string) []Item {
	lang = text.Match(lang, s.options.Language)
	items := make([]Item, len(table))
	for i := range table {
		items[i] = Item{JID: s.options.Domain, Node: table[i].node, Name: text.T(lang, table[i].name)}
	}
	return items
}

// Info returns the disco#info query element of a command's node, or of the node
// that lists the commands; ok is false for any other node.
func (s *Server) Info(node, lang string) (query []byte, ok bool) {
	lang = text.Match(lang, s.options.Language)
	kind, name := "command-node", ""
	switch c := find(node); {
	case c != nil:
		name = text.T(lang, c.name)
	case node == NSCommands:
		kind, name = "command-list", text.T(lang, "command.list")
	default:
		return nil, false
	}
	query = append(query, "<query xmlns='"+nsDiscoInfo+"' node='"...)
	query = stream.AppendAttr(query, node)
	query = append(query, "'><identity category='automation' type='"+kind+"'"...)
	query = attribute(query, "name", name)
	query = attribute(query, "xml:lang", lang)
	return append(query, "/><feature var='"+NSCommands+"'/><feature var='"+NSForms+"'/></query>"...), true
}
