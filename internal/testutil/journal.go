package testutil

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Journal is a directory with real journal files, which Debian's
// systemd-journal-remote writes.
type Journal struct {
	Dir    string
	remote string
	at     int64 // µs of the entry written next
}

// NewJournal returns a directory without files. journalctl is there, too.
func NewJournal(t testing.TB) *Journal {
	t.Helper()
	Peer(t, "journalctl")
	at := time.Date(2026, 11, 21, 8, 0, 0, 123456000, time.UTC)
	return &Journal{Dir: t.TempDir(), remote: Peer(t, "systemd-journal-remote"), at: at.UnixMicro()}
}

// AppendEntry appends an entry in the export format: what fields say,
// "NAME=VALUE", and what else an entry has, as one of postfix/smtp. Each entry
// is a microsecond after the one before.
func (j *Journal) AppendEntry(dst []byte, fields ...string) []byte {
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

// Write appends entries to the file with the given name.
func (j *Journal) Write(t testing.TB, file string, export []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), j.remote, "--output="+filepath.Join(j.Dir, file), "-")
	cmd.Stdin = bytes.NewReader(export)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}
