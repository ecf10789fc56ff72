package outputs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"time"
)

// child is a program of this machine that is handed samples. It is started
// with a vector of arguments, never by a shell: no text of a log can become
// an argument, let alone a command.
type child struct {
	path    string   // without a '/' it is looked for in $PATH
	args    []string // the same for each run
	env     []string // besides our own environment: KEY=VALUE
	timeout time.Duration
	install string // what helps when the program is not there: "apt-get install nsca-client"
}

// newChild returns a program whose runs may take opt.Timeout.
func newChild(opt Options, path, install string, args ...string) child {
	p := child{path: path, args: args, timeout: opt.Timeout, install: install}
	if p.timeout <= 0 {
		p.timeout = defaultTimeout
	}
	return p
}

// graceAfterExit is how long a program's output is waited for when it ended
// but left children behind that hold it open.
const graceAfterExit = 100 * time.Millisecond

// run starts the program with more arguments, hands it input, which it need
// not read, and waits for its end: nil when its exit status is 0, else an error
// that wraps an *exec.ExitError when it ended by itself. When ctx is done, or the time is over, the program and its children are killed.
func (p child) run(ctx context.Context, input []byte, more ...string) error {
	limited, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, p.path, append(p.args[:len(p.args):len(p.args)], more...)...)
	cmd.Stdin = bytes.NewReader(input)
	var said lastLine
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(cmd.Environ(), p.env...)
	inOwnGroup(cmd)
	cmd.WaitDelay = graceAfterExit
	err := cmd.Run()
	switch {
	case cmd.ProcessState != nil && cmd.ProcessState.Success(): // also when what it left behind holds its output open
		return nil
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("it was killed after %v: %w", p.timeout, context.DeadlineExceeded)
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("run %s: it is not installed (%s)", p.path, p.install)
	}
	if line := said.text(); line != "" {
		return fmt.Errorf("run %s: %w: %q", p.path, err, line)
	}
	return fmt.Errorf("run %s: %w", p.path, err)
}

// lastLine keeps the end of what is written to it, up to maxRefusal bytes: the
// end is where programs say what went wrong.
type lastLine struct{ end []byte }

// Write implements io.Writer.
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

// perPacket is a transport that hands each packet to a function.
type perPacket func(ctx context.Context, packet []byte) error

func (f perPacket) open(context.Context) (link, error)            { return f, nil }
func (f perPacket) send(ctx context.Context, packet []byte) error { return f(ctx, packet) }
func (f perPacket) finish(context.Context) error                  { return nil }
func (f perPacket) close()                                        {}
