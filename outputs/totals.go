package outputs

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// totals are the running sums of counters since a job's state was made, for
// outputs whose protocol wants them. They are kept beside the output's cursor
// (see Stateful), so they go on after a restart, and a batch that is delivered
// again is added once. With ends they also count the values of timers by size,
// and never fall.
type totals struct {
	ends           []float64      // upper ends of the bins that timers are counted in, seconds, ascending; nil: timers have no totals
	newest         metric.BatchID // the newest batch that was added
	prefix, suffix string         // of that batch
	since          int64          // the stamp of the first batch that was added
	sums           map[string]*metric.Sample
	bins           map[*metric.Sample][]uint64 // of timers: values in each bin, and above all
	order          []*metric.Sample            // in the order of first appearance
	key            []byte                      // scratch
}

// maxTotals bounds the series that are remembered: their names come from logs,
// and each run may bring other ones. It is ten times what one run may have
// unless told otherwise.
const maxTotals = 10 * metric.DefaultMaxSeries

// add adds the batch's counters, unless that was done before. A batch of
// another job begins anew. It reports whether the batch is to be delivered: one
// before the newest was taken, or the newest would not have come, and its totals
// are no longer known.
func (t *totals) add(b *metric.Batch) bool {
	if t.sums == nil || b.ID.Job != t.newest.Job {
		t.reset(metric.BatchID{Job: b.ID.Job}, b.Stamp)
	}
	if b.ID.Seq != 0 && b.ID.Seq <= t.newest.Seq { // 0: a batch that has no number is not repeated
		return b.ID.Seq == t.newest.Seq
	}
	t.newest, t.prefix, t.suffix = b.ID, b.Prefix, b.Suffix
	for i := range b.Samples {
		switch s := &b.Samples[i]; {
		case s.Kind == metric.Counter && !t.falls(s):
			total := t.of(s.Kind, s.Name, s.Tags)
			total.Bucket.Merge(s.Bucket)
			total.Sum = finite(total.Sum)
		case s.Kind == metric.Timer && t.ends != nil:
			t.addTimer(s)
		}
	}
	return true
}

// falls reports whether the sample would make a total fall that must not.
func (t *totals) falls(s *metric.Sample) bool {
	return t.ends != nil && s.Kind == metric.Counter && s.Sum < 0
}

// first reports whether b, which was added, is the first batch of all.
func (t *totals) first(b *metric.Batch) bool { return b.Stamp == t.since }

// reset forgets all, with id as the newest batch's.
func (t *totals) reset(id metric.BatchID, since int64) {
	*t = totals{ends: t.ends, newest: id, since: since, sums: make(map[string]*metric.Sample), bins: make(map[*metric.Sample][]uint64)}
}

// addTimer counts the timer's values in their bins. One below 0, from a clock
// that was set back, counts as 0, for a sum must not go down.
func (t *totals) addTimer(s *metric.Sample) {
	total := t.of(s.Kind, s.Name, s.Tags)
	if s.Dist == nil {
		return
	}
	bins, sum := t.bins[total], 0.
	s.Dist.Bins(func(v float64, n uint64) bool {
		bins[sort.SearchFloat64s(t.ends, v)] += n
		sum += max(v, 0) * float64(n)
		return true
	})
	if s.Min >= 0 {
		sum = s.Sum // exact, where the distribution is within 1 %
	}
	total.Count += s.Count
	total.Sum = finite(total.Sum + sum)
}

// finite turns a sum that overflowed into the largest number, as in text: a memo
// has no other.
func finite(sum float64) float64 { return max(-math.MaxFloat64, min(sum, math.MaxFloat64)) }

// of returns the running total of a series, making it if need be. Beyond
// maxTotals all new ones of a kind share the series "overflow".
func (t *totals) of(k metric.Kind, name string, tags metric.Tags) *metric.Sample {
	t.key = append(append(t.key[:0], byte(k)), name...)
	for _, tag := range tags {
		t.key = append(append(append(append(t.key, 0), tag.Key...), '='), tag.Value...)
	}
	s, ok := t.sums[string(t.key)]
	switch {
	case ok:
		return s
	case len(t.order) >= maxTotals && (name != metric.Overflow || len(tags) > 0):
		return t.of(k, metric.Overflow, nil)
	}
	s = &metric.Sample{Name: name, Tags: slices.Clone(tags), Kind: k}
	t.sums[string(t.key)] = s
	t.order = append(t.order, s)
	if k == metric.Timer {
		t.bins[s] = make([]uint64, len(t.ends)+1)
	}
	return s
}

// Memo implements Stateful: a batch of the totals, with the newest batch's ID
// and the first one's stamp. A timer's counts stand in its Unit, as text, and
// before all stand the ends of the bins.
func (t *totals) Memo() []byte {
	b := &metric.Batch{ID: t.newest, Stamp: t.since, Prefix: t.prefix, Suffix: t.suffix}
	if t.ends != nil {
		b.Samples = append(b.Samples, t.header())
	}
	for _, s := range t.order {
		kept := *s
		if s.Kind == metric.Timer {
			kept.Unit = countsText(t.bins[s])
		}
		b.Samples = append(b.Samples, kept)
	}
	return metric.AppendBatch(nil, b)
}

// header holds the ends of the bins.
func (t *totals) header() metric.Sample {
	var text []byte
	for _, end := range t.ends {
		text = append(strconv.AppendFloat(text, end, 'g', -1, 64), ' ')
	}
	return metric.Sample{Name: "ends", Kind: metric.Timer, Unit: string(text)}
}

// Restore implements Stateful. When the bins have other ends than the memo's,
// timers begin at 0.
func (t *totals) Restore(memo []byte) error {
	*t = totals{ends: t.ends}
	if memo == nil {
		return nil
	}
	b, err := metric.ParseBatch(memo)
	if err != nil {
		return fmt.Errorf("restore running totals: %w", err)
	}
	t.reset(b.ID, b.Stamp)
	t.prefix, t.suffix = b.Prefix, b.Suffix
	list, same := b.Samples, false
	if len(list) > 0 && list[0].Kind == metric.Timer {
		same = t.ends != nil && list[0].Unit == t.header().Unit
		list = list[1:]
	}
	for i := range list {
		if err := t.restore(&list[i], same); err != nil {
			*t = totals{ends: t.ends}
			return fmt.Errorf("restore running totals: %w", err)
		}
	}
	return nil
}

func (t *totals) restore(s *metric.Sample, timers bool) error {
	if s.Kind == metric.Timer && !timers {
		return nil
	}
	total := t.of(s.Kind, s.Name, s.Tags)
	total.Bucket = s.Bucket
	if s.Kind == metric.Timer {
		return parseCounts(t.bins[total], s.Unit)
	}
	return nil
}

func countsText(counts []uint64) string {
	var text []byte
	for _, n := range counts {
		text = append(strconv.AppendUint(text, n, 10), ' ')
	}
	return string(text)
}

// parseCounts reads as many counts as dst has.
func parseCounts(dst []uint64, text string) error {
	words := strings.Fields(text)
	if len(words) != len(dst) {
		return fmt.Errorf("%d counts of a timer, %d are expected", len(words), len(dst))
	}
	for i, word := range words {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return fmt.Errorf("counts of a timer: %w", err)
		}
		dst[i] = n
	}
	return nil
}
