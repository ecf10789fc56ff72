package outputs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A program of the user's, started for each batch: it reads the batch as JSON
// lines on its standard input, see jsonEncoder, and says by its exit status
// whether it took it.

// ExecOptions are those of the exec output alone.
type ExecOptions struct {
	// Command is the program and its arguments; no shell looks at them. The
	// program is an absolute path, or a name that is found in $PATH.
	Command []string
}

// execTimeout is Options.Timeout's default for programs, which may have to talk to somebody.
const execTimeout = 20 * time.Second

func newExec(opt Options) (Output, error) {
	e, err := newJSONEncoder(opt)
	if err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	if len(opt.Exec.Command) == 0 || opt.Exec.Command[0] == "" {
		return nil, errors.New("exec: the program is missing")
	}
	e.lines = true
	path, err := program(opt.Exec.Command[0])
	if err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	p := &execProgram{path: path, args: opt.Exec.Command[1:], timeout: opt.Timeout, batch: func() string { return string(e.id) }}
	if p.timeout <= 0 {
		p.timeout = execTimeout
	}
	return newOutput(opt, e, p, dryRun{to: Address{"exec", strings.Join(append([]string{path}, p.args...), " ")}, what: "lines"}), nil
}

// program returns the absolute path of a program. A path that hangs on where we
// were started would be another program under cron.
func program(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) && !filepath.IsAbs(name) {
		return "", fmt.Errorf("program %q: an absolute path, or a name without '/' is expected", name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find program: %w", err) // it names the program
	}
	return path, nil
}

// execProgram is a transport whose packets are the input of a process each.
type execProgram struct {
	path    string
	args    []string
	timeout time.Duration
	batch   func() string // the ID of the batch that is being sent
}

func (p *execProgram) open(context.Context) (link, error) { return p, nil }

// exitDataErr is sysexits.h's EX_DATAERR: the input was wrong, and would be
// wrong again.
const exitDataErr = 65

// afterKill is how long after its end a program's output is waited for: one of
// its children that left its process group may hold the pipe.
const afterKill = 500 * time.Millisecond

func (p *execProgram) send(ctx context.Context, packet []byte) error {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, p.path, p.args...)
	var said lastLine
	cmd.Stdin, cmd.Stderr = bytes.NewReader(packet), &said
	cmd.Env = append(os.Environ(), "LOGMETRICS_BATCH="+p.batch())
	cmd.WaitDelay = afterKill
	inOwnGroup(cmd)
	err := cmd.Run()
	switch exit := cmd.ProcessState; {
	case exit != nil && exit.Success(): // also when something it started goes on, or the time was just over
		return nil
	case exit != nil && exit.ExitCode() == exitDataErr:
		err = fmt.Errorf("%w: %w", ErrPermanent, err)
	case limited.Err() != nil:
		err = fmt.Errorf("killed: %w", limited.Err())
	}
	if line := said.text(); line != "" {
		err = fmt.Errorf("%w: %q", err, line)
	}
	return fmt.Errorf("run %s: %w", p.path, err)
}

func (p *execProgram) finish(context.Context) error { return nil }
func (p *execProgram) close()                       {}

// lastLine keeps the end of what is written to it, up to maxRefusal bytes.
type lastLine struct{ end []byte }

func (l *lastLine) Write(b []byte) (int, error) {
	l.end = append(l.end, b[max(0, len(b)-maxRefusal):]...)
	l.end = l.end[max(0, len(l.end)-maxRefusal):]
	return len(b), nil
}

// text returns the last line that is not empty.
func (l *lastLine) text() string {
	end := bytes.TrimSpace(l.end)
	return string(end[bytes.LastIndexByte(end, '\n')+1:])
}
