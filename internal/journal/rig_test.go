package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/state"
)

// limit is for what happens in milliseconds, or after a pause.
const limit = 30 * time.Second

func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// journald is a directory with real journal files.
type journald struct {
	t      testing.TB
	dir    string
	remote string
	at     int64 // µs of the entry written next
}

func newJournal(t testing.TB) *journald {
	t.Helper()
	testutil.Peer(t, "journalctl")
	j := &journald{t: t, dir: t.TempDir(), remote: testutil.Peer(t, "systemd-journal-remote")}
	j.at = time.Date(2026, 11, 21, 8, 0, 0, 123456000, time.UTC).UnixMicro()
	return j
}

// entry appends an entry in the export format: what fields say, "NAME=VALUE",
// and what else an entry has.
func (j *journald) entry(dst []byte, fields ...string) []byte {
	dst = fmt.Appendf(dst, "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%032d\n", j.at, j.at, 1)
	j.at++
	has := map[string]bool{}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		has[name] = true
		dst = appendField(dst, name, value)
	}
	for _, field := range []string{"_HOSTNAME=mx", "SYSLOG_FACILITY=2", "PRIORITY=6", "SYSLOG_IDENTIFIER=postfix/smtp", "_PID=601"} {
		if name, value, _ := strings.Cut(field, "="); !has[name] {
			dst = appendField(dst, name, value)
		}
	}
	return append(dst, '\n')
}

func appendField(dst []byte, name, value string) []byte {
	if !strings.Contains(value, "\n") {
		return append(dst, name+"="+value+"\n"...)
	}
	dst = append(dst, name+"\n"...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(value)))
	return append(dst, value+"\n"...)
}

// write appends entries to the file with the given name.
func (j *journald) write(file string, export []byte) {
	j.t.Helper()
	cmd := exec.CommandContext(j.t.Context(), j.remote, "--output="+filepath.Join(j.dir, file), "-")
	cmd.Stdin = bytes.NewReader(export)
	out, err := cmd.CombinedOutput()
	require.NoError(j.t, err, string(out))
}

// messages writes entries with messages "N" for from <= N < to.
func (j *journald) messages(file string, from, to int, fields ...string) {
	j.t.Helper()
	var export []byte
	for i := from; i < to; i++ {
		export = j.entry(export, append([]string{fmt.Sprintf("MESSAGE=%d", i)}, fields...)...)
	}
	j.write(file, export)
}

// open opens the journal, which is closed at the test's end.
func (j *journald) open(spec string, pos state.Position, opt journal.Options) *journal.Source {
	j.t.Helper()
	opt.Directory = j.dir
	src, err := journal.Open(spec, pos, opt)
	require.NoError(j.t, err)
	j.t.Cleanup(func() { require.NoError(j.t, src.Close()) })
	return src
}

// all reads src, which does not follow, to its end.
func all(t testing.TB, src *journal.Source) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 2*tail.BlockSize)
	for {
		b, err := src.Next(t.Context(), buf)
		if errors.Is(err, tail.ErrEnded) {
			return got.String()
		}
		require.NoError(t, err)
		got.Write(b.Bytes)
	}
}

// texts returns the messages of lines of postfix/smtp.
func texts(t testing.TB, lines string) (texts []string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		_, text, ok := strings.Cut(line, " mx postfix/smtp[601]: ")
		require.True(t, ok, line)
		texts = append(texts, strings.TrimSuffix(text, "\n"))
	}
	return texts
}

func numbers(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprint(i))
	}
	return list
}
