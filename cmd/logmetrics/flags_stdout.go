package main

import "github.com/logmetrics/logmetrics/outputs"

type stdoutFlags struct {
	StdoutSeparator string `group:"stdout" placeholder:"TEXT" help:"Stands between prefix, name and suffix on stdout, instead of '_'."`
}

func (f *stdoutFlags) options() []outputs.Options {
	return []outputs.Options{{Separator: f.StdoutSeparator}}
}
