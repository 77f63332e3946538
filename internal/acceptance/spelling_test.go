//go:build integration

package acceptance

import (
	"testing"

	"presenced/internal/testbed"
)

// TestSpelling_OneWatcherOnBothServers names S2.7: whatever spelling a client blocks,
// the server takes it for one account, and so does the mirror. What servers spell on
// the stream differs: Prosody as it compares, ejabberd as the client wrote.
func TestSpelling_OneWatcherOnBothServers(t *testing.T) {
	for _, kind := range []testbed.Kind{testbed.Prosody, testbed.Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			s := new(site)
			if kind == testbed.Ejabberd {
				s = openSQL(t, "sqlite").site
			} else {
				s = open(t, topology{kind, true}, refreshed)
			}
			watchers := map[string]*testbed.Client{}
			for _, user := range []string{`d\27artagnan`, "jörg"} {
				s.must(s.srv.AddUser(t.Context(), user, host, "pw"))
			}
			alice := s.login("alice", "desk")
			s.enable(alice)
			for _, user := range []string{"bob", `d\27artagnan`, "jörg"} {
				watchers[user] = s.login(user, "home")
				s.watch(watchers[user], "alice")
				s.sees(watchers[user], "alice", "online 3500", converge)
			}
			mark := watchers["bob"].Mark()
			for _, c := range []struct{ watcher, spelling string }{
				{"bob", "BOB@EXAMPLE.localhost"},
				{"bob", "b\u00adob@" + host},
				{"bob", "bob@ｅｘａｍｐｌｅ.localhost"},
				{"bob", "ｂｏ\u2060ｂ@" + host},
				{`d\27artagnan`, `D\27ARTAGNAN@` + host},
				{`d\27artagnan`, "d\\27arta\u200bgnan@" + host},
				{"jörg", "JO\u0308RG@" + host},
				{"jörg", "𝐣ö\ufe00rg@" + host},
			} {
				s.blocks(alice, "block", c.spelling)
				s.sees(watchers[c.watcher], "alice", "offline", converge)
				s.blocks(alice, "unblock", c.spelling)
				s.sees(watchers[c.watcher], "alice", "online 3500", converge)
			}
			if got := seen(watchers["bob"], mirrorOf("alice"), mark); len(got) != 8 {
				t.Errorf("bob was shown %q, want four blocks and their ends: those of others are none of his", got)
			}

			if kind != testbed.Prosody {
				return // the import of ejabberd refuses the next name
			}
			// An account of its own, and not a device of alice's.
			const twin = "🄰lice"
			s.must(s.srv.AddUser(t.Context(), twin, host, "pw"))
			other := s.login(twin, "desk")
			if other.Bare() == alice.Bare() {
				t.Fatalf("%s logged in as %s", twin, other.Bare())
			}
			s.must(other.Presence(testbed.PresenceOptions{Show: "dnd", Priority: 9}))
			s.must(other.Quiet(t.Context()))
			s.must(alice.Presence(testbed.PresenceOptions{Show: "away", Priority: 5}))
			s.sees(watchers["bob"], "alice", "away 15500", converge)
		})
	}
}
