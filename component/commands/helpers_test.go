package commands

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// fakeDoor is an engine of one user that records what is applied.
type fakeDoor struct {
	apply   func(who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error)
	inspect func(who engine.Principal, user presence.Addr) (engine.Inspection, error)
	explain func(who engine.Principal, user, watcher presence.Addr) (engine.Explained, error)
	members engine.Audience
	applied []engine.Change
	suggest func() ([]privacy.Rule, error)
	stored  map[string][]byte
	badge   string
}

func (d *fakeDoor) Suggest(context.Context, engine.Principal, presence.Addr) ([]privacy.Rule, error) {
	if d.suggest == nil {
		return nil, nil
	}
	return d.suggest()
}

func (d *fakeDoor) Explain(_ context.Context, who engine.Principal, user, watcher presence.Addr) (engine.Explained, error) {
	if d.explain == nil {
		return engine.Explained{User: user, Watcher: watcher}, nil
	}
	return d.explain(who, user, watcher)
}

func (d *fakeDoor) Audience(context.Context, engine.Principal, presence.Addr) (engine.Audience, error) {
	return d.members, nil
}

func (d *fakeDoor) Apply(_ context.Context, who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error) {
	if d.apply != nil {
		res, err := d.apply(who, user, c)
		if err != nil {
			return res, err
		}
		d.applied = append(d.applied, c)
		return res, nil
	}
	d.applied = append(d.applied, c)
	return engine.Result{}, nil
}

func (d *fakeDoor) Inspect(_ context.Context, who engine.Principal, user presence.Addr) (engine.Inspection, error) {
	return d.inspect(who, user)
}

func (d *fakeDoor) Settings(context.Context, engine.Principal, presence.Addr) (map[string][]byte, error) {
	if d.stored == nil {
		return nil, &engine.RefusedError{Kind: engine.NotEnrolled, Reason: "nothing"}
	}
	return d.stored, nil
}

func (d *fakeDoor) BadgeOf(context.Context, engine.Principal, presence.Addr) (string, error) {
	return d.badge, nil
}

var _ Door = (*fakeDoor)(nil)

// has returns a door to an enabled user with these settings.
func has(in engine.Inspection) *fakeDoor {
	in.Enabled = true
	return &fakeDoor{inspect: func(engine.Principal, presence.Addr) (engine.Inspection, error) { return in, nil }}
}

// stranger returns a door to a user who is not enabled.
func stranger() *fakeDoor {
	refused := &engine.RefusedError{Kind: engine.NotEnrolled, Reason: "not enabled"}
	return &fakeDoor{inspect: func(engine.Principal, presence.Addr) (engine.Inspection, error) { return engine.Inspection{}, refused }}
}

func newServer(d Door) *Server {
	return New(d, Options{Domain: "presence.example.org", Hosts: []string{"example.org"}, Containers: []Container{{ID: 250, Name: "Board"}}})
}

