//go:build integration

package serverlists

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/testbed"
	"presenced/privacy"
)

const host = "example.localhost"

// stage is an ejabberd with its lists in a database, and a source that reads
// them.
type stage struct {
	t      *testing.T
	ctx    context.Context
	server *testbed.Server
	sql    *testbed.SQL
	source *Source
}

// TestEjabberd goes through both databases and both layouts. The database user
// of PostgreSQL is made as docs/servers/ejabberd.md says.
func TestEjabberd(t *testing.T) {
	pg := testbed.RunPostgres(t)
	for _, driver := range []string{"sqlite", "postgres"} {
		for _, serverHost := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/server_host=%t", driver, serverHost), func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
				defer cancel()
				q := &testbed.SQL{ServerHost: serverHost, Database: filepath.Join(t.TempDir(), "ejabberd.db")}
				dsn := q.Database
				if driver == "postgres" {
					q.Postgres, q.Database = pg, fmt.Sprintf("ejabberd_%t", serverHost)
				}
				server := testbed.RunServer(t, testbed.Ejabberd, testbed.Options{SQL: q, Hosts: []string{host, "other.localhost"}})
				if driver == "postgres" {
					dsn = reader(ctx, t, pg, q.Database)
				}
				source, err := Open(Options{Host: host, Driver: driver, DSN: dsn})
				must(t, err)
				t.Cleanup(func() { must(t, source.Close()) })
				run := func(name string, test func(s stage)) {
					t.Run(name, func(t *testing.T) { test(stage{t, ctx, server, q, source}) })
				}
				run("inspect", inspectEmpty)
				run("lists", readWhatAClientSets)
				run("blocks", readBlockedContacts)
				run("names", readNamesAsStored)
				if serverHost { // the old layout has one database for each host
					run("hosts", readOneHostOnly)
				}
				run("many", readTenThousandItems)
				run("inspect again", inspectUsed)
				run("writes", readWhileTheServerWrites)
				if driver == "sqlite" {
					run("write-ahead", writesDoNotFailBesideReadings)
				} else {
					run("refusals", postgresRefuses)
				}
			})
		}
	}
}

// reader makes the user of the documentation and returns her dsn.
func reader(ctx context.Context, t *testing.T, pg *testbed.Postgres, database string) string {
	t.Helper()
	const password = "p@ss/w:rd"
	_, err := pg.SQL(ctx, "postgres", "DROP ROLE IF EXISTS "+database+"_reader; CREATE ROLE "+database+"_reader LOGIN PASSWORD '"+password+"'")
	must(t, err)
	_, err = pg.SQL(ctx, database, "GRANT SELECT ON privacy_list, privacy_list_data, privacy_default_list TO "+database+"_reader")
	must(t, err)
	return pg.DSN(database+"_reader", password, database)
}

func (s stage) login(jid string) *testbed.Client {
	s.t.Helper()
	user, domain, _ := strings.Cut(testbed.Bare(jid), "@")
	must(s.t, s.server.AddUser(s.ctx, user, domain, "pw"))
	c, err := testbed.Dial(s.ctx, s.server, jid, "pw", testbed.ClientOptions{})
	must(s.t, err)
	s.t.Cleanup(func() { _ = c.Drop() })
	return c
}

// set sends one <query/> of XEP-0016.
func (s stage) set(c *testbed.Client, query string) {
	s.t.Helper()
	s.send(c, "<query xmlns='jabber:iq:privacy'>"+query+"</query>")
}

func (s stage) send(c *testbed.Client, payload string) {
	s.t.Helper()
	if _, err := c.IQ(s.ctx, "set", "", payload); err != nil {
		s.t.Fatalf("%s: %v", payload, err)
	}
}

// want compares what is read with what should be.
func (s stage) want(step, bare string, want engine.Lists) {
	s.t.Helper()
	got, err := s.source.Read(s.ctx, presence.MustAddr(bare), bare)
	must(s.t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("%s: (-want +got)\n%s", step, diff)
	}
}

