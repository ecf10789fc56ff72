package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/outputs"
)

// outputFlags name the destinations: the outputs, and the flags of each. A host
// may carry its protocol, as in udp://HOST:PORT; each host given is one more
// destination.
type outputFlags struct {
	Output []string `group:"outputs" short:"o" placeholder:"NAME" help:"Where to send: ${outputs}; may be repeated. Required."`
	stdoutFlags
	statsdFlags
	graphiteFlags
	influxFlags
	execFlags
	httpFlags
	otlpFlags
	syslogFlags
	nscaFlags
	gangliaFlags
	cloudwatchFlags
	prometheusFlags
}

// options returns the options of each destination of the named output.
func (f *outputFlags) options(output string, alias bool) ([]outputs.Options, error) {
	switch output {
	case "statsd":
		return f.statsdFlags.options(alias), nil
	case "graphite":
		return f.graphiteFlags.options(), nil
	case "influx":
		return f.influxFlags.options(), nil
	case "exec":
		return f.execFlags.options()
	case "http":
		return f.httpFlags.options()
	case "otlp":
		return f.otlpFlags.options(), nil
	case "syslog":
		return f.syslogFlags.options(), nil
	case "nsca":
		return f.nscaFlags.options(), nil
	case "ganglia":
		return f.gangliaFlags.options(), nil
	case "cloudwatch":
		return f.cloudwatchFlags.options(), nil
	case "prometheus":
		return f.prometheusFlags.options(), nil
	}
	return f.stdoutFlags.options(), nil
}

type stdoutFlags struct {
	StdoutSeparator string `group:"names" placeholder:"TEXT" help:"Stands between prefix, name and suffix on stdout, instead of '_'."`
}

func (f *stdoutFlags) options() []outputs.Options {
	return []outputs.Options{{Separator: f.StdoutSeparator}}
}

type statsdFlags struct {
	StatsdHost       []string `group:"outputs" placeholder:"HOST:PORT" help:"Default 127.0.0.1:8125; may carry a protocol, as tcp://HOST:PORT, and be repeated."`
	StatsdProtocol   string   `group:"outputs" placeholder:"NAME" help:"udp (default), tcp or unixgram."`
	StatsdType       string   `group:"outputs" enum:"auto,gauge" default:"auto" help:"auto: each metric as what it is, and as a gauge under Logster's parser names; gauge: always a gauge, one a datagram."`
	StatsdPacketSize int      `group:"outputs" default:"1432" help:"Bytes of the largest datagram."`
	StatsdTags       string   `group:"outputs" enum:"none,dogstatsd,graphite" default:"none" help:"How tags are sent: ${enum}; none: values as nodes of the name."`
}

func (f *statsdFlags) options(alias bool) []outputs.Options {
	return hosts(f.StatsdHost, cmp.Or(f.StatsdProtocol, "udp"), "127.0.0.1:8125", outputs.Options{
		PacketSize: f.StatsdPacketSize, TagStyle: f.StatsdTags, Gauges: f.StatsdType == "gauge" || alias,
	})
}

type graphiteFlags struct {
	GraphiteHost     []string `group:"outputs" placeholder:"HOST:PORT" help:"Default 127.0.0.1:2003; may carry a protocol, as pickle://HOST:2004, and be repeated."`
	GraphiteProtocol string   `group:"outputs" placeholder:"NAME" help:"tcp (default), udp or pickle."`
	GraphiteTags     string   `group:"outputs" enum:"none,graphite" default:"none" help:"How tags are sent: ${enum}; none: values as nodes of the name."`
}

func (f *graphiteFlags) options() []outputs.Options {
	usual := "127.0.0.1:2003"
	if f.GraphiteProtocol == "pickle" {
		usual = "127.0.0.1:2004"
	}
	return hosts(f.GraphiteHost, cmp.Or(f.GraphiteProtocol, "tcp"), usual, outputs.Options{TagStyle: f.GraphiteTags})
}

// hosts copies opt for each address, the usual one when there is none; an
// address without a protocol has the given one.
func hosts(addresses []string, protocol, usual string, opt outputs.Options) (list []outputs.Options) {
	if len(addresses) == 0 {
		addresses = []string{usual}
	}
	for _, address := range addresses {
		opt.Protocol, opt.Address = protocol, strings.TrimSpace(address)
		if own, rest, ok := strings.Cut(opt.Address, "://"); ok {
			opt.Protocol, opt.Address = own, rest
		}
		list = append(list, opt)
	}
	return list
}

