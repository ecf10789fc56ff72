//go:build unix

package outputs_test

import (
	"context"
	"encoding/json"
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

// execScript is an exec output that runs a shell script; $1 is a file.
func execScript(t *testing.T, timeout time.Duration, text string) (out outputs.Output, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "file")
	opt := outputs.Options{Timeout: timeout, Exec: outputs.ExecOptions{Command: []string{"sh", "-c", text, "script", file}}}
	return newVariant(t, variant{"exec", "", opt}), file
}

func TestExecReadsLines(t *testing.T) {
	testutil.LeakCheck(t)
	out, file := execScript(t, 0, `{ echo "$LOGMETRICS_BATCH"; cat; } >>"$1"; echo ignored`)
	require.NoError(t, out.Write(t.Context(), sampleBatch()))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	id, lines, ok := strings.Cut(string(text), "\n")
	require.True(t, ok)
	assert.Equal(t, "01000000000000000000000000000000-1", id)
	var want strings.Builder
	require.NoError(t, newVariant(t, variant{"exec", "", outputs.Options{DryRun: &want, Exec: outputs.ExecOptions{Command: []string{"sh"}}}}).Write(t.Context(), sampleBatch()))
	_, printed, _ := strings.Cut(want.String(), "\n")
	assert.Equal(t, printed, lines)
	var head jsonBatch
	require.NoError(t, json.Unmarshal([]byte(lines[:strings.IndexByte(lines, '\n')]), &head))
	assert.Equal(t, jsonBatch{Version: 1, ID: id, Start: 1759999990, End: 1760000000, Stamp: 1760000000}, head)
}

func TestExecExitStatus(t *testing.T) {
	testutil.LeakCheck(t)
	for text, c := range map[string]struct {
		want      string
		permanent bool
	}{
		"exit 0":                          {},
		"exec <&-; exit 0":                {}, // what it does not read it does not want
		"cat >/dev/null; exit 1":          {want: "run "},
		"exit 75":                         {want: "exit status 75"},
		"echo no >&2; exit 65":            {want: `exit status 65: "no"`, permanent: true},
		"kill -TERM $$":                   {want: "signal: terminated"},
		"no-such-program-of-anybody":      {want: "exit status 127"},
		`printf 'a\nlast\n\n' >&2; false`: {want: `exit status 1: "last"`},
		`printf 'a\nb\033[2J' >&2; false`: {want: `exit status 1: "b\x1b[2J"`},
		"head -c 3000000 /dev/zero | tr '\\0' x >&2; false": {want: "xxxx"},
	} {
		t.Run(text, func(t *testing.T) {
			out, _ := execScript(t, 0, text)
			err := out.Write(t.Context(), bigBatch())
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			assert.Less(t, len(err.Error()), 1000)
			if c.permanent {
				assert.ErrorIs(t, err, outputs.ErrPermanent)
			} else {
				assert.NotErrorIs(t, err, outputs.ErrPermanent)
			}
		})
	}
}

// started waits for the process IDs that a script wrote.
func started(t *testing.T, file string, n int) (ids []int) {
	t.Helper()
	testutil.Eventually(t, startLimit, func() bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Count(string(text), "\n") == n
	})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for field := range strings.FieldsSeq(string(text)) {
		id, err := strconv.Atoi(field)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

// allEnd waits until the processes are gone.
func allEnd(t *testing.T, ids []int) {
	t.Helper()
	for _, id := range ids {
		testutil.Eventually(t, startLimit, func() bool { return hasEnded(id) })
	}
}

// TestExecTimeoutKillsAll: the program and what it has started.
func TestExecTimeoutKillsAll(t *testing.T) {
	testutil.LeakCheck(t)
	out, file := execScript(t, 300*time.Millisecond, `sleep 1000 & echo $! >>"$1"; echo $$ >>"$1"; echo slow >&2; sleep 1000`)
	begin := time.Now()
	err := out.Write(t.Context(), sampleBatch())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, outputs.ErrPermanent)
	assert.ErrorContains(t, err, `context deadline exceeded: "slow"`)
	assert.Less(t, time.Since(begin), 5*time.Second)
	allEnd(t, started(t, file, 2))
}

// TestExecCancelled returns within the second that an output has, though a
// process that left the group holds its pipe.
func TestExecCancelled(t *testing.T) {
	testutil.LeakCheck(t)
	setsid := testutil.Peer(t, "setsid")
	out, file := execScript(t, time.Minute, setsid+` sh -c 'echo $$ >>"$1"; exec sleep 1000' x "$1" & sleep 1000`)
	assertCancels(t, out, sampleBatch(), func() {
		ids := started(t, file, 1)
		t.Cleanup(func() { _ = syscall.Kill(ids[0], syscall.SIGKILL) })
	})
}

func TestExecFindsThePath(t *testing.T) {
	f, ok := outputs.Find("exec")
	require.True(t, ok)
	for name, want := range map[string]string{
		"":                           "exec: the program is missing",
		"./script":                   `program "./script": an absolute path, or a name without '/' is expected`,
		"dir/script":                 "an absolute path",
		"no-such-program-of-anybody": "not found",
		"/nowhere/program":           "no such file",
		t.TempDir():                  "is a directory",
	} {
		_, err := f.New(outputs.Options{Exec: outputs.ExecOptions{Command: []string{name}}})
		assert.ErrorContains(t, err, want, name)
	}
	_, err := f.New(outputs.Options{})
	assert.ErrorContains(t, err, "the program is missing")
}