func readWhatAClientSets(s stage) {
	alice := s.login("alice@" + host + "/desk")
	s.want("before anything", alice.Bare(), engine.Lists{})
	s.set(alice, `<list name='work'>
			<item order='7' action='deny' type='subscription' value='none'/>
			<item order='3' action='allow' type='group' value='Fri&amp;ends ü'><message/></item>
			<item order='5' action='deny' type='jid' value='Bob@Example.ORG/Phone'><presence-out/><presence-in/><iq/></item>
			<item order='9' action='allow'/></list>`)
	work := privacy.List{Items: []privacy.Item{
		{Order: "3", Action: "allow", Type: "group", Value: "Fri&ends ü", Stanzas: []string{"message"}},
		{Order: "5", Action: "deny", Type: "jid", Value: "bob@example.org/Phone", Stanzas: []string{"iq", "presence-in", "presence-out"}},
		{Order: "7", Action: "deny", Type: "subscription", Value: "none"},
		{Order: "9", Action: "allow"},
	}}
	s.want("a list", alice.Bare(), engine.Lists{Others: []privacy.List{work}})
	s.set(alice, "<default name='work'/>")
	s.want("made the default", alice.Bare(), engine.Lists{Default: &work})
	s.set(alice, `<list name='invisible'><item order='1' action='deny'><presence-out/></item></list>`)
	invisible := privacy.List{Items: []privacy.Item{{Order: "1", Action: "deny", Stanzas: []string{"presence-out"}}}}
	s.want("a second one", alice.Bare(), engine.Lists{Default: &work, Others: []privacy.List{invisible}})
	s.set(alice, `<list name='work'><item order='1' action='allow' type='subscription' value='both'/></list>`)
	work = privacy.List{Items: []privacy.Item{{Order: "1", Action: "allow", Type: "subscription", Value: "both"}}}
	s.want("the default changed", alice.Bare(), engine.Lists{Default: &work, Others: []privacy.List{invisible}})
	s.set(alice, "<default name='invisible'/>")
	s.want("the other one the default", alice.Bare(), engine.Lists{Default: &invisible, Others: []privacy.List{work}})
	s.set(alice, "<default/>")
	s.set(alice, "<list name='invisible'/>")
	s.want("no default, one removed", alice.Bare(), engine.Lists{Others: []privacy.List{work}})
	s.set(alice, "<list name='work'/>")
	s.want("all removed", alice.Bare(), engine.Lists{})
}

// readBlockedContacts: a block is an item of the default list, and every
// one has the order 0.
func readBlockedContacts(s stage) {
	alice := s.login("barbara@" + host + "/desk")
	deny := func(order, jid string) privacy.Item {
		return privacy.Item{Order: order, Action: "deny", Type: "jid", Value: jid}
	}
	list := func(items ...privacy.Item) *privacy.List {
		return &privacy.List{Items: append([]privacy.Item{}, items...)}
	}
	block := func(name, jid string) {
		s.send(alice, fmt.Sprintf("<%s xmlns='urn:xmpp:blocking'><item jid='%s'/></%s>", name, jid, name))
	}
	block("block", "Carol@example.org")
	s.want("one blocked", alice.Bare(), engine.Lists{Default: list(deny("0", "carol@example.org"))})
	block("block", "bob@example.org/x")
	block("block", "spam.example")
	three := list(deny("0", "bob@example.org/x"), deny("1", "carol@example.org"), deny("2", "spam.example"))
	s.want("three blocked", alice.Bare(), engine.Lists{Default: three})
	block("unblock", "carol@example.org")
	s.want("one let in", alice.Bare(), engine.Lists{Default: list(deny("0", "bob@example.org/x"), deny("1", "spam.example"))})
	s.send(alice, "<unblock xmlns='urn:xmpp:blocking'/>")
	s.want("all let in", alice.Bare(), engine.Lists{Default: list()})

	s.set(alice, `<list name='mine'><item order='0' action='allow' type='jid' value='bob@example.org'/></list>`)
	s.set(alice, "<default name='mine'/>")
	block("block", "bob@example.org")
	got, err := s.source.Read(s.ctx, presence.MustAddr(alice.Bare()), alice.Bare())
	must(s.t, err)
	want := list(deny("0", "bob@example.org"), privacy.Item{Order: "1", Action: "allow", Type: "jid", Value: "bob@example.org"})
	if diff := cmp.Diff(want, got.Default); diff != "" {
		s.t.Errorf("a block beside an allow of the same order: (-want +got)\n%s", diff)
	}
}

