// Package stream reads and writes the bytes of one XEP-0114 component stream.
//
// It has four parts. The Framer cuts complete top-level elements out of a
// byte stream. Scan reads from one such frame what presence routing needs.
// AppendText and AppendAttr are the one place where text becomes XML. The
// Writer gathers rendered stanzas from many goroutines into few write calls.
//
// Guarantees:
//
//   - Memory is bounded: a Framer holds at most Limits.MaxBytes and one read,
//     a Writer at most WriterOptions.MaxQueue and one batch, whatever the peer
//     sends or however slowly it reads.
//   - A bad stanza costs only itself. An element that is too large or too deep
//     is skipped to its end and reported; one that is not well-formed XML is
//     refused by Scan alone. What makes the place of the next element
//     unknowable is fatal, see ErrBroken.
//   - An element that has begun must end within Limits.MaxTime.
//   - Scan gives the same answer on its fast path as encoding/xml gives on the
//     slow one; a differential fuzz test holds them together.
//   - No caller of Writer waits for the network, Flush excepted.
//   - Framing, scanning and writing allocate nothing in the steady state.
//
// The package knows bytes and XML names. It does not know what a presence
// means, does not normalise addresses, does not answer stanzas, does not dial
// and does not reconnect.
package stream

// Namespaces that the package tells apart.
const (
	// NSAccept is the content namespace of a component stream (XEP-0114).
	NSAccept = "jabber:component:accept"
	// NSClient is the content namespace of a client stream (RFC 6120 §4.8.2).
	NSClient = "jabber:client"
	// NSServer is the content namespace of a server stream (RFC 6120 §4.8.2).
	NSServer = "jabber:server"
	// NSStreams is the namespace of the stream element itself (RFC 6120 §4.8.1).
	NSStreams = "http://etherx.jabber.org/streams"
	// NSOwn marks what this component itself has put into a stanza.
	NSOwn = "urn:presenced:1"

	nsIdle = "urn:xmpp:idle:1"
	nsLast = "jabber:iq:last"
	nsTime = "urn:xmpp:delay"
	nsCaps = "http://jabber.org/protocol/caps"
	nsXML  = "http://www.w3.org/XML/1998/namespace"
)
