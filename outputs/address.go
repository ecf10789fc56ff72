package outputs

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Unixgram is the protocol whose address is a path and has no port.
const Unixgram = "unixgram"

// Address is where an output sends.
type Address struct {
	Protocol string // as the output names it: "tcp", "udp", "pickle", "unixgram"
	Target   string // host:port, or the path of a socket
}

// String returns the address as a flag takes it.
func (a Address) String() string { return a.Protocol + "://" + a.Target }

// ParseAddress reads [PROTOCOL://]HOST[:PORT] or unixgram://PATH. ports holds
// the protocols that the output has and the port of each that is taken when
// the text names none; protocol is the one taken when the text names none. An
// IPv6 address with a port stands in brackets. An empty host is 127.0.0.1.
func ParseAddress(text, protocol string, ports map[string]int) (Address, error) {
	rest := text
	if before, after, ok := strings.Cut(text, "://"); ok {
		protocol, rest = strings.ToLower(before), after
	}
	port, ok := ports[protocol]
	if !ok {
		return Address{}, fmt.Errorf("address %q: no protocol %q; there are: %s", text, protocol, strings.Join(slices.Sorted(maps.Keys(ports)), ", "))
	}
	if protocol == Unixgram {
		if rest == "" {
			return Address{}, fmt.Errorf("address %q: the path of the socket is missing", text)
		}
		return Address{protocol, rest}, nil
	}
	host, portText, err := splitHost(rest)
	if err != nil {
		return Address{}, fmt.Errorf("address %q: %w", text, err)
	}
	if portText != "" {
		if port, err = strconv.Atoi(portText); err != nil || port < 1 || port > 65535 {
			return Address{}, fmt.Errorf("address %q: port %q is not a number from 1 to 65535", text, portText)
		}
	}
	return Address{protocol, net.JoinHostPort(host, strconv.Itoa(port))}, nil
}

// splitHost returns the host, and the port if there is one.
func splitHost(text string) (host, port string, err error) {
	if text == "" {
		return "127.0.0.1", "", nil
	}
	bare := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		bare = text[1 : len(text)-1]
	}
	if ip, err := netip.ParseAddr(bare); err == nil {
		return ip.String(), "", nil
	}
	host = text
	if strings.Contains(text, ":") {
		if host, port, err = net.SplitHostPort(text); err != nil {
			return "", "", fmt.Errorf("not HOST:PORT; an IPv6 address stands in brackets, as [::1]:8125")
		}
		if port == "" {
			return "", "", fmt.Errorf("the port is missing after the ':'")
		}
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if _, err := netip.ParseAddr(host); err != nil && !validHost(host) {
		return "", "", fmt.Errorf("%q is no host name", host)
	}
	return host, port, nil
}

func validHost(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
	})
}
