package extract

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// previewBytes is how much of a log without a state is read for a preview.
const previewBytes = 1 << 20

// Preview does what Run would do, without a lock and without writing: it reads
// from where the job's state says, or without one the last MiB of each log (all
// of it with FromBegin), and hands the batch to the outputs, which are meant to be
// dry ones.
func Preview(ctx context.Context, job Job) (res Result, err error) {
	job.defaults()
	in, err := newIntake(&job)
	if err != nil {
		return res, err
	}
	st, err := state.Peek(job.StateDir, job.key(), state.Options{FS: job.FS, Log: job.Log, Beside: job.Beside})
	if err != nil {
		return res, err
	}
	r := &run{job: &job, in: in, st: st, began: job.Now(), first: st.End == 0}
	r.res.First = r.first
	if r.first && !job.FromBegin {
		r.lastBytes = previewBytes
		job.Log.Info("no state for this job: reading the last MiB of each log")
		job.FromBegin = true
	}
	if err := r.resume(); err != nil {
		return res, err
	}
	err = r.preview(ctx)
	return r.res, err
}

func (r *run) preview(ctx context.Context) error {
	errs, err := r.open()
	defer r.in.close()
	if err != nil {
		return err
	}
	for more := true; more; {
		more = r.in.pass(ctx, r.limit(), time.Time{})
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, b := range r.batches(more) {
			for _, d := range r.job.Outputs {
				if d.takes(b) {
					errs = append(errs, d.Output.Write(ctx, b))
				}
			}
		}
	}
	return errors.Join(append(errs, r.in.failed()...)...)
}

// Report is what Check found.
type Report struct {
	Result
	// Examples are lines for each verdict, without '\n', at most as many as asked for.
	Examples    map[parsers.Verdict][]string
	First, Last int64 // Unix seconds of the earliest and the latest stamp; 0 without any
}

// Check reads the logs from beginning to end, line by line, and reports what the
// parser makes of them, with up to keep examples of each verdict. It knows no
// state and hands the batch to no output.
func Check(ctx context.Context, job Job, keep int) (rep Report, err error) {
	job.defaults()
	job.Workers, job.Options.WantTime, job.LogTime = 1, true, false
	in, err := newIntake(&job)
	if err != nil {
		return rep, err
	}
	defer in.close()
	r := &run{job: &job, in: in, st: &state.State{Logs: map[string]state.Position{}}, began: job.Now()}
	job.FromBegin = true
	rep.Examples = make(map[parsers.Verdict][]string)
	in.workers[0].parser = &sorter{Parser: in.workers[0].parser, keep: keep, examples: rep.Examples}
	errs, err := r.open()
	if err != nil {
		return rep, err
	}
	in.pass(ctx, 0, time.Time{})
	if err := errors.Join(append(append(errs, in.failed()...), ctx.Err())...); err != nil {
		return rep, err
	}
	rep.First, rep.Last, _ = in.recorder().Span()
	r.batches(false)
	rep.Result = r.res
	return rep, nil
}

// sorter is a parser that hands the lines of a block one by one to another,
// and keeps examples of what became of them. A record that the other holds is
// one with the lines that follow.
type sorter struct {
	parsers.Parser
	keep     int
	examples map[parsers.Verdict][]string
}

// Parse implements parsers.Parser.
func (s *sorter) Parse(b parsers.Block, rec *metric.Recorder) (sum parsers.Stats) {
	start, end := 0, 0
	for step := 1; end < len(b.Bytes); step++ {
		for n := step; n > 0; n-- { // more and more, or a long record takes a square of its lines
			end += lineEnd(b.Bytes[end:])
		}
		part := b
		part.Bytes, part.Final = b.Bytes[start:end], b.Final && end == len(b.Bytes)
		st := s.Parser.Parse(part, rec)
		sum.Add(st)
		s.note(part.Bytes[:len(part.Bytes)-st.Held], st)
		start = end - st.Held
		if st.Held == 0 {
			step = 0
		}
	}
	sum.Held = end - start
	return sum
}

// lineEnd returns the length of the first line, with its '\n'.
func lineEnd(b []byte) int {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		return n + 1
	}
	return len(b)
}

func (s *sorter) note(lines []byte, st parsers.Stats) {
	verdict := parsers.Matched
	switch {
	case st.Lines == 0:
		return
	case st.Rejected > 0:
		verdict = parsers.Rejected
	case st.Skipped > 0:
		verdict = parsers.Skipped
	}
	if len(s.examples[verdict]) < s.keep {
		line := lines[:lineEnd(lines)]
		s.examples[verdict] = append(s.examples[verdict], string(line[:max(0, len(line)-1)]))
	}
}
