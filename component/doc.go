// Package component is the XMPP edge: it attaches to a server as an external
// component (XEP-0114), turns stanzas into the engine's events and the
// engine's effects into stanzas, and answers what a mirror answers (S14).
//
// Guarantees:
//  1. The link is kept for ever: it is pinged, the answers are awaited, a lost
//     one is opened again with growing, jittered pauses. Only a refusal before
//     the first attach ends Run.
//  2. The one reader never waits for the engine, the writer or a worker; what
//     does not fit into a bounded queue is refused or dropped, and counted.
//  3. A bad stanza costs only itself.
//  4. What a mirror answers depends on the asker and the spelling alone, except
//     for what Door.Look grants.
//  5. Per watcher and mirror, presence and subscription stanzas leave in order.
//
// It keeps no user's state, decides nobody's permission, and knows no store.
package component

import (
	"context"
	"time"

	"presenced/component/commands"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// Door is the engine as the edge needs it. Except Look no method may wait.
type Door interface {
	// Attached tells that the link is up. Nothing may be sent for the users
	// of a host before HostSynced.
	Attached(now time.Time)
	// Detached tells that the link is lost. What was handed to Present before
	// confirmed has been read by the server, an answered ping proves it; the
	// zero time means that nothing is certain.
	Detached(confirmed time.Time)
	// HostReady tells what a host lets us do, once per attach and whenever it
	// changes. The engine probes what it wants to and calls Sender.Settle.
	HostReady(h engine.Host)
	// HostSynced tells that the state of the host's users has arrived.
	HostSynced(name string)
	// Device tells what a device said; users who do not count are dropped.
	Device(d engine.Device)
	// Known reports cheaply whether a user's presence counts.
	Known(bare presence.Addr) bool
	// KnownVersion changes, never to 0, before an answer of Known does.
	KnownVersion() uint64
	// Mirror tells of a presence stanza to a mirror.
	Mirror(m engine.Mirror)
	// Consent tells of a subscription stanza to the component itself.
	Consent(c engine.Consent)
	// RosterRead answers Sender.ReadRoster, unless the link was lost meanwhile.
	RosterRead(user presence.Addr, contacts []presence.Contact, err error)
	// CardRead answers Sender.ReadCard, and tells of a vCard read for an asker.
	CardRead(user presence.Addr, found *presence.Profile, err error)
	// ListsRead answers Sender.ReadLists, unless the link was lost meanwhile.
	ListsRead(user presence.Addr, lists engine.Lists, err error)
	// ListsWritten answers WriteLists, unless the link was lost meanwhile.
	ListsWritten(user presence.Addr, err error)
	// ActivityPublished answers PublishActivity, unless the link was lost meanwhile.
	ActivityPublished(user presence.Addr, err error)
	// Look returns one view per user for the asker: the offline view for who
	// is unknown, hidden or not loaded in time. It may wait up to 10 s.
	Look(ctx context.Context, asker engine.Principal, users []presence.Addr) []presence.View
	// Apply makes what an app claims for a user true, or returns a
	// *engine.RefusedError and nothing changed.
	Apply(ctx context.Context, who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error)
}

// Commands answers ad-hoc commands (XEP-0050) and registration (XEP-0077) sent
// to the component itself.
type Commands interface {
	// IQ answers a get or set; payload is its child element. handled is false
	// when the payload is none of its own.
	IQ(ctx context.Context, from presence.JID, typ, lang string, payload []byte) (reply []byte, err *commands.StanzaError, handled bool)
	// Chat answers a command in words, and Encrypted who wrote one that cannot be
	// read here; ok is false for everybody but users of served hosts.
	Chat(ctx context.Context, from presence.JID, lang, body string) (answer string, ok bool)
	Encrypted(ctx context.Context, from presence.JID, lang string) (answer string, ok bool)
	// Items is the list of commands, the same for every asker.
	Items(lang string) []commands.Item
	// Info answers disco#info on a command's node with a query element.
	Info(node, lang string) ([]byte, bool)
}

var (
	_ engine.Sender     = (*Component)(nil)
	_ engine.ListWriter = (*Component)(nil)
	_ engine.Publisher  = (*Component)(nil)
)
