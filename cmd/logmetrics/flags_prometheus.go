package main

import (
	"github.com/logmetrics/logmetrics/outputs"
)

type prometheusFlags struct {
	PrometheusListen      []string  `group:"outputs" placeholder:"HOST:PORT" help:"Show a page to be scraped, at /metrics; for processes that stay. May be repeated, as each of the three."`
	PrometheusTextfile    []string  `group:"outputs" placeholder:"FILE" help:"Write a file for node_exporter's textfile collector; it ends in .prom."`
	PrometheusRemoteWrite []string  `group:"outputs" placeholder:"URL" help:"Send by remote write 1.0, as to http://HOST:9090/api/v1/write."`
	PrometheusTokenFile   string    `group:"outputs" type:"path" placeholder:"FILE" help:"Holds the bearer token of remote write, or USER:PASSWORD."`
	PrometheusBuckets     []float64 `group:"outputs" placeholder:"SECONDS,..." help:"Upper ends of the buckets of timers' histograms. Default .005,.01,.025,.05,.1,.25,.5,1,2.5,5,10."`
	PrometheusExtraLabels []string  `group:"outputs" placeholder:"NAME=VALUE,..." help:"Labels of every series."`
}

// options returns a destination for each address, file and URL; without any
// one that the output refuses, saying what is missing.
func (f *prometheusFlags) options() (list []outputs.Options) {
	opt := outputs.Options{Prometheus: outputs.PrometheusOptions{
		Buckets: f.PrometheusBuckets, Labels: f.PrometheusExtraLabels, TokenFile: f.PrometheusTokenFile,
	}}
	for _, way := range []struct {
		protocol  string
		addresses []string
	}{{outputs.PrometheusScrape, f.PrometheusListen}, {outputs.PrometheusTextfile, f.PrometheusTextfile}, {"http", f.PrometheusRemoteWrite}} {
		if len(way.addresses) > 0 {
			list = append(list, hosts(way.addresses, way.protocol, "", opt)...)
		}
	}
	if len(list) == 0 {
		list = append(list, opt)
	}
	return list
}
