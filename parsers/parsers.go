// Package parsers turns lines of logs into recorded values. It holds the
// contract of a parser, the table of the parsers that there are, and one file
// for each of them.
//
// A parser sees blocks of whole lines and records into the metric.Recorder of
// its worker. It promises not to keep or change the block, not to allocate once
// names are known, and to count each line it was given. It uses no clock,
// network or file. Start from [Parser] and [Table].
package parsers

import (
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// Block is a run of whole lines of one source.
type Block struct {
	Bytes  []byte // zero or more whole lines, each ended by '\n'; must not be changed or kept
	Newest int64  // Unix mtime of the file they come from: a stamp without a year is of the latest year not later than Newest + 24 h
	Seq    uint64 // place among all blocks of the job's interval
	Final  bool   // nothing follows: an unfinished record is to be finished
}

// Parser turns the lines of blocks into recorded values. Each worker has its
// own; it is not called concurrently. A line that it should know but cannot
// decode is Rejected, a line of another program or of no interest is Skipped;
// neither is an error.
type Parser interface {
	// Parse reads the block's lines and records into rec, which is always the
	// Recorder that the parser was made with.
	Parse(b Block, rec *metric.Recorder) Stats
}

// Reporter is a Parser that may have something to tell the user.
type Reporter interface {
	// Problems returns what went wrong since the last call, one sentence each.
	// It is not called concurrently with Parse.
	Problems() []string
}

// Joiner is a Parser that may join lines, as its options say.
type Joiner interface {
	// Joins reports whether it does: then it is as one of a Sequential Factory.
	Joins() bool
}

// Stats counts what became of the lines of a block. Lines that are neither
// skipped nor rejected were matched.
type Stats struct {
	Lines    int // all lines, without those held
	Skipped  int // lines of another program, or of no interest
	Rejected int // lines that should have decoded and did not
	Untimed  int // lines without a readable stamp; only with Options.WantTime
	// Held is how many bytes at the block's end belong to an unfinished
	// record: they are presented again at the start of the next block. Only
	// parsers that join lines hold, never when Final is set, and never more than MaxHeld.
	Held int
}

// MaxHeld bounds Stats.Held, in bytes.
const MaxHeld = 1 << 20

// Add adds o's counts.
func (s *Stats) Add(o Stats) {
	s.Lines += o.Lines
	s.Skipped += o.Skipped
	s.Rejected += o.Rejected
	s.Untimed += o.Untimed
}

// Matched returns the number of lines that gave values.
func (s Stats) Matched() int { return s.Lines - s.Skipped - s.Rejected }

// Options are what a parser is made with. The zero value is ready.
type Options struct {
	WantTime bool           // call Recorder.At for each line
	Zone     *time.Location // of stamps that name none; nil: time.Local
	Alias    bool           // in Logster's clothes: its metric names, units, formulas and forms
	Args     []string       // the parser's own options, as UsageError.Usage lists them
	// ReadFile returns a file that an option names; nil: such options are refused.
	ReadFile func(name string) ([]byte, error)
}

// Factory makes the parsers of one kind.
type Factory struct {
	Name       string // as in "PostfixParser"
	Alias      string // Logster's name for it, "PostfixLogster"; empty when it had none
	Summary    string // one line
	Sequential bool   // joins lines into records, whatever its options: has one worker
	// New registers the parser's series in rec and returns the parser. It is
	// called once for each worker, with a Recorder of its own each time. For
	// wrong Args it returns a *UsageError.
	New func(opt Options, rec *metric.Recorder) (Parser, error)
}

// Joins reports whether p, which New returned, joins lines into records: then
// it is to be the job's only worker.
func (f *Factory) Joins(p Parser) bool {
	j, ok := p.(Joiner)
	return f.Sequential || ok && j.Joins()
}

// Table lists the parsers, sorted by name. It is not to be changed.
func Table() []Factory { return table }

var table = []Factory{
	{Name: "AccessParser", Alias: "SampleLogster", Summary: "statuses, bytes and times of an nginx or Apache access log", New: newAccess},
	{Name: "ErrorParser", Alias: "ErrorLogLogster", Summary: "messages of an nginx or Apache error log by level", New: newErrorLog},
	{Name: "JsonParser", Alias: "JsonLogster", Summary: "the numbers of lines that are JSON", New: newJSON},
	{Name: "Log4jParser", Alias: "Log4jLogster", Summary: "events of Java programs by level", Sequential: true, New: newLog4j},
	{Name: "MetricParser", Alias: "MetricLogster", Summary: "METRIC_COUNT and METRIC_TIME that programs log", New: newMetric},
	{Name: "PostfixParser", Alias: "PostfixLogster", Summary: "deliveries, delays, connections and rejects of a Postfix mail log", New: newPostfix},
	{Name: "RegexParser", Summary: "what your own regular expressions find: counters, gauges, timers, sets", New: newRegex},
	{Name: "SquidParser", Alias: "SquidLogster", Summary: "requests, bytes, times and hits of a Squid access log", New: newSquid},
	{Name: "SyslogParser", Summary: "lines of a system log by program, severity and facility", New: newSyslog},
}

// Find returns the parser with the given name or Logster name, and whether it
// was the latter. Upper and lower case are the same, and "Parser" may be left
// out; a dotted Python path ends in the name.
func Find(name string) (f Factory, alias, ok bool) {
	name = name[strings.LastIndexByte(name, '.')+1:]
	for _, f := range table {
		if strings.EqualFold(name, f.Name) || strings.EqualFold(name+"Parser", f.Name) {
			return f, false, true
		}
		if f.Alias != "" && strings.EqualFold(name, f.Alias) {
			return f, true, true
		}
	}
	return Factory{}, false, false
}
