package journal_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/state"
)

// script makes a program that does what text says, as journalctl.
func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journalctl")
	require.NoError(t, os.WriteFile(path, []byte("#!"+testutil.Peer(t, "bash")+"\n"+text+"\n"), 0o700))
	return path
}

func TestWithoutJournalctl(t *testing.T) {
	_, err := journal.Open("journal:", state.Position{}, journal.Options{Program: "journalctl-of-nobody"})
	require.ErrorIs(t, err, exec.ErrNotFound)
	assert.ErrorContains(t, err, "journalctl-of-nobody, a program of systemd, is not installed")
}

// TestWhatJournalctlSays: a hint is passed on, and trouble is an error.
func TestWhatJournalctlSays(t *testing.T) {
	var said bytes.Buffer
	hint := script(t, `[[ "$*" == *--lines=0* ]] && echo "Hint: You are currently not seeing
      messages from the system." >&2; exit 0`)
	src, err := journal.Open("journal:", state.Position{}, journal.Options{Program: hint, Log: logger(&said)})
	require.NoError(t, err)
	assert.Empty(t, all(t, src))
	require.NoError(t, src.Close())
	assert.Contains(t, said.String(), "journalctl says: Hint: You are currently not seeing messages from the system.")

	refused := script(t, `echo "No journal files were opened due to insufficient permissions." >&2; exit 1`)
	_, err = journal.Open("journal:", state.Position{}, journal.Options{Program: refused})
	require.EqualError(t, err, "run "+refused+": exit status 1: No journal files were opened due to insufficient permissions.")
}

func TestCursorThatIsNone(t *testing.T) {
	j := newJournal(t)
	j.messages("a.journal", 0, 3)
	src := j.open("journal:", state.Position{Cursor: "--rubbish"}, journal.Options{})
	_, err := src.Next(t.Context(), nil)
	require.ErrorContains(t, err, "Failed to seek to cursor")
	assert.Empty(t, all(t, src))
	assert.Equal(t, "--rubbish", src.Position().Cursor)
}

// TestGarbage: what is not the export format, or ends within an entry, is an
// error, and all entries before it come.
func TestGarbage(t *testing.T) {
	for _, c := range [][2]string{
		{`printf '__CURSOR=a\nMESSAGE=1\n\n__CURSOR=b\nMESSAGE=2\n'; exit 3`, "exit status 3"},
		{`printf '__CURSOR=a\nMESSAGE=1\n\n__CURSOR=b\nMESSAGE=2\n'`, "unexpected EOF"},
		{`printf '__CURSOR=a\nMESSAGE=1\n\nMESSAGE=2\n\n'; sleep 1000`, "an entry without a cursor"},
		{`printf '__CURSOR=a\nMESSAGE=1\n\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff'; sleep 1000`, "a field of 18446744073709551615 bytes"},
		{`printf '__CURSOR=a\nMESSAGE=1\n\nMESSAGE\n\x01\0\0\0\0\0\0\0xx'; sleep 1000`, "no line end behind a field"},
	} {
		program := script(t, `[[ "$*" == *--lines=0* ]] && exit 0`+"\n"+c[0])
		src, err := journal.Open("journal:", state.Position{}, journal.Options{Program: program})
		require.NoError(t, err)
		b, err := src.Next(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, "<14>1970-01-01T00:00:00.000000+00:00 - unknown: 1\n", string(b.Bytes))
		_, err = src.Next(t.Context(), nil)
		require.ErrorContains(t, err, c[1])
		assert.Empty(t, all(t, src))
		assert.Equal(t, "a", src.Position().Cursor)
		require.NoError(t, src.Close())
	}
}

// TestArguments: each is one argument, as it is.
func TestArguments(t *testing.T) {
	list := filepath.Join(t.TempDir(), "args")
	program := script(t, `printf '%s\n' "$@" > `+list)
	src, err := journal.Open("journal:facility=mail _COMM=$(id);'x postfix@-.service", state.Position{Cursor: "s=1;i=2 x"},
		journal.Options{Program: program, Directory: "/a b"})
	require.NoError(t, err)
	assert.Empty(t, all(t, src))
	require.NoError(t, src.Close())
	args, err := os.ReadFile(list)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"--no-pager", "--output=export",
		"--output-fields=MESSAGE,PRIORITY,SYSLOG_FACILITY,SYSLOG_IDENTIFIER,SYSLOG_PID,_COMM,_PID,_HOSTNAME,_SOURCE_REALTIME_TIMESTAMP",
		"--boot=all", "--no-tail", "--cursor=s=1;i=2 x", "--directory=/a b",
		"--unit=postfix@-.service", "SYSLOG_FACILITY=2", "_COMM=$(id);'x", "",
	}, strings.Split(string(args), "\n"))
}

func TestNamesThatAreRefused(t *testing.T) {
	for spec, text := range map[string]string{
		"journal:-f":               "looks like an option",
		"journal:a.service --file": "looks like an option",
		"journal:a\nb":             "control characters",
		"journal:a\x7f":            "control characters",
		"journal:facility=post":    `"post" is no facility of syslog: kern user mail`,
		"journal:facility=24":      "no facility",
		"journal:facility=mail,":   "no facility",
		"journal:message=x":        "no name of a field",
		"journal:=x":               "no name of a field",
		"journald:":                "begins with",
	} {
		_, err := journal.Args(spec)
		require.ErrorContains(t, err, text, spec)
		_, err = journal.Open(spec, state.Position{}, journal.Options{})
		require.ErrorContains(t, err, text, spec)
	}
}

// TestChildIsKilled: journalctl is started again where it was, and all entries
// come once; a Close ends it.
func TestChildIsKilled(t *testing.T) {
	testutil.LeakCheck(t)
	j := newJournal(t)
	j.messages("a.journal", 0, 3)
	pids := filepath.Join(t.TempDir(), "pids")
	woken := make(chan struct{}, 1)
	src, err := journal.Open("journal:", state.Position{}, journal.Options{
		Directory: j.dir, Follow: true,
		Program: script(t, "echo $$ > "+pids+"; exec "+testutil.Peer(t, "journalctl")+` "$@"`),
		Wake: func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var got strings.Builder
	var errs []error
	until := func(n int) {
		t.Helper()
		for strings.Count(got.String(), "\n") < n {
			b, err := src.Next(ctx, nil)
			switch {
			case err == io.EOF:
				select {
				case <-woken:
				case <-ctx.Done():
				}
			case err != nil:
				require.NoError(t, ctx.Err())
				errs = append(errs, err)
			default:
				got.Write(b.Bytes)
			}
		}
	}
	pid := func() int {
		text, err := os.ReadFile(pids)
		require.NoError(t, err)
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		require.NoError(t, err)
		return pid
	}
	until(3)
	killed := pid()
	require.NoError(t, syscall.Kill(killed, syscall.SIGKILL))
	j.messages("b.journal", 3, 6)
	until(6)
	require.Len(t, errs, 1)
	require.ErrorContains(t, errs[0], "signal: killed")
	assert.Equal(t, numbers(0, 6), texts(t, got.String()))
	assert.Zero(t, src.Stats().Gaps)
	again := pid()
	assert.NotEqual(t, killed, again)
	require.NoError(t, src.Close())
	assert.ErrorIs(t, syscall.Kill(again, 0), syscall.ESRCH)
}
