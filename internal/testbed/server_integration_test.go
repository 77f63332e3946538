//go:build integration

package testbed

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const (
	hostA = "example.localhost"
	hostB = "partner.localhost"
)

// eachServer runs a test against both products, privileged and plain, with
// two hosts.
func eachServer(t *testing.T, test func(t *testing.T, s *Server)) {
	for _, kind := range []Kind{Prosody, Ejabberd} {
		for _, privileged := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/privileged=%t", kind, privileged), func(t *testing.T) {
				test(t, RunServer(t, kind, Options{Hosts: []string{hostA, hostB}, Privileged: privileged}))
			})
		}
	}
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// enter creates the account unless it exists and logs in.
func enter(ctx context.Context, t *testing.T, s *Server, jid string, opts ClientOptions) *Client {
	t.Helper()
	user, host, _ := strings.Cut(Bare(jid), "@")
	must(t, s.AddUser(ctx, user, host, "pw-"+user))
	c, err := Dial(ctx, s, jid, "pw-"+user, opts)
	must(t, err)
	t.Cleanup(func() { _ = c.Drop() })
	return c
}

func TestServer_PresenceCrossesTwoHosts(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		ctx := testContext(t)
		alice := enter(ctx, t, s, "alice@"+hostA+"/desk", ClientOptions{AutoApprove: ApproveAll})
		bob := enter(ctx, t, s, "bob@"+hostB+"/phone", ClientOptions{})
		for _, c := range []*Client{alice, bob} {
			_, err := c.Roster(ctx)
			must(t, err)
			must(t, c.Presence(PresenceOptions{}))
		}
		must(t, bob.Subscribe(alice.Bare()))
		_, err := bob.WaitPresence(ctx, alice.JID, Stanza.Available)
		must(t, err)

		mark := bob.Mark()
		idle := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		must(t, alice.Presence(PresenceOptions{Show: "dnd", Status: "a < b & 'c'", Priority: 5, IdleSince: idle}))
		got, err := bob.WaitAfter(ctx, mark, PresenceFrom(alice.JID, nil))
		must(t, err)
		if got.Show != "dnd" || got.Status != "a < b & 'c'" || got.Priority != 5 || got.IdleSince != "2026-11-22T08:00:00Z" {
			t.Errorf("got show %q status %q priority %d idle %q from %s", got.Show, got.Status, got.Priority, got.IdleSince, got)
		}
		items, err := bob.Roster(ctx)
		must(t, err)
		if len(items) != 1 || items[0].JID != alice.Bare() || items[0].Subscription != "to" {
			t.Errorf("bob's roster: got %+v, want alice with subscription to", items)
		}
		must(t, alice.Drop())
		_, err = bob.WaitAfter(ctx, mark, PresenceFrom(alice.JID, func(s Stanza) bool { return s.Type == "unavailable" }))
		must(t, err)
		must(t, bob.Close())
	})
}

func TestServer_RejectsWrongPassword(t *testing.T) {
	for _, kind := range []Kind{Prosody, Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			ctx := testContext(t)
			s := RunServer(t, kind, Options{})
			must(t, s.AddUser(ctx, "alice", s.Domain, "right"))
			c, err := Dial(ctx, s, "alice@"+s.Domain, "wrong", ClientOptions{})
			if err == nil {
				_ = c.Drop()
				t.Fatal("login with a wrong password succeeded")
			}
			if !strings.Contains(err.Error(), "not-authorized") {
				t.Errorf("got error %q, want one that says not-authorized", err)
			}
		})
	}
}

// handshake attaches as the component by hand.
func handshake(ctx context.Context, t *testing.T, s *Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.ComponentAddr)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, "<stream:stream xmlns='jabber:component:accept' xmlns:stream='"+nsStream+"' to='"+s.Component+"'>")
	must(t, err)
	in := bufio.NewReader(conn)
	header := readUntil(t, in, " id=")
	quoteMark, err := in.ReadByte()
	must(t, err)
	id := strings.TrimSuffix(readUntil(t, in, string(quoteMark)), string(quoteMark))
	sum := sha1.Sum([]byte(id + s.Secret))
	_, err = fmt.Fprintf(conn, "<handshake>%s</handshake><iq type='get' id='end' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
		hex.EncodeToString(sum[:]), s.Component, s.Domain)
	must(t, err)
	if got := readUntil(t, in, "<handshake/>"); strings.Contains(got, "error") {
		t.Fatalf("handshake refused: %s%s", header, got)
	}
	return conn, in
}

