package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

// Dialect is whose habits a ComponentServer has at and after the attach.
type Dialect int

// The dialects. PlainServer has no privileges at all.
const (
	PlainServer Dialect = iota
	ProsodyDialect
	EjabberdDialect
)

// AttachFault is what goes wrong with a connection before it is a stream.
type AttachFault string

// The faults of the attach. A wrong secret or domain needs none: both are
// checked and refused as Prosody does.
const (
	NoFault         AttachFault = ""
	SilentHeader    AttachFault = "silent-header"    // TCP accepted, nothing said
	SilentHandshake AttachFault = "silent-handshake" // header answered, handshake not
	NotAuthorized   AttachFault = "not-authorized"
	HostUnknown     AttachFault = "host-unknown"
	Conflict        AttachFault = "conflict"
	ResetHandshake  AttachFault = "reset" // TCP reset after the handshake was read
	FINHandshake    AttachFault = "fin"   // regular end of TCP there
)

// ComponentOptions configure a ComponentServer.
type ComponentOptions struct {
	// Domain, Secret and Hosts default as in Options.
	Domain, Secret string
	Hosts          []string
	Dialect        Dialect
	// Attach names the fault of the n-th connection, from 1; nil: no faults.
	Attach func(n int) AttachFault
	// TakeBoth accepts a second connection beside a living one, as ejabberd
	// does; otherwise it gets conflict, as from Prosody.
	TakeBoth bool
	// ChunkSize sends that many bytes at a time if positive.
	ChunkSize int
	// Latency delays everything that is sent.
	Latency time.Duration
	// CountOnly counts stanzas without reading or keeping them, except IQs,
	// which are still answered.
	CountOnly bool
	// OnBytes sees all bytes received after the handshake, in order; the
	// slice is valid during the call only.
	OnBytes func(p []byte)
	// OnIQ answers a get or set before the built-in answers do.
	OnIQ func(Stanza) (reply IQReply, handled bool)
	// Rosters are answered to privileged roster gets, by bare JID.
	Rosters map[string][]RosterItem
	// PrivilegedIQ answers the query inside a privileged IQ (Prosody).
	PrivilegedIQ func(user string, inner Element) (payload string, ok bool)
	// Approve decides on subscription requests to users; nil: no answer.
	Approve func(user, subscriber string) bool
}

// IQReply is the answer to an IQ. Condition makes it an error; Silent sends
// nothing at all.
type IQReply struct {
	Payload   string
	Condition string
	Silent    bool
}

// ComponentServer plays the server's side of XEP-0114 inside the process, for
// the faults and the speed no real server offers.
type ComponentServer struct {
	// Addr is where components connect; it stays the same over Refuse.
	Addr string

	opts  ComponentOptions
	users *userTable
	// castMu puts presences cast to all links and the adverts of a new one
	// into one order; it is held while they are queued.
	castMu sync.Mutex
	links  chan *Link // attached ones, for Next; 64 are kept, more are dropped from it

	mu       sync.Mutex // guards the rest
	listener net.Listener
	conns    map[net.Conn]bool
	attached map[*Link]bool // true once it has its adverts
	count    int
	closed   bool

	work sync.WaitGroup // accept loop and connections
}

// NewComponentServer listens on a free port of 127.0.0.1.
func NewComponentServer(opts ComponentOptions) (*ComponentServer, error) {
	if opts.Domain == "" {
		opts.Domain = DefaultComponent
	}
	if opts.Secret == "" {
		opts.Secret = DefaultSecret
	}
	if len(opts.Hosts) == 0 {
		opts.Hosts = []string{DefaultHost}
	}
	s := &ComponentServer{
		opts: opts, users: newUserTable(),
		links: make(chan *Link, 64), conns: map[net.Conn]bool{}, attached: map[*Link]bool{},
	}
	// A process another test starts at this instant holds a copy of the probe's
	// socket until it has executed: a port that was free may be taken once more.
	for {
		ports, err := freePorts(1)
		if err != nil {
			return nil, err
		}
		s.Addr = loopback(ports[0])
		if err = s.Listen(); err == nil {
			return s, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
	}
}

// Listen accepts connections (again, after Refuse).
func (s *ComponentServer) Listen() error {
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("testbed: component server: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.listener != nil {
		return errors.Join(errors.New("testbed: component server is closed or listens already"), l.Close())
	}
	s.listener = l
	s.work.Go(func() { s.accept(l) })
	return nil
}

// Refuse closes the port: further connections are refused, living ones stay.
func (s *ComponentServer) Refuse() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	err := s.listener.Close()
	s.listener = nil
	return err
}

// SetAttach replaces the fault plan; the count of connections goes on.
func (s *ComponentServer) SetAttach(plan func(n int) AttachFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Attach = plan
}

// Always is a fault plan with one fault for every connection.
func Always(f AttachFault) func(int) AttachFault { return func(int) AttachFault { return f } }

// First is a fault plan for the first connections; later ones have no fault.
func First(faults ...AttachFault) func(int) AttachFault {
	return func(n int) AttachFault {
		if n > len(faults) {
			return NoFault
		}
		return faults[n-1]
	}
}

// Connections is the number of TCP connections accepted so far.
func (s *ComponentServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Next returns the next attached component, in order of their handshakes.
func (s *ComponentServer) Next(ctx context.Context) (*Link, error) {
	select {
	case l := <-s.links:
		return l, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("testbed: no component attached: %w", context.Cause(ctx))
	}
}

// Close resets all connections and waits for their goroutines.
func (s *ComponentServer) Close() error {
	err := s.Refuse()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
	for l := range s.attached {
		l.ResumeReading()
	}
	s.mu.Unlock()
	s.work.Wait()
	return err
}

func (s *ComponentServer) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed by Refuse or Close
		}
		fault, ok := s.admit(conn)
		if !ok {
			_ = conn.Close()
			return
		}
		s.work.Go(func() {
			defer s.dismiss(conn)
			s.serve(conn, fault)
		})
	}
}

// admit notes a connection and looks up its fault.
func (s *ComponentServer) admit(conn net.Conn) (AttachFault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return NoFault, false
	}
	s.conns[conn] = true
	s.count++
	if s.opts.Attach == nil {
		return NoFault, true
	}
	return s.opts.Attach(s.count), true
}

func (s *ComponentServer) dismiss(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	_ = conn.Close()
}

// claim makes a link the attached one, or refuses it beside another.
func (s *ComponentServer) claim(l *Link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.attached) > 0 && !s.opts.TakeBoth {
		return false
	}
	s.attached[l] = false
	return true
}

func (s *ComponentServer) release(l *Link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.attached, l)
}

// attachedLinks lists the living links that have had their adverts.
func (s *ComponentServer) attachedLinks() []*Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Link
	for l, ready := range s.attached {
		if ready {
			out = append(out, l)
		}
	}
	return out
}
