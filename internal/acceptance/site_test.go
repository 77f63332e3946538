//go:build integration

package acceptance

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"presenced/internal/testbed"
)

const (
	host      = testbed.DefaultHost
	component = testbed.DefaultComponent
	// converge is within how long a watcher must see the truth once the server
	// has ended a session or the link is back.
	converge = 10 * time.Second
)

// topology is one of the four ways the component can be attached.
type topology struct {
	kind       testbed.Kind
	privileged bool
}

func (t topology) String() string {
	if t.privileged {
		return string(t.kind) + "-privileged"
	}
	return string(t.kind) + "-plain"
}

var topologies = []topology{
	{testbed.Prosody, true}, {testbed.Prosody, false},
	{testbed.Ejabberd, true}, {testbed.Ejabberd, false},
}

// site is a server with an attached daemon and its users.
type site struct {
	*testing.T
	topology
	srv   *testbed.Server
	d     *testbed.Daemon
	store map[string]any // what the configuration says of it
}

// everywhere runs a story on all four topologies.
func everywhere(t *testing.T, config map[string]any, story func(s *site)) {
	for _, top := range topologies {
		t.Run(top.String(), func(t *testing.T) { story(open(t, top, config)) })
	}
}

// open starts a server of that topology with alice, bob and carol, and attaches
// a daemon whose configuration is the smallest one with config laid over it.
func open(t *testing.T, top topology, config map[string]any) *site {
	return openOn(t, top, config, testbed.Options{Privileged: top.privileged})
}

// openOn is open on a server that is configured otherwise, or a daemon in another
// environment.
func openOn(t *testing.T, top topology, config map[string]any, options testbed.Options, env ...string) *site {
	srv := testbed.RunServer(t, top.kind, options)
	for _, user := range []string{"alice", "bob", "carol", "dave"} {
		if err := srv.AddUser(t.Context(), user, host, "pw"); err != nil {
			t.Fatal(err)
		}
	}
	_, store := storeOf(t)
	all := lay(config, lay(map[string]any{"store": store}, testbed.ConfigFor(srv)))
	return &site{T: t, topology: top, srv: srv, store: store, d: testbed.RunDaemon(t, testbed.DaemonOptions{Config: all, Env: env})}
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// login dials a user's device; subscription requests of the component are
// approved, as a person who has enrolled would.
func (s *site) login(user, resource string) *testbed.Client {
	s.Helper()
	c, err := testbed.Dial(s.Context(), s.srv, user+"@"+host+"/"+resource, "pw",
		testbed.ClientOptions{Resource: resource, AutoApprove: testbed.ApproveDomain(component)})
	s.must(err)
	s.Cleanup(func() { _ = c.Drop() })
	_, err = c.Roster(s.Context())
	s.must(err)
	s.must(c.Presence(testbed.PresenceOptions{Priority: 5}))
	return c
}

// enable registers with the component, as a client's service dialogue does.
func (s *site) enable(c *testbed.Client) {
	s.Helper()
	_, err := c.IQ(s.Context(), "set", component, `<query xmlns='jabber:iq:register'/>`)
	s.must(err)
	if !s.privileged || s.kind == testbed.Ejabberd {
		s.within(converge, "the component asks to see "+c.Bare(), func(ctx context.Context) error {
			_, err := c.WaitFor(ctx, func(st testbed.Stanza) bool {
				return st.Kind == "presence" && st.Type == "subscribe" && st.From == component
			})
			return err
		})
	}
}

// within runs a wait with a deadline and fails the test when it passes.
func (s *site) within(d time.Duration, what string, wait func(ctx context.Context) error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), d)
	defer cancel()
	if err := wait(ctx); err != nil {
		s.Fatalf("%s: not within %v: %v\ndaemon:\n%s", what, d, err, s.d.LogTail())
	}
}

func mirrorOf(user string) string { return user + `\40` + host + "@" + component }

// look is what a presence from a mirror tells, in one line.
func look(st testbed.Stanza) string {
	if st.Type == "unavailable" {
		return strings.TrimSpace("offline " + st.Status)
	}
	out := st.Show
	if out == "" {
		out = "online"
	}
	if st.Enhanced != nil {
		out += fmt.Sprintf(" %d", st.Enhanced.Availability)
		if st.Enhanced.Activity != "" {
			out += " " + st.Enhanced.Activity
		}
	}
	return out
}

// seen lists what a watcher was shown of a mirror after a mark; a resource that it came
// from stands behind it, so that no story passes over one.
func seen(c *testbed.Client, mirror string, mark int) []string {
	var out []string
	for _, st := range c.Since(mark) {
		resource, of := strings.CutPrefix(st.From, mirror)
		if of = of && (resource == "" || resource[0] == '/'); of && st.Kind == "presence" && (st.Type == "" || st.Type == "unavailable") {
			out = append(out, look(st)+resource)
		}
	}
	return out
}

// sees waits until the last thing a watcher was shown of a mirror is want.
func (s *site) sees(c *testbed.Client, user, want string, limit time.Duration) {
	s.Helper()
	s.seesAt(c, mirrorOf(user), want, limit)
}

// seesAt is sees of a mirror in the spelling the watcher uses.
func (s *site) seesAt(c *testbed.Client, from, want string, limit time.Duration) {
	s.Helper()
	last := func() string {
		all := seen(c, from, 0)
		if len(all) == 0 {
			return ""
		}
		return all[len(all)-1]
	}
	deadline := time.Now().Add(limit)
	for last() != want {
		if time.Now().After(deadline) {
			s.Fatalf("%s is shown %q of %s after %v, want %q; in all:\n  %s\ndaemon:\n%s",
				c.JID, last(), from, limit, want, strings.Join(seen(c, from, 0), "\n  "), s.d.LogTail())
		}
		ctx, cancel := context.WithTimeout(s.Context(), time.Until(deadline)+time.Millisecond)
		_, _ = c.WaitAfter(ctx, c.Mark(), func(st testbed.Stanza) bool { return testbed.Bare(st.From) == from })
		cancel()
	}
}

// watch subscribes a client to a user's mirror and waits until it is accepted.
func (s *site) watch(c *testbed.Client, user string) {
	s.Helper()
	s.must(c.Subscribe(mirrorOf(user)))
	s.within(converge, "subscription to "+user, func(ctx context.Context) error {
		_, err := c.WaitPresence(ctx, mirrorOf(user), func(st testbed.Stanza) bool { return st.Type == "subscribed" })
		return err
	})
}

// noRepeats fails when the same thing was shown twice in a row after a mark.
func (s *site) noRepeats(c *testbed.Client, user string, mark int) {
	s.Helper()
	all := seen(c, mirrorOf(user), mark)
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			s.Fatalf("%s was shown %q twice in a row:\n  %s", c.JID, all[i], strings.Join(all, "\n  "))
		}
	}
}