func readUntil(t *testing.T, in *bufio.Reader, mark string) string {
	t.Helper()
	var b strings.Builder
	for !strings.HasSuffix(b.String(), mark) {
		c, err := in.ReadByte()
		if err != nil {
			t.Fatalf("stream ended before %q: %v after %s", mark, err, b.String())
		}
		b.WriteByte(c)
	}
	return b.String()
}

func TestServer_ComponentAttachesAndIsToldItsPrivileges(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		ctx := testContext(t)
		alice := enter(ctx, t, s, "alice@"+hostA+"/desk", ClientOptions{})
		must(t, alice.Presence(PresenceOptions{Show: "away"}))
		must(t, alice.Quiet(ctx))
		_, in := handshake(ctx, t, s)
		if !s.Privileged {
			if got := readUntil(t, in, "'/>"); strings.Contains(got, "privilege") {
				t.Errorf("a plain server advertised privileges: %s", got)
			}
			return
		}
		var got strings.Builder
		told := func(host string) bool {
			for part := range strings.SplitSeq(got.String(), "<message") {
				if strings.Contains(part, host) && strings.Contains(part, "managed_entity") || // Prosody
					strings.Contains(part, host) && strings.Contains(part, "urn:xmpp:privilege:1") { // ejabberd
					return true
				}
			}
			return false
		}
		for !told(hostA) || !told(hostB) {
			got.WriteString(readUntil(t, in, ">"))
		}
		must(t, alice.Presence(PresenceOptions{Show: "dnd"}))
		readUntil(t, in, "<show>dnd</show>")
	})
}

func TestServer_SeedGivesRosters(t *testing.T) {
	for _, kind := range []Kind{Prosody, Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			ctx := testContext(t)
			s := RunServer(t, kind, Options{})
			var accounts []Account
			for i := range 200 {
				a := Account{User: fmt.Sprintf("user-%d", i), Host: s.Domain, Password: "p"}
				for j := range 20 {
					a.Roster = append(a.Roster, RosterItem{JID: fmt.Sprintf("user-%d@%s", (i+j+1)%200, s.Domain),
						Name: "N & \"co\"", Subscription: "both", Groups: []string{"Friends", "Work"}})
				}
				accounts = append(accounts, a)
			}
			must(t, s.Seed(ctx, accounts))
			c, err := Dial(ctx, s, "user-7@"+s.Domain, "p", ClientOptions{})
			must(t, err)
			items, err := c.Roster(ctx)
			must(t, err)
			if len(items) != 20 || items[0].Subscription != "both" || len(items[0].Groups) != 2 || items[0].Name != "N & \"co\"" {
				t.Errorf("got %d items, first %+v", len(items), items[0])
			}
			must(t, c.Close())
		})
	}
}

func TestServer_KillRestartStall(t *testing.T) {
	for _, kind := range []Kind{Prosody, Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			ctx := testContext(t)
			s := RunServer(t, kind, Options{})
			alice := enter(ctx, t, s, "alice@"+s.Domain+"/a", ClientOptions{})
			must(t, s.Stall())
			short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			if err := alice.Quiet(short); err == nil {
				t.Error("a stalled server answered a ping")
			}
			cancel()
			must(t, s.Resume())
			must(t, alice.Quiet(ctx))

			family := append(descendants(s.PID()), procID{pid: s.PID(), start: startOf(t, s.PID())})
			must(t, s.Restart(ctx))
			<-alice.Done()
			for _, id := range family {
				if id.running() {
					t.Errorf("process %d outlived Stop", id.pid)
				}
			}
			again, err := Dial(ctx, s, "alice@"+s.Domain+"/a", "pw-alice", ClientOptions{})
			must(t, err)

			family = append(descendants(s.PID()), procID{pid: s.PID(), start: startOf(t, s.PID())})
			must(t, s.Kill())
			<-again.Done()
			for _, id := range family {
				if id.running() {
					t.Errorf("process %d outlived Kill", id.pid)
				}
			}
			must(t, s.Start(ctx))
			last, err := Dial(ctx, s, "alice@"+s.Domain+"/a", "pw-alice", ClientOptions{})
			must(t, err)
			must(t, last.Close())
			must(t, s.Stall())
			must(t, s.Stop()) // also from the stall
		})
	}
}

func startOf(t *testing.T, pid int) string {
	t.Helper()
	st, err := readStat(pid)
	must(t, err)
	return st.start
}
