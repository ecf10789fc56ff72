package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/source"
)

// runCmd extracts once from where the last run stopped: the default command.
type runCmd struct {
	Parser string   `arg:"" optional:"" help:"What reads the lines; see: logmetrics parsers."`
	Logs   []string `arg:"" optional:"" name:"log" help:"The logs; a quoted glob takes files that appear later, too."`

	parserFlags
	From       string `group:"input" enum:"end,begin" default:"end" help:"Where a job's first run starts in the logs that are there: ${enum}."`
	Workers    int    `group:"input" placeholder:"N" help:"Goroutines that parse; 0: one for each CPU."`
	ParserHelp bool   `group:"input" help:"Describe the parser and its options, and end."`

	followFlags
	nameFlags
	SelfMetrics *bool `group:"names" negatable:"" help:"Send the job's own account, too, under PREFIX.logmetrics. Without the flag: with --follow alone."`

	Output   []string      `group:"outputs" short:"o" placeholder:"NAME" help:"Where to send: ${outputs}; may be repeated. Required."`
	Patience time.Duration `group:"outputs" name:"delivery-timeout" default:"20s" help:"How long one run tries to deliver what is queued for an output; with --follow: each batch."`
	DryRun   bool          `group:"outputs" short:"d" help:"Print what would be sent, byte for byte; touch no state. Without state, read the last 1 MiB."`

	stateFlags
	Job       string `group:"state" placeholder:"NAME" help:"Name under which the state is kept, instead of what the job consists of; with jobs in --config: the one to run."`
	SpoolSize size   `group:"state" default:"64MiB" help:"Bytes of undelivered batches kept for each job; beyond it the oldest go, and it is said."`
	Config    string `group:"state" type:"path" placeholder:"FILE" help:"YAML file with flags by their names, and a list of jobs."`

	Logster any `embed:""` // nil or *logsterFlags, as outputFlags has them
	outputFlags

	beside []string // names of the states of all jobs in Config
}

// describe makes those flags be there that the command line may ask for.
func (r *runCmd) describe(asks func(markers ...string) bool) {
	if asks("-d", "-l", "-t") { // and what begins so
		r.Logster = new(logsterFlags)
	}
	r.outputFlags.describe(asks)
}

// logster returns its flags, which may not have been described.
func (r *runCmd) logster() logsterFlags {
	if f, ok := r.Logster.(*logsterFlags); ok {
		return *f
	}
	return logsterFlags{}
}

// parserFlags shape what is extracted; check has them, too.
type parserFlags struct {
	ParserOptions string `group:"input" placeholder:"OPTIONS" help:"The parser's own options in one argument, quoted as in a shell."`
	Unwrap        string `group:"input" placeholder:"KIND" help:"Take off what is around each line: cri or docker (of containers), or syslog."`
	Timezone      string `group:"input" default:"Local" help:"Zone of stamps that name none, such as Europe/Berlin."`
	JournalDir    string `group:"input" type:"path" placeholder:"DIR" help:"Holds the journal's files, for logs named journal:..., instead of this machine's."`
	MaxSeries     int    `group:"input" default:"10000" help:"Series whose names come from the log; what exceeds them is gathered in 'overflow'."`
	MaxLine       size   `group:"input" default:"1MiB" help:"Longest line; a longer one is skipped and counted."`

	readFile func(name string) ([]byte, error) // of files that parsers' options name; nil: os.ReadFile
}

// nameFlags are what surrounds each name.
type nameFlags struct {
	MetricPrefix string `group:"names" short:"p" placeholder:"NAME" help:"Put before each name."`
	MetricSuffix string `group:"names" short:"x" placeholder:"NAME" help:"Put after each name."`
}

// stateFlags say where jobs are remembered; the state command has them, too.
type stateFlags struct {
	StateDir string `group:"state" short:"s" type:"path" placeholder:"DIR" help:"Where positions and undelivered batches are kept. Default /var/lib/logmetrics as root, else $$XDG_STATE_HOME/logmetrics."`
}

// logsterFlags are accepted so that Logster's crontab lines work unchanged.
type logsterFlags struct {
	Debug   bool   `group:"logster" short:"D" help:"Say on stderr what is done."`
	LogDir  string `group:"logster" short:"l" type:"path" placeholder:"DIR" help:"Append messages to DIR/logmetrics.log, too; at 10 MiB it becomes logmetrics.log.1."`
	Tailer  string `group:"logster" short:"t" placeholder:"NAME" help:"Without meaning here: logs are read by logmetrics itself."`
	Locker  string `group:"logster" placeholder:"NAME" help:"Without meaning here: the lock is flock."`
	Logtail string `group:"logster" placeholder:"PATH" help:"Without meaning here."`
	LogConf string `group:"logster" placeholder:"FILE" help:"Without meaning here; see --log-dir."`
}

