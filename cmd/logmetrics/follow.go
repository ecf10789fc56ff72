package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/notify"
	"github.com/logmetrics/logmetrics/internal/source"
	"github.com/logmetrics/logmetrics/outputs"
)

// followFlags are those of a run that goes on.
type followFlags struct {
	Follow    bool          `group:"follow" short:"f" help:"Go on: read the logs as they grow and make a batch each --interval, until ^C or SIGTERM."`
	Interval  time.Duration `group:"follow" default:"10s" help:"With --follow or --time=log: length of the intervals, which are aligned to the clock."`
	Time      string        `group:"follow" enum:"now,log" default:"now" help:"What decides in which interval a line counts: the clock when it is read (now), or the line's own stamp (log), for outputs that take a time."`
	Grace     time.Duration `group:"follow" default:"60s" help:"With --time=log: how long after its end an interval waits for late lines."`
	Telemetry string        `group:"follow" placeholder:"ADDR" help:"With --follow: serve /metrics, /healthz and /readyz at this PORT of 127.0.0.1, or HOST:PORT."`
}

// selfMetrics is the flag's value, or what it is without the flag.
func (r *runCmd) selfMetrics() bool {
	if r.SelfMetrics == nil {
		return r.Follow
	}
	return *r.SelfMetrics
}

// checkFollow refuses what a run that goes on cannot do.
func (r *runCmd) checkFollow() error {
	switch {
	case r.Follow && r.DryRun:
		return &usageError{"--dry-run shows one pass: it cannot be had with --follow or in a daemon"}
	case r.Interval < time.Second || r.Interval%time.Second != 0:
		return &usageError{fmt.Sprintf("--interval=%v: it must be whole seconds, as 10s", r.Interval)}
	case r.Grace < 0 || r.Grace%time.Second != 0:
		return &usageError{fmt.Sprintf("--grace=%v: it must be whole seconds, as 60s", r.Grace)}
	}
	for _, log := range r.Logs {
		if !r.Follow && source.KindOf(log).Endless() {
			return &usageError{fmt.Sprintf("log %q: a socket has no end, so it needs --follow", log)}
		}
	}
	return nil
}

// followJobs runs the jobs until ctx is done, or all their sources have ended.
// One that is alone, and cannot even start, ends the program as a run from cron
// would.
func followJobs(ctx context.Context, c *console, jobs []*runCmd) error {
	followers, err := newFollowers(c, jobs)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var over atomic.Int32
	for _, f := range followers {
		f.alone = len(followers) == 1
		f.over = func(err error) {
			if int(over.Add(1)) == len(followers) {
				cancel(err)
			}
		}
	}
	s := newService(c, jobs[0])
	if err := s.run(ctx, followers, jobs[0].Telemetry, nil); err != nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// follower is a job that is followed.
type follower struct {
	cmd     *runCmd
	console *console
	name    string   // of its state, which no two jobs share
	key     string   // of all its settings
	outputs []string // the names of its destinations
	files   *pinned
	alone   bool            // the program is for it: no message needs its name, and it must be able to start
	over    func(err error) // is told when the sources have ended, and the error of a first start alone
	starts  int             // owned by run

	status atomic.Pointer[extract.Status] // of its newest start; nil before the first
}

// newFollowers checks the jobs completely, as one set. It opens nothing.
func newFollowers(c *console, jobs []*runCmd) (list []*follower, err error) {
	titles := make(map[string]string) // by name
	for _, r := range jobs {
		f, err := newFollower(c, r)
		if err != nil && len(jobs) > 1 {
			err = fmt.Errorf("job %s: %w", r.title(), err)
		}
		if err != nil {
			return nil, err
		}
		if other, ok := titles[f.name]; ok {
			return nil, &usageError{fmt.Sprintf("the jobs %q and %q have the same state, %s: give one of them a name of its own (job: NAME)", other, r.title(), f.name)}
		}
		titles[f.name] = r.title()
		list = append(list, f)
	}
	for _, r := range jobs {
		r.beside = slices.Sorted(maps.Keys(titles))
	}
	return list, nil
}

func newFollower(c *console, r *runCmd) (*follower, error) {
	f := &follower{cmd: r, console: c, files: newPinned(), over: func(error) {}}
	r.Follow, r.readFile = true, f.files.read
	job, err := r.job(c)
	if err != nil {
		return nil, err
	}
	closeOutputs(job.Outputs) // they were not opened
	for _, d := range job.Outputs {
		f.outputs = append(f.outputs, d.Name)
	}
	key, err := json.Marshal([]any{r, f.files.digests()}) // maps are sorted
	if err != nil {
		panic("BUG: " + err.Error()) // flags are texts, numbers, and lists of them
	}
	f.name, f.key = job.StateName(), string(key)
	return f, nil
}

// run follows the job from where it stands. It is a supervise.Job's Run.
func (f *follower) run(ctx context.Context) error {
	job, err := f.cmd.job(f.console)
	if err != nil {
		return err
	}
	defer closeOutputs(job.Outputs)
	logster := f.cmd.logster()
	log, closeLog := f.console.logger(logster.Debug, logster.LogDir)
	defer closeLog()
	if job.Log = log; !f.alone {
		job.Log = log.With("job", f.name)
	}
	job.Notifier = notify.Files{}
	job.Status = new(extract.Status)
	f.status.Store(job.Status)
	first := f.starts == 0
	f.starts++
	if first && f.alone {
		err = job.Unreadable()
	}
	if err == nil {
		err = startOutputs(ctx, job.Outputs)
	}
	if err == nil {
		err = extract.Follow(ctx, job)
	}
	err = explain(err, &job)
	switch {
	case err == nil && ctx.Err() == nil:
		f.over(nil)
	case err != nil && first && f.alone && !job.Status.Snapshot().Ready:
		f.over(err)
		return nil // it is the program's error now
	}
	return err
}

// startOutputs has those outputs begin that wait to be asked for what they have.
func startOutputs(ctx context.Context, list []extract.Destination) error {
	for _, d := range list {
		if out, ok := outputs.As[outputs.Starter](d.Output); ok {
			if err := out.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// pinned are the files that a parser's options name, as they were when they
// were first read: what was checked is what is used, until the configuration
// is read again. It is safe for concurrent use.
type pinned struct {
	mu    sync.Mutex // protects the map
	files map[string][]byte
}

func newPinned() *pinned { return &pinned{files: make(map[string][]byte)} }

// read is os.ReadFile of the first time.
func (p *pinned) read(name string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if data, ok := p.files[name]; ok {
		return data, nil
	}
	data, err := os.ReadFile(name)
	if err == nil {
		p.files[name] = data
	}
	return data, err
}

// digests returns what stands for the files' content, by name.
func (p *pinned) digests() map[string]digest {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]digest)
	for name, data := range p.files {
		all[name] = sha256.Sum256(data)
	}
	return all
}
