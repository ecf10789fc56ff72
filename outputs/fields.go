package outputs

import (
	"math"

	"github.com/logmetrics/logmetrics/metric"
)

// field is one number by which outputs without kinds show a sample.
type field struct {
	name  string // behind the sample's name; empty: the sample itself
	value float64
	form  metric.Form
}

// appendFields appends what a sample is without kinds: a counter's sum, a
// gauge's last value, a set's number of members; a timer's distribution, in
// seconds, of which an idle one has only the count. A value that overflowed
// into NaN is left out.
func appendFields(dst []field, s *metric.Sample) []field {
	if s.Kind != metric.Timer {
		if v := s.Value(); v == v {
			dst = append(dst, field{"", v, s.Form})
		}
		return dst
	}
	dst = append(dst, field{"count", float64(s.Count), metric.Shortest})
	if s.Count == 0 {
		return dst
	}
	for _, f := range [...]field{
		{name: "sum", value: s.Sum},
		{name: "mean", value: s.Mean()},
		{name: "lower", value: s.Min},
		{name: "upper", value: s.Max},
		{name: "std", value: math.Sqrt(s.Variance())},
		{name: "median", value: s.Dist.Quantile(.5)},
		{name: "p90", value: s.Dist.Quantile(.9)},
		{name: "p95", value: s.Dist.Quantile(.95)},
		{name: "p99", value: s.Dist.Quantile(.99)},
	} {
		if f.value == f.value {
			dst = append(dst, f)
		}
	}
	return dst
}

// plain goes through a batch as outputs without kinds show it.
type plain struct {
	names  naming
	fields []field // scratch
}

// each calls fn for each field of each sample, up to its first error. The
// field's whole name stands in names.name.
func (p *plain) each(b *metric.Batch, fn func(field) error) error {
	for i := range b.Samples {
		s := &b.Samples[i]
		p.fields = appendFields(p.fields[:0], s)
		for _, f := range p.fields {
			p.names.set(b, s, f.name)
			if err := fn(f); err != nil {
				return err
			}
		}
	}
	return nil
}
