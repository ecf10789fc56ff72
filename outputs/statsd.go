package outputs

import (
	"fmt"
	"math"

	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
)

// statsd over UDP, TCP or a UNIX datagram socket: "postfix.numSent:97|c".
// There is no time in the protocol, and a repeat counts again.

func newStatsd(opt Options) (Output, error) {
	to, err := networkOf(opt, "udp", map[string]int{"udp": 8125, "tcp": 8125, Unixgram: 0})
	if err != nil {
		return nil, fmt.Errorf("statsd: %w", err)
	}
	names, err := newNaming(opt, ".", tagsAsNodes, tagsDog, tagsGraphite)
	if err != nil {
		return nil, fmt.Errorf("statsd: %w", err)
	}
	pack := packer{limit: packetSize(opt), joined: true, single: opt.Gauges}
	print := dryRun{to: to, what: "datagram"}
	if to.Protocol == "tcp" {
		pack = packer{limit: streamLimit}
		print.what = "stream"
	}
	e := &statsdEncoder{names: names, pack: pack, gauges: opt.Gauges}
	return newOutput(opt, e, newDialer(to, opt), print), nil
}

type statsdEncoder struct {
	names  naming
	gauges bool // everything as gauges
	fields []field
	member []byte
	pack   packer
}

func (e *statsdEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.pack.begin(send)
	for i := range b.Samples {
		if err := e.sample(b, &b.Samples[i]); err != nil {
			return err
		}
	}
	return e.pack.end()
}

func (e *statsdEncoder) sample(b *metric.Batch, s *metric.Sample) error {
	if e.gauges {
		return e.asGauges(b, s)
	}
	e.names.set(b, s, "")
	switch s.Kind {
	case metric.Counter:
		return e.number(s.Sum, s.Form, statsd.Counter, 1)
	case metric.Timer:
		return e.timer(s.Dist)
	case metric.Set:
		return e.set(b, s)
	}
	return e.gauge(s.Last, s.Form)
}

func (e *statsdEncoder) number(v float64, f metric.Form, t statsd.Type, rate float64) error {
	e.pack.buf = statsd.AppendNumber(e.pack.buf, e.names.name, v, f, t, rate, e.names.tags)
	return e.pack.unit()
}

func (e *statsdEncoder) gauge(v float64, f metric.Form) error {
	e.pack.buf = statsd.AppendGauge(e.pack.buf, e.names.name, v, f, e.names.tags)
	return e.pack.unit()
}

func (e *statsdEncoder) asGauges(b *metric.Batch, s *metric.Sample) error {
	e.fields = appendFields(e.fields[:0], s)
	for _, f := range e.fields {
		e.names.set(b, s, f.name)
		if err := e.gauge(f.value, f.form); err != nil {
			return err
		}
	}
	return nil
}

// set sends each member. A set that has become a sketch has no members to
// send; its size goes out as a gauge.
func (e *statsdEncoder) set(b *metric.Batch, s *metric.Sample) error {
	members := s.Members.Exact()
	if s.Members != nil && members == nil {
		e.names.set(b, s, "estimate")
		return e.gauge(s.Value(), metric.Shortest)
	}
	for _, m := range members {
		e.member = statsd.AppendMember(e.member[:0], m)
		e.pack.buf = statsd.AppendSet(e.pack.buf, e.names.name, e.member, e.names.tags)
		if err := e.pack.unit(); err != nil {
			return err
		}
	}
	return nil
}

// sketchValues is how many values stand for a sketch: enough for its 99.9th
// percentile, and a fifth of the most that are sent exactly.
const sketchValues = 1000

// timer sends each value; of a sketch, the values at the quantiles
// (i+.5)/1000 with the rate at which the server counts all of them.
func (e *statsdEncoder) timer(d *metric.Dist) error {
	if d == nil || d.Count() == 0 {
		return nil
	}
	if exact := d.Exact(); len(exact) > 0 {
		for _, v := range exact {
			if err := e.number(millis(v), metric.Shortest, statsd.Timer, 1); err != nil {
				return err
			}
		}
		return nil
	}
	return e.sketch(d)
}

func (e *statsdEncoder) sketch(d *metric.Dist) (err error) {
	n := float64(d.Count())
	seen, i := 0.0, 0
	d.Bins(func(v float64, count uint64) bool {
		seen += float64(count)
		for i < sketchValues && (float64(i)+.5)/sketchValues*n < seen && err == nil {
			err = e.number(millis(v), metric.Shortest, statsd.Timer, sketchValues/n)
			i++
		}
		return err == nil
	})
	return err
}

// millis returns seconds as milliseconds, rounded to the nanosecond so that
// the product adds no digits. Servers refuse negative times (a clock that was
// set back): they are sent as 0 and stay in the count.
func millis(seconds float64) float64 {
	const exact = 1 << 53 // nanoseconds that a float64 holds exactly: 104 days
	if ns := math.Round(seconds * 1e9); ns <= exact {
		return max(0, ns) / 1e6
	}
	return seconds * 1e3
}
