package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/parsers"
)

// checkCmd shows what would be extracted from whole files. It has no state and
// sends nothing.
type checkCmd struct {
	Parser string   `arg:"" help:"What reads the lines; see: logmetrics parsers."`
	Files  []string `arg:"" name:"file" help:"The logs, read from their beginning."`
	parserFlags
	nameFlags
	Examples int `group:"input" default:"3" help:"Lines of each sort to show."`
}

// exampleLen is the length in bytes at which a line is cut when it is shown.
const exampleLen = 200

// Run reads the files one after the other.
func (k *checkCmd) Run(ctx context.Context, c *console) error {
	if k.Examples < 0 {
		return &usageError{"--examples must not be negative"}
	}
	for i, file := range k.Files {
		job, err := k.parserFlags.job(k.Parser, []string{file})
		if err != nil {
			return err
		}
		job.Prefix, job.Suffix = cleanName(k.MetricPrefix), cleanName(k.MetricSuffix)
		log, closeLog := c.logger(false, "")
		defer closeLog()
		job.Log = log
		report, err := extract.Check(ctx, job, k.Examples)
		if err != nil {
			return explain(err, &job)
		}
		if i > 0 {
			fmt.Fprintln(c.stdout)
		}
		if err := writeReport(ctx, c.stdout, &job, &report); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return nil
}

func writeReport(ctx context.Context, w io.Writer, job *extract.Job, r *extract.Report) error {
	p := &printer{w: w}
	fmt.Fprintf(p, "%s reads %s\n\n", job.Parser.Name, printable(strings.Join(job.Logs, " ")))
	fmt.Fprintf(p, "%-9s %9d\n", "lines", r.Lines)
	writeLines(p, "matched", r.Matched(), r.Lines, r.Examples[parsers.Matched])
	writeLines(p, "skipped", r.Skipped, r.Lines, r.Examples[parsers.Skipped])
	writeLines(p, "rejected", r.Rejected, r.Lines, r.Examples[parsers.Rejected])
	writeSpan(p, r.First, r.Last)
	fmt.Fprintf(p, "%-9s %9d\n", "series", len(r.Batch.Samples))
	fmt.Fprint(p, "\nAs --output=stdout writes it:\n")
	return writeBatch(ctx, p, r.Batch)
}

// writeLines writes how many lines had one fate, their share, and examples.
func writeLines(w io.Writer, fate string, n, of int, examples []string) {
	fmt.Fprintf(w, "%-9s %9d", fate, n)
	if of > 0 {
		fmt.Fprintf(w, "  %5.1f %%", 100*float64(n)/float64(of))
	}
	fmt.Fprintln(w)
	for _, line := range examples {
		fmt.Fprintf(w, "    %s\n", example(line))
	}
}

// example cuts a line and escapes what could steer a terminal.
func example(line string) string {
	if len(line) > exampleLen {
		return printable(line[:exampleLen]) + " ..."
	}
	return printable(line)
}

// writeSpan writes the time of the earliest and the latest line, if lines have one.
func writeSpan(w io.Writer, first, last int64) {
	if first == 0 && last == 0 {
		return
	}
	span := time.Duration(last-first) * time.Second
	fmt.Fprintf(w, "%-9s %s to %s (%v)\n", "time", stamp(first), stamp(last), span)
}

// writeBatch writes b as the stdout output does.
func writeBatch(ctx context.Context, p *printer, b *metric.Batch) error {
	f, err := findOutput("stdout")
	if err != nil {
		return err
	}
	out, err := f.New(outputs.Options{Stdout: p})
	if err != nil {
		return err
	}
	if err := out.Write(ctx, b); err != nil {
		return err
	}
	return p.err
}