// ignored returns the flags that were given and have no meaning.
func (f logsterFlags) ignored() (names []string) {
	for _, flag := range []struct{ name, value string }{
		{"--tailer", f.Tailer}, {"--locker", f.Locker}, {"--logtail", f.Logtail}, {"--log-conf", f.LogConf},
	} {
		if flag.value != "" {
			names = append(names, flag.name)
		}
	}
	return names
}

// errUndelivered is wrapped when an output did not take all that is queued for it.
var errUndelivered = errors.New("not everything was delivered; it is kept, and sent by the next run")

// Run runs the job of the command line, or the jobs of --config.
func (r *runCmd) Run(ctx context.Context, c *console) error {
	if r.ParserHelp {
		return r.describeParser(c)
	}
	if r.Follow || anyLong(r.Logs) {
		giveBack()
	}
	jobs := []*runCmd{r}
	if r.Config != "" {
		var err error
		if jobs, err = r.readJobs(c); err != nil {
			return err
		}
	}
	if jobs[0].Follow {
		return followJobs(ctx, c, jobs)
	}
	if len(jobs) == 1 {
		return jobs[0].runJob(ctx, c)
	}
	introduce(c, jobs)
	var failed jobsError
	for _, job := range jobs {
		if err := job.runJob(ctx, c); err != nil {
			failed = append(failed, fmt.Errorf("job %s: %w", job.title(), err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}

// introduce tells each of the jobs the names of all their states.
func introduce(c *console, jobs []*runCmd) {
	var names []string
	for _, r := range jobs {
		if job, err := r.job(c); err == nil { // else it is said when the job runs
			closeOutputs(job.Outputs)
			names = append(names, job.StateName())
		}
	}
	for _, r := range jobs {
		r.beside = names
	}
}

// longLog is how many bytes take so long to read that it does not matter what
// giveBack takes.
const longLog = 64 << 20

// anyLong reports whether a log that is named without a pattern is long.
func anyLong(logs []string) bool {
	return slices.ContainsFunc(logs, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.Size() >= longLog
	})
}

// title names the job in messages.
func (r *runCmd) title() string {
	if r.Job != "" {
		return r.Job
	}
	return r.Parser + " " + strings.Join(r.Logs, " ")
}

func (r *runCmd) runJob(ctx context.Context, c *console) error {
	job, err := r.job(c)
	if err != nil {
		return err
	}
	logster := r.logster()
	log, closeLog := c.logger(logster.Debug, logster.LogDir)
	defer closeLog()
	job.Log = log
	if names := logster.ignored(); len(names) > 0 && (c.terminal || logster.Debug) {
		log.Info(strings.Join(names, ", ") + ": accepted for Logster's sake, without a meaning here")
	}
	defer closeOutputs(job.Outputs)
	if c.terminal && !r.DryRun {
		bar := newProgress(c.stderr)
		defer bar.end()
		job.Progress = bar.show
	}
	return r.extract(ctx, job)
}

func (r *runCmd) extract(ctx context.Context, job extract.Job) error {
	run := extract.Run
	if r.DryRun {
		run = extract.Preview
	}
	res, err := run(ctx, job)
	job.Log.Debug("ran", "lines", res.Lines, "skipped", res.Skipped, "rejected", res.Rejected, "bytes", res.Read.Bytes,
		"rotations", res.Read.Rotations, "bytesLost", res.Read.Lost, "undelivered", res.Undelivered)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: what is not delivered is read or sent by the next run: %w", ctx.Err())
	case err != nil:
		return explain(err, &job)
	case res.First && noneMatches(job.Logs):
		return fmt.Errorf("there is no log %s", strings.Join(job.Logs, " "))
	case res.Undelivered > 0:
		return undelivered(res)
	}
	return nil
}

// noneMatches reports whether there is no file for any of the patterns. A name
// without a pattern that is missing is an error of its own, and what is no file
// has no pattern.
func noneMatches(patterns []string) bool {
	for _, pattern := range patterns {
		if !source.IsFile(pattern) {
			return false
		}
		if names, err := filepath.Glob(pattern); err != nil || len(names) > 0 {
			return false
		}
	}
	return true
}

func (r *runCmd) describeParser(c *console) error {
	if r.Parser == "" {
		return &usageError{"--parser-help needs a parser; see: logmetrics parsers"}
	}
	return (&parsersCmd{Name: r.Parser}).Run(c)
}

// jobsError holds what became of the jobs that failed.
type jobsError []error

func (e jobsError) Error() string { return errors.Join(e...).Error() }

// exitCode is the highest of the jobs'.
func (e jobsError) exitCode() int {
	code := exitOK
	for _, err := range e {
		code = max(code, exitCode(err))
	}
	return code
}
