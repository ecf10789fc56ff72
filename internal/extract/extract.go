// Package extract runs a job: it reads the job's logs from where the last run
// stopped, gives their lines to a parser, and brings what was recorded to the
// job's outputs.
//
// It promises that every line is counted in exactly one batch and that every
// batch reaches each output at least once, in order, or is counted as dropped:
// a position moves only in the write that makes its batch durable, and a batch
// leaves the queue only when each output took it. The batch is the same for
// any number of workers. It reads no flags and chooses no parsers or outputs.
// Start from [Run].
package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// Job is parser, options, prefix and logs: what has one state and makes one
// batch an interval. Zero values mean the defaults in the comments.
type Job struct {
	Parser      parsers.Factory
	Options     parsers.Options
	Logs        []string // paths or globs
	Prefix      string
	Suffix      string
	Outputs     []Destination
	StateDir    string
	Name        string           // names the state, in place of a key made of all the above
	FromBegin   bool             // a log that is there at the job's first run is read from its beginning
	Workers     int              // number of CPUs
	MaxSeries   int              // metric.DefaultMaxSeries
	MaxLine     int              // bytes; 1 MiB
	SpoolSize   int64            // bytes; 64 MiB
	Patience    time.Duration    // how long a run tries to deliver; 20 s
	SelfMetrics bool             // the run's own account is part of the batch, under "logmetrics."
	Log         *slog.Logger     // slog.Default()
	FS          vfs.FS           // the operating system's
	Now         func() time.Time // time.Now
}

// Destination is one output of a job.
type Destination struct {
	Name   string // what its cursor is kept under: "graphite tcp://127.0.0.1:2003"
	Output outputs.Output
}

// Result is what a run did.
type Result struct {
	parsers.Stats
	Read        tail.Stats       // of all logs together
	Batch       *metric.Batch    // what was extracted; nil at a first run that starts at the logs' ends
	First       bool             // there was no state
	Undelivered int              // batches that wait in the queue for an output
	Failed      map[string]error // by Destination.Name: why
	SeriesLost  uint64           // how often a series beyond MaxSeries was asked for
	ValuesLost  uint64           // values that were not finite, or beyond metric.MaxValue
}

// Run runs the job once, over one interval from the last run to now.
//
// An error means that something was not read or not kept; what was not kept
// has not moved and is read again by the next run. Batches that an output did
// not take are no error: they are counted in Undelivered and kept. It wraps
// state.ErrLocked when another run has the job, fs.ErrNotExist for a log that
// was never there, *parsers.UsageError for wrong parser options.
func Run(ctx context.Context, job Job) (res Result, err error) {
	job.defaults()
	start := job.Now()
	in, err := newIntake(&job) // wrong options must not leave a state behind
	if err != nil {
		return res, err
	}
	kept, err := state.Open(job.StateDir, job.key(), state.Options{FS: job.FS, Log: job.Log, SpoolSize: job.SpoolSize})
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	r := &run{job: &job, kept: kept, st: kept.State(), res: &res, began: start}
	return res, r.interval(ctx, in)
}

func (job *Job) defaults() {
	job.Workers = cmp.Or(job.Workers, runtime.GOMAXPROCS(0))
	job.Patience = cmp.Or(job.Patience, 20*time.Second)
	if job.Log == nil {
		job.Log = slog.Default()
	}
	if job.FS == nil {
		job.FS = vfs.OS{}
	}
	if job.Now == nil {
		job.Now = time.Now
	}
}

func (job *Job) key() state.Key {
	k := state.Key{Job: job.Name, Parser: job.Parser.Name, Options: job.Options.Args, Prefix: job.Prefix, Suffix: job.Suffix, Logs: job.Logs}
	if job.Options.Alias {
		k.Parser = job.Parser.Alias
	}
	for _, d := range job.Outputs {
		k.Outputs = append(k.Outputs, d.Name)
	}
	return k
}

// run is one run of a job, under its lock.
type run struct {
	job   *Job
	kept  *state.Job   // nil when nothing is to be kept
	st    *state.State // kept's, or what stands in for it
	res   *Result
	began time.Time
}

