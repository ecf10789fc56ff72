package main

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/logmetrics/logmetrics/outputs"
)

type prometheusFlags struct {
	PrometheusListen      []string  `group:"prometheus" placeholder:"HOST:PORT" help:"Show a page to be scraped, at /metrics; for processes that stay. May be repeated, as each of the three."`
	PrometheusTextfile    []string  `group:"prometheus" placeholder:"FILE" help:"Write a file for node_exporter's textfile collector; it ends in .prom."`
	PrometheusRemoteWrite []string  `group:"prometheus" placeholder:"URL" help:"Send by remote write 1.0, as to http://HOST:9090/api/v1/write."`
	PrometheusTokenFile   string    `group:"prometheus" type:"path" placeholder:"FILE" help:"Holds the bearer token of remote write, or USER:PASSWORD."`
	PrometheusBuckets     []seconds `group:"prometheus" placeholder:"SECONDS" help:"Upper ends of the buckets of timers' histograms. Default .005,.01,.025,.05,.1,.25,.5,1,2.5,5,10."`
	PrometheusExtraLabels []string  `group:"prometheus" placeholder:"NAME=VALUE" help:"Labels of every series."`
}

// seconds is a number of seconds, written without a unit.
type seconds float64

// UnmarshalText reads seconds.
func (s *seconds) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("%q is not a number of seconds such as 0.25", text)
	}
	*s = seconds(v)
	return nil
}

// options returns a destination for each address, file and URL; without any
// one that the output refuses, saying what is missing.
func (f *prometheusFlags) options() (list []outputs.Options) {
	opt := outputs.Options{Prometheus: outputs.PrometheusOptions{Labels: f.PrometheusExtraLabels, TokenFile: f.PrometheusTokenFile}}
	for _, end := range f.PrometheusBuckets {
		opt.Prometheus.Buckets = append(opt.Prometheus.Buckets, float64(end))
	}
	for _, way := range []struct {
		protocol  string
		addresses []string
	}{{outputs.PrometheusScrape, f.PrometheusListen}, {outputs.PrometheusTextfile, absoluteNames(f.PrometheusTextfile)}, {"http", f.PrometheusRemoteWrite}} {
		if len(way.addresses) > 0 {
			list = append(list, hosts(way.addresses, way.protocol, "", opt)...)
		}
	}
	if len(list) == 0 {
		list = append(list, opt)
	}
	return list
}

// absoluteNames makes files independent of where the program is run, for the
// state knows a destination by its name.
func absoluteNames(files []string) (list []string) {
	for _, name := range files {
		if path, err := filepath.Abs(name); err == nil {
			name = path
		}
		list = append(list, name)
	}
	return list
}
