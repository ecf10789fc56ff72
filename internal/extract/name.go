package extract

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/logmetrics/logmetrics/internal/source"
	"github.com/logmetrics/logmetrics/state"
)

// StateName returns the name under which the job's state is kept. Two jobs of
// one name in one directory exclude each other.
func (job *Job) StateName() string { return job.key().Name() }

// Unreadable returns, as *LogErrors, why logs that are named without wildcards,
// and that were never read, cannot be read now: most likely a name is wrong, or
// the user. Follow waits for such logs; who has just typed them wants to be told.
func (job *Job) Unreadable() error {
	own := *job
	own.defaults()
	known, err := state.Peek(own.StateDir, own.key(), state.Options{FS: own.FS, Beside: own.Beside})
	if err != nil {
		return nil // Follow mends it, or says it
	}
	var errs []error
	for _, log := range own.Logs {
		if _, ok := known.Logs[filepath.Clean(log)]; ok || !source.IsFile(log) || strings.ContainsAny(log, `*?[\`) {
			continue
		}
		if err := own.mayOpen(log); err != nil {
			errs = append(errs, &LogError{log, err})
		}
	}
	return errors.Join(errs...)
}

// mayOpen opens a plain file and closes it; another one, whose reader may be
// what its writer waits for, is left alone.
func (job *Job) mayOpen(log string) error {
	fi, err := job.FS.Stat(log)
	if err != nil || !fi.Mode().IsRegular() {
		return err
	}
	f, err := job.FS.Open(log)
	if err != nil {
		return err
	}
	return f.Close()
}
