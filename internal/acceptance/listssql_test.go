//go:build integration

package acceptance

import (
	"context"
	"encoding/json"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// sqlSite is an ejabberd that keeps its lists in a database, and a daemon that
// reads them there.
type sqlSite struct {
	*site
	pg      *testbed.Postgres // nil: SQLite
	config  map[string]any
	sources any // the entry of privacy.lists_sql
}

// openSQL starts one of the two. The database user of PostgreSQL is the one of
// docs/servers/ejabberd.md.
func openSQL(t *testing.T, driver string) *sqlSite {
	q := &testbed.SQL{ServerHost: true, Database: filepath.Join(t.TempDir(), "ejabberd.db")}
	s := &sqlSite{site: &site{T: t, topology: topology{testbed.Ejabberd, true}}}
	dsn := q.Database
	if driver == "postgres" {
		s.pg = testbed.RunPostgres(t)
		q.Postgres, q.Database = s.pg, "ejabberd"
	}
	s.srv = testbed.RunServer(t, testbed.Ejabberd, testbed.Options{Privileged: true, SQL: q})
	if driver == "postgres" {
		_, err := s.pg.SQL(t.Context(), q.Database,
			"CREATE ROLE presenced LOGIN PASSWORD 'pw'; GRANT SELECT ON privacy_list, privacy_list_data, privacy_default_list TO presenced")
		s.must(err)
		dsn = s.pg.DSN("presenced", "pw", q.Database)
	}
	for _, user := range []string{"alice", "bob", "carol", "dave"} {
		s.must(s.srv.AddUser(t.Context(), user, host, "pw"))
	}
	_, store := storeOf(t)
	s.sources = map[string]any{"host": host, "driver": driver, "dsn": dsn}
	s.config = lay(map[string]any{
		"store":   store,
		"privacy": map[string]any{"refresh": "1s", "server_lists": "require", "lists_sql": []any{s.sources}},
	}, testbed.ConfigFor(s.srv))
	s.d = testbed.RunDaemon(t, testbed.DaemonOptions{Config: s.config})
	return s
}

// stands waits for a word of /readyz, with a reason of that name unless it is "".
func (s *site) stands(status, reason string, limit time.Duration) {
	s.Helper()
	deadline := time.Now().Add(limit)
	for {
		_, body, err := s.d.Readiness(s.Context())
		var got struct {
			Status  string
			Reasons []struct{ Name, Remedy string }
		}
		ok := err == nil && json.Unmarshal([]byte(body), &got) == nil && got.Status == status && (reason != "" || len(got.Reasons) == 0)
		named := reason == ""
		for _, r := range got.Reasons {
			named = named || r.Name == reason && r.Remedy != ""
		}
		if ok && named {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("/readyz is not %s (%s) within %v: %s %v\n%s", status, reason, limit, body, err, s.d.LogTail())
		}
		time.Sleep(20 * time.Millisecond) // the pause of a poll
	}
}

// onlyOffline fails when a watcher was shown a mirror as anything else after a mark.
func (s *site) onlyOffline(c *testbed.Client, user string, mark int) {
	s.Helper()
	for _, one := range seen(c, mirrorOf(user), mark) {
		if one != "offline" {
			s.Errorf("%s was shown %q of %s", c.JID, one, user)
		}
	}
}

// TestListsSQL_OnRealEjabberd names S8.1, S8.2, S8.8 and S11: what a client sets on
// an ejabberd takes effect on mirrors within privacy.refresh, and is taken back.
func TestListsSQL_OnRealEjabberd(t *testing.T) {
	for _, driver := range []string{"sqlite", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			s := openSQL(t, driver)
			alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
			s.enable(alice)
			s.watch(bob, "alice")
			s.watch(carol, "alice")
			s.sees(bob, "alice", "online 3500", converge)
			s.sees(carol, "alice", "online 3500", converge)
			s.stands("ready", "", converge)

			s.blocks(alice, "block", "bob@"+host)
			s.sees(bob, "alice", "offline", converge)
			s.blocks(alice, "unblock", "bob@"+host)
			s.sees(bob, "alice", "online 3500", converge)

			s.blocks(alice, "block", host)
			s.sees(carol, "alice", "offline", converge)
			s.blocks(alice, "unblock", host)
			s.sees(carol, "alice", "online 3500", converge)

			s.writes(alice, "work",
				"<item order='1' action='allow' type='jid' value='BOB@"+host+"'/>",
				"<item order='2' action='deny' type='jid' value='"+host+"'><presence-out/></item>",
				"<item order='3' action='allow'/>")
			s.sets(alice, "<query xmlns='jabber:iq:privacy'><default name='work'/></query>")
			s.sees(carol, "alice", "offline", converge)
			s.sees(bob, "alice", "online 3500", converge)
			// The list denies the whole host, and so the component on it (S8.3): while
			// alice owns it, it might be active.
			s.sets(alice, "<query xmlns='jabber:iq:privacy'><default/></query>")
			s.sees(bob, "alice", "offline", converge)
			s.sets(alice, "<query xmlns='jabber:iq:privacy'><list name='work'/></query>")
			s.sees(bob, "alice", "online 3500", converge)
			s.sees(carol, "alice", "online 3500", converge)
			s.blocks(alice, "block", component) // hides from everybody
			s.sees(bob, "alice", "offline", converge)
			s.sees(carol, "alice", "offline", converge)
		})
	}
}

