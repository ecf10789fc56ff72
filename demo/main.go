// Command demo shows the server on logs of testdata: it starts logmetrics serve in
// a directory of its own, has a mail server's and a web server's log of a
// fortnight read into it in the time of their lines, keeps a dashboard, and prints
// its address.
//
// At a terminal it serves until it is interrupted; elsewhere it ends at once. In
// both cases it first asks for all that the dashboard shows: a graph without data
// is an error. The server and what it kept go with it, however it ends. Each step
// is printed as the command that does it. Start from run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// options say what is shown.
type options struct {
	program   string // logmetrics
	dashboard string // file of the dashboard, as the page exports it
	serve     bool   // serve until interrupted
	out       io.Writer
}

// source is a log that is read.
type source struct{ prefix, parser, log string }

// sources are what the dashboard shows.
var sources = []source{
	{"servers.mx.postfix", "PostfixParser", "testdata/demo/mail.log.gz"},
	{"servers.www.access", "AccessParser", "testdata/demo/access.log.gz"},
}

// patience is how long each command, and each request, may take.
const patience = time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o := options{out: os.Stdout}
	flag.StringVar(&o.dashboard, "dashboard", "demo/dashboard.json", "`FILE` of the dashboard")
	flag.BoolVar(&o.serve, "serve", isTerminal(os.Stdout), "serve until interrupted")
	flag.Parse()
	if o.program = flag.Arg(0); o.program == "" {
		o.program = "build/logmetrics"
	}
	if err := run(ctx, o); err != nil {
		if ctx.Err() == nil { // else whoever interrupted it knows
			fmt.Fprintln(os.Stderr, "demo:", err)
		}
		stop()
		os.Exit(1)
	}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// run shows it all. It returns nil when it was interrupted while it served.
func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "logmetrics-demo-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprint(o.out, "\nAnd as graphs: two weeks of a mail server and of a web server, at the times of their lines.\n\n")
	s, err := start(ctx, o, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	var shown span
	for _, src := range sources {
		t, err := feed(ctx, o, dir, s.url, src)
		if err != nil {
			return err
		}
		shown = shown.with(t)
	}
	n, err := s.keep(ctx, o.dashboard, shown)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "\nA dashboard of %d graphs, each of which has data:\n\n  %s\n", n, s.address(shown))
	if !o.serve {
		return nil
	}
	fmt.Fprint(o.out, "\n^C ends the server, and removes what it keeps.\n")
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.ended:
		return errors.Join(errors.New("the server ended"), err)
	}
}

// feed has a log read into the server at url, and returns of which time it is.
func feed(ctx context.Context, o options, dir, url string, src source) (span, error) {
	said, err := command(ctx, o, "check", src.parser, src.log)
	if err != nil {
		return span{}, err
	}
	t, err := spanOf(said)
	if err != nil {
		return span{}, fmt.Errorf("check %s: %w", src.log, err)
	}
	args := []string{"--time=log", "--interval=10m", "--from=begin", "-o", "gatherer", "--gatherer-host=" + url, "-p", src.prefix, src.parser, src.log}
	o.print(args)
	_, err = command(ctx, o, append([]string{"--state-dir=" + filepath.Join(dir, "state")}, args...)...)
	return t, err
}

// print prints a command that can be run by hand.
func (o options) print(args []string) {
	fmt.Fprintf(o.out, "$ %s %s\n", o.program, strings.Join(args, " "))
}

// command runs logmetrics, and returns what it prints.
func command(ctx context.Context, o options, args ...string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, o.program, args...)
	cmd.SysProcAttr = apart()
	cmd.Stderr = &complaint
	said, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w: %s", strings.Join(cmd.Args, " "), err, complaint.String())
	}
	return string(said), nil
}
