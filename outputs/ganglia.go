package outputs

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// Ganglia through the program gmetric, one process a metric, one after the
// other. A packet is what gmetric is given besides its fixed options: the
// arguments, with a NUL, which no argument can hold, after each.

// GangliaOptions are those of the ganglia output alone.
type GangliaOptions struct {
	Args    []string // gmetric's options; nil: -d 180 -c /etc/ganglia/gmond.conf
	Program string   // default /usr/bin/gmetric
}

func newGanglia(opt Options) (Output, error) {
	names, err := newNaming(opt, "_", tagsAsNodes)
	if err != nil {
		return nil, fmt.Errorf("ganglia: %w", err)
	}
	args := opt.Ganglia.Args
	if args == nil {
		args = []string{"-d", "180", "-c", "/etc/ganglia/gmond.conf"}
	}
	for _, arg := range args {
		if strings.IndexByte(arg, 0) >= 0 {
			return nil, fmt.Errorf("ganglia: gmetric option %q: it has a NUL in it", arg)
		}
	}
	p := newChild(opt, cmp.Or(opt.Ganglia.Program, "/usr/bin/gmetric"), "apt-get install ganglia-monitor", args...)
	e := &gangliaEncoder{plain: plain{names: names}}
	if opt.DryRun != nil {
		return &output{e, printCommands(opt.DryRun, p)}, nil
	}
	send := func(ctx context.Context, packet []byte) error { return p.run(ctx, nil, arguments(packet)...) }
	return &output{e, perPacket(send)}, nil
}

func arguments(packet []byte) []string {
	return strings.Split(string(bytes.TrimSuffix(packet, []byte{0})), "\x00")
}

type gangliaEncoder struct {
	plain
	buf []byte
}

func (e *gangliaEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	for i := range b.Samples {
		s := &b.Samples[i]
		e.fields = appendFields(e.fields[:0], s)
		for _, f := range e.fields {
			e.names.set(b, s, f.name)
			if err := send(e.metric(f, fieldUnit(s, f.name))); err != nil {
				return err
			}
		}
	}
	return nil
}

// metric returns the arguments. Each is one word with its value: a value
// below 0, or a name that begins with '-', is no option.
func (e *gangliaEncoder) metric(f field, unit string) []byte {
	buf := append(append(e.buf[:0], "--name="...), e.names.name...)
	buf = metric.AppendValue(append(buf, "\x00--value="...), f.value, f.form)
	buf = append(buf, "\x00--type=double\x00--units="...)
	e.buf = append(appendUnit(buf, unit), 0)
	return e.buf
}

// printCommands is a transport that prints what would be run, as a shell
// would have to be told.
func printCommands(w io.Writer, p child) transport {
	return perPacket(func(_ context.Context, packet []byte) error {
		words := slices.Concat([]string{p.path}, p.args, arguments(packet))
		for i := range words {
			words[i] = shellWord(words[i])
		}
		if _, err := fmt.Fprintln(w, strings.Join(words, " ")); err != nil {
			return fmt.Errorf("print dry run: %w", err)
		}
		return nil
	})
}

func shellWord(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,+@%", r)
	}
	if word != "" && strings.TrimFunc(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