// TestListsSQL_DatabaseAway names S8.5 and S11: a database that stops opens nothing,
// neither for a running daemon nor for one that starts meanwhile.
func TestListsSQL_DatabaseAway(t *testing.T) {
	s := openSQL(t, "postgres")
	reason := "lists of " + host
	alice, bob, carol, dave := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home"), s.login("dave", "desk")
	s.enable(alice)
	s.watch(bob, "alice")
	s.watch(carol, "alice")
	s.blocks(alice, "block", "bob@"+host)
	s.sees(bob, "alice", "offline", converge)
	s.sees(carol, "alice", "online 3500", converge)

	s.must(s.pg.Stop())
	s.stands("degraded", reason, converge)
	mark := bob.Mark()
	s.must(alice.Presence(testbed.PresenceOptions{Show: "away", Priority: 5}))
	s.sees(carol, "alice", "away 15500", converge)

	// A daemon that starts now knows alice's lists, and nothing of dave's.
	s.must(s.d.Kill())
	s.must(s.d.Start(t.Context()))
	s.stands("degraded", reason, converge)
	s.must(alice.Presence(testbed.PresenceOptions{Show: "dnd", Priority: 5}))
	s.sees(carol, "alice", "dnd 9500", converge)
	s.enable(dave)
	s.must(carol.Subscribe(mirrorOf("dave")))
	s.must(dave.Presence(testbed.PresenceOptions{Show: "away", Priority: 5}))
	_, err := carol.IQ(t.Context(), "get", mirrorOf("dave"), "<query xmlns='urn:presenced:1'/>")
	s.must(err) // the answer is for whom nothing is known of
	s.onlyOffline(carol, "dave", 0)
	s.onlyOffline(bob, "alice", mark)

	s.must(s.pg.Start(t.Context()))
	s.stands("ready", "", 2*converge)
	s.sees(carol, "dave", "away 15500", 2*converge)
	s.onlyOffline(bob, "alice", mark)
	s.blocks(alice, "unblock", "bob@"+host)
	s.sees(bob, "alice", "dnd 9500", converge)
}

// TestListsSQL_Reload: a database that is added counts from the reload on, one that
// cannot be reached opens nothing, and what cannot be right changes nothing.
func TestListsSQL_Reload(t *testing.T) {
	s := openSQL(t, "sqlite")
	right := s.sources
	reason := "lists of " + host
	alice, bob, carol := s.login("alice", "desk"), s.login("bob", "home"), s.login("carol", "home")
	s.enable(alice)
	s.watch(bob, "alice")
	s.watch(carol, "alice")
	s.sees(bob, "alice", "online 3500", converge)

	s.reload() // no source, and server_lists = "require"
	s.sees(bob, "alice", "offline", converge)
	s.blocks(alice, "block", "bob@"+host)
	mark := bob.Mark()
	s.reload(right)
	s.sees(carol, "alice", "online 3500", converge)

	s.reload(map[string]any{"host": host, "driver": "sqlite", "dsn": filepath.Join(t.TempDir(), "nowhere.db")})
	s.stands("degraded", reason, converge)
	s.must(alice.Presence(testbed.PresenceOptions{Show: "away", Priority: 5}))
	s.sees(carol, "alice", "away 15500", converge)
	s.onlyOffline(bob, "alice", mark)

	s.reload(map[string]any{"host": host, "driver": "sqlite", "dsn": "nowhere.db"})
	s.within(converge, "the reload is refused", func(ctx context.Context) error {
		for {
			all, err := s.d.Metrics(ctx)
			if err != nil || series(t, all, "presenced_config_last_reload_successful") == 0 {
				return err
			}
			time.Sleep(20 * time.Millisecond) // the pause of a poll
		}
	})
	s.stands("degraded", reason, 0)

	s.reload(right)
	s.stands("ready", "", converge)
	s.blocks(alice, "unblock", "bob@"+host)
	s.sees(bob, "alice", "away 15500", converge)
}

// reload gives the daemon these sources and no others.
func (s *sqlSite) reload(sources ...any) {
	s.Helper()
	s.config["privacy"].(map[string]any)["lists_sql"] = sources
	s.must(s.d.WriteConfig(s.config))
	s.must(s.d.Signal(syscall.SIGHUP))
}
