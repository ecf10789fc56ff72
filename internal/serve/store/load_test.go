package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// rss returns the resident anonymous memory in bytes, without garbage.
func rss(b *testing.B) float64 {
	b.Helper()
	debug.FreeOSMemory()
	return residentBytes(b)
}

func residentBytes(b *testing.B) float64 {
	b.Helper()
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

// pauses is a histogram of how long a writer took for a thousand samples.
type pauses struct {
	n     [len(pauseBounds) + 1]int
	worst time.Duration
}

var pauseBounds = [...]time.Duration{
	500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
}

func (p *pauses) add(d time.Duration) {
	i := 0
	for i < len(pauseBounds) && d > pauseBounds[i] {
		i++
	}
	p.n[i]++
	p.worst = max(p.worst, d)
}

func (p *pauses) String() string {
	var b strings.Builder
	for i, bound := range pauseBounds {
		fmt.Fprintf(&b, "to %s: %d, ", bound, p.n[i])
	}
	fmt.Fprintf(&b, "above: %d, longest %s", p.n[len(pauseBounds)], p.worst)
	return b.String()
}

// own tells a thread's time: what it ran, and what it would have run had there been
// a CPU. What is left of the clock's time it waited of itself: for a lock of the
// store's, or for the garbage collector.
type own struct {
	file *os.File
	at   time.Time
	had  time.Duration // ran, and waited for a CPU
}

// newOwn is for the calling thread.
func newOwn(b *testing.B) *own {
	b.Helper()
	file, err := os.Open("/proc/thread-self/schedstat")
	require.NoError(b, err)
	b.Cleanup(func() { _ = file.Close() })
	o := &own{file: file, at: time.Now()}
	_, _ = o.lap(b)
	return o
}

// lap returns the time since the last lap, by the clock and of itself.
func (o *own) lap(b *testing.B) (clock, waited time.Duration) {
	var buf [64]byte
	n, err := o.file.ReadAt(buf[:], 0)
	if n == 0 {
		b.Fatal(err)
	}
	var ran, delayed time.Duration
	if _, err := fmt.Sscan(string(buf[:n]), &ran, &delayed); err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	clock, waited = now.Sub(o.at), now.Sub(o.at)-(ran+delayed-o.had)
	o.at, o.had = now, ran+delayed
	return clock, max(0, waited)
}

// BenchmarkLoad puts a value each 10 s into many series, shuffled, as one
// connection does, with seals beside it, for so many rounds of 10 s.
func BenchmarkLoad(b *testing.B) {
	b.Run("100000", func(b *testing.B) { load(b, 100_000, 120) })
	b.Run("1000000", func(b *testing.B) { load(b, 1_000_000, 40) })
}

// othersPauses is what the machine itself lets a goroutine wait that does next to
// nothing: how late ticks come. A writer cannot do better.
func othersPauses(b *testing.B) (stop func() *pauses) {
	b.Helper()
	tick := time.NewTicker(time.Millisecond)
	done := make(chan struct{})
	var p pauses
	var wait sync.WaitGroup
	wait.Go(func() {
		for at := time.Now(); ; {
			select {
			case <-done:
				return
			case <-tick.C:
				now := time.Now()
				p.add(now.Sub(at) - time.Millisecond)
				at = now
			}
		}
	})
	return func() *pauses {
		tick.Stop()
		close(done)
		wait.Wait()
		return &p
	}
}

func load(b *testing.B, n, rounds int) {
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	values := make([]float64, n)
	names := make([][]byte, n)
	for i, k := range order {
		names[i] = fmt.Appendf(nil, "servers.host%05d.cpu.core%02d.user", k/20, k%20)
	}
	before := rss(b)
	dir := b.TempDir()
	c := &clock{unix: epoch}
	open := func() *store.DB {
		db, err := store.Open(store.Options{Dir: dir, Now: c.now, SealEvery: -1, MaxNewSeries: 10 * n})
		require.NoError(b, err)
		return db
	}
	db := open()
	w := db.NewWriter()
	l := loading{b: b, db: db, sealed: make(chan error, 1)}
	others := othersPauses(b)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own := newOwn(b)
	used := cpuTime(b)
	b.ResetTimer()
	for range rounds {
		for i, name := range names {
			values[i] += float64(i%7-3) / 10
			if r := w.Put(name, 0, c.unix, values[i]); r != store.Taken {
				b.Fatal(r)
			}
			if i%1000 == 999 {
				require.NoError(b, w.Flush())
				clock, waited := own.lap(b)
				l.pauses.add(clock)
				l.waits.add(waited)
			}
		}
		require.NoError(b, w.Flush())
		l.peak = max(l.peak, residentBytes(b))
		_, _ = own.lap(b)
		if c.forward(10); c.unix%600 == 0 || db.Stats().Closed > 192<<20 {
			l.seal()
		}
	}
	b.StopTimer()
	b.Logf("a goroutine that only waits, meanwhile: %s", others())
	l.wait()
	require.NoError(b, db.Sync())
	total := float64(n * rounds)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/total, "ns/sample")
	b.ReportMetric(float64((cpuTime(b)-used).Nanoseconds())/total, "ns-CPU/sample")
	b.ReportMetric(float64(l.pauses.worst.Microseconds())/1000, "ms-worst")
	b.Logf("from one Flush to the next, a thousand samples, while %d seals and %d folds ran: %s", db.Stats().Seals, db.Stats().Folds, &l.pauses)
	b.Logf("of these it waited, and not for a CPU: %s", &l.waits)
	b.ReportMetric(float64(l.waits.worst.Microseconds())/1000, "ms-waited")
	b.ReportMetric(l.took.Seconds(), "s-seal")
	b.ReportMetric((rss(b)-before)/float64(n), "B-RSS/series")
	b.ReportMetric((l.peak-before)/float64(n), "B-peak/series")
	b.ReportMetric(float64(db.Stats().FrameBytes)/total, "B-frames/sample")
	require.NoError(b, db.Close())
	db, w, l.db = nil, nil, nil
	at, cpu := time.Now(), cpuTime(b)
	db = open()
	b.ReportMetric(time.Since(at).Seconds(), "s-restart")
	b.ReportMetric((cpuTime(b) - cpu).Seconds(), "s-CPU-restart")
	require.NoError(b, db.Close())
}

// loading seals beside a load.
type loading struct {
	b       *testing.B
	db      *store.DB
	sealed  chan error
	sealing bool
	took    time.Duration // by the last seal
	pauses  pauses
	waits   pauses
	peak    float64 // bytes
}

// seal begins a seal, unless the one before is still at it.
func (l *loading) seal() {
	if l.sealing {
		select {
		case err := <-l.sealed:
			require.NoError(l.b, err)
		default:
			return
		}
	}
	l.sealing = true
	go func() {
		at := time.Now()
		err := l.db.Tend(l.b.Context())
		l.took = time.Since(at)
		l.sealed <- err
	}()
}

func (l *loading) wait() {
	if l.sealing {
		require.NoError(l.b, <-l.sealed)
	}
}