// readNamesAsStored logs in under spellings that the server
// folds, and reads under the one it puts on the stream.
func readNamesAsStored(s stage) {
	for _, name := range []string{"carla", "BOB", "Jörg", "straße", "c\u00adarl", `d\27artagnan`, `x\5c5cy`, `E\2Fe`, "ﬁn"} {
		c, err := s.enter(name)
		must(s.t, err)
		s.set(c, fmt.Sprintf("<list name='l'><item order='1' action='deny' type='group' value='%s'/></list>", testbed.Escape(name)))
		spelled := testbed.Bare(c.JID)
		s.want(name, spelled, engine.Lists{Others: []privacy.List{{Items: []privacy.Item{
			{Order: "1", Action: "deny", Type: "group", Value: name},
		}}}})
		must(s.t, c.Close())
	}
}

// enter logs in as a client that does not prepare its name.
func (s stage) enter(name string) (*testbed.Client, error) {
	if err := s.server.AddUser(s.ctx, name, host, "pw"); err != nil {
		return nil, err
	}
	return testbed.Dial(s.ctx, s.server, name+"@"+host+"/r", "pw", testbed.ClientOptions{})
}

func readOneHostOnly(s stage) {
	here, there := s.login("heidi@"+host+"/r"), s.login("heidi@other.localhost/r")
	s.set(there, "<list name='l'><item order='1' action='deny'/></list>")
	s.want("only the other heidi has one", here.Bare(), engine.Lists{})
}

func readTenThousandItems(s stage) {
	alice := s.login("maria@" + host + "/desk")
	// ejabberd takes as many items as fit into a stanza; mod_blocking adds.
	const each = 2500
	for part := range 4 {
		var b strings.Builder
		for i := range each {
			fmt.Fprintf(&b, "<item jid='user-%05d@example.org'/>", part*each+i)
		}
		s.send(alice, "<block xmlns='urn:xmpp:blocking'>"+b.String()+"</block>")
	}
	start := time.Now()
	got, err := s.source.Read(s.ctx, presence.MustAddr(alice.Bare()), alice.Bare())
	must(s.t, err)
	s.t.Logf("10 000 items read in %s", time.Since(start))
	if got.Default == nil || len(got.Default.Items) != 10_000 || got.Default.Broken != "" {
		s.t.Fatalf("got %+v, want 10 000 items", got.Default)
	}
	for i, it := range got.Default.Items {
		if want := fmt.Sprintf("user-%05d@example.org", i); it.Value != want || it.Order != fmt.Sprint(i) {
			s.t.Fatalf("item %d: got %+v, want %s", i, it, want)
		}
	}
	s.send(alice, "<block xmlns='urn:xmpp:blocking'><item jid='one-more@example.org'/></block>")
	s.want("one more", alice.Bare(), engine.Lists{Default: &privacy.List{Broken: "it has more than 10000 items"}})
}

// readWhileTheServerWrites: each reading is one of two versions.
func readWhileTheServerWrites(s stage) {
	s.t.Logf("%d of 40 writes were refused", s.writeBesideReadings("busy"))
}

// writesDoNotFailBesideReadings: ejabberd does not wait for SQLite's readers, so
// that without a write-ahead log its own writing fails beside ours.
func writesDoNotFailBesideReadings(s stage) {
	must(s.t, s.server.Stop())
	writeAhead(s.t, s.sql.Database)
	must(s.t, s.server.Start(s.ctx))
	if refused := s.writeBesideReadings("ahead"); refused > 0 {
		s.t.Errorf("%d of 40 writes of ejabberd were refused", refused)
	}
	found, err := s.source.Inspect(s.ctx)
	must(s.t, err)
	if found.Blocks {
		s.t.Errorf("the write-ahead log was not seen: %+v", found)
	}
}

// writeBesideReadings has a client replace her list while it is read without a
// pause, and returns how many sets the server refused.
func (s stage) writeBesideReadings(name string) (refused int) {
	user := s.login(name + "@" + host + "/desk")
	version := func(action string) string {
		var b strings.Builder
		for i := range 200 {
			fmt.Fprintf(&b, "<item order='%d' action='%s' type='jid' value='u%03d@example.org'/>", i, action, i)
		}
		return "<list name='l'>" + b.String() + "</list>"
	}
	s.set(user, version("deny"))
	s.set(user, "<default name='l'/>")
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		count := 0
		for ; ctx.Err() == nil; count++ {
			got, err := s.source.Read(s.ctx, presence.MustAddr(user.Bare()), user.Bare())
			if err == nil {
				err = oneVersion(got)
			}
			if err != nil {
				done <- fmt.Errorf("reading %d: %w", count, err)
				return
			}
		}
		s.t.Logf("%d readings", count)
		done <- nil
	}()
	for i := range 40 {
		_, err := user.IQ(s.ctx, "set", "", "<query xmlns='jabber:iq:privacy'>"+version([]string{"allow", "deny"}[i%2])+"</query>")
		if e := new(testbed.StanzaError); errors.As(err, &e) {
			refused++
		} else {
			must(s.t, err)
		}
	}
	stop()
	must(s.t, <-done)
	return refused
}

