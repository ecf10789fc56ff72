package main

import (
	"cmp"
	"fmt"

	"github.com/logmetrics/logmetrics/outputs"
)

type statsdFlags struct {
	StatsdHost       []string `group:"statsd" placeholder:"HOST:PORT" help:"Default 127.0.0.1:8125; may carry a protocol, as tcp://HOST:PORT, and be repeated."`
	StatsdProtocol   string   `group:"statsd" placeholder:"NAME" help:"udp (default), tcp or unixgram."`
	StatsdType       string   `group:"statsd" enum:"auto,gauge" default:"auto" help:"auto: each metric as what it is, and as a gauge under Logster's parser names; gauge: always a gauge, one a datagram."`
	StatsdPacketSize int      `group:"statsd" default:"1432" help:"Bytes of the largest datagram."`
	StatsdTags       string   `group:"statsd" enum:"none,dogstatsd,graphite" default:"none" help:"How tags are sent: ${enum}; none: values as nodes of the name."`
}

// maxDatagram is the largest payload of UDP over IPv4, in bytes.
const maxDatagram = 65507

func (f *statsdFlags) check() error {
	if f.StatsdPacketSize < 1 || f.StatsdPacketSize > maxDatagram {
		return &usageError{fmt.Sprintf("--statsd-packet-size=%d: it must be from 1 to %d bytes", f.StatsdPacketSize, maxDatagram)}
	}
	return nil
}

func (f *statsdFlags) options(alias bool) []outputs.Options {
	return hosts(f.StatsdHost, cmp.Or(f.StatsdProtocol, "udp"), "127.0.0.1:8125", outputs.Options{
		PacketSize: f.StatsdPacketSize, TagStyle: f.StatsdTags, Gauges: f.StatsdType == "gauge" || alias,
	})
}
