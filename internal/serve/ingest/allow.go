package ingest

import (
	"net"
	"net/netip"
)

// allowed reports whether a sender may send: all may when nobody is named.
func allowed(list []netip.Prefix, from netip.Addr) bool {
	if len(list) == 0 {
		return true
	}
	from = from.Unmap().WithZone("")
	for _, p := range list {
		if p.Contains(from) {
			return true
		}
	}
	return false
}

// addrOf is the IP address of a, the zero Addr of a unix socket.
func addrOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr()
	case *net.UDPAddr:
		return a.AddrPort().Addr()
	}
	return netip.Addr{}
}
