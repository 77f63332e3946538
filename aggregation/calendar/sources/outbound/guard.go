package outbound

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
)

// errRefused is what the guard stops a connection with. It does not say which
// address it was: who gave the URL may not be meant to learn that.
var errRefused = errors.New("the address is not a public one")

// reserved4 is what of IPv4 is not public, or only seems so.
var reserved4 = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared, RFC 6598; Alibaba's metadata
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's wire server, reachable from inside only
	"169.254.0.0/16",   // link-local; most clouds' metadata
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments; Oracle's metadata
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays, RFC 7526
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
)

// public6 is the part of IPv6 that is given out as public; reserved6 is what of
// it is not. Everything else (loopback, fe80::/10, fc00::/7, fec0::/10, ff00::/8,
// ::/96, the local NAT64 prefix) is outside.
var (
	public6   = netip.MustParsePrefix("2000::/3")
	reserved6 = prefixes(
		"2001::/23",     // protocol assignments; Teredo, which hides an IPv4 address
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4, which hides one too
		"3fff::/20",     // documentation
	)
	nat64 = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the last 4 bytes are IPv4
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Public reports whether an address is one of the public internet: what a URL
// that a user gave may lead to.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case !a.IsValid() || a.Zone() != "":
		return false
	case a.Is4():
		return !within(a, reserved4)
	case nat64.Contains(a):
		b := a.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	default:
		return public6.Contains(a) && !within(a, reserved6)
	}
}

func within(a netip.Addr, nets []netip.Prefix) bool {
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(a) })
}

// guard decides which addresses may be dialled.
type guard struct {
	anywhere bool
	allow    []netip.Prefix
}

// check is the Control of a dialler: it sees each address a name resolved to,
// right before it is connected to.
func (g guard) check(_, address string, _ syscall.RawConn) error {
	if g.anywhere {
		return nil
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return errRefused
	}
	if within(to.Addr().Unmap(), g.allow) {
		return nil
	}
	// Below 1024 are services that are not for the web, some of which do what
	// the lines of a request say.
	if port := to.Port(); port < 1024 && port != 80 && port != 443 {
		return errRefused
	}
	if !Public(to.Addr()) {
		return errRefused
	}
	return nil
}
