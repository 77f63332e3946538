package engine

import (
	"time"

	"presenced/internal/presence"
	"presenced/privacy"
)

// Device is what one device of a served user said (S4.3), or that it is gone.
type Device struct {
	User      presence.JID // bare with Gone: every device
	Gone      bool
	Show      presence.Show
	Priority  int8
	Status    string
	IdleSince time.Time
	Own       bool // carries our own namespace (S4.4)
}

// MirrorKind is the type of a presence stanza sent to a mirror (S14).
type MirrorKind uint8

// The kinds of S14's first rows.
const (
	MirrorProbe MirrorKind = iota
	MirrorSubscribe
	MirrorUnsubscribe
	MirrorSubscribed
	MirrorUnsubscribed
	MirrorAvailable
	MirrorUnavailable
	MirrorError
)

// Mirror is a presence stanza somebody sent to a mirror.
type Mirror struct {
	Kind       MirrorKind
	Presentity presence.Addr // decoded from the mirror's JID
	Spelling   string        // the mirror's bare JID as the watcher wrote it
	Watcher    presence.JID
	Lang       string // xml:lang of the stanza; empty: the default

	given bool // nobody sent it: it goes with a contact the component wrote
}

// ConsentKind is the type of a subscription stanza between a user and the
// component's own JID.
type ConsentKind uint8

// The kinds of a Consent event.
const (
	ConsentSubscribe    ConsentKind = iota // the user adds the component
	ConsentUnsubscribe                     // and removes it
	ConsentSubscribed                      // the user lets us see her presence
	ConsentUnsubscribed                    // refuses, or takes it back
)

// Consent is such a stanza; the component has answered what RFC 6121 wants
// answered, the engine decides what it means.
type Consent struct {
	Kind ConsentKind
	User presence.JID
}

// Host tells what the XMPP server lets us do for the users of one served host,
// as found since the last attach (S11).
type Host struct {
	Name     string
	Managed  bool // presence of every user is forwarded (XEP-0356)
	Reports  bool // and dropped sessions are reported: no liveness pings needed
	Roster   bool // rosters can be read
	Sets     bool // and the server says that they can be changed
	Consent  bool // ask enrolled users for a subscription
	Complete bool // the whole presence state has been sent already: nothing to probe
	Block    bool // block lists can be read (S8.1)
	Privacy  bool // privacy lists can be read while their owner is online (S8.2)
	Hidden   bool // the server keeps lists that cannot be read (S11)
	Writes   bool // privacy lists can be written while their owner is online (S8.7)
	Blocks   bool // block lists can be written
	// Publishes: what a user does can be published for her (XEP-0163).
	Publishes bool
	Spares    bool // presence-out spares what is about subscriptions, as the server says
}

// Lists are what a server keeps of a user's blocking, as far as it can be read
// (S8.1 to S8.3, S11).
type Lists struct {
	// Block is her XEP-0191 list; nil: not readable for her host.
	Block *privacy.BlockList `json:"block,omitempty"`
	// Default is her XEP-0016 default list; nil: none is set, or not readable.
	Default *privacy.List `json:"default,omitempty"`
	// Others are her lists that are not the default one, any of which a session
	// may have made active.
	Others []privacy.List `json:"others,omitempty"`
}

// Target is one watcher of one mirror, both as they were spelled.
type Target struct {
	To   string // the watcher's bare JID, or a full one in an answer
	From string // the mirror's bare JID
}

// Sender is the way out, implemented by the XMPP edge. No method blocks on the
// network; while the link is down everything handed over is dropped, the engine
// starts again with the next Attached.
type Sender interface {
	// Render appends what follows the addresses of a presence stanza, from the
	// type attribute to the end tag. Equal views and languages give equal bytes.
	Render(dst []byte, v *presence.View, lang string) []byte
	// Present sends one rendering to many watchers. For a pair that still waits
	// to be written, the latest rendering replaces the earlier one. body is
	// only valid during the call.
	Present(body []byte, to []Target)
	// Subscribed tells the watcher that the subscription was accepted.
	Subscribed(t Target)
	// Unsubscribed tells the watcher that there is, or is no longer, none.
	Unsubscribed(t Target)
	// Ask requests a presence subscription from a user (consent).
	Ask(bare string)
	// Leave ends the component's own subscriptions with a user.
	Leave(bare string)
	// Probe asks for the presence of a user who consented.
	Probe(bare string)
	// Peek asks for the presence of a user whose host forwards presence but told
	// of her before she was enrolled. Where the server has no way, nothing comes.
	Peek(user presence.Addr, bare string)
	// Ping finds out whether a device still is there; the answer comes as a
	// Device event with Gone when it is not.
	Ping(full string)
	// ReadRoster fetches a roster; the answer comes through RosterRead, with an
	// error after a time limit.
	ReadRoster(user presence.Addr, bare string)
	// ReadCard fetches a user's vCard; the answer comes through CardRead unless the
	// link is lost. It reports false where there is no room for another to wait.
	ReadCard(user presence.Addr, bare string) bool
	// ReadLists fetches what the user's server keeps of her blocking, as far as the
	// host lets us; privacy lists only where she is online. The answer comes
	// through ListsRead, with an error after a time limit.
	ReadLists(user presence.Addr, bare string, online bool)
	// Notify sends a user a message in words.
	Notify(bare, text string)
	// Settle calls HostSynced(host) once everything the server has to say in
	// answer to what was sent so far has arrived, or was waited for long enough.
	Settle(host string)
}
