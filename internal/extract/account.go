package extract

import "github.com/logmetrics/logmetrics/metric"

// account is what the run says of itself, as samples of its own batch.
func (r *run) account() []metric.Sample {
	var list []metric.Sample
	counter := func(name string, n int64) {
		v := float64(n)
		list = append(list, metric.Sample{Name: "logmetrics." + name, Kind: metric.Counter, Bucket: metric.Bucket{Count: uint64(n), Sum: v}})
	}
	gauge := func(name string, v float64, unit string) {
		list = append(list, metric.NewGauge("logmetrics."+name, v, metric.Shortest, unit))
	}
	// Numbers without a gap are the proof that nothing was dropped on the way.
	gauge("batch", float64(r.kept.State().Seq+1), "")
	counter("lines", int64(r.res.Lines))
	counter("skipped", int64(r.res.Skipped))
	counter("rejected", int64(r.res.Rejected))
	counter("untimedLines", int64(r.res.Untimed))
	counter("bytes", r.res.Read.Bytes)
	counter("rotations", int64(r.res.Read.Rotations))
	counter("bytesLost", r.res.Read.Lost)
	counter("longLines", r.res.Read.LongLines)
	counter("nulBytes", r.res.Read.NulBytes)
	counter("seriesDropped", int64(r.res.SeriesLost))
	counter("valuesDropped", int64(r.res.ValuesLost))
	counter("deliveryErrors", int64(len(r.res.Failed)))
	gauge("batchesDropped", float64(r.st.Dropped), "")
	gauge("batchesDamaged", float64(r.st.Damaged), "")
	gauge("lagBytes", float64(r.res.Read.Lag), "bytes")
	gauge("spoolBytes", float64(r.kept.SpoolBytes()), "bytes")
	gauge("durationSeconds", r.job.Now().Sub(r.began).Seconds(), "seconds")
	return list
}
