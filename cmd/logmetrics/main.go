// Command logmetrics turns logs into metrics and sends them to where metrics
// are kept.
//
// This package is the command line: flags, environment and configuration file
// become one checked configuration before anything is opened, then the other
// packages are wired together, and what comes of it becomes an exit code and
// at most a few lines on stderr. A good run prints nothing. It parses no logs,
// keeps no state and sends nothing itself. Start from [cli] and [runCmd].
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/state"
)

func main() {
	growStack()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	c := &console{stdout: os.Stdout, stderr: os.Stderr, terminal: isTerminal(os.Stderr), now: time.Now, scrapes: new(outputs.PrometheusServer)}
	code := c.main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// console is the place that the program is run from.
type console struct {
	stdout, stderr io.Writer
	terminal       bool // someone reads stderr as it is written
	now            func() time.Time
	args           []string                  // the command line, without the program
	scrapes        *outputs.PrometheusServer // of all jobs; nil: each has its own
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// main runs the command line and returns the exit code.
func (c *console) main(ctx context.Context, args []string) int {
	c.args = args
	if len(args) == 0 && os.Getenv("LOGMETRICS_CONFIG") == "" {
		io.WriteString(c.stderr, shortUsage)
		return exitUsage
	}
	err := c.dispatch(ctx, args)
	c.report(err)
	return exitCode(err)
}

// The exit codes, as exitTable describes them to the user.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitUndelivered = 3
	exitLocked      = 4
	exitInterrupted = 130
)

const exitTable = `Exit codes:
  0    good
  1    failure; nothing was lost, the next run reads the same lines
  2    wrong usage
  3    not everything was delivered; it is kept, and sent by the next run
  4    another run holds the job's lock, or another server the store
  130  interrupted
`

// exitCode is the one place that turns an outcome into an exit code.
func exitCode(err error) int {
	var all jobsError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &all):
		return all.exitCode()
	case isUsage(err):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, state.ErrLocked), errors.Is(err, store.ErrLocked):
		return exitLocked
	case errors.Is(err, errUndelivered):
		return exitUndelivered
	}
	return exitFailure
}