// interval is the cycle of a job: what waits is offered, what is new is read,
// kept, and delivered.
func (r *run) interval(ctx context.Context, in *intake) error {
	r.res.First = r.kept.Fresh() && r.kept.From() == ""
	if from := r.kept.From(); from != "" {
		r.job.Log.Info("no state for this job; it starts where another with the same logs and parser stopped", "state", from)
	}
	r.deliver(ctx)
	readErr := r.read(ctx, in)
	if err := ctx.Err(); err != nil {
		return err // nothing has moved
	}
	if r.res.First && len(in.files) == 0 {
		return readErr // nothing to remember
	}
	vfs.Point("after-read")
	if err := r.kept.Commit(r.batch(in)); err != nil {
		return errors.Join(readErr, err)
	}
	vfs.Point("before-emit")
	r.deliver(ctx)
	vfs.Point("after-emit")
	return errors.Join(readErr, r.clear())
}

// read reads all logs to their ends and leaves their positions in the state.
func (r *run) read(ctx context.Context, in *intake) error {
	paths, err := r.logs()
	if err != nil {
		return err
	}
	errs := in.open(paths, r.st.Logs, tail.Options{
		FS: r.job.FS, Log: r.job.Log, MaxLine: r.job.MaxLine, FromEnd: r.res.First && !r.job.FromBegin, Last: in.tail,
		Silence: recordSilence, Now: r.job.Now,
	})
	errs = append(errs, in.read(ctx)...)
	for _, f := range in.files {
		r.st.Logs[f.path] = f.source.Position()
		r.res.Read.Add(f.source.Stats())
		r.sayStart(f)
		if in.over(f) {
			r.job.Log.Debug("the log is gone for good: its position is forgotten", "source", f.path)
			delete(r.st.Logs, f.path)
		}
	}
	in.close()
	r.res.Stats = in.stats
	r.res.SeriesLost, r.res.ValuesLost = in.recorder().Dropped()
	return errors.Join(errs...)
}

// recordSilence is how long after the last write to a log a record at its end
// is taken for whole. A stack trace is written in one go.
const recordSilence = 10 * time.Second

// logs are those that the patterns name now and those that have a position.
func (r *run) logs() ([]string, error) {
	patterns := slices.Clone(r.job.Logs)
	for path := range r.st.Logs {
		patterns = append(patterns, path)
	}
	paths, err := tail.Expand(patterns, false)
	if err != nil {
		return nil, fmt.Errorf("find logs: %w", err)
	}
	return paths, nil
}

func (r *run) sayStart(f file) {
	if r.res.First && !r.job.FromBegin {
		r.job.Log.Info("first run: starting at the end of the log (--from=begin reads what is there)",
			"source", f.path, "offset", f.source.Position().Offset)
	}
}

// stampSlack is for how many seconds after a run another one, or one by a clock
// that was put back a little, gets the next free second as its stamp: to
// Graphite two values of one name and second are one, and the later one stands.
const stampSlack = 60

// batch returns what was recorded, and nil for a first run at the logs' ends.
func (r *run) batch(in *intake) *metric.Batch {
	st := r.st
	b := &metric.Batch{Start: st.End, End: r.began.Unix(), Prefix: r.job.Prefix, Suffix: r.job.Suffix}
	if behind := st.End - b.End; behind >= 0 && behind < stampSlack {
		b.End = st.End + 1
		b.Start = b.End
	}
	if st.End == 0 || st.End > b.End {
		b.Start = b.End // no length: a first run, or a clock that went back
	}
	b.Stamp, st.End = b.End, b.End
	if r.res.First && !r.job.FromBegin {
		return nil
	}
	in.recorder().Flush(b)
	if r.job.SelfMetrics && r.kept != nil {
		b.Samples = append(b.Samples, r.account()...)
	}
	r.res.Batch = b
	return b
}

// clear removes what all outputs took and counts what waits.
func (r *run) clear() error {
	names := make([]string, len(r.job.Outputs))
	oldest := r.st.Seq
	for i, d := range r.job.Outputs {
		names[i] = d.Name
		oldest = min(oldest, r.st.Taken[d.Name])
	}
	_, err := r.kept.Trim(names)
	for _, seq := range r.kept.Queue() {
		if seq > oldest {
			r.res.Undelivered++
		}
	}
	return err
}
