package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/source"
	"github.com/logmetrics/logmetrics/internal/vfs"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// job checks the flags completely and returns what they ask for. It opens nothing.
func (r *runCmd) job(c *console) (extract.Job, error) {
	if len(r.Logs) == 0 {
		return extract.Job{}, &usageError{r.missing()}
	}
	job, err := r.parserFlags.job(r.Parser, r.Logs)
	if err != nil {
		return job, err
	}
	if job.Outputs, err = r.destinations(c, job.Options.Alias); err != nil {
		return job, err
	}
	if job.StateDir, err = r.dir(); err != nil {
		return job, err
	}
	if err := r.checkNumbers(); err != nil {
		return job, err
	}
	if err := r.checkFollow(); err != nil {
		return job, err
	}
	job.Name, job.Beside = r.Job, r.beside
	job.Prefix, job.Suffix = cleanName(r.MetricPrefix), cleanName(r.MetricSuffix)
	job.FromBegin = r.From == "begin"
	job.SpoolSize, job.Patience, job.SelfMetrics = int64(r.SpoolSize), r.Patience, r.selfMetrics()
	job.Interval, job.LogTime, job.Grace = r.Interval, r.Time == "log", r.Grace
	job.Now = c.now
	if r.Workers > 0 {
		job.Workers = r.Workers
	}
	return job, nil
}

// checkNumbers refuses numbers without a meaning.
func (r *runCmd) checkNumbers() error {
	switch {
	case r.Workers < 0:
		return &usageError{fmt.Sprintf("--workers=%d: it must not be negative", r.Workers)}
	case r.Patience <= 0:
		return &usageError{fmt.Sprintf("--delivery-timeout=%v: it must be more than 0, as 20s", r.Patience)}
	case r.SpoolSize <= 0:
		return &usageError{"--spool-size=0: it must be more than 0, or nothing could be kept for a destination that is away"}
	}
	if f, ok := r.Statsd.(*statsdFlags); ok {
		return f.check()
	}
	return nil
}

func (r *runCmd) missing() string {
	if r.Parser == "" {
		return "a parser and a log are missing: logmetrics [flags] PARSER LOG..."
	}
	if _, _, err := findParser(r.Parser); err != nil {
		return err.Error()
	}
	return "a log is missing: logmetrics [flags] " + r.Parser + " LOG..."
}

// job returns the part of a job that is about reading. The parser is made once
// to check its options.
func (f *parserFlags) job(parser string, logs []string) (job extract.Job, err error) {
	job = extract.Job{Workers: runtime.GOMAXPROCS(0), MaxSeries: f.MaxSeries, MaxLine: int(f.MaxLine), JournalDir: f.JournalDir, FS: vfs.OS{}, Now: time.Now}
	if job.Options.ReadFile = f.readFile; f.readFile == nil {
		job.Options.ReadFile = os.ReadFile
	}
	if job.Parser, job.Options.Alias, err = findParser(parser); err != nil {
		return job, err
	}
	if f.Unwrap != "" {
		if job.Parser, err = parsers.Unwrap(f.Unwrap, job.Parser); err != nil {
			return job, &usageError{"--unwrap: " + err.Error()}
		}
	}
	if job.Options.Zone, err = zone(f.Timezone); err != nil {
		return job, err
	}
	if job.Options.Args, err = splitWords(f.ParserOptions); err != nil {
		return job, &usageError{"--parser-options: " + err.Error()}
	}
	if f.MaxSeries < 1 {
		return job, &usageError{fmt.Sprintf("--max-series=%d: it must be 1 or more", f.MaxSeries)}
	}
	if f.MaxLine < 1 || f.MaxLine > 1<<30 {
		return job, &usageError{fmt.Sprintf("--max-line=%d: it must be from 1 byte to 1GiB", f.MaxLine)}
	}
	if _, err = job.Parser.New(job.Options, metric.NewRecorder(metric.RecorderOptions{})); err != nil {
		return job, err
	}
	job.Logs, err = absolute(logs)
	return job, err
}

// absolute makes the logs' paths independent of where the program is run, for
// the state goes by them.
func absolute(logs []string) ([]string, error) {
	list := make([]string, len(logs))
	for i, log := range logs {
		if !source.IsFile(log) {
			if err := source.Check(log); err != nil {
				return nil, &usageError{err.Error()}
			}
			list[i] = log
			continue
		}
		if log == "" {
			return nil, &usageError{"the name of a log is empty"}
		}
		path, err := filepath.Abs(log)
		if err != nil {
			return nil, err
		}
		fi, missing := os.Stat(path)
		if _, err := filepath.Match(path, ""); err != nil && missing != nil {
			return nil, &usageError{fmt.Sprintf("log %q: it is no valid glob; a '[' that is part of the name is written '\\['", log)}
		}
		if missing == nil && fi.IsDir() {
			return nil, fmt.Errorf("%s is a directory, not a log; a glob takes its files: '%s/*.log'", log, path)
		}
		list[i] = path
	}
	return list, nil
}

// zone returns nil, which means the local one, or the zone called name.
func zone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("--timezone: there is no zone %q; names are as in Europe/Berlin, UTC, Local", name)}
	}
	return loc, nil
}

func cleanName(name string) string {
	if name == "" {
		return ""
	}
	return metric.CleanName(name)
}

// dir returns the state's directory.
func (f *stateFlags) dir() (string, error) {
	if f.StateDir != "" {
		return filepath.Abs(f.StateDir)
	}
	if os.Geteuid() == 0 {
		return "/var/lib/logmetrics", nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "logmetrics"), nil
	}
	if home := os.Getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "logmetrics"), nil
	}
	return "", &usageError{"neither XDG_STATE_HOME nor HOME is set: give --state-dir"}
}

func isParserUsage(err error) bool {
	var usage *parsers.UsageError
	return errors.As(err, &usage)
}