func jid(t testing.TB, s string) presence.JID {
	t.Helper()
	j, err := presence.ParseJID(s)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// payload writes a command element; fields alternate name and value, a field of
// several values separates them by |.
func payload(node, session, action string, fields ...string) []byte {
	b := []byte("<command xmlns='" + NSCommands + "'")
	b = attribute(b, "node", node)
	b = attribute(b, "sessionid", session)
	b = attribute(b, "action", action)
	b = append(b, '>')
	if fields != nil {
		b = append(b, submit(fields...)...)
	}
	return append(b, "</command>"...)
}

func submit(fields ...string) string {
	b := []byte("<x xmlns='" + NSForms + "' type='submit'>")
	for i := 0; i+1 < len(fields); i += 2 {
		b = append(attribute(append(b, "<field"...), "var", fields[i]), '>')
		for v := range strings.SplitSeq(fields[i+1], "|") {
			b = append(append(append(b, "<value>"...), stream.AppendText(nil, v)...), "</value>"...)
		}
		b = append(b, "</field>"...)
	}
	return string(append(b, "</x>"...))
}

// got is a command reply as a client reads it.
type got struct {
	Lang    string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Node    string `xml:"node,attr"`
	Session string `xml:"sessionid,attr"`
	Status  string `xml:"status,attr"`
	Actions *struct {
		Execute  string    `xml:"execute,attr"`
		Prev     *struct{} `xml:"prev"`
		Next     *struct{} `xml:"next"`
		Complete *struct{} `xml:"complete"`
	} `xml:"actions"`
	Note struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"note"`
	Form *gotForm `xml:"jabber:x:data x"`
}

type gotForm struct {
	Type         string     `xml:"type,attr"`
	Title        string     `xml:"title"`
	Instructions string     `xml:"instructions"`
	Fields       []gotField `xml:"field"`
	Reported     []gotField `xml:"reported>field"`
	Items        []struct {
		Fields []gotField `xml:"field"`
	} `xml:"item"`
}

type gotField struct {
	Type     string    `xml:"type,attr"`
	Var      string    `xml:"var,attr"`
	Label    string    `xml:"label,attr"`
	Desc     string    `xml:"desc"`
	Required *struct{} `xml:"required"`
	Values   []string  `xml:"value"`
	Options  []struct {
		Label string `xml:"label,attr"`
		Value string `xml:"value"`
	} `xml:"option"`
	Validate *struct {
		Datatype string `xml:"datatype,attr"`
	} `xml:"http://jabber.org/protocol/xdata-validate validate"`
}

func (f *gotForm) field(t testing.TB, name string) *gotField {
	t.Helper()
	if f == nil {
		t.Fatalf("no form with the field %s", name)
	}
	for i := range f.Fields {
		if f.Fields[i].Var == name {
			return &f.Fields[i]
		}
	}
	t.Fatalf("no field %s", name)
	return nil
}

func (fd *gotField) choices() []string {
	var out []string
	for _, o := range fd.Options {
		out = append(out, o.Value)
	}
	return out
}

func (fd *gotField) value() string { return strings.Join(fd.Values, "|") }

func (g *got) actions() string {
	if g.Actions == nil {
		return ""
	}
	out := []string{"execute=" + g.Actions.Execute}
	for _, a := range []struct {
		name string
		on   *struct{}
	}{{"prev", g.Actions.Prev}, {"next", g.Actions.Next}, {"complete", g.Actions.Complete}} {
		if a.on != nil {
			out = append(out, a.name)
		}
	}
	return strings.Join(out, " ")
}

const alice = "alice@example.org/phone"

// ask sends a payload from alice and reads the command that is answered.
func ask(t testing.TB, s *Server, lang string, p []byte) *got {
	t.Helper()
	out, serr, handled := s.IQ(t.Context(), jid(t, alice), "set", lang, p)
	if !handled || serr != nil {
		t.Fatalf("%s\nanswered with handled=%v, error %v", p, handled, serr)
	}
	wellFormed(t, out)
	g := new(got)
	if err := xml.Unmarshal(out, g); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return g
}

// askError sends a payload that must be answered by an error.
func askError(t testing.TB, s *Server, from, typ string, p []byte) *StanzaError {
	t.Helper()
	out, serr, handled := s.IQ(t.Context(), jid(t, from), typ, "en", p)
	if !handled || serr == nil || out != nil {
		t.Fatalf("%s\nanswered with handled=%v, %s, error %v", p, handled, out, serr)
	}
	wellFormed(t, inError(serr))
	return serr
}

// inError is the answer that an error is sent in: it may name the command first.
func inError(e *StanzaError) []byte {
	return append(e.Append([]byte("<iq type='error'>")), "</iq>"...)
}

// wellFormed reads bytes to their end as XML of exactly one element.
func wellFormed(t testing.TB, b []byte) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(b)))
	depth, roots := 0, 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %q", err, b)
		}
		switch start := tok.(type) {
		case xml.StartElement:
			if depth++; depth == 1 {
				roots++
			}
			var seen []xml.Name
			for _, a := range start.Attr {
				if slices.Contains(seen, a.Name) {
					t.Fatalf("attribute %s twice in %q", a.Name.Local, b)
				}
				seen = append(seen, a.Name)
			}
		case xml.EndElement:
			depth--
		}
	}
	if roots != 1 {
		t.Fatalf("%d elements in %q", roots, b)
	}
}

func describe(changes []engine.Change) string {
	told := make([]string, len(changes))
	for i, c := range changes {
		told[i] = fmt.Sprintf("%T%+v", c, c)
		if o, ok := c.(engine.SetOutOfOffice); ok && o.Period != nil {
			told[i] = fmt.Sprintf("%T{%+v}", c, *o.Period)
		}
	}
	return strings.ReplaceAll(strings.Join(told, "; "), "engine.", "")
}
