//go:build integration

package testbed

import (
	"context"
	"fmt"
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

func TestServer_ComponentAttachesAndIsToldItsPrivileges(t *testing.T) {
	eachServer(t, func(t *testing.T, s *Server) {
		ctx := testContext(t)
		alice := enter(ctx, t, s, "alice@"+hostA+"/desk", ClientOptions{})
		must(t, alice.Presence(PresenceOptions{Show: "away"}))
		must(t, alice.Quiet(ctx))
		comp, err := DialComponent(ctx, s, s.Component, ClientOptions{Features: []string{"jabber:iq:last"}})
		must(t, err)
		defer func() { _ = comp.Close() }()
		must(t, comp.Ping(ctx, hostA))
		if !s.Privileged {
			for _, got := range comp.Log() {
				if strings.Contains(got.Raw, "privilege") || got.Kind == "presence" {
					t.Errorf("a plain server sent %s", got)
				}
			}
			return
		}
		for _, host := range s.Hosts {
			_, err := comp.WaitFor(ctx, func(s Stanza) bool {
				_, privilege := s.Root.Find("", "privilege")
				return privilege && s.From == host
			})
			must(t, err)
		}
		_, synced := comp.LastPresence(alice.JID)
		if want := s.Kind == Prosody; synced != want {
			t.Errorf("presence sent at the attach: got %t, want %t", synced, want)
		}
		must(t, alice.Presence(PresenceOptions{Show: "dnd"}))
		_, err = comp.WaitPresence(ctx, alice.JID, func(s Stanza) bool { return s.Show == "dnd" })
		must(t, err)
		reply, err := comp.IQ(ctx, "get", alice.Bare(), "<query xmlns='jabber:iq:roster'/>")
		must(t, err)
		if reply.From != alice.Bare() {
			t.Errorf("privileged roster get: got %s", reply)
		}
	})
}

func TestServer_ComponentWithWrongSecretIsRefused(t *testing.T) {
	for _, kind := range []Kind{Prosody, Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			s := RunServer(t, kind, Options{})
			c, err := DialComponentAddr(testContext(t), s.ComponentAddr, s.Component, "wrong", ClientOptions{})
			if err == nil {
				_ = c.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "not-authorized") {
				t.Errorf("got %v, want not-authorized", err)
			}
		})
	}
}

func TestServer_NarrowedPrivilegesAndSecondComponent(t *testing.T) {
	for _, kind := range []Kind{Prosody, Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			ctx := testContext(t)
			s := RunServer(t, kind, Options{Hosts: []string{hostA, hostB}, Privileged: true,
				PrivilegedHosts: []string{hostB}, MoreComponents: []string{"far.localhost"}})
			comp, err := DialComponent(ctx, s, s.Component, ClientOptions{})
			must(t, err)
			defer func() { _ = comp.Close() }()
			far, err := DialComponent(ctx, s, "far.localhost", ClientOptions{AutoApprove: ApproveAll})
			must(t, err)
			defer func() { _ = far.Close() }()
			must(t, comp.Ping(ctx, hostA))
			must(t, comp.Ping(ctx, hostB))
			for _, got := range comp.Log() {
				if strings.Contains(got.Raw, "privilege") && got.From != hostB {
					t.Errorf("host without privileges advertised: %s", got)
				}
			}
			alice := enter(ctx, t, s, "alice@"+hostA+"/desk", ClientOptions{})
			_, err = alice.Roster(ctx)
			must(t, err)
			must(t, alice.Presence(PresenceOptions{}))
			must(t, alice.Subscribe("mallory@far.localhost"))
			_, err = alice.WaitPresence(ctx, "mallory@far.localhost", func(s Stanza) bool { return s.Type == "subscribed" })
			must(t, err)
			for _, got := range comp.Log() {
				if strings.Contains(got.To, "far.localhost") {
					t.Errorf("a stanza for the other component came: %s", got)
				}
			}
		})
	}
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
