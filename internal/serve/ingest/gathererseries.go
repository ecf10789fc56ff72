package ingest

import (
	"math"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/metric"
)

// seriesWriter writes the samples of a batch as series under the names that the
// graphite output has for them, with tags as in "name;key=value". docs/outputs.md has the table.
//
// Each interval is one observation of a counter, of a set, and of each number
// that describes a timer, so that coarser buckets know the smallest and the
// largest interval. A gauge and a timer come with all their values.
type seriesWriter struct {
	store   BatchWriter
	batch   *metric.Batch
	name    []byte // scratch
	refused [store.RefusalCount]uint64
}

// begin begins a batch.
func (w *seriesWriter) begin(s BatchWriter, b *metric.Batch) {
	w.store, w.batch = s, b
	clear(w.refused[:])
}

func (w *seriesWriter) sample(s *metric.Sample) {
	switch s.Kind {
	case metric.Counter:
		w.merge(s, "", metric.Sum, once(s.Sum))
	case metric.Gauge:
		if s.Count == 0 { // declared, and nothing said of it: 0, as Graphite is sent
			w.merge(s, "", metric.Average, once(s.Last))
			return
		}
		w.merge(s, "", metric.Average, s.Bucket)
	case metric.Set:
		w.merge(s, "", metric.Max, once(float64(s.Members.Estimate())))
	case metric.Timer:
		w.timer(s)
	}
}

// timer writes all values under the timer's name, and as its mean, which stays
// exact that way; the others are single numbers.
func (w *seriesWriter) timer(s *metric.Sample) {
	w.merge(s, ".count", metric.Sum, once(float64(s.Count)))
	if s.Count == 0 {
		return
	}
	w.merge(s, "", metric.Average, s.Bucket)
	w.merge(s, ".mean", metric.Average, s.Bucket)
	w.merge(s, ".sum", metric.Sum, once(s.Sum))
	w.merge(s, ".lower", metric.Min, once(s.Min))
	w.merge(s, ".upper", metric.Max, once(s.Max))
	w.merge(s, ".std", metric.Average, once(math.Sqrt(s.Variance())))
	if s.Dist == nil {
		return
	}
	for _, q := range [...]struct {
		field string
		at    float64
	}{{".median", .5}, {".p90", .9}, {".p95", .95}, {".p99", .99}} {
		w.merge(s, q.field, metric.Average, once(s.Dist.Quantile(q.at)))
	}
}

// once is a bucket with one value.
func once(v float64) metric.Bucket {
	return metric.Bucket{Count: 1, Sum: v, Min: v, Max: v, Last: v}
}

func (w *seriesWriter) merge(s *metric.Sample, field string, m metric.Method, b metric.Bucket) {
	b.M2 = max(b.M2, 0) // rounding can leave a little less
	w.name = appendSeries(w.name[:0], w.batch, s, field)
	w.refused[w.store.Merge(w.name, m, w.batch.Stamp, b)]++
}

// appendSeries appends prefix.name.suffix, the field, and the tags.
func appendSeries(dst []byte, b *metric.Batch, s *metric.Sample, field string) []byte {
	if b.Prefix != "" {
		dst = append(append(dst, b.Prefix...), '.')
	}
	dst = append(dst, s.Name...)
	if b.Suffix != "" {
		dst = append(append(dst, '.'), b.Suffix...)
	}
	dst = append(dst, field...)
	for _, t := range s.Tags {
		dst = append(append(append(append(dst, ';'), t.Key...), '='), t.Value...)
	}
	return dst
}
