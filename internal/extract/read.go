package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// intake reads the logs of a job and parses them, a worker for each CPU.
//
// Workers pull: each takes the lock, has the next block read into its own
// buffer, gives up the lock and parses. So reading is in order, buffers have
// one owner for ever, and a slow parser holds up the reading by itself.
//
// What is read goes in passes: a pass begins with the logs that may have
// something, and ends when none has, or when it has read enough.
type intake struct {
	job     *Job
	workers []*worker

	mu    sync.Mutex // protects the fields below, and those of files, while workers run
	files []*file    // by path
	at    int        // the file being read
	seq   uint64     // of the newest block
	left  int64      // bytes that this pass may still read
	due   time.Time  // when this pass is to end; zero: when it has read all
	errs  []error

	broken error // a parser panicked: nothing may be kept

	// What was gathered from all workers since the job began.
	stats                parsers.Stats
	series, values, late uint64
	counted              lost   // of that, what the present recorder had counted
	window               window // of log time
}

// lost is what a recorder could not take.
type lost struct{ series, values, late, further, unbelieved uint64 }

// file is one open log.
type file struct {
	path   string
	source tail.Source
	ready  bool        // there may be something to read
	woken  atomic.Bool // set by notifications, which come at any time
	last   int64       // Unix second of the newest stamp read, by log time
	stamps bool        // there was one
	failed bool        // it could not be read when that was last tried
	over   bool        // nothing will ever come again
	read   time.Time   // when a block was last read
	stop   func()      // ends the notifications
}

// LogError says what went wrong with one of a job's logs.
type LogError struct {
	Path string
	Err  error // from package tail, which names operation and path
}

// Error returns Err's text.
func (e *LogError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *LogError) Unwrap() error { return e.Err }

// worker parses blocks; it is owned by its goroutine.
type worker struct {
	parser parsers.Parser
	rec    *metric.Recorder
	buf    []byte
	stats  parsers.Stats
}

func newIntake(job *Job) (*intake, error) {
	in := &intake{job: job}
	return in, in.renew()
}

// renew makes parsers and recorders anew. What the old ones hold must have been
// flushed.
func (in *intake) renew() error {
	opt := metric.RecorderOptions{MaxSeries: in.job.MaxSeries}
	parser := in.job.Options
	if in.job.LogTime {
		opt.Interval, parser.WantTime = int64(in.job.Interval.Seconds()), true
	}
	in.workers, in.counted = nil, lost{}
	for len(in.workers) < in.job.Workers {
		rec := metric.NewRecorder(opt)
		p, err := in.job.Parser.New(parser, rec)
		if err != nil {
			return err
		}
		if in.job.Parser.Joins(p) {
			in.job.Workers = 1
		}
		in.workers = append(in.workers, &worker{parser: p, rec: rec})
	}
	return nil
}

// recorder holds what all workers recorded, once it is gathered.
func (in *intake) recorder() *metric.Recorder { return in.workers[0].rec }

// pass has what there is to read parsed, until all is read, limit bytes are (0:
// no limit) or the time due has come (zero: never). It reports whether there is more.
func (in *intake) pass(ctx context.Context, limit int64, due time.Time) (more bool) {
	in.left, in.due = limit, due
	if limit == 0 {
		in.left = math.MaxInt64
	}
	var wg sync.WaitGroup
	for _, w := range in.workers[1:] {
		wg.Go(func() { in.guard(ctx, w) })
	}
	in.guard(ctx, in.workers[0])
	wg.Wait()
	more = slices.ContainsFunc(in.files, func(f *file) bool { return f.ready })
	if more && !due.IsZero() {
		in.at++ // one that is written faster than it is read leaves the next interval to the others
	}
	return more
}

// guard runs a worker. A panic of its parser is the job's failure, not that of
// others in the process: what was recorded since the last batch is worth nothing then.
func (in *intake) guard(ctx context.Context, w *worker) {
	defer func() {
		if r := recover(); r != nil {
			in.mu.Lock()
			defer in.mu.Unlock()
			in.broken, in.left = fmt.Errorf("BUG: the parser %s panicked: %v", in.job.Parser.Name, r), 0
			in.job.Log.Debug("a parser panicked", "stack", string(debug.Stack()))
		}
	}()
	w.run(ctx, in)
}

// gather merges what the workers recorded and counted.
func (in *intake) gather() {
	for i, w := range in.workers {
		in.stats.Add(w.stats)
		w.stats = parsers.Stats{}
		in.report(w.parser)
		if i > 0 {
			in.recorder().Merge(w.rec)
		}
	}
	in.lost()
}

