//go:build integration

package acceptance

import (
	"encoding/xml"
	"strings"
	"testing"

	"presenced/internal/testbed"
)

// tells runs a command in one step and returns its sentences and the rows of its
// table, each cell after the name of its column.
func (s *site) tells(c *testbed.Client, lang, node, field, value string) (note string, rows []map[string]string) {
	s.Helper()
	st, err := c.IQ(s.Context(), "set", component, "<command xmlns='http://jabber.org/protocol/commands' xml:lang='"+lang+"' node='"+node+
		"' action='execute'><x xmlns='jabber:x:data' type='submit'><field var='"+field+"'><value>"+value+"</value></field></x></command>")
	s.must(err)
	var x struct {
		Note  string `xml:"command>note"`
		Items []struct {
			Fields []struct {
				Var   string `xml:"var,attr"`
				Value string `xml:"value"`
			} `xml:"field"`
		} `xml:"command>x>item"`
	}
	s.must(xml.Unmarshal([]byte(st.Raw), &x))
	for _, it := range x.Items {
		row := map[string]string{}
		for _, f := range it.Fields {
			row[f.Var] = f.Value
		}
		rows = append(rows, row)
	}
	return x.Note, rows
}

// TestExplain_OnRealServers names S12: what alice is told of bob is what bob's
// client has received, and why; with her block, the operator's word and his
// subscription gone.
func TestExplain_OnRealServers(t *testing.T) {
	everywhere(t, nil, func(s *site) {
		alice, bob := s.login("alice", "desk"), s.login("bob", "home")
		s.enable(alice)
		s.sets(alice, "<query xmlns='jabber:iq:roster'><item jid='"+bob.Bare()+"'><group>Team</group></item></query>")
		s.watch(bob, "alice")
		s.run(alice, "set-state", "state", "in-a-meeting", "for", "1h")
		s.sees(bob, "alice", "dnd 6500 in-a-meeting", converge)
		s.viewed(alice, bob)
		s.explained(alice, bob)
		s.revoked(alice, bob)
	})
}

// viewed wants view-as to show what bob has received.
func (s *site) viewed(alice, bob *testbed.Client) {
	s.Helper()
	last := bob.Since(0)
	_, rows := s.tells(alice, "de", "view-as", "jid", bob.Bare())
	view := map[string]string{}
	for _, r := range rows {
		view[r["key"]] = r["value"]
	}
	var got testbed.Stanza
	for _, st := range last {
		if st.From == mirrorOf("alice") && st.Enhanced != nil {
			got = st
		}
	}
	if view["show"] != got.Show || view["status"] != got.Status || view["activity"] != got.Enhanced.Activity || view["availability"] != "6500" {
		s.Errorf("view-as shows %v, bob received %s", view, got.Raw)
	}
}

// explained wants the reasons in both languages, and over the admin socket.
func (s *site) explained(alice, bob *testbed.Client) {
	s.Helper()
	note, _ := s.tells(alice, "en", "explain", "jid", bob.Bare())
	s.holds("explain", note, []string{
		bob.Bare() + ` sees you as "Busy: In a meeting", because you set "Busy: In a meeting", until `,
		"They are in the level Colleagues, because they belong to your organisation.",
		"They have added " + mirrorOf("alice") + ", so each change is sent to them.",
	}, nil)
	note, _ = s.tells(alice, "de", "explain", "jid", bob.Bare())
	s.holds("explain in German", note, []string{bob.Bare() + " sieht Sie als „Beschäftigt: In einer Besprechung“, weil Sie "}, nil)

	if s.privileged {
		s.run(alice, "levels", "action", "put", "container", "300", "type", "group", "value", "Team")
		note, _ = s.tells(alice, "en", "explain", "jid", bob.Bare())
		s.holds("explain a group", note, []string{`They are in the level Workgroup, because they are in your contact group "Team".`}, nil)
	}
	out, err := s.d.Run(s.Context(), "explain", alice.Bare(), "--watcher", bob.Bare())
	s.must(err)
	s.Logf("presenced explain:\n%s%s", out.Stdout, out.Stderr)
	if !strings.HasPrefix(out.Stdout, "As "+alice.Bare()+" would read it:\n"+bob.Bare()+` sees you as "Busy: In a meeting", because you set `) {
		s.Errorf("presenced explain prints\n%s", out.Stdout)
	}
}

// revoked blocks bob, finds him among the watchers and ends his subscription.
func (s *site) revoked(alice, bob *testbed.Client) {
	s.Helper()
	s.run(alice, "block", "jid", bob.Bare())
	s.sees(bob, "alice", "offline", converge)
	note, _ := s.tells(alice, "en", "explain", "jid", bob.Bare())
	s.holds("explain a block", note, []string{bob.Bare() + ` sees you as "Offline", whatever you do: they are in the level Blocked, because you block them.`}, nil)

	_, rows := s.tells(alice, "en", "watchers", "action", "list")
	if len(rows) == 0 || rows[0]["who"] != bob.Bare() || rows[0]["how"] != "has added you" || rows[0]["level"] != "Blocked" {
		s.Errorf("watchers lists %v", rows)
	}
	mark := bob.Mark()
	s.run(alice, "watchers", "action", "revoke", "watchers", bob.Bare())
	s.must(testbed.Barrier(s.Context(), component, alice, bob))
	revoked := false
	for _, st := range bob.Since(mark) {
		revoked = revoked || st.Kind == "presence" && st.Type == "unsubscribed" && st.From == mirrorOf("alice")
	}
	if !revoked {
		s.Error("bob is not told that his subscription has ended")
	}
}
