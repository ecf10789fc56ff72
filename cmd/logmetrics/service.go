package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/supervise"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// service is the process while it follows jobs, and what it tells of them to
// systemd and over HTTP.
type service struct {
	console *console
	log     *slog.Logger
	began   time.Time
	group   *supervise.Group // its set is changed by one goroutine, that of run
	systemd *systemd

	mu        sync.Mutex // protects the fields below
	followers map[string]*follower
	reload    *telemetry.Reload // nil without a configuration that can be read again
}

// newService returns a service that says what the flags of r let it say.
func newService(c *console, r *runCmd) *service {
	log, _ := c.logger(r.logster().Debug, "") // on stderr, which stays open
	return &service{
		console: c, log: log, began: time.Now(), systemd: newSystemd(log),
		group: supervise.New(supervise.Options{Log: log}),
	}
}

// run follows the jobs until ctx is done and all have made their last batch.
// meanwhile runs beside them; nil: nothing does.
func (s *service) run(ctx context.Context, followers []*follower, address string, meanwhile func(context.Context)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var served sync.WaitGroup
	defer served.Wait()
	if address != "" {
		l, err := telemetry.Listen(ctx, address)
		if err != nil {
			return fmt.Errorf("--telemetry: %w", err)
		}
		served.Go(func() { s.serve(ctx, l) })
	}
	s.set(ctx, followers)
	served.Go(func() { s.systemd.run(ctx, func() condition { return conditionOf(s.report()) }) })
	if meanwhile != nil {
		meanwhile(ctx)
	}
	<-ctx.Done()
	s.systemd.stopping()
	s.group.Close()
	return nil
}

func (s *service) serve(ctx context.Context, l net.Listener) {
	if err := telemetry.Serve(ctx, l, telemetry.Options{Report: s.report, Version: version(), Began: s.began}); err != nil {
		s.log.Error("telemetry has ended; the jobs go on", "err", err)
	}
}

// set makes followers the jobs that run; those that are as they were go on.
func (s *service) set(ctx context.Context, followers []*follower) supervise.Changes {
	next := make(map[string]*follower)
	var jobs []supervise.Job
	for _, f := range followers {
		if old := s.followers[f.name]; old != nil && old.key == f.key {
			f = old
		}
		next[f.name] = f
		jobs = append(jobs, supervise.Job{Name: f.name, Key: f.key, Run: f.run})
	}
	changes := s.group.Set(ctx, jobs)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers = next
	return changes
}

// hangs is for how long a job may not go round before it is taken to hang. It
// goes round each second, but a disk may be slow.
const hangs = time.Minute

// report tells how all is now. It is safe for concurrent use.
func (s *service) report() telemetry.Report {
	states := s.group.States()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := telemetry.Report{Reload: s.reload}
	for _, st := range states {
		if f := s.followers[st.Name]; f != nil { // for a moment, while the set is exchanged, there is one that is not in it
			r.Jobs = append(r.Jobs, f.report(st))
		}
	}
	return r
}

// report tells how the job is.
func (f *follower) report(st supervise.State) telemetry.Job {
	var now extract.Snapshot
	if status := f.status.Load(); status != nil {
		now = status.Snapshot()
	}
	j := telemetry.Job{Name: f.name, Running: st.Running, Starts: st.Starts}
	beat := st.Since
	if now.Beat.After(beat) {
		beat = now.Beat
	}
	j.Hung = st.Running && time.Since(beat) > hangs
	j.Ready = st.Ended || st.Running && now.Ready && now.Trouble == nil
	j.Began = now.Ready || now.Trouble != nil || st.Starts > 1 || st.Starts == 1 && !st.Running
	j.Why = why(&j, st, now, beat)
	for _, figure := range now.Account {
		j.Figures = append(j.Figures, telemetry.Figure{Name: figure.Name, Value: figure.Value, Counter: figure.Counter})
	}
	for _, l := range now.Logs {
		j.Logs = append(j.Logs, telemetry.Log(l))
	}
	for _, name := range f.outputs {
		j.Outputs = append(j.Outputs, telemetry.Output{Name: name, Up: now.Failed[name] == nil})
	}
	return j
}

// why says why a job is not ready or hangs.
func why(j *telemetry.Job, st supervise.State, now extract.Snapshot, beat time.Time) string {
	switch {
	case j.Hung:
		return fmt.Sprintf("it has not gone round for %v", time.Since(beat).Round(time.Second))
	case j.Ready:
		return ""
	case !st.Running && st.Err != nil:
		return st.Err.Error()
	case !st.Running:
		return "it has not begun"
	case now.Trouble != nil:
		return now.Trouble.Error()
	}
	return "it reads what was there when it began"
}
