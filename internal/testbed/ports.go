package testbed

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Ports are taken below the kernel's ephemeral range (32768 and up), so that
// no outgoing connection sits on a server's port while it restarts. Each process
// of ours has a lane of its own, and goes round it: between being found free and
// being listened on, or while a server restarts, nobody else takes a port.
const (
	portLow   = 11000
	lanes     = 30
	laneWidth = 700
)

// lane is the part of the ports that this process may hand out.
type lane struct {
	mu   sync.Mutex // guards next
	low  int
	next int
	held *os.File // locked while the process lives
}

// ownLane locks the first lane that no other process has.
var ownLane = sync.OnceValues(func() (*lane, error) {
	for i := range lanes {
		name := filepath.Join(os.TempDir(), fmt.Sprintf("presenced-testbed-ports-%d-%d", os.Getuid(), i))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("testbed: ports: %w", err)
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return &lane{low: portLow + i*laneWidth, held: f}, nil
		}
		_ = f.Close()
	}
	return nil, errNoPorts
})

var errNoPorts = errors.New("testbed: no free ports on 127.0.0.1: end other test runs")

// freePorts picks n different ports of 127.0.0.1 nobody listens on now.
func freePorts(n int) ([]int, error) {
	l, err := ownLane()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var ports []int
	for range laneWidth {
		p := l.low + l.next
		l.next = (l.next + 1) % laneWidth
		c, err := net.Listen("tcp", loopback(p))
		if err != nil {
			continue
		}
		_ = c.Close()
		if ports = append(ports, p); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errNoPorts
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
