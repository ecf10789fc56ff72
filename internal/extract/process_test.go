package extract_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// process is the program while it goes on. What it writes goes into files, so
// that all is there after any kill.
type process struct {
	t              testing.TB
	cmd            *exec.Cmd
	stdout, stderr string // files
	address        string // of its telemetry, if follow started it
	ended          chan error
}

// launch starts the program; it is killed at the test's end.
func launch(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{t: t, cmd: cmd, stdout: filepath.Join(dir, "stdout"), stderr: filepath.Join(dir, "stderr"), ended: make(chan error, 1)}
	out, err := os.Create(p.stdout)
	require.NoError(t, err)
	defer out.Close()
	said, err := os.Create(p.stderr)
	require.NoError(t, err)
	defer said.Close()
	cmd.Stdout, cmd.Stderr = out, said
	require.NoError(t, cmd.Start())
	go func() { p.ended <- cmd.Wait() }() // kill and exits wait for it
	t.Cleanup(p.kill)
	return p
}

func (p *process) read(file string) string {
	p.t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(p.t, err)
	return string(text)
}

// said is what stderr has up to now, printed what stdout has.
func (p *process) said() string    { p.t.Helper(); return p.read(p.stderr) }
func (p *process) printed() string { p.t.Helper(); return p.read(p.stdout) }

// says waits until stderr has the text.
func (p *process) says(text string) {
	p.t.Helper()
	defer func() {
		if p.t.Failed() {
			p.t.Logf("stderr: %s", p.said())
		}
	}()
	testutil.Eventually(p.t, patience, func() bool { return strings.Contains(p.said(), text) })
}

// kill is kill -9; it does nothing to one that has ended.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		require.NoError(p.t, err)
	}
	p.ended <- <-p.ended
}

// exits waits for its end.
func (p *process) exits(code int) {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		require.Equal(p.t, code, p.cmd.ProcessState.ExitCode(), "%v: %s", err, p.said())
	case <-time.After(patience):
		require.FailNow(p.t, "it does not end", "%s", p.said())
	}
}

// end ends it as a service manager does.
func (p *process) end() {
	p.t.Helper()
	began := time.Now()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.exits(0)
	p.t.Logf("it ended within %v", time.Since(began).Round(time.Millisecond))
}
