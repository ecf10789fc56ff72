package main

import (
	"os"

	"github.com/logmetrics/logmetrics/outputs"
)

type syslogFlags struct {
	SyslogHost     []string `group:"syslog" placeholder:"HOST:PORT" help:"Default 127.0.0.1:514; may carry a protocol, as tcp://HOST:PORT or unixgram:///dev/log, and be repeated."`
	SyslogFacility string   `group:"syslog" default:"local0" placeholder:"NAME" help:"Facility of the messages."`
}

func (f *syslogFlags) options() []outputs.Options {
	return hosts(f.SyslogHost, "udp", "127.0.0.1:514", outputs.Options{Syslog: outputs.SyslogOptions{Facility: f.SyslogFacility, Hostname: hostname()}})
}

// hostname returns this machine's, "" when it has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
