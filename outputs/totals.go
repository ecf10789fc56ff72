package outputs

import (
	"fmt"
	"slices"

	"github.com/logmetrics/logmetrics/metric"
)

// totals are the running sums of counters since a job's state was made, for
// outputs whose protocol wants them. They are kept beside the output's cursor
// (see Stateful), so they go on after a restart, and a batch that is delivered
// again is added once.
type totals struct {
	newest metric.BatchID // the newest batch that was added
	since  int64          // the stamp of the first batch that was added
	sums   map[string]*metric.Sample
	order  []*metric.Sample // in the order of first appearance
	key    []byte           // scratch
}

// maxTotals bounds the series that are remembered: their names come from logs,
// and each run may bring other ones. It is ten times what one run may have
// unless told otherwise.
const maxTotals = 10 * metric.DefaultMaxSeries

// add adds the batch's counters, unless that was done before. A batch of
// another job begins anew.
func (t *totals) add(b *metric.Batch) {
	if t.sums == nil || b.ID.Job != t.newest.Job {
		*t = totals{newest: metric.BatchID{Job: b.ID.Job}, since: b.Stamp, sums: make(map[string]*metric.Sample)}
	}
	if b.ID.Seq != 0 && b.ID.Seq <= t.newest.Seq { // 0: a batch that has no number is not repeated
		return
	}
	t.newest = b.ID
	for i := range b.Samples {
		if s := &b.Samples[i]; s.Kind == metric.Counter {
			t.of(s.Name, s.Tags).Bucket.Merge(s.Bucket)
		}
	}
}

// first reports whether b, which was added, is the first batch of all.
func (t *totals) first(b *metric.Batch) bool { return b.Stamp == t.since }

// of returns the running sum of a series, making it if need be. Beyond
// maxTotals all new ones share the series "overflow".
func (t *totals) of(name string, tags metric.Tags) *metric.Sample {
	t.key = append(t.key[:0], name...)
	for _, tag := range tags {
		t.key = append(append(append(append(t.key, 0), tag.Key...), '='), tag.Value...)
	}
	s, ok := t.sums[string(t.key)]
	switch {
	case ok:
		return s
	case len(t.order) >= maxTotals && (name != metric.Overflow || len(tags) > 0):
		return t.of(metric.Overflow, nil)
	}
	s = &metric.Sample{Name: name, Tags: slices.Clone(tags), Kind: metric.Counter}
	t.sums[string(t.key)] = s
	t.order = append(t.order, s)
	return s
}

// Memo implements Stateful: a batch of the sums, with the newest batch's ID and
// the first one's stamp.
func (t *totals) Memo() []byte {
	b := &metric.Batch{ID: t.newest, Stamp: t.since}
	for _, s := range t.order {
		b.Samples = append(b.Samples, *s)
	}
	return metric.AppendBatch(nil, b)
}

// Restore implements Stateful.
func (t *totals) Restore(memo []byte) error {
	*t = totals{}
	if memo == nil {
		return nil
	}
	b, err := metric.ParseBatch(memo)
	if err != nil {
		return fmt.Errorf("restore running totals: %w", err)
	}
	t.newest, t.since, t.sums = b.ID, b.Stamp, make(map[string]*metric.Sample)
	for i := range b.Samples {
		s := &b.Samples[i]
		t.of(s.Name, s.Tags).Bucket = s.Bucket
	}
	return nil
}
