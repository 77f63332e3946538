package testbed

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken below the kernel's ephemeral range (32768 and up), so that
// no outgoing connection sits on a server's port while it restarts.
const (
	portLow  = 11000
	portHigh = 32000
)

// freePorts picks n different ports of 127.0.0.1 nobody listens on now.
func freePorts(n int) ([]int, error) {
	var ports []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for range 1000 {
		p := portLow + rand.IntN(portHigh-portLow)
		l, err := net.Listen("tcp", loopback(p))
		if err != nil {
			continue
		}
		held = append(held, l)
		if ports = append(ports, p); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("testbed: no free ports on 127.0.0.1: end other test runs")
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
