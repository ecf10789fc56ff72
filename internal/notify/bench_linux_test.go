package notify_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/notify"
)

// BenchmarkLatency is the time from write(2) to wake, a write after the other.
func BenchmarkLatency(b *testing.B) {
	path := filepath.Join(b.TempDir(), "mail.log")
	woken := make(chan time.Time, 1)
	require.NoError(b, notify.Files{}.Notify(b.Context(), path, func() {
		select {
		case woken <- time.Now():
		default:
		}
	}))
	put(b, path, "x")
	<-woken
	w, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(b, err)
	defer w.Close()
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		start := time.Now()
		if _, err := w.Write([]byte("line\n")); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-woken).Sub(start))
	}
	slices.Sort(took)
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	b.ReportMetric(us(took[len(took)/2]), "p50-µs")
	b.ReportMetric(us(took[len(took)*99/100]), "p99-µs")
}

// BenchmarkBusyDirectory is the processor time, of process and kernel, of a
// write to another file in a directory, with and without a log watched in it,
// and of one to the log itself.
func BenchmarkBusyDirectory(b *testing.B) {
	for _, bench := range []struct{ name, watched, written string }{
		{"nothing watched", "", "other.log"},
		{"another file", "mail.log", "other.log"},
		{"the log", "mail.log", "mail.log"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			dir := b.TempDir()
			w, err := os.Create(filepath.Join(dir, bench.written))
			require.NoError(b, err)
			defer w.Close()
			if bench.watched != "" {
				require.NoError(b, notify.Files{}.Notify(b.Context(), filepath.Join(dir, bench.watched), func() {}))
			}
			before := processor(b)
			for b.Loop() {
				if _, err := w.WriteAt([]byte("x"), 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processor is the processor time of the process up to now.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var use unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
