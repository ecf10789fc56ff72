package extract

import (
	"time"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/parsers"
)

// tally is what a job did: for one batch, or in all.
type tally struct {
	parsers.Stats
	read                 tail.Stats
	series, values, late uint64
	failures, dropped    uint64 // of outputs: and samples that they left out
}

// take gathers what the workers have, and counts what was done since the last
// time into r.tally.
func (r *run) take() {
	r.in.gather()
	sum := tally{Stats: r.in.stats, read: r.gone, late: r.in.late, series: r.in.series, values: r.in.values}
	for _, f := range r.in.files {
		sum.read.Add(f.source.Stats())
	}
	r.mu.Lock()
	sum.failures, sum.dropped = r.failures, r.dropped()
	r.mu.Unlock()
	r.tally, r.total = sum.since(r.total), sum
	r.res.Stats, r.res.Read = sum.Stats, sum.read
	r.res.SeriesLost, r.res.ValuesLost, r.res.Late = sum.series, sum.values, sum.late
}

// dropped is how many samples outputs have left out.
func (r *run) dropped() (n uint64) {
	for _, d := range r.job.Outputs {
		if out, ok := outputs.As[outputs.Dropper](d.Output); ok {
			n += out.Dropped()
		}
	}
	return n
}

// since returns what was counted after before.
func (t tally) since(before tally) tally {
	t.Lines -= before.Lines
	t.Skipped -= before.Skipped
	t.Rejected -= before.Rejected
	t.Untimed -= before.Untimed
	t.read.Sub(before.read)
	t.series -= before.series
	t.values -= before.values
	t.late -= before.late
	t.failures -= before.failures
	t.dropped -= before.dropped
	return t
}

// samples is what the job says of itself, as samples of its own batch, which
// is the n-th after the last that was kept.
func (r *run) samples(n int) []metric.Sample {
	var list []metric.Sample
	for _, f := range r.figures(r.tally, n) {
		s := metric.NewGauge("logmetrics."+f.Name, f.Value, metric.Shortest, unitOf(f.Name))
		if f.Counter {
			s = metric.Sample{Name: s.Name, Kind: metric.Counter, Bucket: metric.Bucket{Count: uint64(f.Value), Sum: f.Value}}
		}
		list = append(list, s)
	}
	return list
}

// unitOf returns the unit of a figure, "" for those that have none.
func unitOf(figure string) string {
	switch figure {
	case "lagBytes", "spoolBytes":
		return "bytes"
	case "lagSeconds", "durationSeconds":
		return "seconds"
	}
	return ""
}

// figures is the account of t, in the order of sending.
func (r *run) figures(t tally, n int) []Figure {
	var list []Figure
	counter := func(name string, v float64) { list = append(list, Figure{Name: name, Value: v, Counter: true}) }
	gauge := func(name string, v float64) { list = append(list, Figure{Name: name, Value: v}) }
	now := r.job.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	// Numbers without a gap are the proof that nothing was dropped on the way.
	gauge("batch", float64(r.st.Seq)+float64(n))
	counter("lines", float64(t.Lines))
	counter("skipped", float64(t.Skipped))
	counter("rejected", float64(t.Rejected))
	counter("untimedLines", float64(t.Untimed))
	counter("lateLines", float64(t.late))
	counter("bytes", float64(t.read.Bytes))
	counter("rotations", float64(t.read.Rotations))
	counter("bytesLost", float64(t.read.Lost))
	counter("longLines", float64(t.read.LongLines))
	counter("nulBytes", float64(t.read.NulBytes))
	counter("datagramsDropped", float64(t.read.Dropped))
	counter("seriesDropped", float64(t.series))
	counter("valuesDropped", float64(t.values))
	counter("samplesDropped", float64(t.dropped))
	counter("deliveryErrors", float64(t.failures))
	gauge("batchesDropped", float64(r.st.Dropped))
	gauge("batchesDamaged", float64(r.st.Damaged))
	gauge("logErrors", float64(len(r.troubles)))
	gauge("lagBytes", float64(t.read.Lag))
	gauge("lagSeconds", lagSeconds(t.read, now))
	gauge("spoolBytes", float64(r.kept.SpoolBytes()))
	gauge("durationSeconds", now.Sub(r.began).Seconds())
	return list
}

// publish tells the job's status.
func (r *run) publish() {
	if r.job.Status == nil {
		return
	}
	figures, lags := r.figures(r.total, 0), r.lags()
	r.job.Status.set(func(s *Snapshot) { s.Account, s.Logs = figures, lags })
}

// lags is how far behind each log is read.
func (r *run) lags() []LogLag {
	list := make([]LogLag, len(r.in.files))
	now := r.job.Now()
	for i, f := range r.in.files {
		st := f.source.Stats()
		list[i] = LogLag{Path: f.path, Bytes: st.Lag, Seconds: int64(lagSeconds(st, now))}
	}
	return list
}

// lagSeconds is how long ago the newest of what is not yet read was written.
func lagSeconds(st tail.Stats, now time.Time) float64 {
	if st.LagSince == 0 {
		return 0
	}
	return max(0, now.Sub(time.Unix(st.LagSince, 0)).Seconds())
}
