package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"presenced/internal/testbed"
)

// The hosts of a real server: what happens on the first is the server's own
// affair, the component serves the second.
const (
	nativeHost = "native.localhost"
	password   = "secret"
)

// startServer starts a real server on which people are in touch with each
// other: natively, or on served each with the mirrors of the others.
func startServer(ctx context.Context, kind testbed.Kind, people, contacts int) (*testbed.Server, error) {
	start := testbed.StartProsody
	if kind == testbed.Ejabberd {
		start = testbed.StartEjabberd
	}
	s, err := start(ctx, testbed.Options{
		Hosts: []string{testbed.DefaultHost, nativeHost}, Privileged: true, PrivilegedHosts: []string{testbed.DefaultHost},
		LogLevel: "error", NoPEP: true,
	})
	if err != nil {
		return nil, err
	}
	var accounts []testbed.Account
	for u := range people {
		native := testbed.Account{User: name(u), Host: nativeHost, Password: password}
		mirrored := testbed.Account{User: name(u), Host: testbed.DefaultHost, Password: password}
		for _, c := range neighbours(u, people, contacts) {
			native.Roster = append(native.Roster, testbed.RosterItem{JID: name(c) + "@" + nativeHost, Subscription: "both"})
			mirrored.Roster = append(mirrored.Roster, testbed.RosterItem{JID: mirrorOf(c), Subscription: "to"})
		}
		accounts = append(accounts, native, mirrored)
	}
	if err := s.Seed(ctx, accounts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func name(user int) string { return fmt.Sprintf("u%d", user) }

// neighbours are the contacts of one of people standing in a circle, half of
// them on either side, so that contacts are mutual.
func neighbours(u, people, contacts int) []int {
	var out []int
	for d := 1; d <= contacts/2; d++ {
		out = append(out, (u+d)%people, (u-d+people)%people)
	}
	return out
}

// crowd are the logged-in people of one host. Each has one device; what they
// read is matched by the number in the status.
type crowd struct {
	server  *testbed.Server
	host    string
	clients []*testbed.Client
	next    int // number of the next change
	turn    int // of who changes next in row 9

	news chan struct{} // capacity 1: something was read since the last look

	mu     sync.Mutex // guards all below
	first  int        // number of the first change that is followed
	need   int        // deliveries of each change
	sender []int      // of each followed change
	sent   []int64    // Unix nanoseconds
	seen   []int
	done   int // changes with all their deliveries
	excess int
	took   []float64 // ms of every delivery, the echo to the sender excluded
}

// enter logs people in and makes them available.
func enter(ctx context.Context, server *testbed.Server, host string, people int) (*crowd, error) {
	c := &crowd{server: server, host: host, news: make(chan struct{}, 1), clients: make([]*testbed.Client, people)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var at sync.WaitGroup
	queue := make(chan int)
	for range loggingIn {
		at.Go(func() {
			for u := range queue {
				if err := c.login(ctx, u); err != nil {
					cancel(err)
				}
			}
		})
	}
	for u := range people {
		queue <- u
	}
	close(queue)
	at.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// loggingIn is how many log in at once.
const loggingIn = 8

func (c *crowd) login(ctx context.Context, u int) (err error) {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	e := &ear{crowd: c, user: u}
	c.clients[u], err = testbed.Dial(ctx, c.server, name(u)+"@"+c.host+"/desk", password, testbed.ClientOptions{OnBytes: e.feed})
	if err != nil {
		return err
	}
	return c.clients[u].Send("<presence><priority>5</priority></presence>")
}

// close logs everybody out.
func (c *crowd) close() error {
	var errs []error
	for _, cl := range c.clients {
		if cl != nil {
			errs = append(errs, cl.Drop())
		}
	}
	return errors.Join(errs...)
}

// follow begins to follow n changes, each to be delivered need times.
func (c *crowd) follow(n, need int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first, c.need, c.done, c.excess = c.next, need, 0, 0
	c.sender, c.sent, c.seen, c.took = make([]int, n), make([]int64, n), make([]int, n), make([]float64, 0, n*need)
}

// padding makes a status 43 characters long, as in the measurements of peers.
const padding = "of many things she could be doing at her desk"

// change gives a user's device the next numbered status.
func (c *crowd) change(u int) error {
	status := fmt.Sprintf("s%d ", c.next)
	text := "<presence><status>" + status + padding[:43-len(status)] + "</status><priority>5</priority></presence>"
	c.mu.Lock()
	i := c.next - c.first
	c.sender[i], c.sent[i] = u, time.Now().UnixNano()
	c.mu.Unlock()
	c.next++
	return c.clients[u].Send(text)
}

// settle has everybody change once and waits until that is everywhere. What the
// logins still had under way may come twice meanwhile.
func (c *crowd) settle(ctx context.Context, need int) error {
	c.follow(len(c.clients), need)
	for u := range c.clients {
		if err := c.change(u); err != nil {
			return err
		}
	}
	return c.complete(ctx)
}

// all waits until every followed change has had all its deliveries, and none
// twice.
func (c *crowd) all(ctx context.Context) error {
	if err := c.complete(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.excess > 0 {
		return fmt.Errorf("%s: %d deliveries too many", c.server.Kind, c.excess)
	}
	return nil
}

func (c *crowd) complete(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, errLate)
	defer cancel()
	for {
		c.mu.Lock()
		done, sum := c.done, len(c.seen)
		c.mu.Unlock()
		if done == sum {
			return nil
		}
		select {
		case <-c.news:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w within %s: %d of %d changes complete", c.server.Kind, context.Cause(ctx), answerLimit, done, sum)
		}
	}
}

// heard counts one delivery of a change to a user.
func (c *crowd) heard(number, user int, at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := number - c.first
	if i < 0 || i >= len(c.seen) {
		return
	}
	if c.seen[i]++; c.seen[i] > c.need {
		c.excess++
		return
	}
	if user != c.sender[i] {
		c.took = append(c.took, float64(at-c.sent[i])/1e6)
	}
	if c.seen[i] == c.need {
		c.done++
		select {
		case c.news <- struct{}{}:
		default: // it is known that there are news
		}
	}
}

// ear reads what one person is sent.
type ear struct {
	crowd *crowd
	user  int
	carry []byte // the beginning of a status whose end is not read yet
}

// feed is the OnBytes of a client.
func (e *ear) feed(p []byte) {
	at := time.Now().UnixNano()
	if len(e.carry) > 0 {
		e.carry = append(e.carry, p...)
		p = e.carry
	}
	rest := p[max(0, len(p)-len(numbered)+1):]
	for {
		i := bytes.Index(p, numbered)
		if i < 0 {
			break
		}
		end := bytes.IndexByte(p[i+1:], '<')
		if end < 0 {
			rest = p[i:]
			break
		}
		n, _ := digitsAfter(p[i:i+1+end], numbered)
		e.crowd.heard(n, e.user, at)
		p = p[i+1+end:]
		rest = p[max(0, len(p)-len(numbered)+1):]
	}
	e.carry = append(e.carry[:0], rest...)
}
