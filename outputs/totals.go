package outputs

import (
	"fmt"

	"github.com/logmetrics/logmetrics/metric"
)

// totals are the running sums of counters since a job's state was made, for
// outputs whose protocol wants them. They are kept beside the output's cursor
// (see Stateful), so they go on after a restart, and a batch that is delivered
// again is added once.
type totals struct {
	newest metric.BatchID // the newest batch that was added
	sums   map[string]*metric.Sample
	order  []*metric.Sample // in the order of first appearance
	key    []byte           // scratch
}

// add adds the batch's counters, unless that was done before. A batch of
// another job begins anew.
func (t *totals) add(b *metric.Batch) {
	if t.sums == nil || b.ID.Job != t.newest.Job {
		*t = totals{newest: metric.BatchID{Job: b.ID.Job}, sums: make(map[string]*metric.Sample)}
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

// of returns the running sum of a series, making it if need be.
func (t *totals) of(name string, tags metric.Tags) *metric.Sample {
	t.key = append(t.key[:0], name...)
	for _, tag := range tags {
		t.key = append(append(append(append(t.key, 0), tag.Key...), '='), tag.Value...)
	}
	s, ok := t.sums[string(t.key)]
	if !ok {
		s = &metric.Sample{Name: name, Tags: tags, Kind: metric.Counter}
		t.sums[string(t.key)] = s
		t.order = append(t.order, s)
	}
	return s
}

// Memo implements Stateful: a batch of the sums, with the newest batch's ID.
func (t *totals) Memo() []byte {
	b := &metric.Batch{ID: t.newest}
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
	t.newest, t.sums = b.ID, make(map[string]*metric.Sample)
	for i := range b.Samples {
		s := &b.Samples[i]
		t.of(s.Name, s.Tags).Bucket = s.Bucket
	}
	return nil
}
