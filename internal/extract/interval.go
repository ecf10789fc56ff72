package extract

import (
	"slices"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/state"
)

// stampSlack is for how many seconds after a run another one, or one by a clock
// that was put back a little, gets the next free second as its stamp: to
// Graphite two values of one name and second are one, and the later one stands.
const stampSlack = 60

// batches returns what was recorded in this round of a Run; more says that
// there is more to read. By the clock there is one batch, or none for a first
// run that starts at the logs' ends.
func (r *run) batches(more bool) []*metric.Batch {
	if r.job.LogTime {
		return r.closed(more)
	}
	b := r.cronBatch()
	if r.onlyBegins() {
		return r.in.drain(r.st)
	}
	list := r.in.drain(r.st)
	return append(list, r.fill(b, len(list)+1))
}

// onlyBegins reports whether this is a first run that starts at the ends of its
// logs, so that it has read nothing. Of what has no position, as standard
// input, all is read in any run.
func (r *run) onlyBegins() bool {
	return r.first && !r.job.FromBegin &&
		!slices.ContainsFunc(r.in.files, func(f *file) bool { return f.source.Position() == (state.Position{}) })
}

// cronBatch returns the batch of a run: from the end of the one before to now.
func (r *run) cronBatch() *metric.Batch {
	st := r.st
	b := r.batch(st.End, r.began.Unix())
	if behind := st.End - b.End; behind >= 0 && behind < stampSlack {
		b.End = st.End + 1
		b.Start = b.End
	}
	if st.End == 0 || st.End > b.End {
		b.Start = b.End // no length: a first run, or a clock that went back
	}
	b.Stamp, st.End = b.End, b.End
	return b
}

func (r *run) batch(start, end int64) *metric.Batch {
	return &metric.Batch{Start: start, End: end, Prefix: r.job.Prefix, Suffix: r.job.Suffix}
}

// fill moves what was recorded into b, the n-th batch of this round, with the
// account of it.
func (r *run) fill(b *metric.Batch, n int) *metric.Batch {
	r.take()
	r.in.recorder().Flush(b)
	r.in.lost() // what Flush itself could not take
	r.tally.values, r.total.values = r.tally.values+r.in.values-r.total.values, r.in.values
	if r.job.SelfMetrics && r.kept != nil {
		b.Samples = append(b.Samples, r.samples(n)...)
	}
	r.publish()
	r.res.Batch = b
	return b
}

// closed returns the intervals of log time that have come to their end, in
// order, and, when all is read, the account. Those whose batch was made before
// have another, of what came since.
func (r *run) closed(more bool) (list []*metric.Batch) {
	r.take()
	now := r.job.Now()
	step := int64(r.job.Interval.Seconds())
	until := r.in.closeUntil(now.Unix(), more) - int64(r.job.Grace.Seconds())
	until = max(until-(until%step+step)%step, r.st.End)
	rec := r.in.recorder()
	if !more {
		rec.Assume(now.Unix())
	}
	for _, start := range rec.Intervals() {
		if start+step > until {
			break
		}
		b := r.batch(start, start+step)
		b.Stamp, b.Late = start, start+step <= r.st.End
		rec.FlushInterval(start, b)
		list = append(list, b)
		r.res.Batch = b
	}
	r.st.Open = rec.AppendOpen(nil)
	r.st.End = until
	r.in.bound(r.st.End, now)
	if r.job.SelfMetrics && r.kept != nil && !more && !r.onlyBegins() {
		list = append(list, r.accountBatch(len(list)+1))
	}
	r.publish()
	return list
}

// accountBatch is the run's account of itself as a batch of its own: with the
// intervals of log time it has nothing to do.
func (r *run) accountBatch(n int) *metric.Batch {
	now := r.job.Now().Unix()
	b := r.batch(r.accounted, max(now, r.accounted+1))
	if r.accounted == 0 {
		b.Start = b.End
	}
	b.Stamp, r.accounted = b.End, b.End
	b.Samples = r.samples(n)
	return b
}
