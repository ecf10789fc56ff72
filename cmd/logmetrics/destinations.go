package main

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/outputs"
)

// outputFlags are those of each output. A host may carry its protocol, as in
// udp://HOST:PORT; each host given is one more destination.
//
// They are there when the command line may ask for them, see newCLI: to describe
// all to kong takes a third of a run that finds nothing new. A field is nil or
// points to the flags of its name.
type outputFlags struct {
	Cloudwatch any `embed:""`
	Exec       any `embed:""`
	Ganglia    any `embed:""`
	Gatherer   any `embed:""`
	Graphite   any `embed:""`
	HTTP       any `embed:""`
	Influx     any `embed:""`
	Nsca       any `embed:""`
	Otlp       any `embed:""`
	Prometheus any `embed:""`
	Statsd     any `embed:""`
	Stdout     any `embed:""`
	Syslog     any `embed:""`
}

// describe makes those flags be there whose output asks names.
func (f *outputFlags) describe(asks func(markers ...string) bool) {
	add := func(field *any, flags any, markers ...string) {
		if asks(markers...) {
			*field = flags
		}
	}
	add(&f.Cloudwatch, new(cloudwatchFlags), "cloudwatch", "aws")
	add(&f.Exec, new(execFlags), "exec")
	add(&f.Ganglia, new(gangliaFlags), "ganglia", "gmetric")
	add(&f.Gatherer, new(gathererFlags), "gatherer")
	add(&f.Graphite, new(graphiteFlags), "graphite")
	add(&f.HTTP, new(httpFlags), "http")
	add(&f.Influx, new(influxFlags), "influx")
	add(&f.Nsca, new(nscaFlags), "nsca")
	add(&f.Otlp, new(otlpFlags), "otlp")
	add(&f.Prometheus, new(prometheusFlags), "prometheus")
	add(&f.Statsd, new(statsdFlags), "statsd")
	add(&f.Stdout, new(stdoutFlags), "stdout")
	add(&f.Syslog, new(syslogFlags), "syslog")
}

// options returns the options of each destination of the named output, which
// the command line has named, too.
func (f *outputFlags) options(output string, alias bool) ([]outputs.Options, error) {
	switch output {
	case "cloudwatch":
		return f.Cloudwatch.(*cloudwatchFlags).options(), nil
	case "exec":
		return f.Exec.(*execFlags).options()
	case "ganglia":
		return f.Ganglia.(*gangliaFlags).options(), nil
	case "gatherer":
		return f.Gatherer.(*gathererFlags).options(), nil
	case "graphite":
		return f.Graphite.(*graphiteFlags).options(), nil
	case "http":
		return f.HTTP.(*httpFlags).options()
	case "influx":
		return f.Influx.(*influxFlags).options(), nil
	case "nsca":
		return f.Nsca.(*nscaFlags).options(), nil
	case "otlp":
		return f.Otlp.(*otlpFlags).options(), nil
	case "prometheus":
		return f.Prometheus.(*prometheusFlags).options(), nil
	case "statsd":
		return f.Statsd.(*statsdFlags).options(alias), nil
	case "syslog":
		return f.Syslog.(*syslogFlags).options(), nil
	}
	return f.Stdout.(*stdoutFlags).options(), nil
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
			list = append(list, extract.Destination{Name: title, Output: out, Merges: f.Merges})
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
	opt.Stdout, opt.Prometheus.Server = c.stdout, c.scrapes
	if r.DryRun {
		opt.DryRun = c.stdout
	}
	return opt
}
