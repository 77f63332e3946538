//go:build integration

package component

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/testbed"
)

// attachTo runs a component against a real server.
func attachTo(t *testing.T, s *testbed.Server) *bench {
	t.Helper()
	c, err := New(Options{Domain: s.Component, Hosts: s.Hosts, Secret: func() string { return s.Secret },
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", s.ComponentAddr)
		}})
	if err != nil {
		t.Fatal(err)
	}
	c.timing.backoffMin, c.timing.backoffMax = 50*time.Millisecond, 200*time.Millisecond
	b := &bench{c: c, door: newFakeDoor(), ended: make(chan error, 1)}
	b.door.onReady = func(h engine.Host) { c.Settle(h.Name) }
	c.SetDoor(b.door)
	b.run(t)
	return b
}

func TestServers_PrivilegeRosterAndLoss(t *testing.T) {
	want := map[testbed.Kind]engine.Host{
		testbed.Prosody:  {Managed: true, Reports: true, Roster: true, Sets: true, Complete: true, Block: true, Privacy: true, Writes: true, Blocks: true, Publishes: true},
		testbed.Ejabberd: {Managed: true, Roster: true, Sets: true, Consent: true, Hidden: true},
	}
	for kind, host := range want {
		t.Run(string(kind), func(t *testing.T) {
			s := testbed.RunServer(t, kind, testbed.Options{Privileged: true})
			name := s.Hosts[0]
			for _, user := range []string{"alice", "bob"} {
				if err := s.AddUser(t.Context(), user, name, "pw"); err != nil {
					t.Fatal(err)
				}
			}
			b := attachTo(t, s)
			host.Name = name
			at := b.door.wait(t, 0, "synced "+name)
			ready := b.door.all()[b.door.wait(t, 0, "ready")]
			t.Logf("adverts: %q", b.c.State().Hosts[0].Adverts)
			if want := fmt.Sprintf("ready %+v", host); ready != want {
				t.Errorf("got %s, want %s", ready, want)
			}
			alice, err := testbed.Dial(t.Context(), s, "alice@"+name, "pw", testbed.ClientOptions{Resource: "r1"})
			if err != nil {
				t.Fatal(err)
			}
			defer alice.Close()
			if err := alice.Send("<presence><show>dnd</show><priority>5</priority></presence>"); err != nil {
				t.Fatal(err)
			}
			at = b.door.wait(t, at, "device alice@"+name+"/r1 gone=false show=dnd priority=5")
			j := mustJID("alice@" + name)
			b.c.ReadRoster(j.Addr, j.Bare)
			b.door.wait(t, at, "roster alice@"+name+" contacts=[] err=<nil>")
			if host.Block {
				b.c.ReadLists(j.Addr, j.Bare, true)
				b.door.wait(t, at, "lists alice@"+name+` {"block":{"jids":[]}} err=<nil>`)
			}
			askMirror(t, alice, s.Component)
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			at = b.door.wait(t, at, "detached confirmed=true")
			b.door.wait(t, at, "synced "+name)
		})
	}
}

// askMirror exercises what a mirror answers through a real server.
func askMirror(t *testing.T, who *testbed.Client, domain string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for payload, want := range map[string]string{
		"<query xmlns='urn:presenced:1'/>":                       "availability='18500'",
		"<query xmlns='http://jabber.org/protocol/disco#info'/>": "registered",
		"<vCard xmlns='vcard-temp'/>":                            "vCard",
		"<query xmlns='jabber:iq:version'/>":                     "presenced",
	} {
		got, err := who.IQ(ctx, "get", "bob@"+domain, payload)
		if err != nil || !strings.Contains(strings.ReplaceAll(got.Raw, `"`, "'"), want) {
			t.Errorf("%s: %s %v", payload, got.Raw, err)
		}
	}
	if _, err := who.IQ(ctx, "get", "♥@"+domain, "<ping xmlns='urn:xmpp:ping'/>"); err != nil {
		t.Errorf("the heart: %v", err)
	}
}

func TestServers_DroppedSessionIsFoundByPing(t *testing.T) {
	s := testbed.RunServer(t, testbed.Ejabberd, testbed.Options{Privileged: true})
	b := attachTo(t, s)
	at := b.door.wait(t, 0, "synced")
	full := "nobody@" + s.Hosts[0] + "/gone"
	if err := s.AddUser(t.Context(), "nobody", s.Hosts[0], "pw"); err != nil {
		t.Fatal(err)
	}
	b.c.Ping(full)
	b.door.wait(t, at, "device "+full+" gone=true")
}

func TestServers_Refusals(t *testing.T) {
	for _, kind := range []testbed.Kind{testbed.Prosody, testbed.Ejabberd} {
		t.Run(string(kind), func(t *testing.T) {
			s := testbed.RunServer(t, kind, testbed.Options{})
			for name, o := range map[string]Options{
				"wrong secret":   {Domain: s.Component, Secret: func() string { return "wrong" }},
				"unknown domain": {Domain: "other.localhost", Secret: func() string { return s.Secret }},
			} {
				o.Address, o.Hosts = s.ComponentAddr, s.Hosts
				c, err := New(o)
				if err != nil {
					t.Fatal(err)
				}
				c.SetDoor(newFakeDoor())
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				if err := c.Run(ctx); err == nil {
					t.Errorf("%s: Run ended without error", name)
				} else {
					t.Logf("%s: %v", name, err)
				}
				cancel()
			}
		})
	}
}
