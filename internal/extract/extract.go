// Package extract runs a job: it reads the job's logs from where the last run
// stopped, gives their lines to a parser, and brings what was recorded to the
// job's outputs.
//
// It promises that every line is counted in exactly one batch and that every
// batch reaches each output at least once, in order, or is counted as dropped:
// a position moves only in the write that makes its batch durable, and a batch
// leaves the queue only when each output took it. The batch is the same for
// any number of workers. It reads no flags and chooses no parsers or outputs.
// Start from [Run], which makes one round, and [Follow], which goes on.
package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
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
	Beside      []string         // StateNames of the user's other jobs: without a state this one starts where none of them stopped
	FromBegin   bool             // a log that is there at the job's first run is read from its beginning
	Workers     int              // number of CPUs
	MaxSeries   int              // metric.DefaultMaxSeries
	MaxLine     int              // bytes; 1 MiB
	SpoolSize   int64            // bytes; 64 MiB
	Patience    time.Duration    // how long a run tries to deliver, and Follow each batch; 20 s
	JournalDir  string           // has the journal's files; empty: those of this machine
	SelfMetrics bool             // the run's own account is part of the batch, under "logmetrics."
	LogTime     bool             // lines go into the intervals of their own stamps, not of the clock
	Interval    time.Duration    // of Follow and LogTime: length of the intervals, whole seconds; 10 s
	Grace       time.Duration    // of LogTime: how long after its end an interval stays open; 60 s
	Progress    func(Progress)   // of Run: told, some times a second, how far it has come; nil: nobody asks
	Notifier    tail.Notifier    // of Follow: tells when logs grow; nil: they are looked at four times a second
	Status      *Status          // of Follow: what the job tells of itself; nil: nobody asks
	Log         *slog.Logger     // slog.Default()
	FS          vfs.FS           // the operating system's
	Now         func() time.Time // time.Now
}

// Destination is one output of a job.
type Destination struct {
	Name   string // what its cursor is kept under: "graphite tcp://127.0.0.1:2003"
	Output outputs.Output
	Merges bool // see outputs.Factory
}

// Result is what a run did.
type Result struct {
	parsers.Stats
	Read        tail.Stats       // of all logs together
	Batch       *metric.Batch    // what was extracted last; nil at a first run that starts at the logs' ends
	First       bool             // there was no state
	Undelivered int              // batches that wait in the queue for an output
	Failed      map[string]error // by Destination.Name: why
	SeriesLost  uint64           // how often a series beyond MaxSeries was asked for
	ValuesLost  uint64           // values that were not finite, or beyond metric.MaxValue
	Late        uint64           // lines of intervals that were closed, which some output did not get; only by LogTime
}

// Progress says how far a Run has come.
type Progress struct {
	Done, Total int64 // bytes of the logs, compressed ones as they are stored
}

// Run runs the job once, over one interval from the last run to now, or, by
// log time, over all intervals that the logs hold.
//
// An error means that something was not read or not kept; what was not kept
// has not moved and is read again by the next run. Batches that an output did
// not take are no error: they are counted in Undelivered and kept. It wraps
// state.ErrLocked when another run has the job, fs.ErrNotExist for a log that
// was never there, *parsers.UsageError for wrong parser options.
func Run(ctx context.Context, job Job) (res Result, err error) {
	r, err := begin(&job)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	err = r.once(ctx)
	return r.res, err
}

