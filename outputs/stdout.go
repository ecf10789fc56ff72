package outputs

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/logmetrics/logmetrics/metric"
)

// Standard output, as Logster writes it: "1760000000 postfix_numSent 97",
// the time first. A dry run writes the same.

func newStdout(opt Options) (Output, error) {
	names, err := newNaming(opt, "_", tagsAsNodes, tagsGraphite)
	if err != nil {
		return nil, fmt.Errorf("stdout: %w", err)
	}
	t := writer{opt.Stdout}
	if opt.DryRun != nil {
		t.w = opt.DryRun
	}
	if t.w == nil {
		t.w = os.Stdout
	}
	return &output{&stdoutEncoder{plain: plain{names: names}, pack: packer{limit: streamLimit}}, t}, nil
}

type stdoutEncoder struct {
	plain
	pack packer
}

func (e *stdoutEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.pack.begin(send)
	err := e.each(b, func(f field) error {
		line := metric.AppendValue(e.pack.buf, float64(b.Stamp), metric.PyInt)
		line = append(append(append(line, ' '), e.names.name...), ' ')
		e.pack.buf = append(metric.AppendValue(line, f.value, f.form), '\n')
		return e.pack.unit()
	})
	if err != nil {
		return err
	}
	return e.pack.end()
}

// writer is a transport to something that takes all that is written. A
// reader that has stopped reading stops the run, as in every pipe.
type writer struct{ w io.Writer }

func (w writer) open(context.Context) (link, error) { return w, nil }

func (w writer) send(_ context.Context, packet []byte) error {
	if _, err := w.w.Write(packet); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

func (w writer) finish(context.Context) error { return nil }
func (w writer) close()                       {}
