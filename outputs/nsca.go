package outputs

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// Passive check results for Nagios and Icinga, through the program send_nsca
// of NSCA or NSCA-ng, which has the encryption and the password. A result is
//
//	HOST TAB SERVICE TAB RETURN-CODE TAB TEXT LF
//
// with an ETB between two of them: the programs take lines that follow each
// other without one for a text of several lines.

// NSCAOptions are those of the nsca output alone.
type NSCAOptions struct {
	Hostname   string   // the host that the results are of; default this host's name
	Config     string   // path of send_nsca's configuration; default its own
	Warn, Crit []string // thresholds as NAME=RANGE: a glob for names without prefix and suffix, and a Nagios range
	Program    string   // default /usr/sbin/send_nsca
}

const (
	// nscaInput is how many bytes of results one process is handed: about 500
	// results, which travel as packets of 4304 bytes each.
	nscaInput = 32 << 10
	// What send_nsca cuts, in bytes.
	nscaHostLen    = 63
	nscaServiceLen = 127
)

func newNSCA(opt Options) (Output, error) {
	to, err := networkOf(opt, "nsca", map[string]int{"nsca": 5667})
	if err != nil {
		return nil, fmt.Errorf("nsca: %w", err)
	}
	e, err := newNSCAEncoder(opt)
	if err != nil {
		return nil, fmt.Errorf("nsca: %w", err)
	}
	host, port, err := net.SplitHostPort(to.Target)
	if err != nil {
		return nil, fmt.Errorf("nsca: address %q: %w", to.Target, err)
	}
	args := []string{"-H", host, "-p", port}
	if opt.NSCA.Config != "" {
		args = append(args, "-c", opt.NSCA.Config)
	}
	p := newChild(opt, cmp.Or(opt.NSCA.Program, "/usr/sbin/send_nsca"), "apt-get install nsca-client", args...)
	send := func(ctx context.Context, results []byte) error {
		if err := p.run(ctx, results); err != nil {
			return fmt.Errorf("send to %s: %w", to, err)
		}
		return nil
	}
	return newOutput(opt, e, perPacket(send), dryRun{to: to, what: "results"}), nil
}

type nscaEncoder struct {
	plain
	bare       naming // names without prefix and suffix
	none       metric.Batch
	host       string
	warn, crit []threshold
	pack       packer
}

func newNSCAEncoder(opt Options) (e *nscaEncoder, err error) {
	e = &nscaEncoder{host: opt.NSCA.Hostname, pack: packer{limit: nscaInput, joined: true}}
	if e.names, err = newNaming(opt, "_", tagsAsNodes); err != nil {
		return nil, err
	}
	e.bare = e.names
	if e.host == "" {
		if e.host, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("this host's name: %w", err)
		}
	}
	if len(e.host) > nscaHostLen || strings.ContainsFunc(e.host, func(r rune) bool { return r < ' ' || r == 0x7f || r == ';' }) {
		return nil, fmt.Errorf("host %q: it must have no more than %d bytes, no ';' and no control characters", e.host, nscaHostLen)
	}
	if e.warn, err = parseThresholds(opt.NSCA.Warn); err != nil {
		return nil, err
	}
	e.crit, err = parseThresholds(opt.NSCA.Crit)
	return e, err
}

func (e *nscaEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.pack.begin(send)
	for i := range b.Samples {
		s := &b.Samples[i]
		e.fields = appendFields(e.fields[:0], s)
		for _, f := range e.fields {
			e.names.set(b, s, f.name)
			e.bare.set(&e.none, s, f.name)
			e.result(f, fieldUnit(s, f.name))
			if err := e.pack.unit(); err != nil {
				return err
			}
		}
	}
	return e.pack.end()
}

// result appends "HOST SERVICE 0 NAME OK - 97 Total Sent | NAME=97;;", tabs
// between the columns, and the ETB that parts it from the next.
func (e *nscaEncoder) result(f field, unit string) {
	warn, crit := thresholdFor(e.warn, e.bare.name), thresholdFor(e.crit, e.bare.name)
	code, state := byte('0'), " OK - "
	switch {
	case crit != nil && crit.alerts(f.value):
		code, state = '2', " CRITICAL - "
	case warn != nil && warn.alerts(f.value):
		code, state = '1', " WARNING - "
	}
	name := boundName(e.names.name, nscaServiceLen)
	buf := append(append(e.pack.buf, e.host...), '\t')
	buf = append(append(buf, name...), '\t', code, '\t')
	buf = metric.AppendValue(append(append(buf, name...), state...), f.value, f.form)
	if unit != "" {
		buf = appendUnit(append(buf, ' '), unit)
	}
	buf = append(append(append(buf, " | "...), name...), '=')
	buf = append(metric.AppendValue(buf, f.value, metric.Shortest), nagiosUnit(measureOf(unit))...)
	buf = appendRange(append(buf, ';'), warn)
	buf = appendRange(append(buf, ';'), crit)
	e.pack.buf = append(buf, '\n', etb)
}

const etb = 0x17

func appendRange(dst []byte, t *threshold) []byte {
	if t == nil {
		return dst
	}
	return append(dst, t.text...)
}

// nagiosUnit returns the unit of a value in performance data.
func nagiosUnit(m measure) string {
	switch m {
	case seconds:
		return "s"
	case milliseconds:
		return "ms"
	case microseconds:
		return "us"
	case bytesOf:
		return "B"
	case percent:
		return "%"
	}
	return ""
}
