package main

import "github.com/logmetrics/logmetrics/outputs"

type gathererFlags struct {
	GathererHost      []string `group:"gatherer" sep:"none" placeholder:"[PROTOCOL://]HOST[:PORT]" help:"Where 'logmetrics serve' is. Default http://127.0.0.1:8080; https:// is taken, too; may be repeated."`
	GathererTokenFile string   `group:"gatherer" type:"path" placeholder:"FILE" help:"A file with the token; others must not be able to read it."`
}

func (f *gathererFlags) options() []outputs.Options {
	return hosts(f.GathererHost, "http", "127.0.0.1:8080", outputs.Options{Gatherer: outputs.GathererOptions{TokenFile: f.GathererTokenFile}})
}
