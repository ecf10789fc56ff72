// Package outputs delivers batches to where metrics are kept. It holds the
// contract of an output, the table of the outputs that there are, and one
// file for each of them.
//
// An output promises to say nil only when its destination took every sample,
// and to send nothing but declared and sanitised names. It does not keep
// batches, queue them or try again: the caller does. Start from [Output] and
// [Table].
package outputs

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// ErrPermanent is wrapped by errors of Write after which the same batch must
// not be sent again: it would never be taken.
var ErrPermanent = errors.New("the batch cannot be delivered")

// Output delivers batches to one destination. It is used by one goroutine at a
// time; others may write the same batch to other outputs meanwhile.
type Output interface {
	// Write delivers the batch; nil only when the destination took every
	// sample. After an error the caller may send the same batch again, unless
	// it wraps ErrPermanent. It neither keeps nor changes the batch. When ctx
	// is done it returns within a second; its error then wraps ctx's.
	Write(ctx context.Context, b *metric.Batch) error
	// Close ends connections. It may be called twice.
	Close() error
}

// Stateful is an Output whose deliveries depend on batches before, as running
// totals do.
type Stateful interface {
	Output
	// Restore sets what the output remembers to a Memo that was kept after an
	// earlier batch, or to nothing, for nil. It is called before the first Write.
	Restore(memo []byte) error
	// Memo returns what must be kept before it is kept that the batches up to now
	// were taken; it may be called at any time between Writes. After Restore all
	// that were written since the Memo before may be written once more: of the
	// newest, which the memo knows by its ID, the same is delivered again; those
	// before it were taken, and nothing is delivered.
	Memo() []byte
}

// Starter is an Output that others ask for what it has, as a scrape endpoint.
// It is of use only to a process that stays.
type Starter interface {
	Output
	// Start makes the output ready to be asked, until Close. It is called once,
	// before the first Write and before or after Restore; its error (a port that
	// is in use) is the job's, not a batch's. ctx bounds the call alone.
	Start(ctx context.Context) error
}

// Publisher is a Stateful that shows to others what it was written.
type Publisher interface {
	Stateful
	// Publish shows it. It is called when the Memo is kept: what was shown is then
	// shown again after a kill, too.
	Publish()
}

// Dropper is an Output that may have to leave samples out of what it sends.
type Dropper interface {
	Output
	// Dropped returns how many that were since the output was made, a sample once
	// for each Write. It may be called at any time.
	Dropped() uint64
}

// As returns what out is beyond an Output, as a Stateful, or what the output is
// that it wraps.
func As[T Output](out Output) (t T, ok bool) {
	for {
		if t, ok = out.(T); ok {
			return t, true
		}
		w, wraps := out.(interface{ Unwrap() Output })
		if !wraps {
			return t, false
		}
		out = w.Unwrap()
	}
}

// Options are what an output is made with. Fields without a meaning for an
// output are ignored; zero values mean the defaults in the comments.
type Options struct {
	Address    string        // see ParseAddress; "": this host, at the output's usual port
	Protocol   string        // as in "udp", "tcp", "pickle", "https"; which there are, and the default, is the output's
	Timeout    time.Duration // of one connect, write or answer; 5 s; of a program; 20 s
	PacketSize int           // bytes of the largest datagram; 1432
	Gauges     bool          // statsd: every sample as a gauge, one a datagram, as Logster sends them
	TagStyle   string        // "none": values as nodes; "graphite": name;k=v; statsd also "dogstatsd": |#k:v; default none
	Separator  string        // between prefix, name and suffix; default Factory.Separator
	Stdout     io.Writer     // of the stdout output; nil: os.Stdout
	DryRun     io.Writer     // not nil: what would be sent is printed here, byte for byte, and nothing is opened

	// Of one output each.
	CloudWatch CloudWatchOptions
	Exec       ExecOptions
	Ganglia    GangliaOptions
	Gatherer   GathererOptions
	HTTP       HTTPOptions
	Influx     InfluxOptions
	NSCA       NSCAOptions
	OTLP       OTLPOptions
	Prometheus PrometheusOptions
	Syslog     SyslogOptions
}

// Factory makes the outputs of one kind.
type Factory struct {
	Name      string // as in "graphite"
	Summary   string // one line
	Separator string // between prefix, name and suffix
	// Idempotent says that a batch which is sent twice leaves what it leaves
	// once, so that a failed Write may be tried again at once; see Retry.
	Idempotent bool
	// Timed says that each batch arrives with its own time, so that intervals
	// of the past become history.
	Timed bool
	// Merges says that a batch is added to what came of its interval before, so
	// that lines which come late can follow in a batch of their own.
	Merges bool
	// Newest, when not nil, reports that with opt the output shows its newest
	// values only, so that Timed does not hold.
	Newest func(opt Options) bool
	// New checks opt and returns the output; it opens nothing.
	New func(opt Options) (Output, error)
}

// TimedWith reports whether each batch arrives with its own time at an output
// made with opt.
func (f Factory) TimedWith(opt Options) bool {
	return f.Timed && (f.Newest == nil || !f.Newest(opt))
}

// Table lists the outputs, sorted by name. It is not to be changed.
func Table() []Factory { return table }

var table = []Factory{
	{Name: "cloudwatch", Summary: "Amazon CloudWatch, by PutMetricData", Separator: ".", Timed: true, New: newCloudWatch},
	{Name: "exec", Summary: "JSON lines to a program of yours", Separator: ".", Timed: true, New: newExec},
	{Name: "ganglia", Summary: "Ganglia, through the program gmetric", Separator: "_", Idempotent: true, New: newGanglia},
	{Name: "gatherer", Summary: "a logmetrics serve, which takes each batch exactly once", Separator: ".", Idempotent: true, Timed: true, Merges: true, New: newGatherer},
	{Name: "graphite", Summary: "carbon's line protocol over TCP or UDP, or its pickles", Separator: ".", Idempotent: true, Timed: true, New: newGraphite},
	{Name: "http", Summary: "JSON posted to a URL of yours", Separator: ".", Idempotent: true, Timed: true, New: newHTTP},
	{Name: "influx", Summary: "InfluxDB's line protocol over HTTP or UDP", Separator: ".", Idempotent: true, Timed: true, New: newInflux},
	{Name: "nsca", Summary: "passive checks of Nagios and Icinga, through the program send_nsca", Separator: "_", New: newNSCA},
	{Name: "otlp", Summary: "OpenTelemetry metrics to a collector over HTTP", Separator: ".", Timed: true, New: newOTLP},
	{Name: "prometheus", Summary: "a page to scrape, a file for node_exporter, or remote write", Separator: "_", Idempotent: true, Timed: true, Newest: prometheusNewest, New: newPrometheus},
	{Name: "statsd", Summary: "statsd over UDP, TCP or a UNIX datagram socket", Separator: ".", New: newStatsd},
	{Name: "stdout", Summary: "one line for each value on standard output", Separator: "_", Timed: true, New: newStdout},
	{Name: "syslog", Summary: "a message for each sample to a syslog server", Separator: ".", Timed: true, New: newSyslog},
}

// Find returns the output with the given name; upper and lower case are the same.
func Find(name string) (Factory, bool) {
	for _, f := range table {
		if strings.EqualFold(name, f.Name) {
			return f, true
		}
	}
	return Factory{}, false
}