// lost counts what the recorder could not take since the last time.
func (in *intake) lost() {
	rec, was := in.recorder(), in.counted
	now := lost{late: rec.Late(), further: rec.Further(), unbelieved: rec.Unbelieved()}
	now.series, now.values = rec.Dropped()
	in.series += now.series - was.series
	in.values += now.values - was.values
	in.late += now.late - was.late
	if slices.ContainsFunc(in.job.Outputs, func(d Destination) bool { return !d.Merges }) {
		in.late += now.further - was.further // to that output they are lost
	}
	in.stats.Untimed += int(now.unbelieved - was.unbelieved)
	in.counted = now
}

// failed returns what went wrong since the last call.
func (in *intake) failed() []error {
	errs := in.errs
	in.errs = nil
	return errs
}

// report says what a parser has to say beyond its counts.
func (in *intake) report(p parsers.Parser) {
	if r, ok := p.(parsers.Reporter); ok {
		for _, problem := range r.Problems() {
			in.job.Log.Warn(problem, "parser", in.job.Parser.Name)
		}
	}
}

func (w *worker) run(ctx context.Context, in *intake) {
	if w.buf == nil {
		w.buf = make([]byte, tail.BlockSize)
	}
	for {
		b, f := in.next(ctx, w.buf)
		if f == nil {
			return
		}
		w.rec.Block(b.Seq)
		st := w.parser.Parse(b, w.rec)
		w.stats.Add(st)
		in.job.Status.beat(in.job.Now)
		if st.Held > 0 || in.job.LogTime {
			in.parsed(f, st.Held, w.rec)
		}
		if cap(b.Bytes) > len(w.buf) {
			w.buf = b.Bytes[:cap(b.Bytes)]
		}
	}
}

// next returns the next block of the logs, and the log that it is of; nil when
// the pass is over.
func (in *intake) next(ctx context.Context, buf []byte) (parsers.Block, *file) {
	in.lock()
	defer in.mu.Unlock()
	for ctx.Err() == nil && in.left > 0 && (in.due.IsZero() || in.job.Now().Before(in.due)) {
		f := in.choose()
		if f == nil {
			break
		}
		b, err := f.source.Next(ctx, buf)
		if err == nil {
			in.seq++
			b.Seq, f.read = in.seq, in.job.Now()
			in.left -= int64(len(b.Bytes))
			return b, f
		}
		if ctx.Err() != nil {
			break
		}
		f.ready, f.over, f.failed = false, errors.Is(err, tail.ErrEnded), !errors.Is(err, io.EOF)
		if f.failed {
			in.errs = append(in.errs, &LogError{f.path, err})
		}
	}
	return parsers.Block{}, nil
}

// choose returns the log to read from: one after the other, or, by log time,
// the one that is furthest behind. So logs of one time are read side by side.
func (in *intake) choose() (f *file) {
	if in.job.LogTime {
		for _, g := range in.files {
			if g.ready && (f == nil || g.behind(f)) {
				f = g
			}
		}
		return f
	}
	for range in.files {
		if in.at >= len(in.files) {
			in.at = 0
		}
		if in.files[in.at].ready {
			return in.files[in.at]
		}
		in.at++
	}
	return nil
}

// behind reports whether f was read up to an earlier time than g.
func (f *file) behind(g *file) bool {
	return g.stamps && (!f.stamps || f.last < g.last)
}

// spins is how often a worker asks for the lock before it sleeps, about 20 µs:
// it is held for one pread, which is over sooner than a sleeper is woken. With
// more workers than processors the one that holds it may not be running.
const spins = 20000

func (in *intake) lock() {
	if len(in.workers) <= runtime.GOMAXPROCS(0) {
		for range spins {
			if in.mu.TryLock() {
				return
			}
		}
	}
	in.mu.Lock()
}

// parsed notes what became of the last block of f: the end that is to be given
// back, which only a sequential parser's one worker has, and its newest stamp.
func (in *intake) parsed(f *file, held int, rec *metric.Recorder) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if held > 0 {
		f.source.Unread(held)
	}
	if !in.job.LogTime {
		return
	}
	if _, last, ok := rec.BlockSpan(); ok {
		f.last, f.stamps = max(f.last, last), true
	}
	if rec.Crowded() {
		in.left = 0 // so that intervals can be closed
	}
}