// oneVersion tells where two versions were mixed.
func oneVersion(got engine.Lists) error {
	if got.Default == nil || len(got.Default.Items) != 200 || len(got.Others) != 0 {
		return fmt.Errorf("not the list: %+v", got)
	}
	for i, it := range got.Default.Items {
		if it.Action != got.Default.Items[0].Action || it.Value != fmt.Sprintf("u%03d@example.org", i) {
			return fmt.Errorf("item %d is of another version: %+v", i, it)
		}
	}
	return nil
}

// inspectEmpty looks before anybody has a list. SQLite's file is made when
// ejabberd first asks it something.
func inspectEmpty(s stage) {
	visitor := s.login("visitor@" + host + "/r")
	_, err := visitor.IQ(s.ctx, "get", "", "<query xmlns='jabber:iq:privacy'/>")
	must(s.t, err)
	found, err := s.source.Inspect(s.ctx)
	must(s.t, err)
	if !found.Empty || found.Writable || found.Blocks != (s.sql.Postgres == nil) {
		s.t.Errorf("got %+v, want empty tables", found)
	}
}

func inspectUsed(s stage) {
	found, err := s.source.Inspect(s.ctx)
	must(s.t, err)
	layout := map[bool]string{true: "the new layout", false: "the old layout"}[s.sql.ServerHost]
	if found.Empty || !strings.HasPrefix(found.Layout, layout) || found.Server == "" || found.Where == "" {
		s.t.Errorf("got %+v, want used tables in %s", found, layout)
	}
}

// postgresRefuses holds the words for what an operator gets wrong to what
// PostgreSQL says.
func postgresRefuses(s stage) {
	pg, database := s.sql.Postgres, s.sql.Database
	_, err := pg.SQL(s.ctx, database, "CREATE ROLE "+database+"_nobody LOGIN PASSWORD 'tops3cret'")
	must(s.t, err)
	for _, c := range []struct{ name, dsn, hint string }{
		{"password", pg.DSN(pg.User, "tops3cret", database), "correct user and password"},
		{"user", pg.DSN("tops", "tops3cret", database), "correct user and password"},
		{"database", pg.DSN(pg.User, pg.Password, "nothing"), "sql_database of ejabberd"},
		{"tables", pg.DSN(pg.User, pg.Password, "postgres"), "db_type: sql"},
		{"rights", pg.DSN(database+"_nobody", "tops3cret", database), "GRANT SELECT ON"},
	} {
		source, err := Open(Options{Host: host, Driver: "postgres", DSN: c.dsn})
		must(s.t, err)
		_, err = source.Read(s.ctx, presence.MustAddr("alice@"+host), "alice@"+host)
		if err == nil || !strings.Contains(err.Error(), c.hint) || strings.ContainsAny(err.Error(), "\n") ||
			strings.Contains(err.Error(), "tops3cret") || strings.Contains(err.Error(), pg.Password) {
			s.t.Errorf("%s: got %v, want one line with %q and no password", c.name, err, c.hint)
		}
		must(s.t, source.Close())
	}
	owner, err := Open(Options{Host: host, Driver: "postgres", DSN: pg.DSN(pg.User, pg.Password, database)})
	must(s.t, err)
	defer func() { must(s.t, owner.Close()) }()
	if found, err := owner.Inspect(s.ctx); err != nil || !found.Writable {
		s.t.Errorf("a user who may write: got %+v, %v", found, err)
	}
	if _, err := owner.db.ExecContext(s.ctx, "DELETE FROM privacy_list"); err == nil {
		s.t.Error("even the owner's session can write")
	}
	must(s.t, pg.Restart(s.ctx))
	s.want("after a restart of PostgreSQL", "nobody@"+host, engine.Lists{})
}
