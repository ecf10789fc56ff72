package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/logmetrics/logmetrics/internal/source"
	"github.com/logmetrics/logmetrics/state"
)

// stateCmd shows and mends what is remembered of jobs.
type stateCmd struct {
	Ls     stateLsCmd     `cmd:"" help:"List the jobs, their logs and what waits."`
	Show   stateShowCmd   `cmd:"" help:"Show all that is remembered of a job."`
	Rewind stateRewindCmd `cmd:"" help:"Make a job read its logs again; what was sent is sent a second time."`
	Forget stateForgetCmd `cmd:"" help:"Forget a job, with what was not delivered; its next run is a first run."`
}

type stateLsCmd struct{ stateFlags }

type stateShowCmd struct {
	Job  string `arg:"" help:"The job's name, as logmetrics state ls shows it."`
	JSON bool   `group:"state" name:"json" help:"Print JSON."`
	stateFlags
}

type stateRewindCmd struct {
	Job    string `arg:"" help:"The job's name, as logmetrics state ls shows it."`
	Log    string `arg:"" optional:"" help:"Only this one of its logs, from --offset."`
	Offset int64  `group:"state" default:"0" help:"Byte to read LOG from: the start of a line in the present file."`
	stateFlags
}

type stateForgetCmd struct {
	Job string `arg:"" help:"The job's name, as logmetrics state ls shows it."`
	stateFlags
}

// Run lists the jobs.
func (k *stateLsCmd) Run(c *console) error {
	_, infos, err := k.list()
	if err != nil {
		return err
	}
	p := &printer{w: c.stdout}
	t := tabwriter.NewWriter(p, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tLOG\tOFFSET\tLAG\tQUEUE\tLAST RUN")
	for i := range infos {
		listJob(t, &infos[i])
	}
	_ = t.Flush() // to a printer, which remembers its error
	return p.err
}

func listJob(w io.Writer, info *state.Info) {
	if info.State == nil {
		fmt.Fprintf(w, "%s\tcannot be read: %v\n", info.Name, info.Err)
		return
	}
	for _, log := range slices.Sorted(maps.Keys(info.State.Logs)) {
		pos := info.State.Logs[log]
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%s\n", info.Name, printable(log), pos.Offset, lag(log, pos), info.Queue, stamp(info.State.End))
	}
}

// lag tells how many bytes of the file there is now are not read. When it is
// another file than the position's, only the next run can tell; of the journal
// nobody can.
func lag(log string, pos state.Position) string {
	if !source.IsFile(log) {
		return "-"
	}
	fi, err := os.Stat(log)
	switch {
	case err != nil:
		return "no file"
	case fi.Size() < pos.Offset:
		return "rotated"
	}
	return fmt.Sprint(fi.Size() - pos.Offset)
}

// stamp returns a Unix second in the local zone, "-" for 0.
func stamp(sec int64) string {
	if sec == 0 {
		return "-"
	}
	return time.Unix(sec, 0).Format(time.RFC3339)
}

// list returns the directory and its jobs; there are none when it is not there yet.
func (f *stateFlags) list() (dir string, infos []state.Info, err error) {
	if dir, err = f.dir(); err != nil {
		return "", nil, err
	}
	infos, err = state.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil, nil
	}
	return dir, infos, err
}

// find returns the directory and the job called name.
func (f *stateFlags) find(name string) (string, *state.Info, error) {
	dir, infos, err := f.list()
	if err != nil {
		return "", nil, err
	}
	var names []string
	for i := range infos {
		if infos[i].Name == name {
			return dir, &infos[i], nil
		}
		names = append(names, infos[i].Name)
	}
	return "", nil, fmt.Errorf("%s has no job %q%s", dir, name, didYouMean(name, names))
}

