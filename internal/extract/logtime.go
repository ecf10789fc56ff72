package extract

import (
	"slices"
	"time"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/state"
)

// maxAhead is how far beyond the clock a stamp may lie to be believed: a day,
// for a log whose zone is not known, and for clocks that differ.
const maxAhead = 24 * time.Hour

// maxLate is how far back lines may lie of which a further part of their interval
// is made.
const maxLate = 30 * 24 * time.Hour

// furthers reports whether lines that come after their interval was sent go to
// some output in a further part of it. Not under Logster's names: what these
// show is worked out from whole intervals.
func (job *Job) furthers() bool {
	return job.LogTime && !job.Options.Alias && slices.ContainsFunc(job.Outputs, func(d Destination) bool { return d.Merges })
}

// window is the time of which stamps are taken, in Unix seconds; it never goes
// back, whatever the clock does.
type window struct{ from, until int64 }

// bound takes lines from the second from on, up to a day beyond now.
func (in *intake) bound(from int64, now time.Time) {
	w := &in.window
	w.from, w.until = max(w.from, from), max(w.until, now.Add(maxAhead).Unix())
	in.setBounds()
}

func (in *intake) setBounds() {
	for _, w := range in.workers {
		w.rec.Bound(in.window.from, in.window.until)
		if in.job.furthers() {
			w.rec.Extend(in.window.from - int64(maxLate.Seconds()))
		}
	}
}

// load has the open intervals go on that an earlier run has left.
func (in *intake) load(open []*metric.Batch) error {
	for _, b := range open {
		if err := in.recorder().Load(b); err != nil {
			return err
		}
	}
	return nil
}

// closeUntil returns the second up to which lines can be taken to have come:
// while there is more to read, what the log has reached that is furthest
// behind; then, what any log or the clock has.
func (in *intake) closeUntil(now int64, more bool) int64 {
	newest, behind := now, (*file)(nil)
	for _, f := range in.files {
		if f.ready && (behind == nil || f.behind(behind)) {
			behind = f
		}
		if f.stamps {
			newest = max(newest, f.last)
		}
	}
	switch {
	case !more || behind == nil:
		return min(newest, now)
	case !behind.stamps:
		return 0
	}
	return min(behind.last, now)
}

// drain returns the intervals that were left open by log time to a run that
// goes by the clock.
func (in *intake) drain(st *state.State) (list []*metric.Batch) {
	if len(st.Open) == 0 || in.job.LogTime {
		return nil
	}
	step := int64(in.job.Interval.Seconds())
	for _, open := range st.Open {
		if open.End > open.Start {
			step = open.End - open.Start
		}
	}
	rec := metric.NewRecorder(metric.RecorderOptions{MaxSeries: in.job.MaxSeries, Interval: step})
	if _, err := in.job.Parser.New(in.job.Options, rec); err != nil {
		panic("BUG: options that were good: " + err.Error())
	}
	for _, open := range st.Open {
		if err := rec.Load(open); err != nil {
			in.job.Log.Error("an open interval is lost", "start", open.Start, "err", err)
		}
	}
	rec.Assume(st.End)
	for _, start := range rec.Intervals() {
		b := &metric.Batch{Start: start, End: start + step, Stamp: start, Prefix: in.job.Prefix, Suffix: in.job.Suffix}
		rec.FlushInterval(start, b)
		list = append(list, b)
	}
	st.Open = nil
	return list
}

// refresh makes parsers and recorders anew when names from the log, which they
// never forget, have taken half of the room. open are the intervals that go on.
func (in *intake) refresh(open []*metric.Batch) error {
	if !in.recorder().Full() {
		return nil
	}
	if err := in.renew(); err != nil {
		return err
	}
	if !in.job.LogTime {
		return nil
	}
	in.setBounds()
	return in.load(open)
}
