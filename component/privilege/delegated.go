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
// named no recipient: her own account is meant.
type InnerIQ struct {
	Type, ID, From, To string
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
					Type string `xml:"type,attr"`
					ID   string `xml:"id,attr"`
					From string `xml:"from,attr"`
					To   string `xml:"to,attr"`
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
	return Delegated{Version: version, Inner: InnerIQ{Type: iq.Type, ID: iq.ID, From: iq.From, To: iq.To}}, nil
}

// AppendRefusal appends the payload of the result that answers a delegated
// request with a stanza error of this type and condition. An error of the
// outer stanza would leave the asker without an answer on one server.
func AppendRefusal(dst []byte, d Delegated, typ, condition string) []byte {
	dst = append(dst, "<delegation xmlns='"+nsDelegation...)
	dst = append(dst, byte('0'+d.Version))
	dst = append(dst, "'><forwarded xmlns='"+nsForward+"'><iq xmlns='"+nsClient+"' type='error' id='"...)
	dst = stream.AppendAttr(dst, d.Inner.ID)
	dst = append(dst, "' from='"...)
	dst = stream.AppendAttr(dst, d.answerFrom())
	dst = append(dst, "' to='"...)
	dst = stream.AppendAttr(dst, d.Inner.From)
	dst = append(dst, "'><error type='"...)
	dst = stream.AppendAttr(dst, typ)
	dst = append(dst, "'><"...)
	dst = append(dst, condition...)
	return append(dst, " xmlns='"+nsStanzas+"'/></error></iq></forwarded></delegation>"...)
}

// answerFrom is whom the answer must come from: the account asked, which is
// the asker's own where she named none.
func (d Delegated) answerFrom() string {
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
