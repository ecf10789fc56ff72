package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// parsersCmd lists the parsers or describes one.
type parsersCmd struct {
	Name string `arg:"" optional:"" name:"parser" help:"The parser to describe."`
}

// Run prints the table, or the description.
func (k *parsersCmd) Run(c *console) error {
	p := &printer{w: c.stdout}
	if k.Name == "" {
		listParsers(p)
		return p.err
	}
	f, alias, err := findParser(k.Name)
	if err != nil {
		return err
	}
	if err := describe(p, f, alias); err != nil {
		return err
	}
	return p.err
}

func listParsers(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "PARSER\tLOGSTER'S NAME\tREADS")
	for _, f := range parsers.Table() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Name, f.Alias, f.Summary)
	}
	_ = t.Flush() // to a printer, which remembers its error
}

func describe(w io.Writer, f parsers.Factory, alias bool) error {
	name := f.Name
	if alias {
		name = f.Alias + ", Logster's name for " + f.Name
	}
	fmt.Fprintf(w, "%s: %s\n", name, f.Summary)
	switch {
	case alias:
		fmt.Fprint(w, "Sends exactly Logster's names, formulas and formats, and only gauges to statsd.\n")
	case f.Alias != "":
		fmt.Fprintf(w, "%s is the same with Logster's names, formulas and formats.\n", f.Alias)
	}
	options, err := parserUsage(f, alias)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nOptions, in --parser-options:\n%s", options)
	return listMetrics(w, f, alias)
}

// parserUsage asks the parser for its options.
func parserUsage(f parsers.Factory, alias bool) (string, error) {
	rec := metric.NewRecorder(metric.RecorderOptions{})
	_, err := f.New(parsers.Options{Alias: alias, Args: []string{"--help"}}, rec)
	var usage *parsers.UsageError
	switch {
	case errors.As(err, &usage) && usage.Usage != "":
		return usage.Usage, nil
	case err == nil || usage != nil:
		return "  none\n", nil
	}
	return "", err
}

// listMetrics lists what the parser declares before it has read a line.
func listMetrics(w io.Writer, f parsers.Factory, alias bool) error {
	rec := metric.NewRecorder(metric.RecorderOptions{})
	var usage *parsers.UsageError
	if _, err := f.New(parsers.Options{Alias: alias}, rec); errors.As(err, &usage) {
		fmt.Fprint(w, "\nMetrics: as the options say.\n")
		return nil
	} else if err != nil {
		return err
	}
	declared := rec.Declared()
	if len(declared) == 0 {
		fmt.Fprint(w, "\nMetrics: their names come from the log.\n")
		return nil
	}
	fmt.Fprint(w, "\nMetrics:\n")
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i := range declared {
		s := &declared[i]
		fmt.Fprintf(t, "  %s\t%s\t%s\n", s.Name, s.Kind, s.Unit)
	}
	return t.Flush()
}
