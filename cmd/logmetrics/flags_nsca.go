package main

import "github.com/logmetrics/logmetrics/outputs"

// nscaFlags are those of passive checks.
type nscaFlags struct {
	NscaHost            []string `group:"nsca" placeholder:"HOST:PORT" help:"Default 127.0.0.1:5667; may be repeated."`
	NscaServiceHostname string   `group:"nsca" placeholder:"NAME" help:"The host that the check results are of; default this host's name."`
	NscaWarn            []string `group:"nsca" sep:"none" placeholder:"NAME=RANGE" help:"WARNING when a value is outside the range, as numDeferred=0:100 or 'delay.*=~:3'; may be repeated."`
	NscaCrit            []string `group:"nsca" sep:"none" placeholder:"NAME=RANGE" help:"The same for CRITICAL."`
	NscaConfig          string   `group:"nsca" type:"path" placeholder:"FILE" help:"Configuration of send_nsca; default its own."`
}

func (f *nscaFlags) options() []outputs.Options {
	return hosts(f.NscaHost, "nsca", "127.0.0.1:5667", outputs.Options{NSCA: outputs.NSCAOptions{
		Hostname: f.NscaServiceHostname, Config: f.NscaConfig, Warn: f.NscaWarn, Crit: f.NscaCrit,
	}})
}
