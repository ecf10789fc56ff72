package outputs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	path, err := findProgram(opt.Exec.Command[0])
	if err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	opt.Timeout = cmp.Or(opt.Timeout, execTimeout)
	p := newChild(opt, path, "it was there when the run began", opt.Exec.Command[1:]...)
	send := func(ctx context.Context, packet []byte) error {
		p.env = []string{"LOGMETRICS_BATCH=" + string(e.id)}
		return asPermanent(p.run(ctx, packet))
	}
	return newOutput(opt, e, perPacket(send), dryRun{to: Address{"exec", strings.Join(append([]string{path}, p.args...), " ")}, what: "lines"}), nil
}

// findProgram returns the absolute path of a program. A path that hangs on where we
// were started would be another program under cron.
func findProgram(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) && !filepath.IsAbs(name) {
		return "", fmt.Errorf("program %q: an absolute path, or a name without '/' is expected", name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find program: %w", err) // it names the program
	}
	return path, nil
}

// exitDataErr is sysexits.h's EX_DATAERR: the input was wrong, and would be
// wrong again.
const exitDataErr = 65

// asPermanent marks the error of a program that ended with exitDataErr.
func asPermanent(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitDataErr {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}
