package caldav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// What an answer may hold. Its size is bounded by the client.
const (
	maxDepth = 24 // honest ones have 8
	// maxNodes bounds the elements: some 100 bytes here for 4 on the wire. It
	// leaves room for 20,000 objects.
	maxNodes = 200_000
)

// The reasons an answer is not read.
var (
	errXML  = errors.New("the answer is not the XML that was asked for")
	errDeep = errors.New("the answer has more elements than are read")
)

// Namespaces.
const (
	davNS  = "DAV:"
	calNS  = "urn:ietf:params:xml:ns:caldav"
	csNS   = "http://calendarserver.org/ns/"
	nextNS = "http://nextcloud.com/ns"
)

func dav(local string) xml.Name { return xml.Name{Space: davNS, Local: local} }
func cal(local string) xml.Name { return xml.Name{Space: calNS, Local: local} }
func cs(local string) xml.Name  { return xml.Name{Space: csNS, Local: local} }

// node is one element.
type node struct {
	name xml.Name
	kind string // the attribute "name", of comp
	text string // of its own, blanks around it removed
	raw  []byte // text as it comes, in pieces; nil afterwards
	kids []*node
}

// child returns the first child of a name, nil if there is none.
func (n *node) child(name xml.Name) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// value returns the text of the first child of a name.
func (n *node) value(name xml.Name) string {
	if k := n.child(name); k != nil {
		return k.text
	}
	return ""
}

// begin adds a child.
func (n *node) begin(t *xml.StartElement) *node {
	k := &node{name: t.Name}
	for _, a := range t.Attr {
		if a.Name.Local == "name" {
			k.kind = a.Value
		}
	}
	n.kids = append(n.kids, k)
	return k
}

// parse reads a document. Strict decoding knows no entities but XML's own five.
func parse(body []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	top := &node{}
	stack := []*node{top}
	for nodes := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errXML // its text may quote the answer
		}
		at := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if nodes++; nodes > maxNodes || len(stack) > maxDepth {
				return nil, errDeep
			}
			stack = append(stack, at.begin(&t))
		case xml.EndElement:
			at.text, at.raw = string(bytes.TrimSpace(at.raw)), nil
			stack = stack[:len(stack)-1]
		case xml.CharData:
			at.raw = append(at.raw, t...)
		case xml.Directive:
			return nil, errXML
		}
	}
	if len(top.kids) != 1 || len(bytes.TrimSpace(top.raw)) > 0 {
		return nil, errXML
	}
	return top.kids[0], nil
}

// escaped is a text as it stands between tags.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
