package extract

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/source"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/state"
)

// recordSilence is how long after the last write to a log a record at its end
// is taken for whole. A stack trace is written in one go.
const recordSilence = 10 * time.Second

// missingFor is for how long a log that is followed must be missing before that
// is said: longer than a rotation takes from one step to the next.
const missingFor = 3 * time.Second

// open opens the logs that the patterns name now, and those that have a
// position. What cannot be opened is left out, with an error if it was never
// there or is there and cannot be read.
func (r *run) open() (errs []error, err error) {
	paths, err := r.paths()
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if r.in.find(path) != nil {
			continue
		}
		pos, known := r.st.Logs[path]
		f := &file{path: path, ready: true}
		f.source, err = source.Open(path, pos, r.options(f))
		switch {
		case err == nil:
			r.in.add(f)
		case known && errors.Is(err, fs.ErrNotExist):
			r.job.Log.Warn("the log is not there now; its position is kept", "source", path)
		case !r.named(path) && errors.Is(err, tail.ErrNotRegular):
			r.job.Log.Debug("what a glob matched is no log", "source", path, "err", err)
		default:
			errs = append(errs, &LogError{path, err})
		}
	}
	return errs, nil
}

// paths are the logs that the patterns name now and those that have a position.
// What is no file has a name and no pattern.
func (r *run) paths() ([]string, error) {
	var names, patterns []string
	for _, log := range r.job.Logs {
		if source.IsFile(log) {
			patterns = append(patterns, log)
		} else {
			names = append(names, log)
		}
	}
	for path := range r.st.Logs {
		if source.IsFile(path) {
			patterns = append(patterns, path)
		}
	}
	paths, err := tail.Expand(patterns, false)
	if err != nil {
		return nil, fmt.Errorf("find logs: %w", err)
	}
	return append(paths, names...), nil
}

func (r *run) options(f *file) source.Options {
	fresh := r.first && !r.job.FromBegin
	missing := time.Duration(0)
	if r.woken != nil {
		missing = missingFor
	}
	return source.Options{
		File: tail.Options{
			FS: r.job.FS, Log: r.job.Log, MaxLine: r.job.MaxLine, Now: r.job.Now, Silence: recordSilence,
			FromEnd: fresh, Last: r.lastBytes, FromOldest: r.first && r.job.FromBegin && r.older(f.path),
			MissingFor: missing,
			MayBeGone:  !r.named(f.path),
		},
		Follow: r.woken != nil, Wake: r.waker(f), JournalDir: r.job.JournalDir,
	}
}

// named reports whether the path itself is one of the job's logs, and not only
// matched by a glob.
func (r *run) named(path string) bool {
	return slices.ContainsFunc(r.job.Logs, func(log string) bool { return filepath.Clean(log) == path })
}

// older reports whether the patterns name rotated generations of the log, too:
// then a first run begins with the oldest of them.
func (r *run) older(path string) bool {
	for _, pattern := range r.job.Logs {
		names, err := filepath.Glob(pattern)
		if err == nil && slices.ContainsFunc(names, func(name string) bool { return tail.IsGeneration(name, path) }) {
			return true
		}
	}
	return false
}

// waker returns what has f read soon, from any goroutine; nil in a run that ends.
func (r *run) waker(f *file) func() {
	if r.woken == nil {
		return nil
	}
	return func() {
		f.woken.Store(true)
		select {
		case r.woken <- struct{}{}:
		default:
		}
	}
}

// fewLogs is how many logs are named one by one at a first run.
const fewLogs = 5

// positions moves the positions of the logs to where they were read to. A log
// of a glob that can have nothing more is forgotten.
func (r *run) positions() {
	if n := len(r.in.files); r.first && !r.job.FromBegin && n > fewLogs {
		r.job.Log.Info("first run: starting at the end of each log (--from=begin reads what is there)", "logs", n)
	}
	for _, f := range slices.Clone(r.in.files) {
		pos := f.source.Position()
		if pos == (state.Position{}) {
			continue // of what has no place to go on from
		}
		r.st.Logs[f.path] = pos
		if r.first && !r.job.FromBegin && len(r.in.files) <= fewLogs {
			r.job.Log.Info("first run: starting at the end of the log (--from=begin reads what is there)",
				"source", f.path, "offset", pos.Offset)
		}
		if r.over(f) {
			r.job.Log.Debug("the log is gone for good: its position is forgotten", "source", f.path)
			delete(r.st.Logs, f.path)
			r.gone.Add(r.in.remove(f))
		}
	}
}

// over reports whether f is a log of a glob that can have nothing more. A
// compressed file that a pattern matches is held back by the position: without
// it the file would be read as a new log.
func (r *run) over(f *file) bool {
	log, ok := f.source.(*tail.File)
	if !ok {
		return false
	}
	rest, over := log.Over()
	listed := func(pattern string) bool {
		match, err := filepath.Match(filepath.Clean(pattern), rest)
		return match || err != nil || filepath.Clean(pattern) == f.path
	}
	return over && !slices.ContainsFunc(r.job.Logs, listed)
}

// find returns the open log with that path, nil when there is none.
func (in *intake) find(path string) *file {
	if i, ok := slices.BinarySearchFunc(in.files, path, comparePath); ok {
		return in.files[i]
	}
	return nil
}

func comparePath(f *file, path string) int { return strings.Compare(f.path, path) }

func (in *intake) add(f *file) {
	i, _ := slices.BinarySearchFunc(in.files, f.path, comparePath)
	in.files = slices.Insert(in.files, i, f)
}

// remove closes a log and returns what it has counted.
func (in *intake) remove(f *file) tail.Stats {
	in.files = slices.DeleteFunc(in.files, func(g *file) bool { return g == f })
	return f.close()
}

func (f *file) close() tail.Stats {
	if f.stop != nil {
		f.stop()
	}
	_ = f.source.Close() // was only read
	st := f.source.Stats()
	st.Lag = 0
	return st
}

func (in *intake) close() {
	for _, f := range in.files {
		f.close()
	}
	in.files = nil
}

// found notes which logs cannot be opened now.
func (r *run) found(errs []error) {
	now := make(map[string]string)
	for _, f := range r.in.files {
		if text, ok := r.troubles[f.path]; ok && f.failed {
			now[f.path] = text // it is open, and cannot be read
		}
	}
	before := r.troubles
	r.troubles = now
	r.note(errs, before)
}

// note says what is wrong with logs, once until it changes.
func (r *run) note(errs []error, said map[string]string) {
	for _, err := range errs {
		var log *LogError
		path := ""
		if errors.As(err, &log) {
			path = log.Path
		}
		text := err.Error()
		if said[path] != text {
			r.job.Log.Warn("a log cannot be read now; it is tried again", "source", path, "err", text)
		}
		r.troubles[path] = text
	}
}
