package privilege

import (
	"encoding/xml"
	"errors"

	"presenced/component/stream"
)

// Delegated is a request of one of the host's visitors that the host passes to
// the component (XEP-0355 §4).
type Delegated struct {
	Version int
	Inner   InnerIQ
}

// InnerIQ is the request as the asker sent it. To is empty where the asker
// named no recipient: her own account is meant. Payload names the one element
// in it; it is empty where there is none, or more than one.
type InnerIQ struct {
	Type, ID, From, To string
	Payload            xml.Name
}

// ErrDelegated says that an IQ holds no delegated request.
var ErrDelegated = errors.New("privilege: no delegated request in the stanza")

// ParseDelegated reads the IQ set of a host that carries a delegated request.
func ParseDelegated(frame []byte) (Delegated, error) {
	var outer struct {
		Wrapper struct {
			XMLName   xml.Name
			Forwarded struct {
				IQ *struct {
					Type     string `xml:"type,attr"`
					ID       string `xml:"id,attr"`
					From     string `xml:"from,attr"`
					To       string `xml:"to,attr"`
					Children []struct {
						XMLName xml.Name
					} `xml:",any"`
				} `xml:"jabber:client iq"`
			} `xml:"urn:xmpp:forward:0 forwarded"`
		} `xml:"delegation"`
	}
	if err := stream.Decode(frame, &outer); err != nil {
		return Delegated{}, err
	}
	version, iq := DelegationVersion(outer.Wrapper.XMLName.Space), outer.Wrapper.Forwarded.IQ
	if version == 0 || iq == nil {
		return Delegated{}, ErrDelegated
	}
	d := Delegated{Version: version, Inner: InnerIQ{Type: iq.Type, ID: iq.ID, From: iq.From, To: iq.To}}
	if len(iq.Children) == 1 {
		d.Inner.Payload = iq.Children[0].XMLName
	}
	return d, nil
}

// AppendResult appends the payload of the result that answers a delegated
// request with a result. payload must be one element: one server drops more.
func AppendResult(dst []byte, d Delegated, payload []byte) []byte {
	dst = append(d.open(dst, "result"), payload...)
	return append(dst, "</iq></forwarded></delegation>"...)
}

// AppendRefusal appends the payload of the result that answers a delegated
// request with a stanza error of this type and condition. An error of the
// outer stanza would leave the asker without an answer on one server.
func AppendRefusal(dst []byte, d Delegated, typ, condition string) []byte {
	dst = append(d.open(dst, "error"), "<error type='"...)
	dst = stream.AppendAttr(dst, typ)
	dst = append(dst, "'><"...)
	dst = append(dst, condition...)
	return append(dst, " xmlns='"+nsStanzas+"'/></error></iq></forwarded></delegation>"...)
}

// open appends what stands before the content of the inner answer.
func (d Delegated) open(dst []byte, typ string) []byte {
	dst = append(dst, "<delegation xmlns='"+nsDelegation...)
	dst = append(dst, byte('0'+d.Version))
	dst = append(dst, "'><forwarded xmlns='"+nsForward+"'><iq xmlns='"+nsClient+"' type='"...)
	dst = append(dst, typ...)
	dst = append(dst, "' id='"...)
	dst = stream.AppendAttr(dst, d.Inner.ID)
	dst = append(dst, "' from='"...)
	dst = stream.AppendAttr(dst, d.Asked())
	dst = append(dst, "' to='"...)
	dst = stream.AppendAttr(dst, d.Inner.From)
	return append(dst, "'>"...)
}

// Asked is the address asked, from which the answer must come: the asker's own
// account where she named none.
func (d Delegated) Asked() string {
	if d.Inner.To != "" {
		return d.Inner.To
	}
	for i := range len(d.Inner.From) {
		if d.Inner.From[i] == '/' {
			return d.Inner.From[:i]
		}
	}
	return d.Inner.From
}
