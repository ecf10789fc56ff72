package journal_test

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/logmetrics/logmetrics/state"
)

func BenchmarkJournal(b *testing.B) {
	j := newJournal(b)
	const n = 100_000
	var export []byte
	for i := range n {
		export = j.entry(export, fmt.Sprintf("MESSAGE=4F0AC5E%06d: to=<ann@example.org>, relay=mx.example.org[192.0.2.7]:25, delay=0.35, delays=0.05/0.01/0.2/0.09, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7D3F1)", i),
			"_TRANSPORT=syslog", "_UID=105", "_GID=113", "_COMM=smtp", "_EXE=/usr/lib/postfix/sbin/smtp", "_CMDLINE=smtp -t unix -u -c",
			"_CAP_EFFECTIVE=0", "_SELINUX_CONTEXT=unconfined", "_SYSTEMD_CGROUP=/system.slice/system-postfix.slice/postfix@-.service",
			"_SYSTEMD_UNIT=postfix@-.service", "_SYSTEMD_SLICE=system-postfix.slice", "_SYSTEMD_INVOCATION_ID=0123456789abcdef0123456789abcdef",
			"_MACHINE_ID=0123456789abcdef0123456789abcdef", "SYSLOG_TIMESTAMP=Nov 21 08:00:00 ")
	}
	j.write("a.journal", export)
	measure := func(name string, read func(b *testing.B) (bytes int)) {
		b.Run(name, func(b *testing.B) {
			own, child := cpu(b, syscall.RUSAGE_SELF), cpu(b, syscall.RUSAGE_CHILDREN)
			for b.Loop() {
				b.SetBytes(int64(read(b)))
			}
			entries := float64(n * b.N)
			b.ReportMetric(entries/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(cpu(b, syscall.RUSAGE_SELF)-own)/entries, "own-cpu-ns/entry")
			b.ReportMetric(float64(cpu(b, syscall.RUSAGE_CHILDREN)-child)/entries, "child-cpu-ns/entry")
		})
	}
	measure("source", func(b *testing.B) int {
		return len(all(b, j.open("journal:", state.Position{}, journal.Options{})))
	})
	measure("journalctl", func(b *testing.B) int {
		out, err := exec.CommandContext(b.Context(), testutil.Peer(b, "journalctl"), "--directory="+j.dir, "--output=export").Output()
		require.NoError(b, err)
		return len(out)
	})
}

// cpu returns the processor time used up to now.
func cpu(t testing.TB, who int) time.Duration {
	t.Helper()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(who, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
