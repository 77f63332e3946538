package privilege

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
)

// What Prosody 0.12.3 sent, ids and addresses shortened.
const (
	wrappedResult = `<iq type='result' id='p1' from='a@x' to='c'><privilege xmlns='urn:xmpp:privilege:2'>` +
		`<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='result' id='p1' to='a@x'>` +
		`<blocklist xmlns='urn:xmpp:blocking'><item jid='b@x'/></blocklist></iq></forwarded></privilege></iq>`
	wrappedError = `<iq type='result' id='p1' from='a@x' to='c'><privilege xmlns='urn:xmpp:privilege:2'>` +
		`<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' type='error' id='p1' to='a@x'>` +
		`<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq></forwarded></privilege></iq>`
)

type blocklist struct {
	XMLName xml.Name `xml:"urn:xmpp:blocking blocklist"`
	Items   []struct {
		JID string `xml:"jid,attr"`
	} `xml:"item"`
}

func TestAppendWrapped(t *testing.T) {
	g := &Grant{Version: 2}
	got := string(g.AppendWrapped(nil, "get", "i'1", "c", "a@x", []byte("<q/>")))
	want := `<iq type='get' id='i&apos;1' from='c' to='a@x'><privileged_iq xmlns='urn:xmpp:privilege:2'>` +
		`<iq xmlns='jabber:client' type='get' id='i&apos;1'><q/></iq></privileged_iq></iq>`
	if strings.ReplaceAll(got, "&#39;", "&apos;") != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnwrap(t *testing.T) {
	var b blocklist
	if err := Unwrap([]byte(wrappedResult), &b); err != nil || len(b.Items) != 1 || b.Items[0].JID != "b@x" {
		t.Errorf("result: %v %+v", err, b)
	}
	inner := (*InnerError)(nil)
	if err := Unwrap([]byte(wrappedError), &b); !errors.As(err, &inner) || inner.Condition != "item-not-found" {
		t.Errorf("error inside a result: %v, want item-not-found", err)
	}
	var none blocklist
	empty := strings.ReplaceAll(wrappedResult, "<blocklist xmlns='urn:xmpp:blocking'><item jid='b@x'/></blocklist>", "")
	if err := Unwrap([]byte(empty), &none); err != nil || none.XMLName.Local != "" {
		t.Errorf("no payload: %v %+v, want nothing decoded", err, none)
	}
}

func TestUnwrap_RefusesAnythingElse(t *testing.T) {
	for name, frame := range map[string]string{
		"bare result":        `<iq type='result' id='p1'/>`,
		"not wrapped":        `<iq type='result'><blocklist xmlns='urn:xmpp:blocking'/></iq>`,
		"wrong namespace":    strings.ReplaceAll(wrappedResult, "privilege:2", "privilege:3"),
		"not forwarded":      strings.ReplaceAll(wrappedResult, "forward:0", "forward:1"),
		"message inside":     strings.ReplaceAll(wrappedResult, "<iq xmlns='jabber:client' type='result' id='p1' to='a@x'>", "<message xmlns='jabber:client'>"),
		"request inside":     strings.ReplaceAll(wrappedResult, "type='result' id='p1' to", "type='get' id='p1' to"),
		"another payload":    strings.ReplaceAll(wrappedResult, "blocklist", "query"),
		"cut in the middle":  wrappedResult[:len(wrappedResult)/2],
		"broken inner error": strings.ReplaceAll(wrappedError, "</error>", ""),
	} {
		var b blocklist
		if err := Unwrap([]byte(frame), &b); err == nil {
			t.Errorf("%s: got %+v and no error", name, b)
		}
	}
}
