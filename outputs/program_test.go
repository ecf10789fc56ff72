//go:build unix

package outputs_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/outputs"
)

// shellScript writes an executable of the test.
func shellScript(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
	return path
}

func TestProgram(t *testing.T) {
	testutil.LeakCheck(t)
	got := filepath.Join(t.TempDir(), "got")
	path := shellScript(t, `printf '%s|' "$@" "$OWN" >"$GOT"; cat >>"$GOT"`)
	run := outputs.Program(path, "", time.Minute, []string{"OWN=environment", "GOT=" + got}, "fixed", "$(evil)")
	require.NoError(t, run(t.Context(), []byte("a\n`evil`\n"), "; evil", ""))
	text, err := os.ReadFile(got)
	require.NoError(t, err)
	assert.Equal(t, "fixed|$(evil)|; evil||environment|a\n`evil`\n", string(text))
}

// TestProgramFails: the status counts, not what was read, and the error
// quotes a bounded part of what was said.
func TestProgramFails(t *testing.T) {
	testutil.LeakCheck(t)
	for name, c := range map[string]struct{ text, want string }{
		"status":  {"echo 'no such\nhost' >&2; exit 3", `exit status 3: "host"`},
		"stdout":  {"echo refused; exit 2", `exit status 2: "refused"`},
		"silent":  {"exit 1", "program: exit status 1"},
		"signal":  {"kill -9 $$", "signal: killed"},
		"verbose": {"yes | head -c 1000000; exit 1", `exit status 1: "y"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := outputs.Program(shellScript(t, c.text), "", time.Minute, nil)(t.Context(), make([]byte, 1<<20))
			require.ErrorContains(t, err, c.want)
			assert.Less(t, len(err.Error()), 2000)
			assert.NotErrorIs(t, err, outputs.ErrPermanent)
		})
	}
}

// TestProgramNeedNotRead: one that ends well without reading took all.
func TestProgramNeedNotRead(t *testing.T) {
	assert.NoError(t, outputs.Program("true", "", time.Minute, nil)(t.Context(), make([]byte, 1<<20)))
}

func TestProgramNotInstalled(t *testing.T) {
	for _, path := range []string{"/nowhere/send_nsca", "no-such-program-anywhere"} {
		err := outputs.Program(path, "apt-get install nsca-client", time.Minute, nil)(t.Context(), nil)
		assert.EqualError(t, err, "run "+path+": it is not installed (apt-get install nsca-client)")
	}
}

// TestProgramIsKilledWithItsChildren ends a program that waits for its child.
func TestProgramIsKilledWithItsChildren(t *testing.T) {
	testutil.LeakCheck(t)
	for name, c := range map[string]struct {
		timeout time.Duration
		cancel  bool
		want    error
	}{
		"timeout": {3 * time.Second, false, context.DeadlineExceeded},
		"cancel":  {time.Minute, true, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "pids")
			run := outputs.Program(shellScript(t, `sleep 600 & echo $! $$ >"$LIST.new"; mv "$LIST.new" "$LIST"; wait`), "", c.timeout, []string{"LIST=" + list})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- run(ctx, nil) }()
			testutil.Eventually(t, startLimit, func() bool { _, err := os.Stat(list); return err == nil })
			if c.cancel {
				cancel()
			}
			require.ErrorIs(t, <-done, c.want)
			text, err := os.ReadFile(list)
			require.NoError(t, err)
			for _, field := range strings.Fields(string(text)) {
				pid, err := strconv.Atoi(field)
				require.NoError(t, err)
				testutil.Eventually(t, startLimit, func() bool { return hasEnded(pid) })
			}
		})
	}
}

// hasEnded reports whether a process is gone, or dead and not yet buried.
func hasEnded(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestProgramLeavesChildBehind does not wait for a child that holds the
// program's output open.
func TestProgramLeavesChildBehind(t *testing.T) {
	testutil.LeakCheck(t)
	list := filepath.Join(t.TempDir(), "pid")
	start := time.Now()
	require.NoError(t, outputs.Program(shellScript(t, `sleep 600 & echo $! >"$LIST"`), "", time.Minute, []string{"LIST=" + list})(t.Context(), nil))
	assert.Less(t, time.Since(start), 30*time.Second)
	text, err := os.ReadFile(list)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

// TestProgramsFail: no output through a program takes a failure for a delivery.
func TestProgramsFail(t *testing.T) {
	fails := shellScript(t, "echo 'no such luck'; exit 3")
	each(t, variant.program, func(t *testing.T, v variant) {
		v.opt.Timeout = 30 * time.Second
		with := func(program string) outputs.Output {
			v.opt.Ganglia.Program, v.opt.NSCA.Program = program, program
			return newVariant(t, v)
		}
		require.NoError(t, with("true").Write(t.Context(), sampleBatch()))
		err := with(fails).Write(t.Context(), sampleBatch())
		require.ErrorContains(t, err, `exit status 3: "no such luck"`)
		assert.NotErrorIs(t, err, outputs.ErrPermanent)
		err = with("/nowhere/program").Write(t.Context(), sampleBatch())
		require.ErrorContains(t, err, "run /nowhere/program: it is not installed (apt-get install ")
		assert.NotErrorIs(t, err, outputs.ErrPermanent)
		require.NoError(t, with("true").Write(t.Context(), sampleBatch()), "after an error")
	})
}

// TestProgramsAreCancelled within a second.
func TestProgramsAreCancelled(t *testing.T) {
	each(t, variant.program, func(t *testing.T, v variant) {
		started := filepath.Join(t.TempDir(), "started")
		program := shellScript(t, "echo >"+started+"; sleep 600")
		v.opt.Timeout, v.opt.Ganglia.Program, v.opt.NSCA.Program = time.Minute, program, program
		assertCancels(t, newVariant(t, v), sampleBatch(), func() {
			testutil.Eventually(t, startLimit, func() bool { _, err := os.Stat(started); return err == nil })
		})
	})
}
