package commands

import (
	"encoding/xml"
	"errors"
	"maps"

	"presenced/component/stream"
)

// The namespaces of this package.
const (
	NSCommands = "http://jabber.org/protocol/commands"
	NSRegister = "jabber:iq:register"
	NSForms    = "jabber:x:data"

	nsValidate  = "http://jabber.org/protocol/xdata-validate"
	nsStanzas   = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsDiscoInfo = "http://jabber.org/protocol/disco#info"
)

// StanzaError is the error an IQ is answered with (RFC 6120 §8.3).
type StanzaError struct {
	Type      string // cancel, modify, auth or wait
	Condition string // of RFC 6120 §8.3.3
	Command   string // the condition of XEP-0050 §4.4; empty: none
	Node      string // of the command that is refused
	Session   string // its sessionid; empty: the command is not named
	Text      string // a sentence for people; empty: none
	Lang      string // the language of Text
}

// Error returns the conditions and the text.
func (e *StanzaError) Error() string {
	s := e.Condition
	if e.Command != "" {
		s += " (" + e.Command + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// Append appends the whole error element and returns the longer slice. Where a
// session is refused the command stands before it, as RFC 6120 §8.3.1 allows: some
// programs find out only so what failed.
func (e *StanzaError) Append(dst []byte) []byte {
	if e.Session != "" {
		dst = append(dst, "<command xmlns='"+NSCommands+"'"...)
		dst = attribute(dst, "node", e.Node)
		dst = append(attribute(dst, "sessionid", e.Session), "/>"...)
	}
	dst = append(dst, "<error type='"...)
	dst = stream.AppendAttr(dst, e.Type)
	dst = append(dst, "'><"...)
	dst = append(dst, e.Condition...)
	dst = append(dst, " xmlns='"+nsStanzas+"'/>"...)
	if e.Text != "" {
		dst = append(dst, "<text xmlns='"+nsStanzas+"' xml:lang='"...)
		dst = stream.AppendAttr(dst, e.Lang)
		dst = append(dst, "'>"...)
		dst = stream.AppendText(dst, e.Text)
		dst = append(dst, "</text>"...)
	}
	if e.Command != "" {
		dst = append(dst, '<')
		dst = append(dst, e.Command...)
		dst = append(dst, " xmlns='"+NSCommands+"'/>"...)
	}
	return append(dst, "</error>"...)
}

// root returns the name of a payload's element.
func root(payload []byte) (xml.Name, bool) {
	d := stream.NewDecoder(payload)
	for {
		t, err := d.Token()
		if err != nil {
			return xml.Name{}, false
		}
		if start, ok := t.(xml.StartElement); ok {
			return start.Name, true
		}
	}
}

// wireCommand is a command element as it is received (XEP-0050 §4).
type wireCommand struct {
	Node    string     `xml:"node,attr"`
	Session string     `xml:"sessionid,attr"`
	Action  string     `xml:"action,attr"`
	Lang    string     `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Forms   []wireForm `xml:"jabber:x:data x"`
}

// wireForm is a submitted form (XEP-0004 §3).
type wireForm struct {
	Type   string      `xml:"type,attr"`
	Fields []wireField `xml:"jabber:x:data field"`
}

type wireField struct {
	Var    string   `xml:"var,attr"`
	Values []string `xml:"jabber:x:data value"`
}

// Limits of a submitted form. They are far above what any form here asks for;
// the stanza itself is bounded by the stream.
const (
	maxFields = 64
	maxValue  = 4096 // bytes; what is longer is told, and not sent back
)

// The types of a form that is sent to us.
const (
	formSubmit = "submit"
	formCancel = "cancel"
)

var errForm = errors.New("this is not one submitted form")

// submission returns the one form among those of a command; nil: there is none.
func submission(forms []wireForm) (*wireForm, error) {
	if len(forms) == 0 {
		return nil, nil
	}
	f := &forms[0]
	if len(forms) > 1 || f.Type != formSubmit && f.Type != formCancel || len(f.Fields) > maxFields {
		return nil, errForm
	}
	return f, nil
}

// answers holds submitted values by field; a field that was submitted without a
// value has an empty slice.
type answers map[string]*answer

type answer struct {
	values   []string
	repeated bool // the form had the field more than once
}

// add takes over what a form says.
func (a answers) add(f *wireForm) {
	fresh := make(answers, len(f.Fields))
	for _, field := range f.Fields {
		if old := fresh[field.Var]; old != nil {
			old.repeated = true
			continue
		}
		fresh[field.Var] = &answer{values: field.Values}
	}
	maps.Copy(a, fresh)
}

// text returns the only value of a field, empty when there is none.
func (a answers) text(name string) string {
	if one := a[name]; one != nil && len(one.values) > 0 {
		return one.values[0]
	}
	return ""
}

// all returns the values of a field.
func (a answers) all(name string) []string {
	if one := a[name]; one != nil {
		return one.values
	}
	return nil
}

// yes reports whether a boolean field is true.
func (a answers) yes(name string) bool {
	on, _ := parseBool(a.text(name))
	return on
}

// parseBool reads an xs:boolean, which is how forms write one (XEP-0004 §3.3).
func parseBool(s string) (on, ok bool) {
	switch s {
	case "1", "true":
		return true, true
	case "0", "false":
		return false, true
	}
	return false, false
}
