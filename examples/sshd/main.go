// Command sshd shows a parser and an output that live outside the logmetrics
// tree, on its public packages alone: it reads a log from standard input and
// prints what it holds as JSON lines.
//
//	sshd < /var/log/auth.log
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sshd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log io.Reader, w io.Writer) error {
	rec := metric.NewRecorder(metric.RecorderOptions{})
	p, err := sshd.New(parsers.Options{}, rec)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(log)
	if err != nil {
		return err
	}
	if !bytes.HasSuffix(data, []byte("\n")) {
		data = append(data, '\n') // a block is whole lines
	}
	rec.Block(1)
	stats := p.Parse(parsers.Block{Bytes: data, Seq: 1, Final: true}, rec)
	now := time.Now().Unix()
	b := &metric.Batch{Start: now, End: now, Stamp: now}
	rec.Flush(b)
	fmt.Fprintf(os.Stderr, "%d lines, %d of them sshd's\n", stats.Lines, stats.Matched())
	return jsonLines{w}.Write(ctx, b)
}
