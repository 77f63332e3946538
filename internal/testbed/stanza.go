package testbed

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// Namespaces the testbed reads.
const (
	nsClient   = "jabber:client"
	nsStream   = "http://etherx.jabber.org/streams"
	nsSASL     = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsStanzas  = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsEnhanced = "urn:presenced:1"
	nsCaps     = "http://jabber.org/protocol/caps"
	nsIdle     = "urn:xmpp:idle:1"
	nsDelay    = "urn:xmpp:delay"
	nsPing     = "urn:xmpp:ping"
	nsDisco    = "http://jabber.org/protocol/disco#info"
	nsRoster   = "jabber:iq:roster"
)

// Element is one XML element with everything below it.
type Element struct {
	Name     xml.Name
	Attrs    []xml.Attr
	Children []Element
	Text     string
}

// element is the shape encoding/xml fills.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (e element) export() Element {
	out := Element{Name: e.XMLName, Attrs: e.Attrs, Text: e.Text}
	for _, c := range e.Children {
		out.Children = append(out.Children, c.export())
	}
	return out
}

// Attr returns an attribute without a namespace, "" when absent.
func (e Element) Attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// Find returns the first element below e, in document order and at any depth,
// with this namespace and name; an empty namespace means any.
func (e Element) Find(space, local string) (Element, bool) {
	for _, c := range e.Children {
		if c.Name.Local == local && (space == "" || c.Name.Space == space) {
			return c, true
		}
		if found, ok := c.Find(space, local); ok {
			return found, true
		}
	}
	return Element{}, false
}

// child looks among the direct children only.
func (e Element) child(space, local string) (Element, bool) {
	for _, c := range e.Children {
		if c.Name.Local == local && c.Name.Space == space {
			return c, true
		}
	}
	return Element{}, false
}

// Enhanced is the extension presenced puts into a presence.
type Enhanced struct {
	Availability int // -1 when absent or not a number
	Activity     string
	Until        string
	Attrs        map[string]string // all attributes as they came
}

// Caps are entity capabilities (XEP-0115).
type Caps struct{ Hash, Node, Ver string }

// StanzaError is the error child of a stanza (RFC 6120 §8.3).
type StanzaError struct{ Type, Condition, Text string }

// Error tells type, condition and text.
func (e *StanzaError) Error() string {
	return strings.TrimSpace(e.Type + "/" + e.Condition + " " + e.Text)
}

// Stanza is one received first-level element.
type Stanza struct {
	Seq  int       // position in the log, from 0
	At   time.Time // when it had been read completely
	Raw  string    // its bytes as received
	Root Element

	Kind               string // presence, message, iq or another element's name
	From, To, Type, ID string
	Show, Status, Body string
	Priority           int
	Enhanced           *Enhanced
	Caps               *Caps
	IdleSince          string // XEP-0319, as received; "" when absent
	Delay              string // XEP-0203 stamp, as received; "" when absent
	Err                *StanzaError
}

// Available is true for a presence that shows somebody online.
func (s Stanza) Available() bool { return s.Kind == "presence" && s.Type == "" }

// String is the stanza as received, for failure messages.
func (s Stanza) String() string { return s.Raw }

// readStanza makes a Stanza of a decoded element. space is the stream's
// content namespace, in which show, status and their like live.
func readStanza(root Element, space, raw string) Stanza {
	s := Stanza{
		At: time.Now(), Raw: raw, Root: root, Kind: root.Name.Local,
		From: root.Attr("from"), To: root.Attr("to"), Type: root.Attr("type"), ID: root.Attr("id"),
	}
	text := func(name string) string { c, _ := root.child(space, name); return c.Text }
	s.Show, s.Status, s.Body = text("show"), text("status"), text("body")
	s.Priority, _ = strconv.Atoi(text("priority")) // absent or odd reads as 0
	if c, ok := root.child(nsEnhanced, "enhanced"); ok {
		s.Enhanced = readEnhanced(c)
	}
	if c, ok := root.child(nsCaps, "c"); ok {
		s.Caps = &Caps{Hash: c.Attr("hash"), Node: c.Attr("node"), Ver: c.Attr("ver")}
	}
	if c, ok := root.child(nsIdle, "idle"); ok {
		s.IdleSince = c.Attr("since")
	}
	if c, ok := root.child(nsDelay, "delay"); ok {
		s.Delay = c.Attr("stamp")
	}
	if c, ok := root.child(space, "error"); ok {
		s.Err = readError(c)
	}
	return s
}

func readEnhanced(c Element) *Enhanced {
	e := &Enhanced{Availability: -1, Activity: c.Attr("activity"), Until: c.Attr("until"), Attrs: map[string]string{}}
	for _, a := range c.Attrs {
		if a.Name.Local != "xmlns" {
			e.Attrs[a.Name.Local] = a.Value
		}
	}
	if n, err := strconv.Atoi(c.Attr("availability")); err == nil {
		e.Availability = n
	}
	return e
}

func readError(c Element) *StanzaError {
	e := &StanzaError{Type: c.Attr("type")}
	for _, d := range c.Children {
		switch {
		case d.Name.Space != nsStanzas:
		case d.Name.Local == "text":
			e.Text = d.Text
		default:
			e.Condition = d.Name.Local
		}
	}
	return e
}

// Bare cuts the resource off a JID.
func Bare(jid string) string {
	bare, _, _ := strings.Cut(jid, "/")
	return bare
}

// DomainOf is the domain part of a JID.
func DomainOf(jid string) string {
	bare := Bare(jid)
	if _, domain, found := strings.Cut(bare, "@"); found {
		return domain
	}
	return bare
}