// shown is the JSON of state show.
type shown struct {
	Name       string              `json:"name"`
	Job        string              `json:"job,omitempty"`
	Parser     string              `json:"parser"`
	Options    []string            `json:"parserOptions"`
	Prefix     string              `json:"prefix"`
	Suffix     string              `json:"suffix"`
	Identity   string              `json:"identity"`
	Batch      uint64              `json:"batch"`
	FirstRun   int64               `json:"firstRun"`
	LastRun    int64               `json:"lastRun"`
	Logs       map[string]shownLog `json:"logs"`
	Taken      map[string]uint64   `json:"taken"`
	Queue      int                 `json:"queue"`
	QueueBytes int64               `json:"queueBytes"`
	Dropped    uint64              `json:"droppedBatches"`
	Damaged    uint64              `json:"damagedBatches"`
}

type shownLog struct {
	Offset int64  `json:"offset"`
	Dev    uint64 `json:"dev"`
	Inode  uint64 `json:"inode"`
	Cursor string `json:"cursor,omitempty"` // of the journal, in place of the others
}

// String is the position in words.
func (l shownLog) String() string {
	if l.Cursor != "" {
		return "cursor " + printable(l.Cursor)
	}
	return fmt.Sprintf("offset %d, inode %d", l.Offset, l.Inode)
}

func newShown(info *state.Info) *shown {
	s := info.State
	v := &shown{
		Name: info.Name, Job: s.Key.Job, Parser: s.Key.Parser, Options: append([]string{}, s.Key.Options...),
		Prefix: s.Key.Prefix, Suffix: s.Key.Suffix, Identity: fmt.Sprintf("%x", s.Job), Batch: s.Seq,
		FirstRun: s.First, LastRun: s.End, Logs: make(map[string]shownLog), Taken: s.Taken,
		Queue: info.Queue, QueueBytes: info.Bytes, Dropped: s.Dropped, Damaged: s.Damaged,
	}
	for log, pos := range s.Logs {
		v.Logs[log] = shownLog{pos.Offset, pos.Dev, pos.Inode, pos.Cursor}
	}
	return v
}

// Run shows one job.
func (k *stateShowCmd) Run(c *console) error {
	_, info, err := k.find(k.Job)
	if err != nil {
		return err
	}
	if info.State == nil {
		return fmt.Errorf("state %s cannot be read: %w", info.Name, info.Err)
	}
	v := newShown(info)
	if k.JSON {
		enc := json.NewEncoder(c.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	p := &printer{w: c.stdout}
	v.print(p)
	return p.err
}

func (v *shown) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(key string, value any) { fmt.Fprintf(t, "%s\t%v\n", key, value) }
	line("job", v.Name)
	line("parser", strings.TrimSpace(v.Parser+" "+strings.Join(v.Options, " ")))
	line("prefix", v.Prefix)
	line("suffix", v.Suffix)
	line("identity", v.Identity)
	line("first run", stamp(v.FirstRun))
	line("last run", stamp(v.LastRun))
	line("newest batch", v.Batch)
	for _, log := range slices.Sorted(maps.Keys(v.Logs)) {
		pos := v.Logs[log]
		line("log", printable(log)+" "+pos.String())
	}
	for _, output := range slices.Sorted(maps.Keys(v.Taken)) {
		line("output", fmt.Sprintf("%s took batch %d", output, v.Taken[output]))
	}
	line("queue", fmt.Sprintf("%d batches, %d bytes", v.Queue, v.QueueBytes))
	line("lost", fmt.Sprintf("%d batches beyond the spool's size, %d damaged", v.Dropped, v.Damaged))
	_ = t.Flush() // to a printer, which remembers its error
}

// Run moves the positions back.
func (k *stateRewindCmd) Run() error {
	dir, info, err := k.find(k.Job)
	if err != nil {
		return err
	}
	if k.Log == "" && k.Offset != 0 {
		return &usageError{"--offset needs the log that it is for"}
	}
	log := k.Log
	if log != "" {
		paths, err := absolute([]string{log})
		if err != nil {
			return err
		}
		log = paths[0]
	}
	return state.Rewind(dir, info.Name, log, k.Offset)
}

// Run forgets the job.
func (k *stateForgetCmd) Run() error {
	dir, info, err := k.find(k.Job)
	if err != nil {
		return err
	}
	return state.Forget(dir, info.Name)
}
