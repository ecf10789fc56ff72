package parsers

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// The Metric parser reads what programs log to be measured, anywhere in a line:
//
//	21:59:40.397 [main] INFO Shop - METRIC_COUNT metric=orders.created value=2 ok
//	21:59:40.318 [main] INFO Shop - took METRIC_TIME metric=orders.latency value=383ms
//
// It yields the counter orders.created, the sum of the values, and the timer
// orders.latency in seconds; a time without a unit it knows (ns, us, ms, s, m,
// h) counts as seconds. All of a line's metrics count. A value is a decimal
// number without a sign.
//
// In Logster's clothes a counter is sent as its sum a second, and a timer as
// .mean, .median and .90th_percentile (--percentiles) in the unit as logged.

var (
	metricWord  = []byte("METRIC_")
	metricCount = []byte("COUNT metric=")
	metricTime  = []byte("TIME metric=")
	metricValue = []byte("value=")
)

// maxUnit is how many bytes of a unit are read.
const maxUnit = 16

type metricParser struct {
	alias    bool
	wantTime bool
	times    *logtime.Reader
	units    []bool // by series: its unit is set
}

func newMetric(opt Options, rec *metric.Recorder) (Parser, error) {
	fs, list := newFlags("MetricParser"), "90"
	if opt.Alias {
		fs = newFlags("MetricLogster")
		fs.StringVar(&list, "percentiles", list, "whole `numbers` from 0 to 100, with commas: the percentiles to send of each time")
		fs.also("percentiles", "p")
	}
	if err := parseFlags(fs, opt.Args); err != nil {
		return nil, err
	}
	if opt.Alias {
		percentiles, err := parsePercentiles(list)
		if err != nil {
			return nil, fs.wrong(err)
		}
		rec.Finish(logsterMetrics(percentiles))
	}
	return &metricParser{alias: opt.Alias, wantTime: opt.WantTime, times: logtime.New(opt.Zone)}, nil
}

func parsePercentiles(list string) (percentiles []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		p, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || p < 0 || p > 100 {
			return nil, fmt.Errorf("percentile %q is no whole number from 0 to 100", text)
		}
		percentiles = append(percentiles, p)
	}
	return percentiles, nil
}

// logsterMetrics turns sums into rates and distributions into the figures that
// Logster sends. Without a length of time there are no rates, as in Logster.
func logsterMetrics(percentiles []int) func(s metric.Sample, seconds float64, emit func(metric.Sample)) {
	return func(s metric.Sample, seconds float64, emit func(metric.Sample)) {
		send := func(suffix string, v float64) {
			emit(metric.NewGauge(s.Name+suffix, v, metric.PyFloat, s.Unit))
		}
		switch {
		case s.Kind == metric.Timer:
			send(".mean", s.Mean())
			send(".median", s.Dist.Quantile(0.5))
			for _, p := range percentiles {
				send("."+strconv.Itoa(p)+"th_percentile", s.Dist.Quantile(float64(p)/100))
			}
		case seconds > 0:
			send("", s.Sum/seconds)
		}
	}
}

// Parse implements Parser.
func (p *metricParser) Parse(b Block, rec *metric.Recorder) Stats {
	p.times.Newest(b.Newest)
	return eachLine(b, rec, p.wantTime, p.line)
}

func (p *metricParser) line(line []byte, rec *metric.Recorder) (v Verdict, timed bool) {
	if p.wantTime {
		var unix int64
		if unix, timed = lineTime(p.times, line); timed {
			rec.At(unix)
		}
	}
	return p.record(line, rec), timed
}

// lineTime reads the stamp at the start of a program's line: a date and time,
// or a time of day.
func lineTime(r *logtime.Reader, line []byte) (unix int64, ok bool) {
	if unix, _, ok = r.Any(line); ok {
		return unix, true
	}
	unix, _, ok = r.TimeOfDay(line)
	return unix, ok
}

// record records all metrics of a line.
func (p *metricParser) record(line []byte, rec *metric.Recorder) Verdict {
	verdict := Skipped
	for {
		i := bytes.Index(line, metricWord)
		if i < 0 {
			return verdict
		}
		line = line[i+len(metricWord):]
		switch {
		case bytes.HasPrefix(line, metricCount):
			verdict = worse(verdict, p.count(line[len(metricCount):], rec))
		case bytes.HasPrefix(line, metricTime):
			verdict = worse(verdict, p.time(line[len(metricTime):], rec))
		default:
			verdict = worse(verdict, Rejected)
		}
	}
}

// worse joins the verdicts on a line's metrics: one that counts is enough.
func worse(line, next Verdict) Verdict {
	if line == Matched || next == Matched {
		return Matched
	}
	return Rejected
}

func (p *metricParser) count(b []byte, rec *metric.Recorder) Verdict {
	name, value, _, ok := metricFields(b)
	if !ok {
		return Rejected
	}
	rec.Observe(rec.SeriesBytes(name, metric.Counter), value)
	return Matched
}

func (p *metricParser) time(b []byte, rec *metric.Recorder) Verdict {
	name, value, rest, ok := metricFields(b)
	if !ok {
		return Rejected
	}
	id, unit := rec.SeriesBytes(name, metric.Timer), timeUnit(rest)
	if p.alias {
		p.setUnit(id, unit, rec)
	} else {
		scale, _ := secondsPer(unit)
		value *= scale
	}
	rec.Observe(id, value)
	return Matched
}

// setUnit gives a series the unit of the first line that has it.
func (p *metricParser) setUnit(id metric.ID, unit []byte, rec *metric.Recorder) {
	if short := int(id) + 1 - len(p.units); short > 0 {
		p.units = append(p.units, make([]bool, short)...)
	}
	if !p.units[id] {
		p.units[id] = true
		rec.Unit(id, string(unit))
	}
}

// metricFields reads "NAME value=NUMBER" and returns what is behind it.
func metricFields(b []byte) (name []byte, value float64, rest []byte, ok bool) {
	n := bytes.IndexAny(b, " \t")
	if n <= 0 {
		return nil, 0, nil, false
	}
	name, b = b[:n], bytes.TrimLeft(b[n:], " \t")
	if !bytes.HasPrefix(b, metricValue) {
		return nil, 0, nil, false
	}
	b = b[len(metricValue):]
	n = plainNumberEnd(b)
	if n == 0 {
		return nil, 0, nil, false
	}
	return name, numberValue(b[:n]), b[n:], true
}

// plainNumberEnd returns the length of the number without a sign that b starts
// with; 0 when there is none, or a second point as in 1.2.3.
func plainNumberEnd(b []byte) int {
	whole := digitsEnd(b, 0)
	n := whole
	if n < len(b) && b[n] == '.' {
		n = digitsEnd(b, n+1)
		if n == 1 || n < len(b) && b[n] == '.' {
			return 0
		}
	}
	if n == 0 || n >= len(b) || b[n]|0x20 != 'e' {
		return n
	}
	exp := n + 1
	if exp < len(b) && (b[exp] == '+' || b[exp] == '-') {
		exp++
	}
	if end := digitsEnd(b, exp); end > exp {
		return end
	}
	return n
}

// timeUnit returns the letters that follow a value, directly or after spaces.
func timeUnit(b []byte) []byte {
	b = bytes.TrimLeft(b, " \t")
	if bytes.HasPrefix(b, []byte("µs")) {
		return b[:len("µs")]
	}
	n := 0
	for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z') {
		n++
	}
	if n > maxUnit {
		return nil
	}
	return b[:n]
}