func closeOutputs(list []extract.Destination) {
	for _, d := range list {
		// Whatever it still held was acknowledged or is still queued.
		_ = d.Output.Close()
	}
}

// destinations makes the outputs, each destination once.
func (r *runCmd) destinations(c *console, alias bool) ([]extract.Destination, error) {
	var list []extract.Destination
	seen := make(map[string]bool)
	for _, name := range r.Output {
		f, err := findOutput(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		all, err := r.options(f.Name, alias)
		if err != nil {
			return nil, err
		}
		for _, opt := range all {
			title := titleOf(f.Name, opt)
			if seen[title] {
				continue
			}
			seen[title] = true
			out, err := r.makeOutput(f, opt, c)
			if err != nil {
				return nil, &usageError{err.Error()} // it names the output and the address
			}
			if f.Idempotent && !r.DryRun && !r.Follow { // one that is followed is offered what waits again and again
				out = outputs.Retry(out, retryFirst, retryLongest)
			}
			list = append(list, extract.Destination{Name: title, Output: out})
		}
	}
	if len(list) == 0 {
		return nil, &usageError{"an output is missing: --output=NAME (there are " + strings.Join(outputNames(), ", ") + ")"}
	}
	return list, nil
}

// makeOutput makes an output that can do what the flags ask for.
func (r *runCmd) makeOutput(f outputs.Factory, opt outputs.Options, c *console) (outputs.Output, error) {
	out, err := f.New(r.onConsole(opt, c))
	if err != nil {
		return nil, err
	}
	_, asked := outputs.As[outputs.Starter](out)
	switch {
	case r.Time == "log" && !f.TimedWith(opt):
		return nil, fmt.Errorf("%s: its values carry no time of their own, so --time=log cannot be had with it", f.Name)
	case asked && !r.Follow && !r.DryRun:
		return nil, fmt.Errorf("%s: a page to be scraped needs a process that stays: --follow, or the daemon", f.Name)
	}
	return out, nil
}

// startOutputs makes those outputs ready that others ask for what they have.
func startOutputs(ctx context.Context, list []extract.Destination) error {
	for _, d := range list {
		if out, ok := outputs.As[outputs.Starter](d.Output); ok {
			if err := out.Start(ctx); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	return nil
}

// titleOf names a destination: in messages, and in the state, where it is what
// the destination's cursor goes by, so that it must stay what it is. Where a
// password or token can be (a URL's user and query, a program's arguments) a
// short hash stands in its place, by which destinations still differ.
func titleOf(name string, opt outputs.Options) string {
	shown, hidden := opt.Protocol+"://"+opt.Address, ""
	switch {
	case len(opt.Exec.Command) > 0:
		shown, hidden = opt.Exec.Command[0], strings.Join(opt.Exec.Command[1:], "\x00")
	case strings.EqualFold(opt.Protocol, "http"), strings.EqualFold(opt.Protocol, "https"):
		shown, hidden = withoutSecrets(opt.Protocol, opt.Address)
	}
	title := strings.TrimRight(name+" "+shown, ":/ ")
	if hidden != "" {
		sum := sha256.Sum256([]byte(hidden))
		title += fmt.Sprintf("#%x", sum[:4])
	}
	return title
}

// withoutSecrets parts a URL from its user and query.
func withoutSecrets(protocol, address string) (shown, hidden string) {
	rest, query, _ := strings.Cut(address, "?")
	host, path, _ := strings.Cut(rest, "/")
	user := ""
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		user, host = host[:at], host[at+1:]
	}
	if user+query != "" {
		hidden = user + "\x00" + query
	}
	return protocol + "://" + host + "/" + path, hidden
}

// How long a run waits before it tries an output again: at first, and at most.
// --delivery-timeout ends it.
const (
	retryFirst   = 200 * time.Millisecond
	retryLongest = 5 * time.Second
)

// onConsole adds what an output needs to write here instead of to a network.
func (r *runCmd) onConsole(opt outputs.Options, c *console) outputs.Options {
	opt.Stdout, opt.Prometheus.Server = c.stdout, c.scraped
	if r.DryRun {
		opt.DryRun = c.stdout
	}
	return opt
}
