// Package supervise keeps a set of jobs going: each in a goroutine of its own,
// started again after a growing pause when it fails, and the set exchanged
// while those that are in both go on.
//
// It promises that no job stops another: not by an error, a panic in its own
// goroutine, or by not coming to its end. It knows nothing of what jobs do.
// Start from [Group].
package supervise

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Job is something that is to go on until its context is done.
type Job struct {
	Name string // unique in its set; a job of the same name never runs twice at a time
	// Key stands for all that the job consists of: in a new set a job of the
	// same name and key goes on undisturbed, one of another key is ended and
	// started anew.
	Key string
	// Run does the job until ctx is done, or nothing is left to do, and then
	// returns nil. After an error it is called again, after a pause.
	Run func(ctx context.Context) error
}

// Options configure a Group. The zero value is ready.
type Options struct {
	Log          *slog.Logger  // nil: nothing is said
	FirstPause   time.Duration // before a job that failed is started again; 1 s
	LongestPause time.Duration // up to which pauses double; 30 s. A job that ran for longer begins with the first pause again
	EndTime      time.Duration // how long Set waits for jobs that are to end; 10 s
}

// Group is a set of jobs that run. It is used by one goroutine, but for
// States, which may be called by any.
type Group struct {
	opt Options
	wg  sync.WaitGroup // of all tasks, those that were told to end too

	ending map[string]*task // were told to end, and may not have

	mu    sync.Mutex // protects the map; tasks have locks of their own
	tasks map[string]*task
}

// New returns a group without jobs.
func New(opt Options) *Group {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.FirstPause = cmp.Or(opt.FirstPause, time.Second)
	opt.LongestPause = cmp.Or(opt.LongestPause, 30*time.Second)
	opt.EndTime = cmp.Or(opt.EndTime, 10*time.Second)
	return &Group{opt: opt, tasks: make(map[string]*task), ending: make(map[string]*task)}
}

// Changes says what a Set did.
type Changes struct{ Kept, Ended, Started int }

// Set makes jobs the ones that run. Those of another key, or not in jobs, are
// ended first, for what they hold may be what the new ones need; one that does
// not come to its end in time is said, and no longer waited for: its like is
// started when it has. All end when ctx is done.
func (g *Group) Set(ctx context.Context, jobs []Job) (c Changes) {
	ended, kept := g.divide(jobs)
	for _, t := range ended {
		t.cancel()
	}
	g.await(ctx, ended)
	maps.DeleteFunc(g.ending, func(_ string, t *task) bool { return t.hasEnded() })
	maps.Copy(g.ending, ended)
	tasks := maps.Clone(kept)
	for _, job := range jobs {
		if kept[job.Name] == nil {
			tasks[job.Name] = g.start(ctx, job, g.ending[job.Name])
		}
	}
	g.mu.Lock()
	g.tasks = tasks
	g.mu.Unlock()
	return Changes{Kept: len(kept), Ended: len(ended), Started: len(jobs) - len(kept)}
}

// divide parts the tasks into those that end and those that go on.
func (g *Group) divide(jobs []Job) (ended, kept map[string]*task) {
	ended, kept = maps.Clone(g.tasks), make(map[string]*task)
	for _, job := range jobs {
		if t := ended[job.Name]; t != nil && t.job.Key == job.Key {
			kept[job.Name] = t
			delete(ended, job.Name)
		}
	}
	return ended, kept
}

// await waits for the ends of tasks, for no longer than EndTime.
func (g *Group) await(ctx context.Context, tasks map[string]*task) {
	limit := time.NewTimer(g.opt.EndTime)
	defer limit.Stop()
	for _, name := range slices.Sorted(maps.Keys(tasks)) {
		select {
		case <-tasks[name].done:
			continue
		case <-ctx.Done():
		case <-limit.C:
			g.opt.Log.Error("a job that was removed or changed does not come to its end; the others go on", "job", name)
		}
		return
	}
}

// start starts a job, once the task before, if there was one, has ended.
func (g *Group) start(ctx context.Context, job Job, before *task) *task {
	ctx, cancel := context.WithCancel(ctx)
	t := &task{job: job, cancel: cancel, done: make(chan struct{}), opt: &g.opt}
	t.state = State{Name: job.Name, Since: time.Now()}
	g.wg.Go(func() {
		defer close(t.done)
		defer cancel()
		if before != nil {
			<-before.done
		}
		t.keepGoing(ctx)
	})
	return t
}

// States returns how the jobs of the set are, sorted by name.
func (g *Group) States() []State {
	g.mu.Lock()
	tasks := g.tasks
	g.mu.Unlock()
	list := make([]State, 0, len(tasks))
	for _, name := range slices.Sorted(maps.Keys(tasks)) {
		list = append(list, tasks[name].snapshot())
	}
	return list
}

// Close ends all jobs and waits until they have ended.
func (g *Group) Close() {
	for _, t := range g.tasks {
		t.cancel()
	}
	g.wg.Wait()
}
