package main

import (
	"cmp"

	"github.com/logmetrics/logmetrics/outputs"
)

type graphiteFlags struct {
	GraphiteHost     []string `group:"graphite" placeholder:"HOST:PORT" help:"Default 127.0.0.1:2003; may carry a protocol, as pickle://HOST:2004, and be repeated."`
	GraphiteProtocol string   `group:"graphite" placeholder:"NAME" help:"tcp (default), udp or pickle."`
	GraphiteTags     string   `group:"graphite" enum:"none,graphite" default:"none" help:"How tags are sent: ${enum}; none: values as nodes of the name."`
}

func (f *graphiteFlags) options() []outputs.Options {
	usual := "127.0.0.1:2003"
	if f.GraphiteProtocol == "pickle" {
		usual = "127.0.0.1:2004"
	}
	return hosts(f.GraphiteHost, cmp.Or(f.GraphiteProtocol, "tcp"), usual, outputs.Options{TagStyle: f.GraphiteTags})
}
