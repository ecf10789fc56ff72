package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// rss returns the resident anonymous memory in bytes.
func rss(b *testing.B) float64 {
	b.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/status")
	require.NoError(b, err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			require.NoError(b, err)
			return kb * 1024
		}
	}
	b.Fatal("no RssAnon")
	return 0
}

// cpuTime returns what the process has used, on a machine that has other things to do.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoad puts a value each 10 s into many series, shuffled, as one
// connection does, with seals beside it, for so many rounds of 10 s.
func BenchmarkLoad(b *testing.B) {
	b.Run("100000", func(b *testing.B) { load(b, 100_000, 120) })
	b.Run("1000000", func(b *testing.B) { load(b, 1_000_000, 40) })
}

func load(b *testing.B, n, rounds int) {
	before := rss(b)
	dir := b.TempDir()
	c := &clock{epoch}
	open := func() *store.DB {
		db, err := store.Open(store.Options{Dir: dir, Now: c.now, SealEvery: -1, MaxNewSeries: 10 * n})
		require.NoError(b, err)
		return db
	}
	db := open()
	w := db.NewWriter()
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	values := make([]float64, n)
	name := make([]byte, 0, 64)
	var worst time.Duration
	sealed := make(chan error, 1)
	sealing := false
	var sealTook time.Duration
	b.ResetTimer()
	for range rounds {
		for i, k := range order {
			name = fmt.Appendf(name[:0], "servers.host%05d.cpu.core%02d.user", k/20, k%20)
			values[k] += float64(i%7-3) / 10
			if r := w.Put(name, 0, c.unix, values[k]); r != store.Taken {
				b.Fatal(r)
			}
			if i%1000 == 999 {
				at := time.Now()
				require.NoError(b, w.Flush())
				worst = max(worst, time.Since(at))
			}
		}
		require.NoError(b, w.Flush())
		if c.unix += 10; c.unix%600 == 0 || db.Stats().Closed > 192<<20 {
			if sealing {
				select {
				case err := <-sealed:
					require.NoError(b, err)
				default:
					continue // the one before is still at it
				}
			}
			sealing = true
			go func() {
				at := time.Now()
				err := db.Tend(b.Context())
				sealTook = time.Since(at)
				sealed <- err
			}()
		}
	}
	b.StopTimer()
	if sealing {
		require.NoError(b, <-sealed)
	}
	require.NoError(b, db.Sync())
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*rounds), "ns/sample")
	b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst-flush")
	b.ReportMetric(sealTook.Seconds(), "s-seal")
	b.ReportMetric((rss(b)-before)/float64(n), "B-RSS/series")
	s := db.Stats()
	b.ReportMetric(float64(s.FrameBytes)/float64(n*rounds), "B-frames/sample")
	require.NoError(b, db.Close())
	db, w = nil, nil
	at := time.Now()
	db = open()
	b.ReportMetric(time.Since(at).Seconds(), "s-restart")
	require.NoError(b, db.Close())
}