func (job *Job) defaults() {
	job.Workers = cmp.Or(job.Workers, runtime.GOMAXPROCS(0))
	job.Patience = cmp.Or(job.Patience, 20*time.Second)
	job.Interval = cmp.Or(job.Interval, 10*time.Second)
	job.Grace = cmp.Or(job.Grace, time.Minute)
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

// run is a job under its lock. It is owned by the goroutine of Run or Follow,
// but for what mu protects: the goroutines that deliver use that, too.
type run struct {
	job          *Job
	in           *intake
	began        time.Time
	first        bool              // there was no state
	lastBytes    int64             // of logs without a position only so many bytes are read; 0: all
	gone         tail.Stats        // of logs that are no longer open
	total, tally tally             // since the job began, and for the newest batch
	accounted    int64             // Unix second up to which there was an account by log time
	troubles     map[string]string // by log: why it cannot be read now
	woken        chan struct{}     // of a job that is followed: some log has something
	delivered    chan struct{}     // an output took batches, or failed

	mu       sync.Mutex   // protects the fields below
	kept     *state.Job   // nil when nothing is to be kept
	st       *state.State // kept's, or what stands in for it; Taken, Seq, Dropped and Damaged
	res      Result       // Failed
	failures uint64       // of outputs
}

// begin takes the job's lock and loads its state.
func begin(job *Job) (*run, error) {
	job.defaults()
	in, err := newIntake(job) // wrong options must not leave a state behind
	if err != nil {
		return nil, err
	}
	r := &run{job: job, in: in, began: job.Now(), delivered: make(chan struct{}, 1), troubles: make(map[string]string)}
	r.res.Failed = make(map[string]error)
	r.kept, err = state.Open(job.StateDir, job.key(), state.Options{FS: job.FS, Log: job.Log, SpoolSize: job.SpoolSize, Beside: job.Beside})
	if err != nil {
		return nil, err
	}
	r.st = r.kept.State()
	r.first = r.kept.Fresh() && r.kept.From() == ""
	r.res.First = r.first
	if from := r.kept.From(); from != "" {
		job.Log.Info("no state for this job; it starts where another with the same logs and parser stopped", "state", from)
	}
	err = r.prepare()
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// prepare gives the outputs and the recorder what the state has for them.
func (r *run) prepare() error {
	for _, d := range r.job.Outputs {
		if out, ok := outputs.As[outputs.Stateful](d.Output); ok {
			memo, err := r.kept.Memo(d.Name)
			if err == nil {
				err = out.Restore(memo)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	return r.resume()
}

// resume has the log's time go on where the state left it.
func (r *run) resume() error {
	if !r.job.LogTime {
		return nil
	}
	r.in.bound(r.st.End, r.job.Now())
	return r.in.load(r.st.Open)
}

func (r *run) close() error {
	r.in.close()
	return r.kept.Close()
}

// once makes one round, or, by log time, one after the other until the logs
// are read: what waits is offered, what is new is read, kept, and delivered.
func (r *run) once(ctx context.Context) error {
	r.deliver(ctx)
	errs, err := r.open()
	if err != nil {
		return err
	}
	ahead := r.ahead()
	for more := true; more; {
		more = r.read(ctx, ahead)
		if r.in.broken != nil {
			return r.in.broken
		}
		if err := ctx.Err(); err != nil {
			return err // nothing has moved since the last round
		}
		errs = append(errs, r.in.failed()...)
		r.positions()
		if r.first && len(r.in.files) == 0 {
			return errors.Join(errs...) // nothing to remember
		}
		vfs.Point("after-read")
		if err := r.keep(r.batches(more)); err != nil {
			return errors.Join(append(errs, err)...)
		}
		vfs.Point("before-emit")
		r.deliver(ctx)
		vfs.Point("after-emit")
		if err := r.clear(); err != nil {
			errs = append(errs, err)
		}
		r.first = false
		more = more && r.res.Undelivered == 0
	}
	return errors.Join(errs...)
}

// roundBytes is how much of the logs is read before what is finished is kept,
// by log time: little enough to lose no time in a crash and to have few
// intervals in memory, much enough that keeping costs nothing beside.
const roundBytes = 64 << 20

// read reads what there is, by log time a round of it, and reports whether
// there is more.
func (r *run) read(ctx context.Context, ahead int64) (more bool) {
	if r.job.Progress == nil {
		return r.in.pass(ctx, r.limit(), time.Time{})
	}
	for more = true; more && ctx.Err() == nil; {
		more = r.in.pass(ctx, roundBytes, time.Time{})
		left := r.ahead()
		r.job.Progress(Progress{Done: ahead - left, Total: ahead})
		if r.job.LogTime {
			break
		}
	}
	return more
}

// ahead is how many bytes there are to read, compressed ones as they are stored.
func (r *run) ahead() (n int64) {
	for _, f := range r.in.files {
		if log, ok := f.source.(interface{ Ahead() int64 }); ok {
			n += log.Ahead()
		}
	}
	return n
}

// keep makes the batches and the positions durable.
func (r *run) keep(batches []*metric.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept.Commit(batches...)
}

// clear removes what all outputs took and counts what waits.
func (r *run) clear() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, len(r.job.Outputs))
	oldest := r.st.Seq
	for i, d := range r.job.Outputs {
		names[i] = d.Name
		oldest = min(oldest, r.st.Taken[d.Name])
	}
	_, err := r.kept.Trim(names)
	r.res.Undelivered = 0
	for _, seq := range r.kept.Queue() {
		if seq > oldest {
			r.res.Undelivered++
		}
	}
	return err
}
