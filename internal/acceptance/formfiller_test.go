//go:build integration

package acceptance

import (
	"encoding/xml"
	"fmt"
	"strings"

	"presenced/internal/testbed"
)

// newcomer fills in forms as a person at a client does: she chooses from the list
// of commands, reads labels, leaves what has a default as it is and presses the
// button that is offered first.
type newcomer struct {
	*site
	c        *testbed.Client
	commands map[string]string // node by name
}

// page is a command's reply (XEP-0050, XEP-0004) as a client reads it.
type page struct {
	Session string `xml:"sessionid,attr"`
	Status  string `xml:"status,attr"`
	Actions struct {
		First string `xml:"execute,attr"`
	} `xml:"actions"`
	Note struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"note"`
	Fields []question `xml:"x>field"`
	Items  []struct {
		Fields []question `xml:"field"`
	} `xml:"x>item"`
}

// question is one field of a form, or one cell of a table.
type question struct {
	Var      string    `xml:"var,attr"`
	Type     string    `xml:"type,attr"`
	Label    string    `xml:"label,attr"`
	Required *struct{} `xml:"required"`
	Values   []string  `xml:"value"`
	Options  []struct {
		Label string `xml:"label,attr"`
		Value string `xml:"value"`
	} `xml:"option"`
}

// arrives has somebody look for what the service can do.
func (s *site) arrives(c *testbed.Client) *newcomer {
	s.Helper()
	st := s.ask(c, component, "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>")
	n := &newcomer{site: s, c: c, commands: map[string]string{}}
	query := st.Root.Children[0]
	for _, item := range query.Children {
		n.commands[item.Attr("name")] = item.Attr("node")
	}
	return n
}

// fills runs the command of that name to its end, with answers by label and value;
// a choice is made by its label. Everything else is sent as it came.
func (n *newcomer) fills(command string, answers ...string) *page {
	n.Helper()
	if n.commands[command] == "" {
		n.Fatalf("no command is called %q; there are %v", command, n.commands)
	}
	left := map[string]string{}
	for i := 0; i+1 < len(answers); i += 2 {
		left[answers[i]] = answers[i+1]
	}
	at := n.presses(command, "execute", "", "")
	for at.Status == "executing" {
		at = n.presses(command, at.Actions.First, at.Session, n.fillsIn(command, at, left))
	}
	if len(left) > 0 || at.Status != "completed" {
		n.Fatalf("%s ends as %s without having asked for %v: %s", command, at.Status, left, at.Note.Text)
	}
	return at
}

// presses sends a form with a button; an empty session begins.
func (n *newcomer) presses(command, button, session, form string) *page {
	n.Helper()
	if session != "" {
		session = " sessionid='" + testbed.Escape(session) + "'"
	}
	st, err := n.c.IQ(n.Context(), "set", component, fmt.Sprintf("<command xmlns='http://jabber.org/protocol/commands' xml:lang='en' node='%s' action='%s'%s>%s</command>",
		testbed.Escape(n.commands[command]), button, session, form))
	n.must(err)
	var x struct {
		Page page `xml:"command"`
	}
	n.must(xml.Unmarshal([]byte(st.Raw), &x))
	if x.Page.Note.Type == "error" {
		n.Fatalf("%s: %s\n%s", command, x.Page.Note.Text, n.d.LogTail())
	}
	return &x.Page
}

// fillsIn answers the questions of a form, and takes what it has answered from left.
func (n *newcomer) fillsIn(command string, at *page, left map[string]string) string {
	n.Helper()
	var form strings.Builder
	for i := range at.Fields {
		q := &at.Fields[i]
		if q.Type == "fixed" {
			continue
		}
		values := q.Values
		if answer, ok := left[q.Label]; ok {
			delete(left, q.Label)
			values = []string{n.value(command, q, answer)}
		}
		if q.Required != nil && len(values) == 0 {
			n.Fatalf("%s asks for %q, which has no default", command, q.Label)
		}
		fmt.Fprintf(&form, "<field var='%s'>", testbed.Escape(q.Var))
		for _, v := range values {
			fmt.Fprintf(&form, "<value>%s</value>", testbed.Escape(v))
		}
		form.WriteString("</field>")
	}
	return "<x xmlns='jabber:x:data' type='submit'>" + form.String() + "</x>"
}

// value is what is sent for an answer: of a choice, what stands behind its label.
func (n *newcomer) value(command string, q *question, answer string) string {
	n.Helper()
	if len(q.Options) == 0 {
		return answer
	}
	for _, o := range q.Options {
		if o.Label == answer {
			return o.Value
		}
	}
	n.Fatalf("%s: %q offers no %q but %v", command, q.Label, answer, q.Options)
	return ""
}

// views runs a command of one page that shows a table, and returns it. A dialog shows
// its lines instead, for some programs cannot show a table.
func (n *newcomer) views(command, label, answer string) map[string]string {
	n.Helper()
	at := n.presses(command, "execute", "", "")
	form := n.fillsIn(command, at, map[string]string{label: answer})
	shown := n.presses(command, at.Actions.First, at.Session, form)
	table := n.presses(command, "execute", "", form).table("key", "value")
	lines := shown.Note.Text
	for _, f := range shown.Fields {
		lines += "\n" + strings.Join(f.Values, "\n")
	}
	if name := table["name"]; name == "" || !strings.Contains(lines, name) {
		n.Errorf("%s of %s shows a person\n%s\nand a program\n%v", command, answer, lines, table)
	}
	return table
}

// table is what a reply shows, each row's value by what stands in its key column.
func (p *page) table(key, value string) map[string]string {
	rows := map[string]string{}
	for _, it := range p.Items {
		cells := map[string]string{}
		for _, f := range it.Fields {
			cells[f.Var] = strings.Join(f.Values, "")
		}
		rows[cells[key]] = cells[value]
	}
	return rows
}
