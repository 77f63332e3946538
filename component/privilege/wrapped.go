package privilege

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"presenced/component/stream"
)

// AppendWrapped appends an IQ that a component sends on a user's behalf (XEP-0356
// §6): the outer one from the component to the user's bare JID, the inner one as
// from the user to her own account. Outer and inner share type and id, since
// servers compare the one and want the other. payload is sent as it is.
func (g *Grant) AppendWrapped(dst []byte, typ, id, from, user string, payload []byte) []byte {
	dst = stream.AppendIQ(dst, typ, id, from, user)
	dst = append(dst, "<privileged_iq xmlns='"+nsPrivilege...)
	dst = strconv.AppendInt(dst, int64(g.Version), 10)
	dst = append(dst, "'><iq xmlns='"+nsClient+"' type='"...)
	dst = append(dst, typ...)
	dst = append(dst, "' id='"...)
	dst = stream.AppendAttr(dst, id)
	dst = append(dst, "'>"...)
	dst = append(dst, payload...)
	return append(dst, "</iq></privileged_iq></iq>"...)
}

// Unwrap decodes the payload of the result in the answer to a wrapped IQ, the first
// element of the inner IQ, into a structure of encoding/xml; where there is none,
// into stays as it is. A server may report success outside and an error inside:
// that is an *InnerError.
func Unwrap(frame []byte, into any) error {
	d := stream.NewDecoder(frame)
	for _, want := range wrapping {
		e, err := nextElement(d)
		if err != nil {
			return err
		}
		if e == nil || !want.is(e.Name) {
			return fmt.Errorf("privilege: no %s where a wrapped answer was to come", want.local)
		}
		if want.space == nsClient {
			if err := innerType(d, e); err != nil {
				return err
			}
		}
	}
	payload, err := nextElement(d)
	if err != nil || payload == nil {
		return err
	}
	if err := d.DecodeElement(into, payload); err != nil {
		return fmt.Errorf("privilege: wrapped answer: %w", err)
	}
	return nil
}

// wrapping are the elements around a payload, from outside.
var wrapping = []element{{"", "iq"}, {nsPrivilege, "privilege"}, {nsForward, "forwarded"}, {nsClient, "iq"}}

// element is a name; its namespace is nsPrivilege in any version, or empty for any.
type element struct{ space, local string }

func (e element) is(n xml.Name) bool {
	switch {
	case n.Local != e.local:
		return false
	case e.space == nsPrivilege:
		return versionOf(n.Space, nsPrivilege) != 0
	}
	return e.space == "" || n.Space == e.space
}

// nextElement returns the start of the next element inside the open one; nil where
// that ends first.
func nextElement(d *xml.Decoder) (*xml.StartElement, error) {
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("privilege: wrapped answer: %w", err)
		}
		switch e := t.(type) {
		case xml.StartElement:
			return &e, nil
		case xml.EndElement:
			return nil, nil
		}
	}
}

// innerType wants a result; the condition of an error is read on.
func innerType(d *xml.Decoder, iq *xml.StartElement) error {
	switch attr(*iq, "type") {
	case "result":
		return nil
	case "error":
	default:
		return errors.New("privilege: the wrapped IQ is no answer")
	}
	var x struct {
		Error struct {
			Any []struct{ XMLName xml.Name } `xml:",any"`
		} `xml:"error"`
	}
	e := &InnerError{Condition: "undefined-condition"}
	if err := d.DecodeElement(&x, iq); err != nil {
		return fmt.Errorf("privilege: wrapped answer: %w", err)
	}
	for _, c := range x.Error.Any {
		if c.XMLName.Space == nsStanzas && c.XMLName.Local != "text" {
			e.Condition = c.XMLName.Local
		}
	}
	return e
}

// InnerError is an error inside the answer to a wrapped IQ (RFC 6120 §8.3).
type InnerError struct{ Condition string }

// Error names the condition.
func (e *InnerError) Error() string {
	return "the server refused for the user: " + strings.ReplaceAll(e.Condition, "-", " ")
}
