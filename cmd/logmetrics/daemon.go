package main

import (
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// daemonCmd follows the jobs of a configuration file, which it reads again
// when it is told to.
type daemonCmd struct {
	Config      string `group:"state" type:"path" required:"" placeholder:"FILE" help:"YAML file with flags of run by their names, and a list of jobs. SIGHUP has it read again."`
	WatchConfig bool   `group:"state" help:"Read --config again when it, or a file that it names for a parser, has changed."`
	CheckConfig bool   `group:"state" help:"Check --config, and end: with 0 when it is good, else 2."`
	Telemetry   string `group:"state" placeholder:"ADDR" help:"Serve /metrics, /healthz and /readyz at this PORT of 127.0.0.1, or HOST:PORT."`
}

// configError is an error in a configuration file, whatever it is about.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

// Run follows the jobs until ctx is done.
func (k *daemonCmd) Run(ctx context.Context, c *console) error {
	giveBack()
	w := &watch{seen: map[string]digest{k.Config: digestOf(k.Config)}}
	followers, err := k.load(c, w)
	if err != nil || k.CheckConfig {
		return err
	}
	first := followers[0].cmd
	if k.Telemetry == "" {
		k.Telemetry = first.Telemetry // from the top of the file
	}
	s := newService(c, first)
	s.reload = &telemetry.Reload{OK: true, At: time.Now()}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	return s.run(ctx, followers, k.Telemetry, func(ctx context.Context) { k.keepUp(ctx, s, w, hup) })
}

// load reads and checks the configuration completely. It opens nothing. Of the
// files that it read w knows the content.
func (k *daemonCmd) load(c *console, w *watch) ([]*follower, error) {
	w.seen = w.look()
	own := *c
	own.args = []string{"run"} // a job has no flags from the daemon's command line
	jobs, err := (&runCmd{Config: k.Config}).readJobs(&own)
	if err != nil {
		return nil, &configError{err}
	}
	followers, err := newFollowers(&own, jobs)
	if err != nil {
		return nil, &configError{err}
	}
	w.seen = map[string]digest{k.Config: w.seen[k.Config]}
	for _, f := range followers {
		maps.Copy(w.seen, f.files.digests())
	}
	return followers, nil
}

// lookEvery is how often --watch-config looks at the files.
const lookEvery = time.Second

// keepUp reads the configuration again, on SIGHUP and when it has changed.
func (k *daemonCmd) keepUp(ctx context.Context, s *service, w *watch, hup <-chan os.Signal) {
	var tick <-chan time.Time
	if k.WatchConfig {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-hup:
		case <-tick:
			if !w.changed() {
				continue
			}
		case <-ctx.Done():
			return
		}
		k.readAgain(ctx, s, w)
	}
}

// readAgain takes the configuration as it is now; when something is wrong with
// it all goes on as it was.
func (k *daemonCmd) readAgain(ctx context.Context, s *service, w *watch) {
	s.systemd.reloading()
	defer s.systemd.reloaded()
	followers, err := k.load(s.console, w)
	if err != nil {
		s.log.Error("the configuration is not taken: all goes on as it was")
		s.console.report(err)
		s.setReload(func(r *telemetry.Reload) { r.OK = false })
		return
	}
	changes := s.set(ctx, followers)
	s.setReload(func(r *telemetry.Reload) { r.OK, r.At = true, time.Now() })
	s.log.Info("the configuration is taken", "jobs", len(followers), "undisturbed", changes.Kept, "ended", changes.Ended, "started", changes.Started)
}

// setReload changes what is told of the configuration. Who has the old one may
// still read it.
func (s *service) setReload(change func(*telemetry.Reload)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := *s.reload
	change(&now)
	s.reload = &now
}

// digest stands for the content of a file.
type digest [sha256.Size]byte

// watch tells when files have changed.
type watch struct {
	seen   map[string]digest // as they were when they were read; by path
	before map[string]digest // as they were when they were looked at last
}

// look looks at the files again.
func (w *watch) look() map[string]digest {
	now := make(map[string]digest)
	for path := range w.seen {
		now[path] = digestOf(path)
	}
	return now
}

// changed reports whether the files are not as they were read, and are not
// being written either: they are as they were when it was called before.
func (w *watch) changed() bool {
	now := w.look()
	settled := maps.Equal(now, w.before)
	w.before = now
	return settled && !maps.Equal(now, w.seen)
}

// digestOf reads a file. One that is not there, which an editor may be about to
// replace, has a digest, too: that of nothing.
func digestOf(path string) (sum digest) {
	all := sha256.New()
	if f, err := os.Open(path); err == nil {
		_, _ = io.Copy(all, f) // who reads the configuration next meets the same error, and says it
		_ = f.Close()
	}
	return digest(all.Sum(nil))
}
