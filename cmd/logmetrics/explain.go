package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/parsers"
)

// report writes what went wrong to stderr, a line for each thing.
func (c *console) report(err error) {
	if err == nil {
		return
	}
	var all jobsError
	if errors.As(err, &all) {
		for _, err := range all {
			c.report(err)
		}
		return
	}
	for line := range strings.Lines(strings.TrimSpace(err.Error())) {
		fmt.Fprintf(c.stderr, "logmetrics: %s\n", printable(strings.TrimRight(line, "\n")))
	}
	if hint := usageHint(err); hint != "" {
		io.WriteString(c.stderr, hint)
	}
}

// usageHint says where to read on after an error in the command line.
func usageHint(err error) string {
	var own *parsers.UsageError
	var parse *kong.ParseError
	switch {
	case errors.As(err, &own):
		return "logmetrics: see logmetrics parsers " + own.Parser + "\n"
	case errors.As(err, &parse):
		return "logmetrics: see logmetrics --help\n"
	}
	return ""
}

// explained is an error with words of its own for the user.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// explain puts into words what users meet most: a log or a state directory
// that is not there, or not as it should be. Each error that was joined is
// explained by itself.
func explain(err error, job *extract.Job) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range joined.Unwrap() {
			all = append(all, explain(err, job))
		}
		return errors.Join(all...)
	}
	var log *extract.LogError
	var file *fs.PathError
	switch {
	case errors.As(err, &log):
		return explainLog(log)
	case errors.As(err, &file) && job.StateDir != "" && within(file.Path, job.StateDir):
		text := fmt.Sprintf("%v; the state is kept in --state-dir=%s: nothing is lost, the next run reads the same lines", err, job.StateDir)
		return &explained{text, err}
	}
	return err
}

// within reports whether one of the two paths is the other, or above it: a
// directory that cannot be made fails at the one above.
func within(a, b string) bool {
	return strings.HasPrefix(a+"/", b+"/") || strings.HasPrefix(b+"/", a+"/")
}

func explainLog(err *extract.LogError) error {
	text := err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		text = "there is no log " + err.Path + journalHint(err.Path)
	case errors.Is(err, fs.ErrPermission):
		text = fmt.Sprintf("%s may not read %s; on Debian members of the group adm may read logs", userName(), err.Path)
	case errors.Is(err, tail.ErrNotRegular):
		text = fmt.Sprintf("%s is no plain file: a pipe or device has no place from which the next run could go on", err.Path)
	case errors.Is(err, syscall.EISDIR):
		text = fmt.Sprintf("%s is a directory, not a log; a glob takes its files: '%s/*.log'", err.Path, err.Path)
	}
	return &explained{text, err}
}

// journalHint tells those who look for a mail log where it went.
func journalHint(path string) string {
	if !strings.HasPrefix(filepath.Base(path), "mail") {
		return ""
	}
	return "; Debian 12 and later keep mail's log in the journal: read journal:facility=mail, or install rsyslog to have the file again"
}

// undelivered tells of each output that did not take all. Its error says what
// it is connected to, so of its name the first word is enough.
func undelivered(res extract.Result) error {
	var text []string
	for _, name := range slices.Sorted(maps.Keys(res.Failed)) {
		output, _, _ := strings.Cut(name, " ")
		text = append(text, fmt.Sprintf("%s: %v; what it did not take is kept, and sent by the next run", output, res.Failed[name]))
	}
	if text == nil {
		return errUndelivered
	}
	return &explained{strings.Join(text, "\n"), errUndelivered}
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return "the user " + u.Username
	}
	return "this user"
}
