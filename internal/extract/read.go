package extract

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// intake reads the logs of a job and parses them, a worker for each CPU.
//
// Workers pull: each takes the lock, has the next block read into its own
// buffer, gives up the lock and parses. So reading is in order, buffers have
// one owner for ever, and a slow parser holds up the reading by itself.
type intake struct {
	job     *Job
	workers []*worker

	mu    sync.Mutex // protects the fields below while workers run
	files []file
	at    int    // the file being read
	seq   uint64 // of the newest block
	errs  []error

	tail  int64         // read only the last bytes of logs without a position; 0: all
	stats parsers.Stats // of all workers, once they are done
}

// file is one open log.
type file struct {
	path   string
	source *tail.File
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
	for len(in.workers) < job.Workers {
		rec := metric.NewRecorder(metric.RecorderOptions{MaxSeries: job.MaxSeries})
		p, err := job.Parser.New(job.Options, rec)
		if err != nil {
			return nil, err
		}
		if job.Parser.Joins(p) {
			job.Workers = 1
		}
		in.workers = append(in.workers, &worker{parser: p, rec: rec})
	}
	return in, nil
}

// recorder holds what all workers recorded, once they are done.
func (in *intake) recorder() *metric.Recorder { return in.workers[0].rec }

// open opens the logs at their positions. What cannot be opened is left out,
// with an error if it was never there or is there and cannot be read.
func (in *intake) open(paths []string, at map[string]state.Position, opt tail.Options) (errs []error) {
	for _, path := range paths {
		pos, known := at[path]
		opt.MayBeGone = !slices.ContainsFunc(in.job.Logs, func(log string) bool { return filepath.Clean(log) == path })
		source, err := tail.Open(path, pos, opt)
		switch {
		case err == nil:
			in.files = append(in.files, file{path, source})
		case known && errors.Is(err, fs.ErrNotExist):
			in.job.Log.Warn("the log is not there now; its position is kept", "source", path)
		default:
			errs = append(errs, &LogError{path, err})
		}
	}
	return errs
}

// over reports whether f is a log of a glob that can have nothing more. A
// compressed file that a pattern matches is held back by the position: without
// it the file would be read as a new log.
func (in *intake) over(f file) bool {
	rest, over := f.source.Over()
	listed := func(pattern string) bool {
		match, err := filepath.Match(filepath.Clean(pattern), rest)
		return match || err != nil || filepath.Clean(pattern) == f.path
	}
	return over && !slices.ContainsFunc(in.job.Logs, listed)
}

// read has all that is there parsed and merged into one recorder.
func (in *intake) read(ctx context.Context) []error {
	var wg sync.WaitGroup
	for _, w := range in.workers[1:] {
		wg.Go(func() { w.run(ctx, in) })
	}
	in.workers[0].run(ctx, in)
	wg.Wait()
	for i, w := range in.workers {
		in.stats.Add(w.stats)
		in.report(w.parser)
		if i > 0 {
			in.recorder().Merge(w.rec)
		}
	}
	return in.errs
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
		b, ok := in.next(ctx, w.buf)
		if !ok {
			return
		}
		w.rec.Block(b.Seq)
		st := w.parser.Parse(b, w.rec)
		w.stats.Add(st)
		if st.Held > 0 {
			in.unread(st.Held)
		}
		if cap(b.Bytes) > len(w.buf) {
			w.buf = b.Bytes[:cap(b.Bytes)]
		}
	}
}

// next returns the next block of the logs, in order.
func (in *intake) next(ctx context.Context, buf []byte) (parsers.Block, bool) {
	in.lock()
	defer in.mu.Unlock()
	for in.at < len(in.files) && ctx.Err() == nil {
		f := in.files[in.at]
		b, err := f.source.Next(ctx, buf)
		if err == nil {
			in.seq++
			b.Seq = in.seq
			return b, true
		}
		if !errors.Is(err, io.EOF) && ctx.Err() == nil {
			in.errs = append(in.errs, &LogError{f.path, err})
		}
		in.at++
	}
	return parsers.Block{}, false
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

// unread gives back the end of the last block; only a sequential parser's one
// worker does.
func (in *intake) unread(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.files[in.at].source.Unread(n)
}

func (in *intake) close() {
	for _, f := range in.files {
		f.source.Close()
	}
}
