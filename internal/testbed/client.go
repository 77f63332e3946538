package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ClientOptions say how a client behaves.
type ClientOptions struct {
	// Resource asks for a resource; empty lets the server choose.
	Resource string
	// AutoApprove answers an incoming subscription request with subscribed
	// where it returns true for the asker's JID; see ApproveAll, ApproveDomain.
	AutoApprove func(from string) bool
	// Features are answered to disco#info and announced as capabilities in
	// Presence, for example "http://jabber.org/protocol/activity+notify".
	Features []string
	// OnIQ may answer an incoming get or set with the inner XML of a result.
	OnIQ func(Stanza) (payload string, ok bool)
	// OnStanza is called by the reader for each stanza, in order; it must not
	// wait for a further stanza.
	OnStanza func(Stanza)
	// NoLog keeps nothing but the count, for load.
	NoLog bool
	// OnBytes takes what arrives after the login as it is, in order and on the
	// reader's goroutine; the slice is valid during the call only. Such a client
	// reads no stanzas: it counts, logs and answers nothing.
	OnBytes func(p []byte)
}

// ApproveAll approves every subscription request.
func ApproveAll(string) bool { return true }

// ApproveDomain approves requests from JIDs of one domain.
func ApproveDomain(domain string) func(string) bool {
	return func(from string) bool { return DomainOf(from) == domain }
}

// Timeouts of a client.
const (
	writeTimeout = 30 * time.Second
	closeTimeout = 3 * time.Second
)

// Client is one logged-in session, or a component by DialComponent. Its methods are safe for concurrent use.
type Client struct {
	// JID is the full JID the server bound.
	JID string

	opts  ClientOptions
	space string // content namespace: client or component
	conn  net.Conn
	in    *xmlReader
	ids   atomic.Int64

	writeMu sync.Mutex // guards writes to conn
	closing atomic.Bool
	readers sync.WaitGroup // the one reader

	log stanzaLog
}

func newClient(conn net.Conn, in *xmlReader, full, space string, opts ClientOptions) *Client {
	c := &Client{JID: full, opts: opts, space: space, conn: conn, in: in}
	c.log.init()
	c.readers.Go(c.read)
	return c
}

// read owns the receiving side until the stream ends.
func (c *Client) read() {
	if c.opts.OnBytes != nil {
		c.readBytes()
		return
	}
	for {
		root, raw, err := c.in.next()
		if err != nil {
			c.ended(err)
			return
		}
		s := readStanza(root, c.space, raw)
		s = c.log.add(s, !c.opts.NoLog)
		if c.opts.OnStanza != nil {
			c.opts.OnStanza(s)
		}
		c.react(s)
	}
}

// readBytes is read for a client that hands over bytes.
func (c *Client) readBytes() {
	buf := make([]byte, readChunk)
	for {
		n, err := c.in.src.in.Read(buf)
		if n > 0 {
			c.opts.OnBytes(buf[:n])
		}
		if err != nil {
			c.ended(err)
			return
		}
	}
}

// ended tells those who wait that nothing more will come.
func (c *Client) ended(err error) {
	if c.closing.Load() {
		err = net.ErrClosed
	}
	c.log.end(fmt.Errorf("testbed: stream of %s ended: %w", c.JID, err))
}

// Bare is the user's bare JID.
func (c *Client) Bare() string { return Bare(c.JID) }

// Domain is the user's server.
func (c *Client) Domain() string { return DomainOf(c.JID) }

// Send writes raw XML to the stream.
func (c *Client) Send(raw string) error {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(c.conn, raw); err != nil {
		return fmt.Errorf("testbed: %s sends: %w", c.JID, err)
	}
	return nil
}

// PresenceOptions describe a presence to send.
type PresenceOptions struct {
	From     string // for components, which must say it
	To       string // empty: broadcast
	Type     string // empty: available
	Show     string // away, chat, dnd, xa or empty
	Status   string
	Priority int
	// IdleSince adds XEP-0319 unless zero.
	IdleSince time.Time
	// Extra is raw XML put inside.
	Extra string
}

// Presence sends a presence; the zero options say "online".
func (c *Client) Presence(o PresenceOptions) error {
	var b strings.Builder
	b.WriteString("<presence")
	attr := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, " %s='%s'", name, Escape(value))
		}
	}
	child := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "<%s>%s</%s>", name, Escape(value), name)
		}
	}
	attr("from", o.From)
	attr("to", o.To)
	attr("type", o.Type)
	b.WriteString(">")
	child("show", o.Show)
	child("status", o.Status)
	if o.Priority != 0 {
		fmt.Fprintf(&b, "<priority>%d</priority>", o.Priority)
	}
	if !o.IdleSince.IsZero() {
		fmt.Fprintf(&b, "<idle xmlns='%s' since='%s'/>", nsIdle, o.IdleSince.UTC().Format(time.RFC3339))
	}
	if len(c.opts.Features) > 0 && o.Type == "" {
		fmt.Fprintf(&b, "<c xmlns='%s' hash='sha-1' node='%s' ver='%s'/>", nsCaps, capsNode, capsVer(c.opts.Features))
	}
	b.WriteString(o.Extra + "</presence>")
	return c.Send(b.String())
}

