package component

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"presenced/component/stream"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/testbed"
)

const (
	testHost   = testbed.DefaultHost
	testDomain = testbed.DefaultComponent
)

// fakeDoor records what it is told, one line per event.
type fakeDoor struct {
	known   func(presence.Addr) bool
	look    func(ctx context.Context, asker engine.Principal, users []presence.Addr) []presence.View
	onReady func(engine.Host)
	version atomic.Uint64
	apply   func(who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error)

	mu     sync.Mutex
	events []string
	more   chan struct{} // closed and replaced with each event
}

func newFakeDoor() *fakeDoor { return &fakeDoor{more: make(chan struct{})} }

func (d *fakeDoor) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, fmt.Sprintf(format, args...))
	close(d.more)
	d.more = make(chan struct{})
}

func (d *fakeDoor) Attached(time.Time) { d.note("attached") }
func (d *fakeDoor) Detached(confirmed time.Time) {
	d.note("detached confirmed=%v", !confirmed.IsZero())
}

func (d *fakeDoor) HostReady(h engine.Host) {
	d.note("ready %+v", h)
	if d.onReady != nil {
		d.onReady(h)
	}
}
func (d *fakeDoor) HostSynced(name string) { d.note("synced %s", name) }

func (d *fakeDoor) Device(v engine.Device) {
	idle := ""
	if !v.IdleSince.IsZero() {
		idle = v.IdleSince.Format(time.RFC3339)
	}
	d.note("device %s gone=%v show=%v priority=%d status=%q idle=%s own=%v", v.User.Full(), v.Gone, v.Show, v.Priority, v.Status, idle, v.Own)
}

func (d *fakeDoor) Known(a presence.Addr) bool { return d.known == nil || d.known(a) }

// KnownVersion is another one each time: the fake's answer may change unseen.
func (d *fakeDoor) KnownVersion() uint64 { return d.version.Add(1) }

func (d *fakeDoor) Mirror(m engine.Mirror) {
	d.note("mirror kind=%d of=%s spelling=%s watcher=%s lang=%s", m.Kind, m.Presentity, m.Spelling, m.Watcher.Full(), m.Lang)
}

func (d *fakeDoor) Consent(c engine.Consent) { d.note("consent kind=%d %s", c.Kind, c.User.Full()) }

func (d *fakeDoor) RosterRead(user presence.Addr, contacts []presence.Contact, err error) {
	d.note("roster %s contacts=%v err=%v", user, contacts, err)
}

func (d *fakeDoor) CardRead(user presence.Addr, found *presence.Profile, err error) {
	d.note("card %s found=%+v err=%v", user, found, err)
}

func (d *fakeDoor) ListsRead(user presence.Addr, lists engine.Lists, err error) {
	text, _ := json.Marshal(lists) // plain data
	d.note("lists %s %s err=%v", user, text, err)
}

func (d *fakeDoor) ListsWritten(user presence.Addr, err error) {
	d.note("written %s err=%v", user, err)
}

func (d *fakeDoor) ContactsWritten(user presence.Addr, err error) {
	d.note("contacts %s err=%v", user, err)
}

func (d *fakeDoor) ActivityPublished(user presence.Addr, err error) {
	d.note("published %s err=%v", user, err)
}

func (d *fakeDoor) Look(ctx context.Context, asker engine.Principal, users []presence.Addr) []presence.View {
	if d.look != nil {
		return d.look(ctx, asker, users)
	}
	views := make([]presence.View, len(users))
	for i := range views {
		views[i] = presence.OfflineView(presence.DefaultContainer)
	}
	return views
}

func (d *fakeDoor) Apply(_ context.Context, who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error) {
	d.note("apply %s for %s: %T %+v", who.JID, user.Addr, c, c)
	if d.apply != nil {
		return d.apply(who, user, c)
	}
	return engine.Result{}, nil
}

// wait returns the index of the first event at or after from that begins with
// prefix.
func (d *fakeDoor) wait(t *testing.T, from int, prefix string) int {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		d.mu.Lock()
		for i := from; i < len(d.events); i++ {
			if strings.HasPrefix(d.events[i], prefix) {
				d.mu.Unlock()
				return i
			}
		}
		more := d.more
		d.mu.Unlock()
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("no event %q after %d in:\n%s", prefix, from, strings.Join(d.all(), "\n"))
		}
	}
}

func (d *fakeDoor) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.events...)
}

// quick are durations that keep tests short while nothing depends on them.
func quick(t *timing) {
	t.pingEvery, t.answer, t.grace, t.quiet = 300*time.Millisecond, 2*time.Second, 100*time.Millisecond, 30*time.Millisecond
	t.tick, t.backoffMin, t.conflictMin, t.refusedRetry = 5*time.Millisecond, 5*time.Millisecond, 10*time.Millisecond, 20*time.Millisecond
	t.handshake, t.roster, t.farewell = 5*time.Second, 3*time.Second, time.Second
}

