package main

import "github.com/logmetrics/logmetrics/outputs"

type httpFlags struct {
	HttpUrl         []string `group:"http" sep:"none" placeholder:"URL" help:"Where batches are posted to, as JSON; may be repeated."`
	HttpHeadersFile string   `group:"http" type:"path" placeholder:"FILE" help:"Headers of each request, such as tokens, one 'Name: value' a line; others must not be able to read it."`
}

func (f *httpFlags) options() ([]outputs.Options, error) {
	if len(f.HttpUrl) == 0 {
		return nil, &usageError{"--output=http needs --http-url=URL"}
	}
	return hosts(f.HttpUrl, "http", "", outputs.Options{HTTP: outputs.HTTPOptions{HeadersFile: f.HttpHeadersFile}}), nil
}
