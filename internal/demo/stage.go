package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"presenced/internal/testbed"
)

// The people and places. Fred's company is a second host of the same Prosody.
const (
	home      = "example.localhost"
	partner   = "partner.localhost"
	component = "presence." + home
	alice     = "alice@" + home
	mirror    = "alice@" + component // what watchers have in their contact lists
	password  = "demo"
)

// addresses of the watchers, in the order of the columns.
var addresses = [len(columns)]string{"bob@" + home, "boss@" + home, "fred@" + partner, "mallory@" + home}

// accounts are all that can log in, the guest's included.
var accounts = []testbed.Account{
	{User: "alice", Host: home, Password: password, Roster: []testbed.RosterItem{
		{JID: addresses[0], Name: "Bob", Subscription: "both"},
		{JID: addresses[2], Name: "Fred", Subscription: "both"},
	}},
	{User: "bob", Host: home, Password: password, Roster: []testbed.RosterItem{{JID: alice, Subscription: "both"}}},
	{User: "fred", Host: partner, Password: password, Roster: []testbed.RosterItem{{JID: alice, Subscription: "both"}}},
	{User: "boss", Host: home, Password: password},
	{User: "mallory", Host: home, Password: password},
	{User: "carol", Host: home, Password: password},
}

// stage is everything the demo runs.
type stage struct {
	server   *testbed.Server
	daemon   *testbed.Daemon
	binary   string          // built for this run, to be removed
	settings *testbed.Client // Alice's session for commands; it has no presence
	desk     *testbed.Client
	phone    *testbed.Client
	watchers [len(columns)]*watcher
	news     chan struct{} // full when a watcher has received something
}

// open starts the server and the daemon and logs everybody in but the devices.
func (s *stage) open(ctx context.Context) (err error) {
	if s.binary, err = testbed.Binary(); err != nil {
		return err
	}
	if s.server, err = testbed.StartProsody(ctx, testbed.Options{
		Hosts: []string{home, partner}, Component: component,
		Privileged: true, PrivilegedHosts: []string{home},
	}); err != nil {
		return err
	}
	if err = s.server.Seed(ctx, accounts); err != nil {
		return err
	}
	if s.daemon, err = testbed.StartDaemon(ctx, testbed.DaemonOptions{Config: s.config(), Binary: s.binary}); err != nil {
		return err
	}
	if s.settings, err = s.dial(ctx, alice+"/settings", testbed.ClientOptions{}); err != nil {
		return err
	}
	s.news = make(chan struct{}, 1)
	for i, address := range addresses {
		w := &watcher{name: columns[i].name}
		if w.client, err = s.dial(ctx, address+"/demo", testbed.ClientOptions{OnStanza: w.hear(s.news)}); err != nil {
			return err
		}
		s.watchers[i] = w
		if _, err = w.client.Roster(ctx); err != nil { // as clients do, to be told of subscriptions
			return err
		}
		if err = w.client.Presence(testbed.PresenceOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) config() map[string]any {
	c := testbed.ConfigFor(s.server)
	c["component"].(map[string]any)["hosts"] = []string{home}
	c["networks"] = map[string]any{"enterprise": []string{home}, "federated": []string{partner}}
	return c
}

// dial logs in one session. Resource and account come from a full JID.
func (s *stage) dial(ctx context.Context, full string, opts testbed.ClientOptions) (*testbed.Client, error) {
	_, opts.Resource, _ = strings.Cut(full, "/")
	return testbed.Dial(ctx, s.server, testbed.Bare(full), password, opts)
}

// prepare has Alice set up her presence and the watchers add her mirror.
func (s *stage) prepare(ctx context.Context, out io.Writer) error {
	for _, c := range [...]struct {
		what, node string
		fields     []string
	}{
		{"enable", "enable", []string{"confirm", "1"}},
		{"levels: boss is 300", "levels", []string{"action", "put", "container", "300", "type", "user", "value", addresses[1]}},
		{"block: mallory", "block", []string{"jid", addresses[3]}},
	} {
		note, err := s.command(ctx, c.node, c.fields...)
		if err != nil {
			return err
		}
		tell(out, c.what, note)
	}
	for _, w := range s.watchers {
		if err := w.client.Subscribe(mirror); err != nil {
			return err
		}
		wait, cancel := context.WithTimeoutCause(ctx, converge, fmt.Errorf("no answer within %v", converge))
		_, err := w.client.WaitPresence(wait, mirror, func(p testbed.Stanza) bool { return p.Type == "subscribed" })
		cancel()
		if err != nil {
			return fmt.Errorf("%s subscribes to %s: %w", w.name, mirror, err)
		}
	}
	return s.settle(ctx)
}

// come logs in one of Alice's devices.
func (s *stage) come(ctx context.Context, device **testbed.Client, resource string) (err error) {
	if *device, err = s.dial(ctx, alice+"/"+resource, testbed.ClientOptions{}); err != nil {
		return err
	}
	return (*device).Presence(testbed.PresenceOptions{})
}

// close ends everything that was started, in reverse order, and removes what
// was written.
func (s *stage) close() error {
	var errs []error
	var leaving sync.WaitGroup
	for _, c := range s.clients() {
		leaving.Go(func() { _ = c.Close() }) // a broken stream was told already
	}
	leaving.Wait()
	if s.daemon != nil {
		errs = append(errs, s.daemon.Close())
	}
	if s.server != nil {
		errs = append(errs, s.server.Close())
	}
	if s.binary != "" && os.Getenv(testbed.BinaryEnv) == "" {
		errs = append(errs, os.Remove(s.binary))
		_ = os.Remove(filepath.Dir(s.binary)) // stays while another run uses it
	}
	return errors.Join(errs...)
}

// clients are all sessions that were opened.
func (s *stage) clients() []*testbed.Client {
	all := s.devices()
	for _, w := range s.watchers {
		if w != nil && w.client != nil {
			all = append(all, w.client)
		}
	}
	return all
}

// devices are Alice's living sessions.
func (s *stage) devices() []*testbed.Client {
	var own []*testbed.Client
	for _, c := range [...]*testbed.Client{s.settings, s.desk, s.phone} {
		if c != nil && c.Err() == nil {
			own = append(own, c)
		}
	}
	return own
}

// stay prints what changes until the time is over or Ctrl-C; a negative time
// has no end.
func (s *stage) stay(ctx context.Context, t *table, d time.Duration) error {
	var over <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	bob, marks := s.watchers[0], s.marks()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return nil
		case <-bob.client.Done():
			return fmt.Errorf("the server is gone: %w", bob.client.Err())
		case <-s.news:
			if bob.count() == marks[0] {
				continue
			}
			if err := s.settle(ctx); err != nil {
				return err
			}
			t.row(time.Now(), "Alice's presence changed", s.cells(marks))
			marks = s.marks()
		}
	}
}
