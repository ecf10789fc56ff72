package main

import "github.com/logmetrics/logmetrics/outputs"

type otlpFlags struct {
	OtlpHost        []string `group:"otlp" sep:"none" placeholder:"URL" help:"Collector. Default http://127.0.0.1:4318, and /v1/metrics behind a URL without a path; may be repeated."`
	OtlpHeadersFile string   `group:"otlp" type:"path" placeholder:"FILE" help:"Headers of each request, such as tokens, one 'Name: value' a line; others must not be able to read it."`
}

func (f *otlpFlags) options() []outputs.Options {
	return hosts(f.OtlpHost, "http", "127.0.0.1:4318", outputs.Options{OTLP: outputs.OTLPOptions{HeadersFile: f.OtlpHeadersFile, Hostname: hostname()}})
}