// Subscribe asks for a contact's presence.
func (c *Client) Subscribe(jid string) error { return c.subscription(jid, "subscribe") }

// Subscribed approves a contact's request.
func (c *Client) Subscribed(jid string) error { return c.subscription(jid, "subscribed") }

// Unsubscribed refuses a request or cancels an approval.
func (c *Client) Unsubscribed(jid string) error { return c.subscription(jid, "unsubscribed") }

func (c *Client) subscription(jid, typ string) error {
	o := PresenceOptions{To: Bare(jid), Type: typ}
	if c.isComponent() {
		o.From = c.JID
	}
	return c.Presence(o)
}

// Message sends a chat message.
func (c *Client) Message(to, body string) error {
	return c.Send(fmt.Sprintf("<message%s to='%s' type='chat' id='%s'><body>%s</body></message>",
		c.fromAttr(c.JID), Escape(to), c.nextID(), Escape(body)))
}

// Done is closed when the stream has ended; Err then tells why.
func (c *Client) Done() <-chan struct{} { return c.log.ended }

// Err is nil while the stream lives.
func (c *Client) Err() error { return c.log.failure() }

// Close says unavailable, closes the stream in the regular way and waits for
// the server's closing tag (at most 3 s) and for the reader.
func (c *Client) Close() error {
	if !c.closing.CompareAndSwap(false, true) {
		c.readers.Wait()
		return nil
	}
	goodbye := "<presence type='unavailable'/></stream:stream>"
	if c.isComponent() {
		goodbye = "</stream:stream>"
	}
	err := c.Send(goodbye)
	if err == nil {
		_ = c.conn.SetReadDeadline(time.Now().Add(closeTimeout))
		<-c.log.ended
	}
	closeErr := c.conn.Close()
	c.readers.Wait()
	return errors.Join(err, closeErr)
}

// Drop resets the TCP connection without a word, as a lost device does, and
// waits for the reader.
func (c *Client) Drop() error {
	if !c.closing.CompareAndSwap(false, true) {
		c.readers.Wait()
		return nil
	}
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	err := c.conn.Close()
	c.readers.Wait()
	return err
}

func (c *Client) isComponent() bool { return c.space == nsComponent }

// fromAttr is the sender's attribute, which only components must write.
func (c *Client) fromAttr(jid string) string {
	if !c.isComponent() {
		return ""
	}
	return " from='" + Escape(jid) + "'"
}

func (c *Client) nextID() string { return fmt.Sprintf("tb%d", c.ids.Add(1)) }

// Log returns everything received so far.
func (c *Client) Log() []Stanza { return c.log.since(0) }

// Mark is a position in the log, for Since and WaitAfter.
func (c *Client) Mark() int { return c.log.mark() }

// Since returns what was received after a mark.
func (c *Client) Since(mark int) []Stanza { return c.log.since(mark) }

// WaitFor returns the first stanza of the whole log, or the next received
// one, for which pred holds. The error of a wait shows what came instead.
func (c *Client) WaitFor(ctx context.Context, pred func(Stanza) bool) (Stanza, error) {
	return c.log.wait(ctx, 0, pred)
}

// WaitAfter is WaitFor over what is received after a mark.
func (c *Client) WaitAfter(ctx context.Context, mark int, pred func(Stanza) bool) (Stanza, error) {
	return c.log.wait(ctx, mark, pred)
}

// WaitPresence waits for a presence from a JID (bare: any resource of it) for
// which pred holds; a nil pred takes any presence. It looks at the whole log.
func (c *Client) WaitPresence(ctx context.Context, from string, pred func(Stanza) bool) (Stanza, error) {
	return c.WaitFor(ctx, PresenceFrom(from, pred))
}

// PresenceFrom is the predicate of WaitPresence.
func PresenceFrom(from string, pred func(Stanza) bool) func(Stanza) bool {
	return func(s Stanza) bool {
		return s.Kind == "presence" && (s.From == from || Bare(s.From) == from) && (pred == nil || pred(s))
	}
}

// LastPresence is the newest presence received from a JID (bare: from any
// resource of it).
func (c *Client) LastPresence(from string) (Stanza, bool) {
	match := PresenceFrom(from, nil)
	for _, s := range slices.Backward(c.Log()) {
		if match(s) {
			return s, true
		}
	}
	return Stanza{}, false
}
