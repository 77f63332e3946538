package commands

import (
	"testing"
	"unicode/utf8"
)

// FuzzIQ sends anything as a payload.
func FuzzIQ(f *testing.F) {
	for _, item := range newServer(nil).Items("en") {
		f.Add("set", "de", string(payload(item.Node, "", "execute")))
		f.Add("set", "", string(payload(item.Node, "", "execute", "confirm", "1", "state", "busy", "on", "1", "jid", "b@example.net", "action", "remove", "rules", "100 federated", "text", "<&>'\"")))
	}
	f.Add("set", "en", string(payload("levels", "x", "next", "action", "put", "container", "200", "type", "domain", "value", "*.x")))
	f.Add("get", "x-ünknown", "<query xmlns='jabber:iq:register'><remove/></query>")
	f.Add("set", "", "<a:command xmlns:a='"+NSCommands+"' a:node='note' node='note' xml:lang=\"d&apos;e\"><a:actions/></a:command>")
	f.Fuzz(func(t *testing.T, typ, lang, p string) {
		s := newServer(has(settled()))
		for _, from := range []string{alice, "bob@example.net"} {
			out, serr, handled := s.IQ(t.Context(), jid(t, from), typ, lang, []byte(p))
			if !handled && (out != nil || serr != nil) || serr != nil && out != nil {
				t.Fatalf("handled=%v, %s, %v", handled, out, serr)
			}
			if out != nil {
				wellFormed(t, out)
			}
			if serr != nil {
				wellFormed(t, inError(serr))
			}
		}
	})
}

// FuzzFields sends anything as the values of the fields of every command, in one
// shot and in an open form.
func FuzzFields(f *testing.F) {
	f.Add(uint8(2), "state", "busy", "until", "15:00", "availability", "9500")
	f.Add(uint8(6), "action", "put", "type", "user", "value", "b@example.org")
	f.Add(uint8(7), "jid", "]]>\x00\ufffe", "jid", "<", "", "")
	f.Fuzz(func(t *testing.T, node uint8, n1, v1, n2, v2, n3, v3 string) {
		s := newServer(has(settled()))
		from := jid(t, alice)
		c := table[int(node)%len(table)].node
		step := func(session, action string) {
			out, serr, handled := s.IQ(t.Context(), from, "set", "de", payload(c, session, action, n1, v1, n2, v2, n3, v3))
			if !handled {
				t.Fatal("not handled")
			}
			if serr == nil {
				wellFormed(t, out)
				if !utf8.Valid(out) {
					t.Fatalf("not UTF-8: %q", out)
				}
			}
		}
		step("", "execute")
		for id := range s.sessions.byID {
			step(id, "execute")
		}
	})
}