// bench is a component attached to a scripted server.
type bench struct {
	server *testbed.ComponentServer
	c      *Component
	door   *fakeDoor
	ended  chan error // gets Run's result
}

// newBench makes a component for a scripted server, not running yet.
func newBench(t *testing.T, so testbed.ComponentOptions) *bench {
	t.Helper()
	server, err := testbed.NewComponentServer(so)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	hosts := so.Hosts
	if len(hosts) == 0 {
		hosts = []string{testHost}
	}
	c, err := New(Options{Domain: testDomain, Address: server.Addr, Hosts: hosts,
		Secret: func() string { return testbed.DefaultSecret }})
	if err != nil {
		t.Fatal(err)
	}
	quick(&c.timing)
	b := &bench{server: server, c: c, door: newFakeDoor(), ended: make(chan error, 1)}
	b.door.onReady = func(h engine.Host) { c.Settle(h.Name) }
	c.SetDoor(b.door)
	return b
}

// run starts the component and ends it with the test.
func (b *bench) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { b.ended <- b.c.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// attach starts the component and returns its first link.
func (b *bench) attach(t *testing.T) *testbed.Link {
	t.Helper()
	b.run(t)
	return b.next(t)
}

func (b *bench) next(t *testing.T) *testbed.Link {
	t.Helper()
	l, err := b.server.Next(b.ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (b *bench) ctx(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// say sends stanzas and returns when the component has read them.
func (b *bench) say(t *testing.T, l *testbed.Link, raw ...string) {
	t.Helper()
	if err := l.Send(strings.Join(raw, "")); err != nil {
		t.Fatal(err)
	}
	if err := l.Ping(b.ctx(t)); err != nil {
		t.Fatal(err)
	}
}

// memoryConn takes everything and gives nothing.
type memoryConn struct {
	net.Conn
	mu  sync.Mutex
	out bytes.Buffer
}

func (m *memoryConn) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.Write(p)
}
func (m *memoryConn) Read([]byte) (int, error)         { return 0, io.EOF }
func (m *memoryConn) Close() error                     { return nil }
func (m *memoryConn) SetWriteDeadline(time.Time) error { return nil }
func (m *memoryConn) SetReadDeadline(time.Time) error  { return nil }

// desk is a router without a network: stanzas in, stanzas out.
type desk struct {
	c    *Component
	door *fakeDoor
	l    *link
	r    *router
	conn *memoryConn
	stop func()
}

func newDesk(tb testing.TB, hosts ...string) *desk {
	tb.Helper()
	if len(hosts) == 0 {
		hosts = []string{testHost}
	}
	c, err := New(Options{Domain: testDomain, Address: "x", Hosts: hosts, Version: "1", Secret: func() string { return "" }})
	if err != nil {
		tb.Fatal(err)
	}
	d := &desk{c: c, door: newFakeDoor(), conn: &memoryConn{}}
	c.SetDoor(d.door)
	d.l = c.newLink(d.conn, stream.NewFramer(d.conn, stream.Limits{}))
	c.out.Attach(d.l.w)
	c.link.Store(d.l)
	d.r = newRouter(d.l)
	ctx, cancel := context.WithCancel(context.Background())
	c.pool.start(ctx)
	var once sync.Once
	d.stop = func() { once.Do(func() { cancel(); c.pool.wait(); _ = d.l.w.Close() }) }
	tb.Cleanup(d.stop)
	return d
}

// idle returns when all jobs are done.
func (d *desk) idle(tb testing.TB) {
	tb.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		d.c.pool.mu.Lock()
		n := len(d.c.pool.each)
		d.c.pool.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatal("workers did not finish")
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// ask routes one stanza and returns everything that was sent in answer.
func (d *desk) ask(tb testing.TB, raw string) string {
	tb.Helper()
	if err := d.r.route([]byte(raw)); err != nil {
		tb.Fatalf("%s: %v", raw, err)
	}
	d.idle(tb)
	return d.sent(tb)
}

// sent returns what was sent since the last call.
func (d *desk) sent(tb testing.TB) string {
	tb.Helper()
	if err := d.l.w.Flush(context.Background()); err != nil {
		tb.Fatal(err)
	}
	d.conn.mu.Lock()
	defer d.conn.mu.Unlock()
	out := d.conn.out.String()
	d.conn.out.Reset()
	return out
}

// wellFormed fails unless s is a sequence of well-formed elements.
func wellFormed(tb testing.TB, s string) {
	tb.Helper()
	dec := xml.NewDecoder(strings.NewReader("<x>" + s + "</x>"))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			tb.Fatalf("not well-formed: %v\n%s", err, s)
		}
	}
}

func mustJID(s string) presence.JID {
	j, err := presence.ParseJID(s)
	if err != nil {
		panic(err)
	}
	return j
}
