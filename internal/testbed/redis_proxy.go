package testbed

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ProxyFault is what a Proxy does to what passes through it.
type ProxyFault int32

// The faults of a Proxy.
const (
	// ProxyPass passes everything on.
	ProxyPass ProxyFault = iota
	// ProxyReset accepts connections and resets them at once, the open ones too.
	ProxyReset
	// ProxyMute passes requests on and lets nothing come back.
	ProxyMute
	// ProxyLoseAnswers passes requests on, swallows the answer and closes.
	ProxyLoseAnswers
	// ProxyHold passes nothing on in either direction, until the fault ends; then it
	// passes what it held, even of connections the client gave up.
	ProxyHold
)

// Proxy passes TCP connections on to an address, with faults on demand.
type Proxy struct {
	Addr string

	target   string
	listener net.Listener
	budget   atomic.Int64 // bytes of requests until everything is cut; negative: no end
	delay    atomic.Int64 // nanoseconds each answer waits
	running  sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	fault   ProxyFault
	changed chan struct{} // closed and replaced when fault changes
	conns   map[net.Conn]struct{}
	closed  bool
}

// RunProxy runs a Proxy to target for the duration of a test.
func RunProxy(t TB, target string) *Proxy {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	p := &Proxy{
		Addr: l.Addr().String(), target: target, listener: l,
		changed: make(chan struct{}), conns: make(map[net.Conn]struct{}),
	}
	p.budget.Store(-1)
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Set changes the fault. ProxyReset also resets the connections there are.
func (p *Proxy) Set(f ProxyFault) {
	p.mu.Lock()
	p.fault = f
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	if f == ProxyReset {
		p.Cut()
	}
}

// Cut resets all connections there are.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		abort(c)
	}
}

// CutAfter resets everything, as ProxyReset does, once n more bytes of requests passed.
func (p *Proxy) CutAfter(n int64) { p.budget.Store(n) }

// Delay holds every answer back for d.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// abort closes with a reset, so that nothing in flight is delivered.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) state() (ProxyFault, <-chan struct{}, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault, p.changed, p.closed
}

// keep notes a connection; false means that the proxy is closed.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		abort(c)
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if fault, _, _ := p.state(); fault == ProxyReset {
			abort(client)
			continue
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	if !p.keep(client) {
		return
	}
	defer p.drop(client)
	server, err := (&net.Dialer{Timeout: 5 * time.Second}).Dial("tcp", p.target)
	if err != nil {
		abort(client)
		return
	}
	if !p.keep(server) {
		return
	}
	defer p.drop(server)
	var both sync.WaitGroup
	both.Go(func() { p.pass(server, client, p.request); _ = server.(*net.TCPConn).CloseWrite() })
	p.pass(client, server, p.answer)
	_ = client.Close()
	_ = server.Close()
	both.Wait()
}

// pass copies until either end closes; may decides about each piece.
func (p *Proxy) pass(to, from net.Conn, may func(n int) error) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if may(n) != nil {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

var errProxyCut = errors.New("cut")

// request decides about n bytes of requests, and may wait.
func (p *Proxy) request(n int) error {
	if left := p.budget.Load(); left >= 0 {
		if p.budget.Add(int64(-n)) < 0 {
			p.Set(ProxyReset)
			return errProxyCut
		}
	}
	return p.wait(func(f ProxyFault) bool { return f == ProxyHold })
}

// answer decides about answers.
func (p *Proxy) answer(int) error {
	if d := p.delay.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
	if fault, _, _ := p.state(); fault == ProxyLoseAnswers {
		return io.EOF
	}
	return p.wait(func(f ProxyFault) bool { return f == ProxyHold || f == ProxyMute })
}

func (p *Proxy) wait(while func(ProxyFault) bool) error {
	for {
		fault, changed, closed := p.state()
		if closed {
			return errProxyCut
		}
		if !while(fault) {
			return nil
		}
		<-changed
	}
}
